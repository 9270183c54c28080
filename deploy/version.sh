# Sets VERSION, that of the root pom, and EPOCH, the second of all times in packages: SOURCE_DATE_EPOCH, else that of the commit, else that of
# the files in the jars. Meant to be sourced with ROOT set.
VERSION=$(sed -n 's:^  <version>\(.*\)</version>$:\1:p' "$ROOT/pom.xml" | head -n 1)
EPOCH=${SOURCE_DATE_EPOCH:-}
[ -n "$EPOCH" ] || EPOCH=$(git -C "$ROOT" log -1 --format=%ct 2> /dev/null) \
  || EPOCH=$(date -u -d "$(sed -n 's:.*<project.build.outputTimestamp>\(.*\)</.*:\1:p' "$ROOT/pom.xml")" +%s)
[ -n "$VERSION" ] && [ -n "$EPOCH" ] || { echo "There is no version in $ROOT/pom.xml." >&2; exit 1; }
