#!/bin/sh
# The README's five-minute tour with the client from PyPI, and how the server starts and stops.
set -eu
. checks/python/prepare.sh
# The program works without, only slower, so nothing else would tell.
[ -s target/dist/pannier.aot ] || { echo "The build left no AOT cache; see target/aot-training.log"; exit 1; }
exec "$PYTHON" checks/python/first_steps.py
