#!/bin/sh
# Every public call of reduct-rs, as the crates registry has it. The first build takes a minute or two.
set -eu
. checks/python/prepare.sh
version=$(cargo --version 2> /dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
# A crate below the client asks for 1.91.
if [ "${version:-0}" -lt 91 ]; then
  echo "SKIPPED: no Rust 1.91 or newer with cargo"
  exit 77
fi
mkdir -p target/clients
manifest=checks/clients/rust/Cargo.toml
fetch() {
  cargo fetch --manifest-path $manifest "$@" > target/clients/rust.log 2>&1 < /dev/null
}
if ! fetch --offline && ! fetch; then
  echo "SKIPPED: reduct-rs could not be downloaded (see target/clients/rust.log)"
  exit 77
fi
if ! nice cargo build --quiet --offline -j 2 --manifest-path $manifest --target-dir target/clients/rust \
    > target/clients/rust.log 2>&1 < /dev/null; then
  tail -n 40 target/clients/rust.log
  exit 1
fi
exec "$PYTHON" checks/clients/run.py rust sh -c '"$0" && exec "$@"' target/clients/rust/debug/scenario "$PYTHON" checks/clients/rust/published.py
