#!/bin/sh
# A full disk: nothing acknowledged is lost, and every way to make room works. Needs the right to mount a small file system.
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/python/disk_full.py
