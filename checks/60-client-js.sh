#!/bin/sh
# Every public call of reduct-js, as npm has it.
set -eu
. checks/python/prepare.sh
# The client asks for this version itself.
newer='const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'
if ! node -e "$newer" 2> /dev/null || ! command -v npm > /dev/null; then
  echo "SKIPPED: no Node.js 20.19 or newer with npm"
  exit 77
fi
export MODULES="$ROOT/target/clients/js"
mkdir -p "$MODULES"
if [ ! -d "$MODULES/node_modules/reduct-js" ] || ! cmp -s checks/clients/js/package-lock.json "$MODULES/installed.json"; then
  cp checks/clients/js/package.json checks/clients/js/package-lock.json checks/clients/js/.npmrc "$MODULES"
  if ! (cd "$MODULES" && npm ci --no-audit --no-fund --ignore-scripts) > target/clients/js.log 2>&1 < /dev/null; then
    echo "SKIPPED: reduct-js could not be installed (see target/clients/js.log)"
    exit 77
  fi
  cp checks/clients/js/package-lock.json "$MODULES/installed.json"
fi
exec "$PYTHON" checks/clients/run.py js node checks/clients/js/scenario.mjs
