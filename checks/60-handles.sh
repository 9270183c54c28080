#!/bin/sh
# 64 writers and 16 readers on one entry, then on 1000 entries, with a server that may open no more than 256 files.
set -eu
. checks/python/prepare.sh
exec "$PYTHON" checks/python/handles.py
