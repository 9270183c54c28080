#!/bin/sh
# Backups by the command line: of a server under load, cut short and repeated, restored elsewhere and into a running server, damaged and pruned.
set -eu
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: the reference has no backups"; exit 77; }
exec "$PYTHON" checks/python/backup.py
