# Shared by the scripts of this folder, which source it: peers, servers to start and stop, the driver, medians. Wants ROOT and, for messages, SELF.
# shellcheck shell=bash
# shellcheck source=../tools/build.sh
. "$ROOT/tools/build.sh"

PORT=${BENCH_PORT:-8391}
TOKEN=bench
CLASSES=$ROOT/target/bench-classes
PEERS=$ROOT/target/peers
# Of the driver: small, so that it does not take memory from the server.
SMALL="-XX:+UseSerialGC -XX:+UseCompactObjectHeaders --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
# What goes before a command to put it on certain CPUs.
PIN=()

die() {
  echo "$SELF: $*" >&2
  exit 2
}

# Prints the comment at the beginning of script $1.
show_help() {
  sed -n '2,/^set /p' "$1" | sed -n 's/^# \{0,1\}//p'
}

# Compiles the load driver and the floor server, which need neither Maven nor JMH; with the jar $1 of pgjdbc also the driver for PostgreSQL.
build_driver() {
  local jar=${1:-} sources
  DRIVER_PATH=$CLASSES${jar:+:$jar}
  if [ -f "$CLASSES/stamp" ] && [ "$(cat "$CLASSES/stamp")" = "$jar" ] \
    && [ -z "$(find "$ROOT/bench/src/main" -newer "$CLASSES/stamp" | head -n 1)" ]; then
    return
  fi
  rm -rf "$CLASSES"
  mkdir -p "$CLASSES"
  if [ -n "$jar" ]; then
    mapfile -t sources < <(find "$ROOT/bench/src/main" -name '*.java' ! -name '*-info.java')
  else
    mapfile -t sources < <(find "$ROOT/bench/src/main" -name '*.java' ! -name '*-info.java' -exec grep -L org.postgresql {} +)
  fi
  "$JAVA_HOME/bin/javac" -proc:none -nowarn -d "$CLASSES" -cp "$DIST/lib/*${jar:+:$jar}" "${sources[@]}"
  echo "$jar" > "$CLASSES/stamp"
}

# Loads the server: driver CLASS options ... Prints one line of JSON. Exit code 1: some operations failed, and the JSON says so.
driver() {
  local class=$1 heap=256m
  shift
  # Its library holds several copies of a large row.
  [ "$class" != PostgresDriver ] || heap=1g
  # shellcheck disable=SC2086
  "${PIN[@]}" "$JAVA_HOME/bin/java" -Xms32m -Xmx$heap -XX:MaxDirectMemorySize=1g $SMALL -cp "$DRIVER_PATH:$DIST/lib/*" "io.pannier.bench.$class" \
    --url "http://127.0.0.1:$PORT" --token "$TOKEN" --pid "$SERVER" --json "$@"
}

