#!/bin/sh
# Asks our server what checks/answers says and compares its answers with those of the reference that are recorded there.
set -eu
[ -n "${ROOT:-}" ] || ROOT=$(pwd -P)
cd "$ROOT"
PYTHON=${PYTHON:-python3}
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
  echo "SKIPPED: no Python 3.11 or newer"
  exit 77
fi
if [ "${PANNIER_BUILD:-}" != never ]; then
  PANNIER_BUILD=only ./pannier
fi
export ROOT PANNIER_BUILD=never PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$PYTHON" checks/answers/run.py
