#!/bin/sh
# Two builds of this tree, in folders of different names, one after the other, in other time zones, languages and with another umask, give the same
# bytes: jars, program folder with its times and modes, bill of materials, Debian package. Not the cache of prepared classes, which is made where
# the program is installed: it holds what the JIT compiler saw in one run, and addresses.
set -eu
ROOT=${ROOT:-$(pwd -P)}
. "$ROOT/tools/build.sh"
command -v git > /dev/null && git -C "$ROOT" rev-parse --git-dir > /dev/null 2>&1 || { echo "SKIPPED: needs git and a clone of the repository"; exit 77; }
find_java
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
debian=
command -v dpkg-deb > /dev/null && debian=yes
SOURCE_DATE_EPOCH=$(git -C "$ROOT" log -1 --format=%ct)
export SOURCE_DATE_EPOCH

# What is in folder $1: kind, mode, second and target of everything, and the digest of every file.
listing() {
  (cd "$1" && find . -printf '%P %y %m %Ts %l\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
}

# Builds in folder $1, with the sources as they are now.
build() {
  mkdir -p "$1"
  # What git knows and what it would add, so that the build tries the tree that is here. Times become those of now.
  (cd "$ROOT" && git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - 2> /dev/null) | tar -C "$1" -xmf -
  (cd "$1" && "$1/deploy/program.sh" "$1/made") > "$1.log" 2>&1 || { tail -n 20 "$1.log"; return 1; }
  listing "$1/made" > "$1.list"
  (cd "$1/cli/target/dist/lib" && sha256sum pannier-*.jar) >> "$1.list"
  if [ -n "$debian" ]; then
    "$1/deploy/debian/build.sh" --program "$1/made" --output "$1/deb" > "$1.log" 2>&1 || { tail -n 20 "$1.log"; return 1; }
    (cd "$1/deb" && sha256sum ./*) >> "$1.list"
  fi
}

(umask 022; TZ=UTC LC_ALL=C build "$work/one")
(umask 077; TZ=Asia/Tokyo LC_ALL=C.UTF-8 build "$work/a folder-of-another-length")
if cmp -s "$work/one.list" "$work/a folder-of-another-length.list"; then
  grep -E 'pannier-cli|\.deb$|pannier\.cdx' "$work/one.list" | tail -n 4
  [ -n "$debian" ] || echo "(without a Debian package: no dpkg-deb)"
  echo "Both builds are the same: $(wc -l < "$work/one.list") lines of names, modes, times and digests."
else
  diff "$work/one.list" "$work/a folder-of-another-length.list" | head -n 40
  echo "FAILED: the builds differ"
  exit 1
fi
