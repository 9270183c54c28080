#!/bin/sh
# Replication in all directions between Pannier and the reference server that REDUCTSTORE names.
set -eu
if [ -z "${REDUCTSTORE:-}" ] || [ ! -x "$REDUCTSTORE" ]; then
  echo "SKIPPED: REDUCTSTORE does not name the program of a reference server"
  exit 77
fi
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: both servers are needed here"; exit 77; }
exec "$PYTHON" checks/python/directions.py
