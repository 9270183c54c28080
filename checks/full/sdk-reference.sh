#!/bin/sh
# The tests of the Java SDK that speak to a real server, with ReductStore as that server: REDUCTSTORE names a program of 1.21, REDUCTSTORE_1_17 one of 1.17.
set -eu
[ -n "${ROOT:-}" ] || ROOT=$(pwd -P)
cd "$ROOT"
. tools/build.sh
asked=
for variable in REDUCTSTORE REDUCTSTORE_1_17; do
  program=$(printenv "$variable" || true)
  if [ -n "$program" ] && [ -x "$program" ]; then
    asked="$asked $variable"
  else
    echo "SKIPPED: $variable does not name the program of a reference server"
    unset "$variable"
  fi
done
if [ -z "$asked" ]; then
  echo "0 passed, 0 failed, 2 skipped"
  exit 77
fi
find_java
find_maven
log=target/sdk-reference.log
mkdir -p target
if ! "$MAVEN" -B -ntp -Dstyle.color=never -Dspotless.check.skip=true -pl cli -am verify -Dtest=ClientContractTest -Dsurefire.failIfNoSpecifiedTests=false \
  > "$log" 2>&1 < /dev/null; then
  grep -E '^\[ERROR\]' "$log" | head -n 30
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
for variable in $asked; do
  echo "ok the SDK works with $variable"
done
set -- $asked
echo "$# passed, 0 failed, $((2 - $#)) skipped"
