#!/bin/sh
# Whether everything that measures still runs: microbenchmarks, load drivers, bench/run, bench/compare, bench/extract, bench/replication and bench/cli,
# tiny and on our side only. Fails on errors, never on figures.
set -eu
export PANNIER_BUILD=never
# One of its own, so that two checks on one machine do not meet.
export BENCH_PORT=${BENCH_PORT:-$((20000 + $$ % 10000))}
passed=0
failed=0

part() {
  name=$1
  shift
  if "$@" > target/bench-smoke.log 2>&1; then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "FAILED $name"
    tail -n 30 target/bench-smoke.log
    failed=$((failed + 1))
  fi
}

if [ -d bench/target/test-classes ] && [ -d bench/target/lib ]; then
  part micro bench/micro --smoke
else
  # A build without tests.
  PANNIER_BUILD=auto part micro bench/micro --smoke
fi
part run bench/run --smoke write-1k-c16-e100 write-8m read-1k batch-80-v2 query-1k idle
part compare bench/compare --smoke write-10k-c4 disk-write-100k read-1m-c4 query-500k query-500k-v2 when-1pct when-001pct sustained-8m sdk-1k
part extract bench/extract --smoke
part replication bench/replication --smoke 1k p99-on backlog
part cli bench/cli --smoke
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
