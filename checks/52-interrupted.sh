#!/bin/sh
# cp, export, put and mirror are ended by signals at random points, and called again: in the end everything is there, once and unchanged.
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/python/interrupted.py --cuts 4 ${SEED:+--seed "$SEED"}