# Makes WORK, a folder that goes away with the script, as does the server.
make_work() {
  WORK=$(mktemp -d "${BENCH_DATA:-${TMPDIR:-/tmp}}/pannier-bench.XXXXXX")
  # A database server runs under another user, below this folder.
  chmod 711 "$WORK"
  SERVER=
  trap 'stop_server; rm -rf "$WORK"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# --- Peers. Each function sets what become_server needs and adds a line to VERSIONS, or fails and leaves a line in MISSING.

POSTGRES_VERSION=15
VERSIONS=()
MISSING=()

missing() {
  MISSING+=("$1: $2")
  echo "note: $1 is missing: $2" >&2
  return 1
}

install_debian() {
  [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || return 1
  echo "Installing $* ..." >&2
  { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" \
    || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; }; } > "$PEERS/apt.log" 2>&1
}

# POSTGRES: the folder of its programs; AS_POSTGRES: what goes before them; in WORK a cluster to copy, with database and user "bench".
find_postgres() {
  local versions user
  if [ ! -x "/usr/lib/postgresql/$POSTGRES_VERSION/bin/postgres" ]; then
    if [ "$(id -u)" = 0 ] && [ -d /etc/apt ]; then
      # The package shall not start a database of its own.
      mkdir -p /etc/postgresql-common
      [ -f /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
      install_debian "postgresql-$POSTGRES_VERSION" || install_debian postgresql || true
    fi
  fi
  versions=$(find /usr/lib/postgresql -maxdepth 3 -path '*/bin/postgres' 2> /dev/null | sort -V)
  POSTGRES=/usr/lib/postgresql/$POSTGRES_VERSION/bin
  [ -x "$POSTGRES/postgres" ] || POSTGRES=$(dirname "$(echo "$versions" | tail -n 1)")
  [ -x "$POSTGRES/postgres" ] || { missing postgres "no PostgreSQL here, and apt-get cannot install it"; return 1; }
  AS_POSTGRES=()
  if [ "$(id -u)" = 0 ]; then
    user=postgres
    id "$user" > /dev/null 2>&1 || user=nobody
    AS_POSTGRES=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
  fi
  # A cluster to copy.
  local template=$WORK/postgres-template
  mkdir "$template"
  [ "$(id -u)" != 0 ] || chown "$user:" "$template"
  chmod 700 "$template"
  { (cd / && "${AS_POSTGRES[@]}" "$POSTGRES/initdb" -D "$template" -A trust -U bench -E UTF8 --locale=C --no-sync) \
    && echo 'CREATE DATABASE bench' | (cd / && "${AS_POSTGRES[@]}" "$POSTGRES/postgres" --single -D "$template" postgres); } > "$WORK/initdb.log" 2>&1 \
    || { tail -n 5 "$WORK/initdb.log" >&2; missing postgres "initdb failed"; return 1; }
  VERSIONS+=("postgres: $("$POSTGRES/postgres" --version | sed 's/^postgres (PostgreSQL)/PostgreSQL/')")
}

# PYTHON: an interpreter with the packages of checks/requirements.txt, or of the list $1.
find_python() {
  local list=${1:-$ROOT/checks/requirements.txt} folder=$PEERS/venv
  PYTHON=$ROOT/.venv/bin/python
  [ ! -x "$PYTHON" ] || ! cmp -s "$ROOT/.venv/requirements.txt" "$list" || return 0
  [ -z "${1:-}" ] || folder=$PEERS/venv-more
  PYTHON=$folder/bin/python
  if [ ! -x "$PYTHON" ] || ! cmp -s "$folder/requirements.txt" "$list"; then
    rm -rf "$folder"
    { python3 -m venv "$folder" && "$PYTHON" -m pip install -q --disable-pip-version-check -r "$list"; } > "$folder.log" 2>&1 \
      && cp "$list" "$folder/requirements.txt" || { missing python "the packages of $list cannot be installed, see $folder.log"; return 1; }
  fi
}

# --- Servers.

# Signal $1, default TERM.
stop_server() {
  [ -n "$SERVER" ] || return 0
  kill "-${1:-TERM}" "$SERVER" 2> /dev/null || true
  for _ in $(seq 200); do
    kill -0 "$SERVER" 2> /dev/null || break
    sleep 0.1
  done
  kill -9 "$SERVER" 2> /dev/null || true
  wait "$SERVER" 2> /dev/null || true
  SERVER=
}

# Prints the status of GET $1; nothing if there is no answer. With WIRE_CA over TLS.
status_of() {
  if [ -n "${WIRE_CA:-}" ]; then
    local told
    # 000: no answer.
    told=$(curl -s -o /dev/null -m 2 --cacert "$WIRE_CA" -H "authorization: Bearer $TOKEN" -w '%{http_code}' "https://127.0.0.1:$PORT$1" || true)
    [ "$told" = 000 ] || echo "$told"
    return
  fi
  (
    exec 3<> "/dev/tcp/127.0.0.1/$PORT"
    printf 'GET %s HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer %s\r\nconnection: close\r\n\r\n' "$1" "$TOKEN" >&3
    read -r -t 2 _ status _ <&3
    echo "$status"
  ) 2> /dev/null || true
}

# Whether the server of side $1 takes work.
is_up() {
  case $1 in
    postgres) "$POSTGRES/pg_isready" -q -h 127.0.0.1 -p "$PORT" ;;
    minio) [ "$(status_of /minio/health/ready)" = 200 ] ;;
    *) [ "$(status_of /api/v1/alive)" = 200 ] && [ "$(status_of /api/v1/ready)" != 503 ] ;;
  esac
}

# Becomes the server of side $1 with data folder $2 and level of durability $3 (buffered or disk).
become_server() {
  case $1 in
    ours)
      # shellcheck disable=SC2086
      PANNIER_BUILD=never PANNIER_ACK=$3 RS_DATA_PATH="$2" RS_API_TOKEN=$TOKEN exec "${PIN[@]}" "$ROOT/pannier" serve --port "$PORT" ${BENCH_SERVE:-}
      ;;
    floor)
      # shellcheck disable=SC2046,SC2086
      exec "${PIN[@]}" "$JAVA_HOME/bin/java" $(cat "$DIST/flags") -cp "$CLASSES:$(ls "$DIST"/lib/netty-*.jar "$DIST"/lib/pannier-model-*.jar | paste -sd:)" \
        io.pannier.bench.FloorServer --port "$PORT" --file "$2/floor" ${BENCH_SERVE:-}
      ;;
    reference | reference-1.17)
      local program=$REDUCTSTORE
      [ "$1" = reference ] || program=$REDUCTSTORE_1_17
      RS_DATA_PATH="$2" RS_API_TOKEN=$TOKEN RS_PORT=$PORT RS_LOG_LEVEL=WARN exec "${PIN[@]}" "$program"
      ;;
    postgres)
      local commit=off
      [ "$3" = buffered ] || commit=on
      # Settings a careful administrator would choose for such loads on such a machine.
      exec "${PIN[@]}" "${AS_POSTGRES[@]}" "$POSTGRES/postgres" -D "$2" -k "$2" -p "$PORT" -c listen_addresses=127.0.0.1 -c "synchronous_commit=$commit" \
        -c shared_buffers=512MB -c max_wal_size=8GB -c checkpoint_timeout=15min -c wal_buffers=64MB -c jit=off -c max_connections=40
      ;;
    minio)
      MINIO_ROOT_USER=bench MINIO_ROOT_PASSWORD=benchbench MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CALLHOME_ENABLE=off HOME="$WORK" \
        exec "${PIN[@]}" "$MINIO" server --quiet --address "127.0.0.1:$PORT" "$2"
      ;;
  esac
}

