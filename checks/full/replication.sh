#!/bin/sh
# A long outage at 20 x 1 kHz (time compressed), many rounds of faults on the link, kills of both servers, a link that stands still, and kills under
# load. OUTAGE (seconds), ROUNDS, KILLS and SEED in the environment change that. Some minutes.
set -eu
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: the reference loses records here"; exit 77; }
exec "$PYTHON" checks/python/replication.py --kills "${KILLS:-60}" --outage "${OUTAGE:-30}" --rounds "${ROUNDS:-60}" --still ${SEED:+--seed "$SEED"}
