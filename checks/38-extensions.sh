#!/bin/sh
# Extensions of queries: the worked example is compiled, put into a folder, and used over HTTP and with the unmodified Python client.
set -eu
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: this is about our own extensions"; exit 77; }
exec "$PYTHON" checks/python/extensions.py
