#!/bin/sh
# Every public call of reduct-py, as PyPI has it. How to aim this and its neighbours at another server: checks/clients/README.md
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/clients/run.py python "$PYTHON" checks/clients/python/scenario.py
