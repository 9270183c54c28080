# How the JVM is set up, for the launcher in the source tree and for the installed one. Meant to be sourced by a POSIX shell.

# Memory. The engine counts its own buffers against limits of its own; these are the walls behind them.
HEAP=-Xmx256m
HEAP_START=-Xms24m
# Network and file buffers outside the heap.
DIRECT=-XX:MaxDirectMemorySize=160m
CODE=-XX:ReservedCodeCacheSize=64m
METASPACE=-XX:MaxMetaspaceSize=128m
# Stacks of platform threads; virtual threads grow theirs on the heap.
STACKS=-Xss512k
# A small heap and few cores: the serial collector has the smallest footprint. Compact headers save about a tenth of the heap.
COLLECTOR="-XX:+UseSerialGC -XX:+UseCompactObjectHeaders"
# What the compilers and the start have freed goes back to the system: a tenth of the memory of an idle server, for 0.2 ms each time.
TRIM=-XX:TrimNativeHeapInterval=4000
# Netty's epoll library is native, and Netty asks for sun.misc.Unsafe at start: allowed, so that the JVM does not warn about it.
ACCESS="--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"

JAVA_FLAGS="$HEAP_START $HEAP $DIRECT $CODE $METASPACE $STACKS $COLLECTOR $TRIM $ACCESS"
MAIN_CLASS=io.pannier.cli.Main

# Becomes the Java process, which works by the name NAME: command $1 of the JVM, class path $2, cache of prepared classes $3 (may be missing), then the program's arguments.
run_jvm() {
  jvm_command=$1
  jvm_class_path=$2
  jvm_cache=$3
  shift 3
  # What ends at once is over before the second compiler has paid for itself: a third of the CPU time of a short command.
  jvm_quick=-XX:TieredStopAtLevel=1
  case ${1:-} in
    serve | verify | backup | restore | cp | export | mirror | put | demo | aot-training) jvm_quick= ;;
  esac
  # shellcheck disable=SC2086
  set -- $jvm_quick -Dpannier.name="${NAME:-pannier}" -cp "$jvm_class_path" "$MAIN_CLASS" "$@"
  # Flags of the user come last, just before the class path; this list is built from its end.
  # shellcheck disable=SC2086
  set -- ${PANNIER_JAVA_OPTS:-} "$@"
  # With AOTMode=auto a missing, stale or broken cache is not used, and the log settings keep the JVM silent about it.
  if [ -r "$jvm_cache" ]; then
    set -- -XX:AOTMode=auto -XX:AOTCache="$jvm_cache" '-Xlog:aot*=off,cds*=off' "$@"
  fi
  # Fewer heaps in the C library: less memory per native thread (Linux, glibc).
  export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
  # The Java process takes this one's place, so that Ctrl-C and signals reach it.
  # shellcheck disable=SC2086
  exec "$jvm_command" $JAVA_FLAGS "$@"
}
