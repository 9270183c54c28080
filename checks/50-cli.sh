#!/bin/sh
# Every command of reduct-cli, as the crates registry has it; built once into target/tools, which takes some minutes, or REDUCT_CLI names one.
set -eu
. checks/python/prepare.sh
name=reduct-cli
number=0.13.0
built=$ROOT/target/tools/$name-$number/bin/reduct-cli
build() {
  # What is tried is the program, not its speed.
  nice cargo install "$name" --version "$number" "$@" --debug -j 2 --root "target/tools/$name-$number" --target-dir target/tools/build \
    >> target/tools/cargo.log 2>&1 < /dev/null
}
if [ -z "${REDUCT_CLI:-}" ] && [ ! -x "$built" ]; then
  version=$(cargo --version 2> /dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
  if [ "${version:-0}" -lt 91 ]; then
    echo "SKIPPED: no reduct-cli (REDUCT_CLI), and no Rust 1.91 or newer with cargo to build it"
    exit 77
  fi
  echo "Building $name $number, once ..."
  mkdir -p target/tools
  # The versions it was published with, unless one of them is no longer to be had.
  if ! build --locked && ! build; then
    echo "SKIPPED: $name could not be built (see target/tools/cargo.log)"
    exit 77
  fi
  rm -rf target/tools/build
fi
export REDUCT_CLI="${REDUCT_CLI:-$built}"
exec "$PYTHON" checks/clients/run.py cli "$PYTHON" checks/clients/cli/scenario.py
