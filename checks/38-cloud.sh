#!/bin/sh
# The first seed end to end: a robot writes, what matters is copied over HTTPS to a cloud store on S3, its folder is lost, and the query by label there
# returns exactly the kept records; a replica reads along. The unmodified Python client speaks to all three.
set -eu
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: the reference keeps no data in S3"; exit 77; }
exec "$PYTHON" checks/python/cloud.py
