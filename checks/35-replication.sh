#!/bin/sh
# Two servers, of which one copies to the other; both are killed again and again while robots record.
set -eu
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: the reference loses records here"; exit 77; }
exec "$PYTHON" checks/python/replication.py --kills 8 ${SEED:+--seed "$SEED"}
