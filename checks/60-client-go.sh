#!/bin/sh
# Every public call of reduct-go, as the proxies of Go modules have it.
set -eu
. checks/python/prepare.sh
export GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
version=$(go env GOVERSION 2> /dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
# The client asks for 1.24 itself.
if [ "${version:-0}" -lt 24 ]; then
  echo "SKIPPED: no Go 1.24 or newer"
  exit 77
fi
mkdir -p target/clients/go
if ! (cd checks/clients/go && go mod download github.com/reductstore/reduct-go) > target/clients/go.log 2>&1 < /dev/null; then
  echo "SKIPPED: reduct-go could not be downloaded (see target/clients/go.log)"
  exit 77
fi
(cd checks/clients/go && nice go build -o "$ROOT/target/clients/go/scenario" .)
exec "$PYTHON" checks/clients/run.py go target/clients/go/scenario
