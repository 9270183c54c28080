#!/bin/sh
# 2000 connections, half of which send one byte a second: the others do not notice, memory stays within its bound, the slow ones are ended in time.
# CONNECTIONS in the environment changes the number.
set -eu
[ -n "${ROOT:-}" ] || ROOT=$(pwd -P)
cd "$ROOT"
PYTHON=${PYTHON:-python3}
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
  echo "SKIPPED: no Python 3.11 or newer"
  exit 77
fi
if [ ! -r /proc/self/status ]; then
  echo "SKIPPED: no /proc, so that nobody can tell what memory the server takes"
  exit 77
fi
# A third of its files the server keeps for blocks.
wanted=8192
have=$(ulimit -n)
if [ "$have" != unlimited ] && [ "$have" -lt $wanted ] && ! ulimit -n $wanted 2> /dev/null; then
  echo "SKIPPED: no more than $have files may be open (ulimit -n), $wanted are needed"
  exit 77
fi
if [ "${PANNIER_BUILD:-}" != never ]; then
  PANNIER_BUILD=only ./pannier
fi
export ROOT PANNIER_BUILD=never PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$PYTHON" checks/python/connections.py --connections "${CONNECTIONS:-2000}"
