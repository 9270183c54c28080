#!/bin/sh
# The command-line client of ReductStore, as its makers publish it, against our server. Builds it once, into target/tools, where cargo is present.
set -eu
. checks/python/prepare.sh
version=0.13.0
REDUCT_CLI=${REDUCT_CLI:-$ROOT/target/tools/bin/reduct-cli}
if [ ! -x "$REDUCT_CLI" ]; then
  if ! command -v cargo > /dev/null; then
    echo "SKIPPED: no reduct-cli (REDUCT_CLI) and no cargo to build it"
    exit 77
  fi
  echo "Building reduct-cli $version, once ..."
  mkdir -p target/tools
  if ! nice cargo install reduct-cli --version "$version" --locked --root target/tools --target-dir target/tools/build \
      > target/tools/cargo.log 2>&1 < /dev/null; then
    echo "SKIPPED: reduct-cli could not be built (see target/tools/cargo.log)"
    exit 77
  fi
  rm -rf target/tools/build
fi
export REDUCT_CLI
exec "$PYTHON" checks/python/cli.py
