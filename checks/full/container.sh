#!/bin/sh
# The container image, built and run by podman or docker, whichever is there and works: folders that root mounts, other users, the health check,
# a clean stop. Where no registry can be reached the base is made by debootstrap (as root); BASE names another one. The first stage, which builds
# the program, is replaced by the program folder made here. IMAGE names an image that is there, to try that one. PODMAN_OPTIONS are added to each run (for instance --cgroups=disabled).
set -eu
skip() {
  echo "SKIPPED: $1"
  exit 77
}
if command -v podman > /dev/null && podman info > /dev/null 2>&1; then
  tool=podman
elif command -v docker > /dev/null && docker info > /dev/null 2>&1; then
  tool=docker
else
  skip "no podman or docker that works here"
fi
[ "$(id -u)" = 0 ] || skip "needs root, to give folders to other users"
ROOT=${ROOT:-$(pwd -P)}
. tools/build.sh
find_java
work=$(mktemp -d)
name=pannier-check-$$
passed=0
format=
[ $tool = docker ] || format="--format docker"

cleanup() {
  $tool rm -f "$name" > /dev/null 2>&1 || true
  $tool rmi -f "localhost/$name" "localhost/$name-program" ${made_base:-} > /dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

ok() {
  echo "ok $1"
  passed=$((passed + 1))
}
fail() {
  echo "FAILED $1"
  $tool logs "$name" 2>&1 | tail -n 20 || true
  echo "$passed passed, 1 failed, 0 skipped"
  exit 1
}

image=localhost/$name
if [ -n "${IMAGE:-}" ]; then
  image=$IMAGE
else
  base=${BASE:-$(sed -n 's/^ARG BASE=//p' deploy/Containerfile)}
  if ! $tool image inspect "$base" > /dev/null 2>&1 && ! $tool pull -q "$base" > /dev/null 2>&1; then
    command -v debootstrap > /dev/null || skip "$base cannot be had, and there is no debootstrap to make another"
    echo "$base cannot be had; making one by debootstrap ..."
    debootstrap --variant=minbase trixie "$work/root" > "$work/log" 2>&1 || debootstrap --variant=minbase bookworm "$work/root" > "$work/log" 2>&1 \
      || skip "debootstrap failed: $(tail -n 1 "$work/log")"
    made_base=localhost/$name-base
    base=$made_base
    tar -C "$work/root" -cf - . | $tool import - "$base" > /dev/null
    rm -rf "$work/root"
  fi

  mkdir "$work/context"
  deploy/program.sh "$work/context/program" > /dev/null
  printf 'FROM %s\nCOPY program /program\n' "$base" > "$work/context/Containerfile"
  # shellcheck disable=SC2086
  $tool build -q $format -f "$work/context/Containerfile" -t "localhost/$name-program" "$work/context" > /dev/null
  # shellcheck disable=SC2086
  $tool build $format -f deploy/Containerfile --build-arg "BUILD=localhost/$name-program" --build-arg "BASE=$base" -t "localhost/$name" . > "$work/log" 2>&1 \
    || { tail -n 20 "$work/log"; fail "the image is built"; }
  ok "the image is built"
fi

# Starts a server over folder $1; more options behind it.
start() {
  folder=$1
  shift
  # shellcheck disable=SC2086
  $tool run -d --name "$name" ${PODMAN_OPTIONS:-} -v "$folder:/data" -e RS_HOST=127.0.0.1 -e RS_PORT=18383 "$@" "$image" > /dev/null
}
# What is printed by a container that ends by itself, and its exit code.
ends() {
  # shellcheck disable=SC2086
  $tool run --rm ${PODMAN_OPTIONS:-} "$@" 2>&1 || echo "exit code $?"
}
inside() { $tool exec "$name" "$@"; }
wait_healthy() {
  tries=0
  until inside /usr/lib/pannier/bin/healthcheck 2> /dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 120 ] || fail "the server answers"
    [ "$($tool inspect -f '{{.State.Running}}' "$name")" = true ] || fail "the container runs"
    sleep 0.5
  done
}
# A request from within, by bash alone: METHOD PATH BODY; prints the whole answer.
request() {
  inside bash -c 'exec 3<> /dev/tcp/127.0.0.1/18383
    printf "%s /api/v1%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" \
      "$1" "$2" "$(pannier first-token)" "${#3}" "$3" >&3; cat <&3' request "$@"
}

case $(ends "$image" --version) in
  *"pannier "[0-9]*) ok "arguments go to the command" ;;
  *) fail "arguments go to the command" ;;
esac

mkdir "$work/data"
start "$work/data"
wait_healthy
ok "a folder that root mounted is taken over, and the health check agrees"
[ "$(stat -c %u "$work/data/token")" = 10001 ] || fail "files belong to 10001"
inside sh -c 'grep -q "^Uid:.10001" /proc/1/status && grep -q "^NoNewPrivs:.1" /proc/1/status && grep -q "^CapEff:.0000000000000000" /proc/1/status' \
  || fail "the server runs as 10001 without any right of root"
ok "the server runs as 10001 without any right of root"
request POST /b/robot '' | grep -q '^HTTP/1.1 200' || fail "a bucket is made with the token that one command printed"
request POST '/b/robot/log?ts=1' 'kept' | grep -q '^HTTP/1.1 200' || fail "a record is written"
ok "a bucket and a record are made with the token that one command printed"
inside sh -c 'PANNIER_JAVA_OPTS=-XX:AOTMode=on pannier --version' > /dev/null || fail "the cache of prepared classes of the image is in use"
ok "the cache of prepared classes of the image is in use"
$tool stop -t 60 "$name" > /dev/null
code=$($tool inspect -f '{{.State.ExitCode}}' "$name")
[ "$code" = 143 ] || [ "$code" = 0 ] || fail "the stop is a clean one (exit code $code)"
$tool rm "$name" > /dev/null
start "$work/data" --read-only --tmpfs /tmp:exec --cap-drop ALL --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add SETGID --cap-add SETUID
wait_healthy
request GET '/b/robot/log?ts=1' '' | grep -q '^kept' || fail "another container, with the rights that compose.yaml gives, reads the record"
ok "another container, with the rights that compose.yaml gives, reads the record"
$tool rm -f "$name" > /dev/null

mkdir "$work/own"
chown 4242 "$work/own"
start "$work/own" --user 4242
wait_healthy
[ "$(stat -c %u "$work/own/token")" = 4242 ] || fail "with --user it runs as that user"
ok "with --user it runs as that user"
$tool rm -f "$name" > /dev/null

chmod 700 "$work/own"
case $(ends -v "$work/own:/data" "$image") in
  *"cannot be read, written and entered by the user 10001"*"exit code 1") ok "a folder of somebody else is refused, and the way out is told" ;;
  *) fail "a folder of somebody else is refused" ;;
esac
[ "$(stat -c %u "$work/own")" = 4242 ] || fail "a folder of somebody else keeps its owner"
case $(ends --user 10001 -v "$work/own:/data" "$image") in
  *"cannot be read, written and entered by the user 10001"*"exit code 1") ok "so it is with --user" ;;
  *) fail "so it is with --user" ;;
esac
echo "$passed passed, 0 failed, 0 skipped"
