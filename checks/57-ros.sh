#!/bin/sh
# The extension ros with programs of others: mcap, mcap-ros2-support, mcap-protobuf-support and rosbags write what it reads and read what it writes;
# all through HTTP with the Python client, curl's way and the command line.
set -eu
[ -n "${ROOT:-}" ] || ROOT=$(pwd -P)
cd "$ROOT"
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: the reference has this extension only as a closed program"; exit 77; }
base=${PYTHON:-python3}
if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
  echo "SKIPPED: no Python 3.11 or newer"
  exit 77
fi
venv=target/venv-ros
if ! cmp -s checks/ros/requirements.txt "$venv/requirements.txt"; then
  mkdir -p target
  rm -rf "$venv"
  if ! { "$base" -m venv "$venv" && "$venv/bin/python" -m pip install -q --disable-pip-version-check -r checks/ros/requirements.txt; } > target/venv-ros.log 2>&1; then
    rm -rf "$venv"
    echo "SKIPPED: the packages of checks/ros/requirements.txt could not be installed (see target/venv-ros.log)"
    exit 77
  fi
  cp checks/ros/requirements.txt "$venv/requirements.txt"
fi
if [ "${PANNIER_BUILD:-}" != never ]; then
  PANNIER_BUILD=only ./pannier
fi
export ROOT PANNIER_BUILD=never PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$venv/bin/python" checks/ros/run.py
