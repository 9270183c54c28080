#!/bin/sh
# Builds the Debian package for this machine's architecture (amd64 or arm64): deploy/target/pannier_VERSION_ARCHITECTURE.deb
#
#   deploy/debian/build.sh [--version VERSION] [--program FOLDER] [--output FOLDER]
#
#   --version    version of the package, that of the pom by default (a distributor's suffix, for instance 0.1.0+robot1)
#   --program    a program folder made before by deploy/program.sh; by default it is made now
#   --output     where the package is put, deploy/target by default
#
#   DEBFULLNAME, DEBEMAIL      who maintains the package; shown by apt
#   SOURCE_DATE_EPOCH          the second of all times in it, that of the commit by default
#
# Needs dpkg-deb, and what deploy/program.sh needs. Two builds of one commit with one JDK and one dpkg give the same bytes.
set -eu
umask 022
ROOT=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$ROOT/deploy/version.sh"
program=
output=$ROOT/deploy/target
while [ $# -gt 0 ]; do
  case $1 in
    --version | --program | --output)
      [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
      case $1 in
        --version) VERSION=$2 ;;
        --program) program=$2 ;;
        --output) output=$2 ;;
      esac
      shift 2
      ;;
    -h | --help) sed -n '2,14p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *) echo "build.sh: unknown option $1; see --help" >&2; exit 2 ;;
  esac
done
command -v dpkg-deb > /dev/null || { echo "dpkg-deb is needed to build a Debian package." >&2; exit 1; }
if [ -z "$program" ]; then
  program=$ROOT/deploy/target/program
  "$ROOT/deploy/program.sh" "$program"
fi
# The runtime in the program folder decides what machine the package is for.
case $(sed -n 's/^OS_ARCH="\(.*\)"$/\1/p' "$program/runtime/release") in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) echo "There is no Debian package for the architecture of $program/runtime." >&2; exit 1 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
doc=$root/usr/share/doc/pannier
mkdir -p "$root/DEBIAN" "$root/usr/lib/pannier" "$root/usr/bin" "$root/usr/lib/systemd/system" "$root/etc/pannier" "$doc" \
  "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions"
for part in bin lib runtime classpath jvm.sh; do
  cp -Rp "$program/$part" "$root/usr/lib/pannier"
done
ln -s ../lib/pannier/bin/pannier "$root/usr/bin/pannier"
cp "$ROOT/deploy/debian/pannier.service" "$root/usr/lib/systemd/system"
cp "$ROOT/deploy/debian/pannier.env" "$root/etc/pannier"
cp "$ROOT/deploy/debian/copyright" "$program/LICENSE" "$program/THIRD-PARTY.txt" "$program/pannier.cdx.json" "$program/share/settings.md" "$doc"
gzip -9n < "$program/share/CHANGELOG.md" > "$doc/CHANGELOG.md.gz"
maintainer="${DEBFULLNAME:-Pannier maintainers} <${DEBEMAIL:-root@localhost}>"
# The form that Debian's tools read; what changed is told in one place only.
printf 'pannier (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz beside this file.\n\n -- %s  %s\n' "$VERSION" "$maintainer" \
  "$(LC_ALL=C date -u -R -d "@$EPOCH")" | gzip -9n > "$doc/changelog.gz"
gzip -9n < "$program/share/pannier.1" > "$root/usr/share/man/man1/pannier.1.gz"
# It is sourced, so its first line, which names an interpreter, goes.
sed 1d "$program/share/pannier.bash" > "$root/usr/share/bash-completion/completions/pannier"
cp "$ROOT/deploy/debian/postinst" "$ROOT/deploy/debian/prerm" "$ROOT/deploy/debian/postrm" "$root/DEBIAN"
echo /etc/pannier/pannier.env > "$root/DEBIAN/conffiles"

(cd "$root" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -print | sed 's:^\./::' | LC_ALL=C sort | tr '\n' '\0' | xargs -0 md5sum) \
  > "$work/md5sums"
mv "$work/md5sums" "$root/DEBIAN/md5sums"
# In KiB, each file rounded up: the sum does not depend on the file system here.
size=$(find "$root" -path "$root/DEBIAN" -prune -o -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
sed -e "s|@VERSION@|$VERSION|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@SIZE@|$size|" \
  -e "s|@MAINTAINER@|$maintainer|" "$ROOT/deploy/debian/control.in" > "$root/DEBIAN/control"

chmod -R u=rwX,go=rX "$root"
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"
# Tokens may stand in it; systemd reads it before it gives up its rights.
chmod 600 "$root/etc/pannier/pannier.env"
find "$root" -exec touch -h -d "@$EPOCH" {} +
mkdir -p "$output"
# xz, which every Debian and Ubuntu in use can read; by one thread, because the bytes depend on whether there are several.
export SOURCE_DATE_EPOCH="$EPOCH" DPKG_DEB_THREADS_MAX=1
dpkg-deb --root-owner-group -Zxz -z"${PANNIER_DEB_LEVEL:-6}" --build "$root" "$output/pannier_${VERSION}_$architecture.deb"
