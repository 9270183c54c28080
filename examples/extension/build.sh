#!/bin/sh
# Makes lines.jar: an extension of queries, compiled against the jars of Pannier.
#
#   examples/extension/build.sh [FOLDER] [LIB]      default: target/extension below the source tree; the jars of the program ./pannier has built
#
# Start the server with RS_EXT_PATH=FOLDER then.
set -eu
ROOT=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$ROOT/tools/build.sh"
find_java
folder=${1:-$ROOT/target/extension}
lib=${2:-$ROOT/target/dist/lib}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
mkdir -p "$folder"
"$JAVA_HOME/bin/javac" -Xlint:all -Werror -proc:none --release 25 -cp "$lib/*" -d "$classes" "$ROOT/examples/extension/src/com/example/lines/LinesExtension.java"
cp -R "$ROOT/examples/extension/src/META-INF" "$classes"
"$JAVA_HOME/bin/jar" --create --file "$folder/lines.jar" -C "$classes" .
echo "$folder/lines.jar"
