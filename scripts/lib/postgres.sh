#!/usr/bin/env bash
# A throwaway PostgreSQL on 127.0.0.1, in a folder of its own, gone when it is stopped.
#
#   scripts/lib/postgres.sh start FOLDER    starts one in FOLDER (made here) and prints the URL of a superuser
#   scripts/lib/postgres.sh stop FOLDER     stops it and removes FOLDER
#
# Sourced, it gives postgres_bin, postgres_start and postgres_stop. Root may run it: the server, which refuses to be
# root, then runs as the user `postgres`, or as `nobody` where that user does not exist.

# The folder of initdb and pg_ctl, newest version first; fails where there is none.
postgres_bin() {
  local found
  found=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort --version-sort --reverse | head -n 1)
  if [[ ! -x $found ]]; then
    found=$(command -v initdb) || return 1
  fi
  dirname "$(readlink -f "$found")"
}

# Runs a command as somebody who is not root.
postgres_as_user() {
  if [[ $(id -u) -ne 0 ]]; then
    "$@"
  else
    local user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env HOME=/ "$@"
  fi
}

postgres_start() {
  local folder=$1 bin port password
  bin=$(postgres_bin) || { echo 'no PostgreSQL server is installed' >&2; return 1; }
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd)
  printf '%s' "$password" >"$folder/password"
  if [[ $(id -u) -eq 0 ]]; then
    local user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    chown -R "$user" "$folder"
  fi
  (
    cd "$folder"
    postgres_as_user "$bin/initdb" --pgdata="$folder/data" --username=postgres --pwfile="$folder/password" \
      --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1
  ) || { cat "$folder/initdb.log" >&2; return 1; }
  # Nothing here must outlive a crash of the machine, so nothing waits for the disk.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + RANDOM % 12000))
    if (
      cd "$folder"
      postgres_as_user "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/server.log" --wait --timeout=60 \
        --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' -c max_connections=500 \
          -c shared_buffers=128MB -c fsync=off -c synchronous_commit=off -c full_page_writes=off" \
        start >"$folder/start.log" 2>&1 </dev/null
    ); then
      printf 'postgres://postgres:%s@127.0.0.1:%s/postgres\n' "$password" "$port"
      return 0
    fi
    grep -q 'Address already in use' "$folder/server.log" || break
  done
  cat "$folder/start.log" "$folder/server.log" >&2
  return 1
}

postgres_stop() {
  local folder=$1 bin
  if [[ -d $folder/data ]] && bin=$(postgres_bin); then
    folder=$(cd "$folder" && pwd)
    (cd "$folder" && postgres_as_user "$bin/pg_ctl" --pgdata="$folder/data" --mode=immediate --wait stop >/dev/null 2>&1) || true
  fi
  rm -rf "$folder"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  case "${1:-} ${2:-}" in
    'start '?*) postgres_start "$2" ;;
    'stop '?*) postgres_stop "$2" ;;
    *)
      sed -n '2,8p' "$0" | sed 's/^# \{0,1\}//' >&2
      exit 2
      ;;
  esac
fi
