#!/bin/sh
# Builds reduct-cli from the crates registry, once, into target/tools, and runs it against our server.
set -eu
version=0.13.0
if [ ! -x "$ROOT/target/tools/bin/reduct-cli" ] && [ -z "${REDUCT_CLI:-}" ]; then
  if ! command -v cargo > /dev/null; then
    echo "SKIPPED: no reduct-cli (REDUCT_CLI) and no cargo to build it"
    exit 77
  fi
  echo "Building reduct-cli $version, once ..."
  mkdir -p target/tools
  build() {
    nice cargo install reduct-cli --version "$version" "$@" --root target/tools --target-dir target/tools/build >> target/tools/cargo.log 2>&1 < /dev/null
  }
  # The versions it was published with, unless one of them is no longer to be had.
  if ! build --locked && ! build; then
    echo "SKIPPED: reduct-cli could not be built (see target/tools/cargo.log)"
    exit 77
  fi
  rm -rf target/tools/build
fi
exec sh checks/50-cli.sh