# Starts the server of side $1 with level $2 in data folder $3, which is emptied unless $4 is keep. Sets SERVER and STARTUP_MS, from the start of the
# process to its readiness. Fails, with the log on standard error, if the server does not come up.
start_server() {
  local side=$1 level=$2 data=$3 begun
  [ -z "$(status_of /api/v1/alive)" ] || die "something else listens on port $PORT (BENCH_PORT)"
  if [ "${4:-}" != keep ]; then
    rm -rf "$data"
    if [ "$side" = postgres ]; then
      cp -a "$WORK/postgres-template" "$data"
    else
      mkdir -p "$data"
    fi
  fi
  settle
  begun=$(date +%s%N)
  (become_server "$side" "$data" "$level") > "$WORK/server.log" 2>&1 &
  SERVER=$!
  for _ in $(seq 3000); do
    if is_up "$side"; then
      STARTUP_MS=$((($(date +%s%N) - begun) / 1000000))
      return 0
    fi
    kill -0 "$SERVER" 2> /dev/null || break
    sleep 0.01
  done
  tail -n 20 "$WORK/server.log" >&2
  echo "$SELF: the server ($side) does not come up" >&2
  stop_server KILL
  return 1
}

# Writes out what is dirty and waits until the disk has been idle for half a second, 20 s at most.
settle() {
  [ -z "${SMOKE:-}" ] || return 0
  sync
  local device before now
  device=$(df -P "$WORK" | awk 'NR == 2 { sub(".*/", "", $1); print $1 }')
  before=
  for _ in $(seq 40); do
    # Sectors read and written, and requests under way.
    now=$(awk -v device="$device" '$3 == device { print $6, $10, $12 }' /proc/diskstats)
    if [ -z "$now" ] || { [ "$now" = "$before" ] && [ "${now##* }" = 0 ]; }; then
      return 0
    fi
    before=$now
    sleep 0.5
  done
  echo "note: the disk is never idle" >&2
}

# Field $1 (VmRSS, VmHWM) of the server's memory, in MB.
memory() {
  awk -v field="$1:" '$1 == field { printf "%.1f", $2 * 1024 / 1e6 }' "/proc/$SERVER/status"
}

# The values of field $1 in lines of JSON on standard input, sorted.
values_of() {
  sed -n "s/.*[{,]\"$1\":\([0-9.][0-9.]*\).*/\1/p" | sort -g
}

# The median of field $1 in lines of JSON on standard input, with $2 decimals, or a dash.
median() {
  values_of "$1" \
    | awk -v decimals="$2" '{ value[NR] = $1 } END { if (NR == 0) print "-"; else printf "%.*f\n", decimals, (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

# The highest value of field $1.
highest() {
  values_of "$1" | awk '{ high = $1 } END { if (NR == 0) print "-"; else printf "%.0f\n", high }'
}

# Lowest and highest field $1 of the rounds on standard input.
range() {
  values_of "$1" \
    | awk 'NR == 1 { low = $1 } { high = $1 } END { if (NR == 0) print "-"; else printf "%.0f–%.0f\n", low, high }'
}

say() {
  if [ "$OUT" = - ]; then
    printf '%s\n' "$*"
  else
    printf '%s\n' "$*" | tee -a "$OUT"
  fi
}

# What was measured: the commit, with a word if the tree differs from it.
commit() {
  local commit
  commit=$(git -C "$ROOT" rev-parse --short HEAD 2> /dev/null || echo "no commit")
  [ -z "$(git -C "$ROOT" status --porcelain 2> /dev/null | head -n 1)" ] || commit="$commit with changes"
  echo "$commit"
}

# Where it was measured.
machine() {
  echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GB", $2 * 1024 / 1e9 }' /proc/meminfo)," \
    "Linux $(uname -r), $(df -PT "$WORK" | awk 'NR == 2 { print $2 }'), JDK $JAVA_BUILD"
}
