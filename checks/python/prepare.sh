# For the scripts in checks/, which source it: goes to the folder of the source tree, builds the program if need be, and sets PYTHON.
# With REFERENCE set to the program of a ReductStore server, the checks run against that one instead of Pannier.

[ -n "${ROOT:-}" ] || ROOT=$(pwd -P)
cd "$ROOT"
PYTHON=${PYTHON-$ROOT/.venv/bin/python}
if [ -z "$PYTHON" ] || ! "$PYTHON" -c 'import reduct, PIL, ascii_magic' 2> /dev/null; then
  echo "SKIPPED: no Python with the packages of checks/requirements.txt (./check makes one in .venv)"
  exit 77
fi
if [ -z "${REFERENCE:-}" ] && [ "${PANNIER_BUILD:-}" != never ]; then
  PANNIER_BUILD=only ./pannier
fi
# From here on the program is what it is, and starting it takes no longer than it takes.
export ROOT PYTHON PANNIER_BUILD=never PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
