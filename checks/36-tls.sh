#!/bin/sh
# HTTPS with an authority of one's own, as the README has it: "pannier tls", a server with its certificate, and the clients that are there.
set -eu
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: this is about our own command"; exit 77; }
if [ -z "${REDUCT_CLI:-}" ]; then
  # Where 50-cli.sh has built it.
  for built in target/tools/reduct-cli-*/bin/reduct-cli; do
    [ ! -x "$built" ] || export REDUCT_CLI="$ROOT/$built"
  done
fi
exec "$PYTHON" checks/python/tls.py
