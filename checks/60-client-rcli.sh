#!/bin/sh
# Every command of rcli, the command line of before, as PyPI has it. In an environment of its own: its users have it so.
set -eu
. checks/python/prepare.sh
folder="$ROOT/target/clients/rcli"
if ! cmp -s checks/clients/rcli/requirements.txt "$folder/requirements.txt"; then
  rm -rf "$folder"
  mkdir -p target/clients
  if ! { "$PYTHON" -m venv "$folder" && "$folder/bin/python" -m pip install -q --disable-pip-version-check -r checks/clients/rcli/requirements.txt; } \
      > target/clients/rcli.log 2>&1 < /dev/null; then
    rm -rf "$folder"
    echo "SKIPPED: rcli could not be installed (see target/clients/rcli.log)"
    exit 77
  fi
  cp checks/clients/rcli/requirements.txt "$folder"
fi
export RCLI="$folder/bin/rcli"
exec "$PYTHON" checks/clients/run.py rcli "$PYTHON" checks/clients/rcli/scenario.py
