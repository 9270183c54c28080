#!/bin/sh
# A store in a real S3 server: the first seed end to end and "pannier demo edge-to-cloud", both on MinIO. MINIO names a program that is there; else
# one is built with Go from the module that bench/compare pins too (about five minutes, once, into target/peers).
set -eu
. checks/python/prepare.sh
[ -z "${REFERENCE:-}" ] || { echo "SKIPPED: the reference keeps no data in S3"; exit 77; }
version=$(sed -n 's/^MINIO_VERSION=//p' bench/compare)
peers=$ROOT/target/peers
if [ -z "${MINIO:-}" ]; then
  MINIO=$peers/minio-$version/minio
  if [ ! -x "$MINIO" ]; then
    command -v go > /dev/null || { echo "SKIPPED: no Go to build MinIO with, and MINIO names no program"; exit 77; }
    mkdir -p "$peers"
    echo "Building MinIO $version ..."
    if ! GOPATH=$peers/tmp/go GOCACHE=$peers/tmp/go-cache GOBIN=$(dirname "$MINIO") GOFLAGS="-modcacherw -buildvcs=false" CGO_ENABLED=0 \
      nice go install "github.com/minio/minio@$version" > "$peers/minio.log" 2>&1; then
      echo "SKIPPED: Go cannot build it, see $peers/minio.log"
      exit 77
    fi
    rm -rf "$peers/tmp/go" "$peers/tmp/go-cache"
  fi
fi
[ -x "$MINIO" ] || { echo "FAILED MINIO is no program: $MINIO"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
ln -s "$MINIO" "$work/minio"
PATH=$work:$PATH
export PATH
"$PYTHON" checks/python/cloud.py
"$ROOT/pannier" demo edge-to-cloud --seconds 6 --robots 1 --json > "$work/demo.log" 2>&1 || { cat "$work/demo.log"; echo "FAILED the demonstration on MinIO"; exit 1; }
grep -q '"phase":"Starting MinIO' "$work/demo.log" || { cat "$work/demo.log"; echo "FAILED it did not use MinIO"; exit 1; }
grep -q '"equal":true' "$work/demo.log" || { cat "$work/demo.log"; echo "FAILED the stores are not equal"; exit 1; }
echo "ok the demonstration on MinIO"
