#!/bin/sh
# Asks the reference server again and compares with what is recorded in checks/answers. REDUCTSTORE names its program.
set -eu
[ -n "${ROOT:-}" ] || ROOT=$(pwd -P)
cd "$ROOT"
PYTHON=${PYTHON:-python3}
if [ -z "${REDUCTSTORE:-}" ] || [ ! -x "$REDUCTSTORE" ]; then
  echo "SKIPPED: REDUCTSTORE does not name the program of a reference server"
  exit 77
fi
export ROOT PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$PYTHON" checks/answers/run.py --reference
