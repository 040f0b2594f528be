#!/usr/bin/env bash
# What policies cost an Encrypt: the root of an account and a user with many policies, under the same load in turn, each on
# a server of its own, so that all have as much to remember.
#
#   bench/policies.sh [ROUNDS]     7 rounds by default
#
# The user is in 3 groups and has 20 policies of 10 statements each, its own and those of its groups together; the
# statement that allows comes last. It needs target/release/sesame and sesame-load (or SESAME and LOAD). PLAIN may name a
# second server to measure in the same run as root: one that was built without the audit trail (its Audit::record answers
# at once), for what policies and audit cost together. The last lines are the medians.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly ROUNDS=${1:-7} SECONDS_EACH=${SECONDS_EACH:-3}
readonly SESAME=${SESAME:-target/release/sesame} LOAD=${LOAD:-target/release/sesame-load}
readonly PLAIN=${PLAIN:-}
FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/sesame-policies-XXXXXX")
SERVERS=()
clean_up() {
  [[ ${#SERVERS[@]} -eq 0 ]] || kill "${SERVERS[@]}" 2>/dev/null || true
  rm -rf "$FOLDER"
}
trap clean_up EXIT
# Starts a program on a data folder of its own and waits until it answers.
start() {
  SESAME_HTTP=127.0.0.1:0 SESAME_HTTPS=off "$1" serve --data "$FOLDER/$2" >"$FOLDER/$2.out" 2>"$FOLDER/$2.log" &
  SERVERS+=("$!")
  for _ in $(seq 100); do [[ -s $FOLDER/$2/endpoints.json ]] && break || sleep 0.1; done
}
readonly WHO=(${PLAIN:+plain} root user)
declare -A SERVER
for who in "${WHO[@]}"; do
  if [[ $who == plain ]]; then start "$PLAIN" "$who"; else start "$SESAME" "$who"; fi
  SERVER[$who]=${SERVERS[-1]}
done
call() { "$SESAME" call --data "$FOLDER/user" "$@"; }
member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -1; }

# The statements of a busy user: other products, other keys, wildcards, denials; the grant at the end.
statement() {
  case $(($1 % 5)) in
    0) printf '{"Effect":"Allow","Action":["oss:Get*","oss:List*"],"Resource":"acs:oss:*:*:bucket-%d/*"}' "$1" ;;
    1) printf '{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"acs:kms:*:*:key/key-hzz%018d"}' "$1" ;;
    2) printf '{"Effect":"Allow","Action":"kms:Describe*","Resource":"acs:kms:cn-*:*:key/key-hzz%018d"}' "$1" ;;
    3) printf '{"Effect":"Deny","Action":"kms:*","Resource":"acs:kms:*:*:secret/team-%d/*"}' "$1" ;;
    *) printf '{"Effect":"Allow","Action":"rds:*","Resource":"*","Condition":{"StringEquals":{"acs:ResourceTag/team":"t%d"}}}' "$1" ;;
  esac
}
document() {
  local at statements=()
  for ((at = $1 * 10; at < $1 * 10 + 10; at++)); do
    if ((at == 199)); then
      statements+=('{"Effect":"Allow","Action":"kms:*","Resource":"acs:kms:*:*:key/*"}')
    else
      statements+=("$(statement "$at")")
    fi
  done
  local IFS=,
  printf '{"Version":"1","Statement":[%s]}' "${statements[*]}"
}
call Ram:CreateUser --UserName busy >/dev/null
for group in 0 1 2; do
  call Ram:CreateGroup --GroupName "g$group" >/dev/null
  call Ram:AddUserToGroup --GroupName "g$group" --UserName busy >/dev/null
done
for ((policy = 0; policy < 20; policy++)); do
  call Ram:CreatePolicy --PolicyName "p$policy" --PolicyDocument "$(document "$policy")" >/dev/null
  if ((policy < 15)); then
    call Ram:AttachPolicyToGroup --PolicyType Custom --PolicyName "p$policy" --GroupName "g$((policy % 3))" >/dev/null
  else
    call Ram:AttachPolicyToUser --PolicyType Custom --PolicyName "p$policy" --UserName busy >/dev/null
  fi
done
KEY=$(call Ram:CreateAccessKey --UserName busy)
USER_ID=$(member AccessKeyId <<<"$KEY") USER_SECRET=$(member AccessKeySecret <<<"$KEY")
# Ten keys for each, made once for all rounds.
load() {
  local who=$1
  shift
  "$LOAD" --data "$FOLDER/$who" --keys 10 --key-list "$FOLDER/$who.keys" --pid "${SERVER[$who]}" "$@"
}
for who in "${WHO[@]}"; do load "$who" --duration 1 --warmup 0 >/dev/null; done
for ((round = 1; round <= ROUNDS; round++)); do
  for who in "${WHO[@]}"; do
    as=()
    [[ $who != user ]] || as=(--access-key-id "$USER_ID" --access-key-secret "$USER_SECRET")
    cost=$(load "$who" "${as[@]}" --connections 16 --warmup 1 --duration "$SECONDS_EACH" --json |
      sed -n 's/.*"cpu_us_per_request": *\([0-9.]*\).*/\1/p')
    printf 'round %d: %s %.1f CPU us per request\n' "$round" "$who" "$cost"
    echo "$cost" >>"$FOLDER/$who.costs"
  done
done
for who in "${WHO[@]}"; do
  printf '%s %.1f\n' "$who" "$(sort -g "$FOLDER/$who.costs" | sed -n "$(((ROUNDS + 1) / 2))p")"
done
