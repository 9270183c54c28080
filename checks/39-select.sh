#!/bin/sh
# The extension "select" through HTTP with the unmodified Python client: all vectors, the IMU example, hostile statements and broken content; Parquet
# and Protobuf written and read by pyarrow, duckdb and protobuf.
set -eu
[ -n "${ROOT:-}" ] || ROOT=$(pwd -P)
cd "$ROOT"
base=${PYTHON:-python3}
if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
  echo "SKIPPED: no Python 3.11 or newer"
  exit 77
fi
venv=target/venv-select
if ! cmp -s checks/select/requirements.txt "$venv/requirements.txt"; then
  mkdir -p target
  rm -rf "$venv"
  if ! { "$base" -m venv "$venv" && "$venv/bin/python" -m pip install -q --disable-pip-version-check -r checks/select/requirements.txt; } > target/venv-select.log 2>&1; then
    rm -rf "$venv"
    echo "SKIPPED: the packages of checks/select/requirements.txt could not be installed (see target/venv-select.log)"
    exit 77
  fi
  cp checks/select/requirements.txt "$venv/requirements.txt"
fi
if [ "${PANNIER_BUILD:-}" != never ]; then
  PANNIER_BUILD=only ./pannier
fi
export ROOT PANNIER_BUILD=never PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH="$ROOT/checks/python"
exec "$venv/bin/python" checks/select/run.py
