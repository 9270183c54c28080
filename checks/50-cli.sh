#!/bin/sh
# Every command of reduct-cli, as the crates registry has it. "./check --full cli" builds it once, where cargo is present.
set -eu
. checks/python/prepare.sh
REDUCT_CLI=${REDUCT_CLI:-$ROOT/target/tools/bin/reduct-cli}
if [ ! -x "$REDUCT_CLI" ]; then
  echo "SKIPPED: no reduct-cli here; set REDUCT_CLI, or let ./check --full cli build it"
  exit 77
fi
export REDUCT_CLI
exec "$PYTHON" checks/clients/run.py cli "$PYTHON" checks/clients/cli/scenario.py
