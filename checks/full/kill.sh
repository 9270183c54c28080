#!/bin/sh
# Kills the server under load 500 times. KILLS and SEED in the environment change that.
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/python/kill.py --kills "${KILLS:-500}" ${SEED:+--seed "$SEED"}
