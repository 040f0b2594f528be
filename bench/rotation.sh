#!/usr/bin/env bash
# The latency of GetSecretValue beside rotations that are due, on one PostgreSQL that is both the store and the system
# whose passwords are rotated.
#
#   bench/rotation.sh [SECRETS [ROUNDS]]     1000 secrets and 3 rounds by default
#
# It needs target/release/sesame and sesame-load (or SESAME and LOAD), and PostgreSQL. Each round measures without
# rotations, then beside them, with one connection; the rotations are made due in the database.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/postgres.sh
source scripts/lib/postgres.sh
readonly SECRETS=${1:-1000} ROUNDS=${2:-3} SECONDS_EACH=${SECONDS_EACH:-10}
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
measure() {
  "$LOAD" --data "$FOLDER/data" --workload get-secret-value --keys 100 --connections 1 --warmup 1 \
    --duration "$SECONDS_EACH" --pid "$SERVER" | grep -E 'throughput|latency|errors' | tr -s ' ' | paste -sd' '
}
ended() { psql "${URL%/*}/sesame" -qAt -c "SELECT count(*) FROM secrets WHERE last_rotated_at > $1"; }
for ((round = 1; round <= ROUNDS; round++)); do
  printf 'alone   %s\n' "$(measure)"
  began=$(($(date +%s%N) / 1000000))
  psql "${URL%/*}/sesame" -qAt -c "UPDATE secrets SET next_rotation_at = 1 WHERE kind = 'Rds'"
  # The job looks every five seconds.
  until [[ $(ended "$began") -gt 0 ]]; do sleep 0.1; done
  before=$(ended "$began")
  printf 'beside  %s' "$(measure)"
  printf ' (%d rotations meanwhile)\n' $(($(ended "$began") - before))
  until [[ $(ended "$began") -ge $SECRETS ]]; do sleep 0.5; done
  printf '        %d rotations in %.1f s\n' "$SECRETS" "$((($(date +%s%N) / 1000000 - began) / 100))e-1"
done
grep -c 'could not be rotated' "$FOLDER/log" || true
