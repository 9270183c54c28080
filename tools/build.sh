# Shared by ./pannier and ./check: finds the JDK and Maven, builds the program, installs it into target/dist.
# Meant to be sourced by a POSIX shell with ROOT set to the folder of the source tree. Uses no option that only GNU tools have.

JAVA_NEEDED=25

# Sets JAVA_VERSION_FOUND to the feature version (25) of the JDK in folder $1 and JAVA_BUILD_FOUND to its full one; fails if there is none.
java_version_of() {
  JAVA_VERSION_FOUND=
  JAVA_BUILD_FOUND=
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      JAVA_VERSION=*)
        JAVA_VERSION_FOUND=${line#*\"}
        JAVA_VERSION_FOUND=${JAVA_VERSION_FOUND%%[!0-9]*}
        ;;
      JAVA_RUNTIME_VERSION=*)
        JAVA_BUILD_FOUND=${line#*\"}
        JAVA_BUILD_FOUND=${JAVA_BUILD_FOUND%\"*}
        ;;
    esac
  done < "$1/release"
  [ -n "$JAVA_VERSION_FOUND" ]
}

# Takes folder $1 as JAVA_HOME if its version is new enough ($2 = newer) or exactly the wanted one ($2 = exact).
take_java() {
  java_version_of "$1" || return 1
  case $2 in
    exact) [ "$JAVA_VERSION_FOUND" -eq "$JAVA_NEEDED" ] || { java_seen="$java_seen $JAVA_VERSION_FOUND"; return 1; } ;;
    newer) [ "$JAVA_VERSION_FOUND" -ge "$JAVA_NEEDED" ] || { java_seen="$java_seen $JAVA_VERSION_FOUND"; return 1; } ;;
  esac
  JAVA_HOME=$1
  JAVA_BUILD=$JAVA_BUILD_FOUND
  export JAVA_HOME
}

# Follows links by hand, because "readlink -f" is not everywhere.
follow_links() {
  followed=$1
  hops=0
  while [ -L "$followed" ] && [ $hops -lt 20 ]; do
    target=$(readlink "$followed")
    case $target in
      /*) followed=$target ;;
      *) followed=${followed%/*}/$target ;;
    esac
    hops=$((hops + 1))
  done
}

# Sets and exports JAVA_HOME. Order: JAVA_HOME, java on the PATH, then the usual folders, where 25 itself goes before newer ones.
find_java() {
  java_seen=
  if [ -n "${JAVA_HOME:-}" ] && take_java "$JAVA_HOME" newer; then return 0; fi
  on_path=$(command -v java || true)
  if [ -n "$on_path" ]; then
    follow_links "$on_path"
    if take_java "${followed%/bin/java}" newer; then return 0; fi
  fi
  for which_java in exact newer; do
    for folder in /usr/lib/jvm/* /usr/java/* /opt/* /opt/*/Contents/Home /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
        /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home "${HOME:-/nonexistent}"/.sdkman/candidates/java/* "${HOME:-/nonexistent}"/.jdks/* \
        /Library/Java/JavaVirtualMachines/*/Contents/Home "${HOME:-/nonexistent}"/Library/Java/JavaVirtualMachines/*/Contents/Home; do
      if take_java "$folder" $which_java; then return 0; fi
    done
  done
  {
    echo "Pannier needs a JDK $JAVA_NEEDED or newer, and there is none in JAVA_HOME, on the PATH or in the usual folders."
    [ -z "$java_seen" ] || echo "Found only these versions:$(printf '%s\n' $java_seen | sort -un | tr '\n' ' ' | sed 's/^/ /')"
    echo "Install one (Eclipse Temurin $JAVA_NEEDED, for instance) and set JAVA_HOME to its folder."
  } >&2
  return 1
}

# Sets MAVEN to the command that runs Maven.
find_maven() {
  MAVEN=
  for candidate in "${MAVEN_HOME:-/nonexistent}/bin/mvn" "${M2_HOME:-/nonexistent}/bin/mvn" "$(command -v mvn || true)" \
      /opt/maven/bin/mvn /opt/apache-maven*/bin/mvn "${HOME:-/nonexistent}/.sdkman/candidates/maven/current/bin/mvn"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      MAVEN=$candidate
      # Silences what JDK 25 says about Maven's own libraries. Not in .mvn/jvm.config, where an older JDK would stumble over it
      # before the build could say that it is too old.
      MAVEN_OPTS="${MAVEN_OPTS:-} --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
      export MAVEN_OPTS
      return 0
    fi
  done
  echo "Pannier is built with Maven (3.8 or newer), and there is no mvn on the PATH. On Debian or Ubuntu: apt install maven" >&2
  return 1
}

