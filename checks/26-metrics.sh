#!/bin/sh
# Scrapes a server at work as Prometheus does, reads what comes with its library, and looks whether everything that deploy/observability names is there.
set -eu
. checks/python/prepare.sh
if ! "$PYTHON" -c 'import prometheus_client, yaml' 2> /dev/null; then
  echo "SKIPPED: no Python with prometheus_client and yaml (./check makes one in .venv)"
  exit 77
fi
exec "$PYTHON" checks/python/metrics.py
