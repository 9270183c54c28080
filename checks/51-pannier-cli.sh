#!/bin/sh
# The client commands through the launcher, under each of its names, against a server of ours; and that they load no class of the server.
set -eu
folder=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2> /dev/null || true
  [ -z "$server" ] || wait "$server" 2> /dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
passed=0
failed=0
# expect WHAT TEXT COMMAND...: the output of the command holds the text.
expect() {
  what=$1
  text=$2
  shift 2
  if "$@" > "$folder/told" 2>&1 < /dev/null && grep -q -F -e "$text" "$folder/told"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $what"
    sed 's/^/  /' "$folder/told"
  fi
}
# refuse WHAT CODE COMMAND...: the command ends with this code.
refuse() {
  what=$1
  wanted=$2
  shift 2
  code=0
  "$@" > "$folder/told" 2>&1 < /dev/null || code=$?
  if [ "$code" -eq "$wanted" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $what: exit code $code instead of $wanted"
  fi
}

PANNIER_BUILD=only ./pannier
export PANNIER_BUILD=never HOME="$folder/home"
mkdir -p "$HOME" "$folder/bin"
for name in pannier reduct-cli rcli; do
  ln -s "$ROOT/pannier" "$folder/bin/$name"
done
: > "$folder/server" # there before it is looked into
RS_API_TOKEN=secret ./pannier serve --data "$folder/data" --host 127.0.0.1 --port 0 > "$folder/server" 2>&1 &
server=$!
url=
while [ -z "$url" ]; do
  kill -0 "$server" 2> /dev/null || { cat "$folder/server"; exit 1; }
  url=$(sed -n 's/^ *address *//p' "$folder/server")
  sleep 0.2
done
PATH="$folder/bin:$PATH"
cd "$folder"

expect "help" "Manage buckets" pannier --help
expect "help under another name" "Usage: reduct-cli" reduct-cli --help
printf 'secret\n' > token
refuse "alias from a file" 0 reduct-cli alias add play -L "$url" --token-file token
expect "bucket create" "Bucket 'robot1-data' created" reduct-cli bucket create play/robot1-data
expect "bucket ls" "robot1-data" pannier bucket ls play
refuse "write" 0 pannier write play/robot1-data/images -s picture -C image/jpeg -t 1000000 -q
expect "replica create with a token in the address" "{}" \
  reduct-cli --json replica create play/robot1-to-cloud robot1-data "http://secret@localhost:${url##*:}/copies"
expect "export of the oldest tool" "Copied 1 records" rcli export folder --ext jpeg play/robot1-data ./exported-data
expect "the file is there" "picture" cat exported-data/images/1000000.jpeg
expect "cat" "picture" pannier cat play/robot1-data/images
expect "doctor" "with full access" pannier doctor play
refuse "no such bucket" 4 pannier bucket show play/none
refuse "wrong token" 3 pannier bucket ls "http://wrong@localhost:${url##*:}/"
refuse "nobody there" 6 pannier server alive http://127.0.0.1:9
refuse "usage" 2 pannier bucket show play
expect "the alias file is one of reduct-cli" 'token = "secret"' cat "$HOME/.reduct-cli/config.toml"

# The session in README.md, line by line; only the alias is given its address and token in another way.
mkdir -p pictures/front pictures/rear
printf 'a' > pictures/front/1000000.jpg
printf 'bc' > pictures/front/2000000.jpg
printf 'def' > pictures/rear/1500000.jpg
refuse "alias of the session" 0 pannier alias add local -L "$url" --token-file token
sed -n 's|^\./pannier \(.* local/pictures.*\)$|pannier \1|p' "$ROOT/README.md" > session
expect "the session has six commands" 6 grep -c '' session
while IFS= read -r line; do
  refuse "README: $line" 0 sh -c "$line"
  cp told said
  case $line in
    *" ls "*) expect "ls tells both entries" "rear" cat said ;;
    *" tail "*) expect "tail tells the newest record" "front" cat said ;;
  esac
done < session
refuse "the export is what was put" 0 diff -r pictures exported
expect "the copy has as much" "3" pannier --json bucket show local/pictures-copy

# An export that is stopped leaves nothing half.
head -c 60000000 /dev/zero > large
refuse "write a large file" 0 pannier write play/robot1-data/large -f large -q
pannier cp play/robot1-data ./stopped -q > told 2>&1 &
copy=$!
tries=0
while [ $tries -lt 200 ] && kill -0 $copy 2> /dev/null && [ -z "$(find stopped -name '*.part' 2> /dev/null)" ]; do
  tries=$((tries + 1))
  sleep 0.02
done
kill -TERM $copy 2> /dev/null || true
wait $copy || true
if [ -z "$(find stopped -name '*.part' 2> /dev/null)" ]; then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
  echo "FAILED something half is left: $(find stopped -name '*.part')"
fi

# With the cache the JVM loads what the training has seen, whoever needs it.
PANNIER_JAVA_OPTS="-XX:AOTMode=off -Xlog:class+load:file=$folder/classes" pannier bucket ls play > told
if grep -q -E '^[^ ]* *(\[[^]]*\])* *(io\.netty|io\.pannier\.(server|store|query|replicate)|ch\.qos)\.' classes || ! grep -q 'io.pannier.client' classes; then
  failed=$((failed + 1))
  echo "FAILED bucket ls loads classes of the server:"
  grep -E '(io\.netty|io\.pannier\.(server|store|query|replicate)|ch\.qos)\.' classes | head -n 5
else
  passed=$((passed + 1))
fi

bash -n 2> /dev/null < /dev/null && pannier completion bash > completion && refuse "bash reads the completion" 0 bash -n completion
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
