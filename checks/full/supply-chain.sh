#!/bin/sh
# What the packages say they are made of: every jar is in the bill of materials with its digest, every library has an allowed licence and its text;
# and a build that would break this stops. PROGRAM names a program folder that was just made in this tree, to try that one.
set -eu
ROOT=${ROOT:-$(pwd -P)}
. "$ROOT/tools/build.sh"
find_java
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
passed=0
ok() {
  echo "ok $1"
  passed=$((passed + 1))
}
fail() {
  echo "FAILED $1"
  echo "$passed passed, 1 failed, 0 skipped"
  exit 1
}

if [ -n "${PROGRAM:-}" ]; then
  ln -s "$PROGRAM" "$work/program"
else
  deploy/program.sh "$work/program" > /dev/null
fi
for jar in "$work/program/lib"/*.jar; do
  case ${jar##*/} in
    pannier-cli-*) ;;
    *) grep -q "$(sha256sum < "$jar" | cut -d ' ' -f 1)" "$work/program/pannier.cdx.json" || fail "${jar##*/} is in the bill of materials" ;;
  esac
  case ${jar##*/} in
    pannier-*) ;;
    *) grep -q "^${jar##*/}$" "$work/program/THIRD-PARTY.txt" || fail "${jar##*/} is in THIRD-PARTY.txt" ;;
  esac
done
ok "every jar is in the bill of materials, every library in THIRD-PARTY.txt"
grep -q '"OpenJDK runtime"' "$work/program/pannier.cdx.json" || fail "the Java runtime is in the bill of materials"
ok "the Java runtime is in the bill of materials"
for text in "Apache License" "Eclipse Public License" "Redistribution and use in source and binary forms" "Permission is hereby granted"; do
  grep -q "$text" "$work/program/THIRD-PARTY.txt" || fail "THIRD-PARTY.txt has the text: $text"
done
ok "THIRD-PARTY.txt has the texts of the licences"

# Changes a copy of the bill or of the jars by the command $2 and expects that the build would stop and say $3.
refused() {
  what=$1
  change=$2
  says=$3
  rm -rf "$work/copy"
  mkdir -p "$work/copy/runtime"
  cp -R "$work/program/lib" "$work/copy/lib"
  cp "$work/program/runtime/release" "$work/copy/runtime"
  cp cli/target/bom.json "$work/copy/bom.json"
  (cd "$work/copy" && eval "$change")
  if "$JAVA_HOME/bin/java" -cp "$work/program/lib/*" deploy/SupplyChain.java "$work/copy/bom.json" "$work/copy" deploy/licences > "$work/said" 2>&1; then
    fail "$what stops the build"
  fi
  grep -q "$says" "$work/said" || { cat "$work/said"; fail "$what stops the build and is named"; }
  [ ! -e "$work/copy/THIRD-PARTY.txt" ] || fail "$what leaves nothing behind"
  ok "$what stops the build"
}
refused "a library under the AGPL" "sed -i 's/\"MIT\"/\"AGPL-3.0-only\"/' bom.json" "org.slf4j:slf4j-api.*AGPL-3.0-only"
refused "a library under the GPL with its name written out" "sed -i 's/\"MIT\"/\"GNU General Public License, version 3\"/' bom.json" "org.slf4j:slf4j-api.*GNU General"
refused "a jar that nobody accounts for" "cp lib/slf4j-api-*.jar lib/other.jar && echo >> lib/other.jar" "other.jar is in the program but not in the bill"
refused "a jar that was exchanged" "echo >> \$(ls lib/slf4j-api-*.jar)" "slf4j-api.*is in the bill of materials but not in the program"
echo "$passed passed, 0 failed, 0 skipped"
