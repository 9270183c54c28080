#!/bin/sh
# Kills the server under load two dozen times; checks/full/kill.sh does it hundreds of times.
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/python/kill.py --kills 24 ${SEED:+--seed "$SEED"}
