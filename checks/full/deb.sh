#!/bin/sh
# The Debian package, built, installed, started by a systemd, upgraded, removed and purged, in a copy of this machine that is gone afterwards:
# own mounts, processes and network, changes in memory. Needs root on Debian or a kin of it.
set -eu
ROOT=${ROOT:-$(pwd -P)}
. tools/build.sh
skip() {
  echo "SKIPPED: $1"
  exit 77
}
[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || skip "needs Linux and root"
for command in dpkg dpkg-deb unshare nsenter curl openssl python3 adduser deb-systemd-invoke systemctl; do
  command -v "$command" > /dev/null || skip "needs $command"
done
[ -x /lib/systemd/systemd ] || skip "needs systemd"
! dpkg -s pannier > /dev/null 2>&1 || skip "pannier is installed on this machine"
unshare --mount --pid --fork --uts --ipc --cgroup --net true 2> /dev/null || skip "may not make namespaces"
find_java
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
deploy/program.sh "$work/program"
# The earlier version is the same program under a lower number. Hardly packed: what is tested is not the packing.
PANNIER_DEB_LEVEL=0 deploy/debian/build.sh --program "$work/program" --version 0.0.9 --output "$work/old"
PANNIER_DEB_LEVEL=0 deploy/debian/build.sh --program "$work/program" --output "$work/new"
PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 python3 checks/python/deb.py "$work/old"/*.deb "$work/new"/*.deb
