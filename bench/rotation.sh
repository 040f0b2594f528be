#!/usr/bin/env bash
# The latency of GetSecretValue beside rotations that are due, on one PostgreSQL that is both the store and the system
# whose passwords are rotated.
#
#   bench/rotation.sh [SECRETS [ROUNDS]]     1000 secrets and 5 rounds by default
#   PER_MINUTE=60000 bench/rotation.sh       as fast as they can be done, and how long all of them take
#
# It needs target/release/sesame and sesame-load (or SESAME and LOAD), and PostgreSQL. Each round measures without
# rotations, then beside them, with one connection; the rotations are made due in the database. What is still due at the
# end of a round is put off. The medians over the rounds come last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/postgres.sh
source scripts/lib/postgres.sh
readonly SECRETS=${1:-1000} ROUNDS=${2:-5} SECONDS_EACH=${SECONDS_EACH:-20} PER_MINUTE=${PER_MINUTE:-60}
readonly SESAME=${SESAME:-target/release/sesame} LOAD=${LOAD:-target/release/sesame-load}
FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/sesame-rotation-XXXXXX")
# Of its own, for the server must be able to enter it as another user.
POSTGRES=$(mktemp -d "${TMPDIR:-/tmp}/sesame-rotation-XXXXXX")
SERVER=
clean_up() {
  [[ -z $SERVER ]] || kill "$SERVER" 2>/dev/null || true
  postgres_stop "$POSTGRES"
  rm -rf "$FOLDER"
}
trap clean_up EXIT
URL=$(postgres_start "$POSTGRES")
PATH="$(postgres_bin):$PATH"
PASSWORD=${URL#postgres://postgres:}
PASSWORD=${PASSWORD%@*}
PORT=${URL##*:}
PORT=${PORT%/*}
mkdir "$FOLDER/data"
cat >"$FOLDER/sesame.toml" <<END
[rotation]
per_minute = $PER_MINUTE

[rotation.instances."rm-1"]
kind = "postgresql"
host = "127.0.0.1"
port = $PORT
tls = "off"
administrator_secret = "admin"
END
psql "$URL" -q -c 'CREATE DATABASE sesame'
SESAME_STORAGE_URL="${URL%/*}/sesame" SESAME_HTTP=127.0.0.1:0 SESAME_HTTPS=off \
  "$SESAME" serve --data "$FOLDER/data" --config "$FOLDER/sesame.toml" >"$FOLDER/out" 2>"$FOLDER/log" &
SERVER=$!
for _ in $(seq 100); do [[ -s $FOLDER/data/endpoints.json ]] && break || sleep 0.1; done
call() { "$SESAME" call --data "$FOLDER/data" "$@" >/dev/null; }
call CreateSecret --SecretName admin --VersionId v1 \
  --SecretData "{\"AccountName\":\"postgres\",\"AccountPassword\":\"$PASSWORD\"}"
for ((at = 0; at < SECRETS; at++)); do printf "CREATE ROLE app%d LOGIN PASSWORD 'first';\n" "$at"; done | psql "$URL" -q
for ((at = 0; at < SECRETS; at++)); do
  call CreateSecret --SecretName "app$at" --VersionId v1 --SecretType Rds --EnableAutomaticRotation true \
    --RotationInterval 6h --ExtendedConfig '{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}' \
    --SecretData "{\"Accounts\":[{\"AccountName\":\"app$at\",\"AccountPassword\":\"first\"}]}"
done
query() { psql "${URL%/*}/sesame" -qAt -c "$1"; }
ended() { query "SELECT count(*) FROM secrets WHERE last_rotated_at > $1"; }
# One line: the kind of measurement, the median latency, the 99th percentile.
measure() {
  "$LOAD" --data "$FOLDER/data" --workload get-secret-value --keys 100 --connections 1 --warmup 1 \
    --duration "$SECONDS_EACH" --pid "$SERVER" --json >"$FOLDER/measured"
  printf '%s %.0f %.0f\n' "$1" "$(figure p50)" "$(figure p99)" | tee -a "$FOLDER/results"
}
figure() { grep -oP "\"$1\": *\K[0-9.]+" "$FOLDER/measured"; }
median() {
  awk -v kind="$1" -v column="$2" '$1 == kind { print $column }' "$FOLDER/results" | sort -n |
    awk '{ values[NR] = $1 } END { print values[int((NR + 1) / 2)] }'
}
printf 'kind p50 p99, in µs\n'
for ((round = 1; round <= ROUNDS; round++)); do
  measure alone
  began=$(($(date +%s%N) / 1000000))
  query "UPDATE secrets SET next_rotation_at = 1 WHERE kind = 'Rds'"
  # The job looks every five seconds.
  until [[ $(ended "$began") -gt 0 ]]; do sleep 0.1; done
  before=$(ended "$began")
  measure beside
  printf '       %d rotations meanwhile\n' $(($(ended "$began") - before))
  if [[ $PER_MINUTE -gt 6000 ]]; then
    until [[ $(ended "$began") -ge $SECRETS ]]; do sleep 0.5; done
    printf '       %d rotations in %.1f s\n' "$SECRETS" "$((($(date +%s%N) / 1000000 - began) / 100))e-1"
  fi
  query "UPDATE secrets SET next_rotation_at = $began + 86400000 WHERE kind = 'Rds'"
  until [[ $(query 'SELECT count(*) FROM secret_rotations') -eq 0 ]]; do sleep 0.5; done
  sleep 6
done
for kind in alone beside; do
  printf 'median %s: p50 %s, p99 %s\n' "$kind" "$(median $kind 2)" "$(median $kind 3)"
done
printf 'rotations that failed: %s\n' "$(grep -c 'could not be rotated' "$FOLDER/log" || true)"