DIST="$ROOT/target/dist"

# Whether the installed program is older than a source, or made for another JDK. One find, no JVM.
is_stale() {
  [ -f "$DIST/stamp" ] && [ -f "$DIST/classpath" ] || return 0
  { IFS= read -r made_for < "$DIST/jdk"; } 2>/dev/null || return 0
  [ "$made_for" = "$JAVA_HOME $JAVA_BUILD" ] || return 0
  set -- "$ROOT/pom.xml" "$ROOT/pannier" "$ROOT/tools/build.sh" "$ROOT/tools/jvm.sh"
  for room in model store s3 query robotics extract client replicate server cli; do
    set -- "$@" "$ROOT/$room/pom.xml" "$ROOT/$room/src/main"
  done
  [ -n "$(find "$@" -newer "$DIST/stamp" 2>/dev/null | head -n 1)" ]
}

# One build at a time in this tree. The lock is a folder with the owner's process id; a dead owner's lock is taken over.
take_build_lock() {
  mkdir -p "$DIST"
  waited=0
  until mkdir "$DIST/lock" 2>/dev/null; do
    owner=
    { IFS= read -r owner < "$DIST/lock/pid"; } 2>/dev/null || true
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$DIST/lock"
      continue
    fi
    if [ -z "$owner" ] && [ $waited -ge 10 ]; then
      rm -rf "$DIST/lock"
      continue
    fi
    [ $waited -gt 0 ] || echo "Waiting for another build of Pannier ..." >&2
    waited=$((waited + 1))
    sleep 1
  done
  echo $$ > "$DIST/lock/pid"
  trap 'rm -rf "$DIST/lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

release_build_lock() {
  rm -rf "$DIST/lock"
  trap - EXIT INT TERM
}

# Shows why Maven failed: its errors and the compiler's warnings (which are fatal), else the end of the log.
show_build_failure() {
  {
    echo "The build failed. Whole log: $1"
    if grep -q -E '^\[ERROR\]' "$1"; then
      # After a compiler's error Maven says everything a second time.
      awk '/COMPILATION ERROR/ { compiler = 1 } /Failed to execute goal/ && compiler { exit } { print }' "$1" \
        | grep -E '^\[(ERROR|WARNING)\]|^  *(symbol|location|required|found|reason):' \
        | grep -v -E 'Help 1\]|re-run Maven|Re-run Maven|-rf :|For more information|possible solutions|After correcting|^\[ERROR\] *$' | head -n 60
    else
      tail -n 40 "$1"
    fi
  } >&2
}

# Builds the program's jars into cli/target/dist/lib. Tests are neither compiled nor run. Arguments go to Maven.
build_jars() {
  find_maven || return 1
  log="$ROOT/target/build.log"
  mkdir -p "$DIST"
  : > "$DIST/begin"
  rm -rf "$ROOT/cli/target/dist"
  if ! (cd "$ROOT" && "$MAVEN" -B -ntp -Dstyle.color=never -Dmaven.test.skip=true -pl cli -am package "$@") > "$log" 2>&1 < /dev/null; then
    show_build_failure "$log"
    return 1
  fi
}

# Whether cli/target/dist/lib and target/dist/lib hold the same files.
same_jars() {
  [ -d "$DIST/lib" ] || return 1
  [ "$(ls "$ROOT/cli/target/dist/lib")" = "$(ls "$DIST/lib")" ] || return 1
  for jar in "$ROOT/cli/target/dist/lib"/*.jar; do
    cmp -s "$jar" "$DIST/lib/${jar##*/}" || return 1
  done
}

