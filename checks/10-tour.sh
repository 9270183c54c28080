#!/bin/sh
# The README's five-minute tour with the client from PyPI, and how the server starts and stops.
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/python/first_steps.py
