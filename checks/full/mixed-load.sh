#!/bin/sh
# Everything at once in a ring that is full and has 1000 entries: writes of all sizes, batches, reads, queries, continuous queries, changes of labels,
# removals. No request may fail (404 of what was evicted is no failure), and neither memory nor open files may grow. MINUTES in the environment says how
# long: 10 here, so that all parts together stay below an hour; 60 before a release. SEED changes what is done.
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/python/mixed_load.py --minutes "${MINUTES:-10}" ${SEED:+--seed "$SEED"}
