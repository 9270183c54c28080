#!/bin/sh
# Two servers, of which one copies to the other; both are killed again and again while robots record, and the link between them is bad in all ways.
# checks/full/replication.sh does the same for longer.
set -eu
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: the reference loses records here"; exit 77; }
exec "$PYTHON" checks/python/replication.py --kills 8 --outage 2 --rounds 6 ${SEED:+--seed "$SEED"}