# The jars in folder $1 in the order of the class path: our own first, the command's before all; then the libraries, always in the same order, as
# the AOT cache demands.
class_path_order() {
  # A native library may lie beside the jar it belongs to.
  (cd "$1" && { ls | LC_ALL=C sort | grep '^pannier-cli-'; ls | LC_ALL=C sort | grep '^pannier-' | grep -v '^pannier-cli-'
    ls | LC_ALL=C sort | grep -v '^pannier-' | grep '\.jar$'; })
}

# Puts freshly built jars where the launcher looks, and makes the AOT cache for them. Unchanged jars stay untouched, and so does the cache.
install_jars() {
  made_for=
  { IFS= read -r made_for < "$DIST/jdk"; } 2>/dev/null || true
  flags_now="$JAVA_FLAGS"
  flags_then=
  { IFS= read -r flags_then < "$DIST/flags"; } 2>/dev/null || true
  if ! same_jars || [ "$made_for" != "$JAVA_HOME $JAVA_BUILD" ] || [ "$flags_now" != "$flags_then" ] || [ ! -f "$DIST/pannier.aot" ]; then
    rm -rf "$DIST/lib.new" "$DIST/lib.old" "$DIST/pannier.aot"
    # -p keeps the times: the AOT cache remembers them.
    cp -Rp "$ROOT/cli/target/dist/lib" "$DIST/lib.new"
    class_path_order "$DIST/lib.new" > "$DIST/classpath.new"
    # By renaming, so that a running server keeps the files it has open.
    [ ! -d "$DIST/lib" ] || mv "$DIST/lib" "$DIST/lib.old"
    mv "$DIST/lib.new" "$DIST/lib"
    mv "$DIST/classpath.new" "$DIST/classpath"
    rm -rf "$DIST/lib.old"
    echo "$JAVA_HOME $JAVA_BUILD" > "$DIST/jdk"
    echo "$flags_now" > "$DIST/flags"
    make_aot_cache || true
  fi
  # The stamp carries the time at which the build began: a source saved meanwhile counts as newer.
  [ -f "$DIST/begin" ] || : > "$DIST/begin"
  mv "$DIST/begin" "$DIST/stamp"
}

# Sets CLASS_PATH from the list that the build left.
read_class_path() {
  CLASS_PATH=
  while IFS= read -r jar; do
    CLASS_PATH="${CLASS_PATH:+$CLASS_PATH:}$DIST/lib/$jar"
  done < "$DIST/classpath"
}

# A short scripted run (io.pannier.cli.Main aot-training) from which the JVM learns which classes to prepare. The program starts faster with the
# cache and works the same without: a failure is not worth stopping for.
make_aot_cache() {
  read_class_path
  aot_log="$ROOT/target/aot-training.log"
  rm -f "$DIST/pannier.aot" "$DIST/pannier.aot.new"
  # shellcheck disable=SC2086
  "$JAVA_HOME/bin/java" $JAVA_FLAGS -XX:AOTCacheOutput="$DIST/pannier.aot.new" -cp "$CLASS_PATH" "$MAIN_CLASS" aot-training \
    > "$aot_log" 2>&1 < /dev/null &
  training=$!
  seconds=0
  while kill -0 $training 2>/dev/null; do
    if [ $seconds -ge 240 ]; then
      kill -9 $training 2>/dev/null || true
      echo "stopped after $seconds seconds" >> "$aot_log"
      break
    fi
    sleep 1
    seconds=$((seconds + 1))
  done
  status=0
  wait $training || status=$?
  if [ $status -eq 0 ] && [ -s "$DIST/pannier.aot.new" ]; then
    mv "$DIST/pannier.aot.new" "$DIST/pannier.aot"
    return 0
  fi
  rm -f "$DIST/pannier.aot.new"
  echo "note: no AOT cache (training ended with $status), the program starts slower. Log: $aot_log" >&2
  [ -z "${PANNIER_DEBUG:-}" ] || tail -n 20 "$aot_log" >&2
  return 1
}
