#!/bin/sh
# Makes the program folder: Pannier with a Java runtime of its own, which runs from wherever it is put on a machine of this architecture.
# Every package (Debian, container, snap) is this folder put into place.
#
#   deploy/program.sh [FOLDER]      default deploy/target/program; an earlier one there is replaced
#
#   bin/pannier            the command                  lib/, classpath       jars, and their order
#   bin/prepare            makes pannier.aot            jvm.sh                flags of the JVM
#   runtime/               what is needed of the JDK    share/                man page, completion for bash, settings, example
#   lib/*.so_*             DuckDB's native library for this architecture
#   pannier.cdx.json       bill of materials            LICENSE, THIRD-PARTY.txt
#
# Needs a JDK 25 and Maven, as ./pannier does. Two builds of one commit with one JDK give the same bytes, wherever and whenever they are
# made: times are those of the commit, or SOURCE_DATE_EPOCH.
set -eu
umask 022
ROOT=$(cd "$(dirname "$0")/.." && pwd -P)
. "$ROOT/tools/jvm.sh"
. "$ROOT/tools/build.sh"
. "$ROOT/deploy/version.sh"
program=${1:-$ROOT/deploy/target/program}
mkdir -p "$(dirname "$program")"
program=$(cd "$(dirname "$program")" && pwd -P)/${program##*/}
# Only what looks like an earlier one is replaced.
if [ -e "$program" ] && [ ! -f "$program/jvm.sh" ]; then
  echo "$program is there and is no program folder." >&2
  exit 1
fi
find_java

echo "Building Pannier $VERSION ..."
take_build_lock
build_jars -Pbill
new=$program.new
rm -rf "$new"
mkdir -p "$new/bin" "$new/share"
cp -R "$ROOT/cli/target/dist/lib" "$new/lib"
cp "$ROOT/cli/target/bom.json" "$new/bom.json"
release_build_lock
class_path_order "$new/lib" > "$new/classpath"
cp "$ROOT/deploy/program/pannier" "$ROOT/deploy/program/prepare" "$new/bin"
cp "$ROOT/tools/jvm.sh" "$ROOT/LICENSE" "$new"
cp "$ROOT/docs/settings.md" "$ROOT/CHANGELOG.md" "$new/share"

echo "Linking a Java runtime ..."
# What the jars refer to, read from them, so that a new library brings its modules along. Left out:
# java.desktop, 15 MB of windows and pictures: Jackson looks for two annotations of java.beans there, and does without.
# Our own classes without their module descriptors: those name libraries that are no modules, which jdeps would look for among modules.
mkdir "$new/classes"
for jar in "$new/lib"/pannier-*.jar; do
  (cd "$new/classes" && "$JAVA_HOME/bin/jar" --extract --file "$jar")
done
rm "$new/classes/module-info.class"
referred=$(find "$new/lib" -name '*.jar' ! -name 'pannier-*' -exec "$JAVA_HOME/bin/jdeps" --ignore-missing-deps --multi-release "$JAVA_NEEDED" --print-module-deps \
  --class-path "$new/lib/*" "$new/classes" {} + 2> /dev/null | tail -n 1 | tr ',' '\n' | grep -v -x 'java\.desktop' | tr '\n' ',')
rm -r "$new/classes"
case $referred in
  *java.base*) ;;
  *) echo "jdeps did not say which modules the program needs." >&2; exit 1 ;;
esac
# What no jar refers to: jdk.management tells how many files the process may open; jdk.jcmd looks into a running server.
"$JAVA_HOME/bin/jlink" --add-modules "${referred}jdk.management,jdk.jcmd" --no-header-files --no-man-pages --compress zip-6 --vm server \
  --output "$new/runtime"
# jlink keeps little of what the JDK says of itself: who built it, from which source, for what machine.
grep -E '^(IMPLEMENTOR|JAVA_RUNTIME_VERSION|OS_ARCH|SOURCE)=' "$JAVA_HOME/release" >> "$new/runtime/release"

echo "Bill of materials and licences ..."
"$JAVA_HOME/bin/java" -cp "$new/lib/*" "$ROOT/deploy/SupplyChain.java" "$new/bom.json" "$new" "$ROOT/deploy/licences"
rm "$new/bom.json"

echo "Completion and man page ..."
"$new/bin/pannier" completion bash > "$new/share/pannier.bash"
"$new/bin/pannier" man > "$new/share/pannier.1"

# Whole seconds: the cache of prepared classes remembers the times of jars, and archives keep no more of them.
find "$new" -exec touch -h -d "@$EPOCH" {} +
chmod -R u=rwX,go=rX "$new"
rm -rf "$program"
mv "$new" "$program"
echo "$program"
