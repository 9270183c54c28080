#!/bin/sh
# The description of the API (/api/v1/openapi.json) is a valid OpenAPI document, and the server answers as it says: schemathesis makes requests of it,
# good and bad ones. EXAMPLES (per route) and SEED in the environment change how many and which.
set -eu
[ -n "${ROOT:-}" ] || ROOT=$(pwd -P)
cd "$ROOT"
base=${PYTHON:-python3}
if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
  echo "SKIPPED: no Python 3.11 or newer"
  exit 77
fi
venv=target/venv-openapi
if ! cmp -s checks/openapi/requirements.txt "$venv/requirements.txt"; then
  mkdir -p target
  rm -rf "$venv"
  if ! { "$base" -m venv "$venv" && "$venv/bin/python" -m pip install -q --disable-pip-version-check -r checks/openapi/requirements.txt; } > target/venv-openapi.log 2>&1; then
    rm -rf "$venv"
    echo "SKIPPED: the packages of checks/openapi/requirements.txt could not be installed (see target/venv-openapi.log)"
    exit 77
  fi
  cp checks/openapi/requirements.txt "$venv/requirements.txt"
fi
if [ "${PANNIER_BUILD:-}" != never ]; then
  PANNIER_BUILD=only ./pannier
fi
export ROOT PANNIER_BUILD=never PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$venv/bin/python" checks/openapi/run.py --examples "${EXAMPLES:-20}" --seed "${SEED:-1}"
