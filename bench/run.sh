#!/usr/bin/env bash
# Measures Callbook on this machine. bench/README.md explains the results.
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd)
command_line="bench/run.sh${*:+ $*}"

usage() {
  cat <<'END'
Usage: bench/run.sh [OPTIONS]

  --sizes LIST           numbers of stored calls (1k,100k,1m)
  --stores LIST          stores to measure (sqlite,postgres)
  --seconds N            duration of a round (5)
  --rounds N             rounds of each measurement, of which the median is shown (3)
  --connections N        concurrent connections (32)
  --dir DIR              parent of the temporary folder with the stores ($TMPDIR or /tmp)
  --out FILE             output file of the results as JSON (bench/results.json)
  --markdown-into FILE   also write the tables between <!-- results --> and <!-- /results --> of FILE

CALLBOOK=PATH measures the binary at PATH; otherwise `cargo build --release` builds one.
END
}

fail() {
  echo "bench/run.sh: $*" >&2
  exit 1
}

sizes=1k,100k,1m stores=sqlite,postgres seconds=5 rounds=3 connections=32
parent=${TMPDIR:-/tmp} out=$root/bench/results.json markdown_into=
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --sizes | --stores | --seconds | --rounds | --connections | --dir | --out | --markdown-into)
      [ $# -gt 1 ] || fail "$1 needs a value" ;;
    *) usage >&2 && exit 2 ;;
  esac
  case $1 in
    --sizes) sizes=$2 ;;
    --stores) stores=$2 ;;
    --seconds) seconds=$2 ;;
    --rounds) rounds=$2 ;;
    --connections) connections=$2 ;;
    --dir) parent=$2 ;;
    --out) out=$2 ;;
    --markdown-into) markdown_into=$2 ;;
  esac
  shift 2
done

for number in "$seconds" "$rounds" "$connections"; do
  case $number in '' | 0* | *[!0-9]*) fail "not a positive number: $number" ;; esac
done
counts=
for size in ${sizes//,/ }; do
  count=$size
  case $size in
    *k) count=${size%k}000 ;;
    *m) count=${size%m}000000 ;;
  esac
  case $count in '' | 0* | *[!0-9]*) fail "not a size: $size" ;; esac
  counts="$counts $count"
done
for store in ${stores//,/ }; do
  case $store in sqlite | postgres) ;; *) fail "unknown store: $store" ;; esac
done
if [ -n "$markdown_into" ]; then
  for marker in '<!-- results -->' '<!-- /results -->'; do
    grep -qx "$marker" "$markdown_into" || fail "$markdown_into has no line $marker"
  done
fi
[ -w "$(dirname "$out")" ] || fail "$out cannot be written"

# The required programs.
command -v wrk >/dev/null || fail "wrk is missing: apt-get install wrk, brew install wrk"
pg_bin=
case ,$stores, in
  *,postgres,*)
    for folder in /usr/lib/postgresql/*/bin /opt/homebrew/opt/*/bin /usr/local/opt/*/bin; do
      if [ -x "$folder/initdb" ]; then pg_bin=$folder; fi
    done
    if [ -z "$pg_bin" ] && initdb=$(command -v initdb); then pg_bin=$(dirname "$initdb"); fi
    [ -n "$pg_bin" ] ||
      fail "PostgreSQL is missing: apt-get install postgresql, brew install postgresql, or --stores sqlite"
    for program in pg_ctl pgbench psql; do
      [ -x "$pg_bin/$program" ] || fail "$pg_bin has no $program"
    done
    # PostgreSQL refuses to run as root.
    if [ "$(id -u)" = 0 ]; then
      id postgres >/dev/null 2>&1 || fail "root needs a user postgres to run PostgreSQL, or --stores sqlite"
    fi
    ;;
esac
if [ -z "${CALLBOOK:-}" ]; then
  (cd "$root" && cargo build --release)
  CALLBOOK=${CARGO_TARGET_DIR:-$root/target}/release/callbook
fi
[ -x "$CALLBOOK" ] || fail "no binary: $CALLBOOK"

# Settings from the environment must not change the measurement.
for variable in $(compgen -v CALLBOOK_) $(compgen -v DATABASE_URL) $(compgen -v PG); do
  unset "$variable"
done

parent=$(cd "$parent" && pwd)
work=$(mktemp -d "$parent/callbook-bench.XXXXXX")
server=
postgres_runs=
errors=0

cleanup() {
  trap '' INT TERM HUP
  stop_server
  # PostgreSQL may still be starting.
  if [ -e "$work/pg/data/postmaster.pid" ]; then
    as_postgres "$pg_bin/pg_ctl" -D "$work/pg/data" -m immediate stop >/dev/null || true
  fi
  rm -rf "$work"
}

as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    # The working directory may not be accessible to that user.
    (cd / && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

stop_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

log() {
  echo "$*" >&2
}

# The time in microseconds.
now() {
  if [ -n "${EPOCHREALTIME:-}" ]; then
    echo "${EPOCHREALTIME/[.,]/}"
  else
    perl -MTime::HiRes=time -e 'printf "%d\n", time * 1e6'
  fi
}

# Formats 1000000 as 1,000,000.
grouped() {
  echo "$1" | sed -e :a -e 's/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/;ta'
}

# A numeric field of a line of JSON: `field NAME <<<LINE`.
field() {
  sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p"
}

# The median of a column of a table.
median() {
  cut -f "$1" "$2" | sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# The server's resident memory in MiB.
memory() {
  if [ -r "/proc/$server/status" ]; then
    awk '/^VmRSS:/ { printf "%.1f\n", $2 / 1024 }' "/proc/$server/status"
  else
    ps -o rss= -p "$server" | awk '{ printf "%.1f\n", $1 / 1024 }'
  fi
}

start_postgres() {
  mkdir -m 700 "$work/pg"
  if [ "$(id -u)" = 0 ]; then
    chmod 711 "$work"
    chown postgres "$work/pg"
  fi
  as_postgres "$pg_bin/initdb" -D "$work/pg/data" --no-sync --auth=trust --username=postgres --encoding=UTF8 \
    --locale=C >"$work/initdb" 2>&1 || fail "initdb: $(cat "$work/initdb")"
  # The default settings, except that the server listens only on a socket in its folder.
  cat >>"$work/pg/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$work/pg'
END
  as_postgres "$pg_bin/pg_ctl" -D "$work/pg/data" -l "$work/pg/log" -w start >/dev/null ||
    fail "PostgreSQL does not start: $(cat "$work/pg/log")"
  postgres_runs=yes
}

sql() {
  "$pg_bin/psql" -h "$work/pg" -U postgres -qAtX -v ON_ERROR_STOP=1 "$@"
}

# Sets server, address and start_ms.
start_server() {
  local start first
  : >"$work/out"
  start=$(now)
  CALLBOOK_BIND=127.0.0.1:0 CALLBOOK_RATE_LIMIT_PER_MINUTE=0 CALLBOOK_LOG=info \
    "$CALLBOOK" serve >"$work/out" 2>>"$work/log" &
  server=$!
  address=
  until [ -n "$address" ] && healthy; do
    kill -0 "$server" 2>/dev/null || fail "the server does not start: $(tail -n 20 "$work/log")"
    [ $(($(now) - start)) -lt 60000000 ] || fail "the server is not healthy after a minute"
    read -r first <"$work/out" || true
    case $first in *" listens on "*) address=${first##* } ;; *) sleep 0.001 ;; esac
  done
  start_ms=$((($(now) - start) / 1000))
}

# Whether /healthz answers 200.
healthy() {
  local line=
  { exec 3<>"/dev/tcp/${address%:*}/${address##*:}"; } 2>/dev/null || return 1
  printf 'GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
  read -r line <&3 || true
  exec 3>&-
  case $line in *" 200 "*) return 0 ;; *) return 1 ;; esac
}

# Measures a round with wrk and appends requests/s, p50 and p99 to the table of rounds.
measure_with_wrk() {
  local line failed
  line=$(WORKLOAD=$1 TOKEN=$token CALLS=$count SEED=$2 wrk -t "$threads" -c "$connections" -d "${seconds}s" \
    -s "$root/bench/load.lua" "http://$address" 2>&1 | tee "$work/wrk" | grep '^{') || fail "wrk: $(cat "$work/wrk")"
  failed=$(field errors <<<"$line")
  errors=$((errors + failed))
  [ "$failed" = 0 ] || log "  $1: $failed ERRORS"
  awk -v requests="$(($(field requests <<<"$line") - failed))" -v seconds="$(field seconds <<<"$line")" \
    -v p50="$(field p50_ms <<<"$line")" -v p99="$(field p99_ms <<<"$line")" \
    'BEGIN { printf "%.1f\t%s\t%s\n", requests / seconds, p50, p99 }' >>"$work/rounds.callbook"
}

# The same with pgbench, which logs the microseconds of each transaction.
measure_with_pgbench() {
  local failed
  rm -f "$work"/transactions.*
  "$pg_bin/pgbench" -h "$work/pg" -U postgres -n -M prepared -c "$connections" -j "$threads" -T "$seconds" \
    -D calls="$count" --random-seed="$2" -l --log-prefix="$work/transactions" -f "$root/bench/limit-$1.sql" \
    "$database" >"$work/pgbench" 2>&1 || fail "pgbench: $(cat "$work/pgbench")"
  failed=$(sed -n 's/^number of failed transactions: \([0-9]*\).*/\1/p' "$work/pgbench")
  errors=$((errors + ${failed:-0}))
  cat "$work"/transactions.* | cut -d ' ' -f 3 | sort -n |
    awk -v tps="$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/pgbench" | tail -n 1)" '
      { latency[NR] = $1 }
      function ms(share) { return latency[int((NR - 1) * share) + 1] / 1000 }
      END { printf "%.1f\t%.3f\t%.3f\n", tps, ms(0.5), ms(0.99) }' >>"$work/rounds.pgbench"
}

# Measures all rounds of a workload, with Callbook and pgbench, and appends the medians to the table of results.
measure() {
  local round by memory
  rm -f "$work"/rounds.*
  for ((round = 1; round <= rounds; round++)); do
    measure_with_wrk "$1" "$round"
    # The rounds alternate, so that both run under the same conditions.
    if [ "$store" = postgres ] && [ -e "$root/bench/limit-$1.sql" ]; then
      measure_with_pgbench "$1" "$round"
    fi
  done
  for by in callbook pgbench; do
    [ -e "$work/rounds.$by" ] || continue
    memory=$([ "$by" = pgbench ] || memory)
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$store" "$count" "$1" "$by" "$(median 1 "$work/rounds.$by")" \
      "$(median 2 "$work/rounds.$by")" "$(median 3 "$work/rounds.$by")" "$memory" | tee -a "$work/results" |
      awk -F '\t' '{ printf "  %-8s %-9s %9.0f/s  p50 %7.2f ms  p99 %7.2f ms\n", $3, $4, $5, $6, $7 }' >&2
  done
}

# Measures all workloads on one store of one size.
measure_store() {
  local workload
  log "$store, $(grouped "$count") calls"
  database=bench_$count
  export CALLBOOK_DATA_DIR=$work/$database
  if [ "$store" = postgres ]; then
    [ -n "$postgres_runs" ] || start_postgres
    sql -d postgres -c "CREATE DATABASE $database"
    export DATABASE_URL="postgres://postgres@/$database?host=$work/pg"
  fi
  "$CALLBOOK" demo --contacts 1000 --calls "$count" >/dev/null 2>>"$work/log" ||
    fail "callbook demo: $(tail -n 20 "$work/log")"
  token=$("$CALLBOOK" token create 2>>"$work/log")
  # Writing back the generated data is not measured. PostgreSQL would run ANALYZE by itself within minutes.
  if [ "$store" = postgres ]; then
    sql -d "$database" -c 'VACUUM ANALYZE' -c 'CHECKPOINT'
  fi
  sync
  start_server
  sleep 1
  printf '%s\t%s\t%s\t%s\n' "$store" "$count" "$start_ms" "$(memory)" >>"$work/starts"
  for workload in get contact page post put; do
    measure "$workload"
  done
  stop_server
  if [ "$store" = postgres ]; then
    sql -d postgres -c "DROP DATABASE $database"
    unset DATABASE_URL
  fi
  rm -rf "$CALLBOOK_DATA_DIR"
}

# The machine, on one line.
machine() {
  local model memory system device kind synced
  if [ -r /proc/cpuinfo ]; then
    model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    memory=$(awk '/^MemTotal:/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)
    system=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release 2>/dev/null || true)
  else
    model=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || true)
    memory=$(($(sysctl -n hw.memsize 2>/dev/null || echo 0) / 1073741824))
    system="$(sw_vers -productName 2>/dev/null || true) $(sw_vers -productVersion 2>/dev/null || true)"
  fi
  device=$(df -P "$work" | awk 'NR == 2 { print $1 }')
  kind=$(df -PT "$work" 2>/dev/null | awk 'NR == 2 { print $2 }' || true)
  # The average time to write and sync a page, the minimum latency of a commit.
  synced=$({ dd if=/dev/zero of="$work/synced" bs=8k count=200 oflag=dsync 2>&1 || true; } |
    sed -n 's/.*copied, \([0-9.e-]*\) s.*/\1/p' | awk '{ printf ", 8 KiB written and synced in %.2f ms", $1 * 5 }')
  rm -f "$work/synced"
  echo "$cores cores (${model:-unknown}), $memory GiB of memory, ${system:-unknown}, $(uname -s) $(uname -r)," \
    "disk $device${kind:+ ($kind)}$synced"
}

# The versions of the programs, on one line.
versions() {
  printf '%s, %s' "$("$CALLBOOK" --version)" "$(wrk --version 2>&1 | awk 'NR == 1 { print $1, $2 }')"
  [ -z "$pg_bin" ] || printf ', PostgreSQL %s' "$("$pg_bin/pgbench" --version | awk '{ print $3 }')"
}

# A text as a JSON string.
quoted() {
  printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"
}

json() {
  cat <<END
{
  "machine": $(quoted "$machine"),
  "versions": $(quoted "$versions"),
  "date": "$date",
  "command": $(quoted "$command_line"),
  "seconds": $seconds, "rounds": $rounds, "connections": $connections, "errors": $errors,
  "starts": [
END
  awk -F '\t' '{
    printf "%s    {\"store\": \"%s\", \"calls\": %s, \"start_ms\": %s, \"idle_mib\": %s}",
      (NR > 1 ? ",\n" : ""), $1, $2, $3, $4
  }' "$work/starts"
  printf '\n  ],\n  "results": [\n'
  awk -F '\t' '{
    printf "%s    {\"store\": \"%s\", \"calls\": %s, \"workload\": \"%s\", \"by\": \"%s\", " \
      "\"requests_per_second\": %s, \"p50_ms\": %s, \"p99_ms\": %s, \"memory_mib\": %s}",
      (NR > 1 ? ",\n" : ""), $1, $2, $3, $4, $5, $6, $7, ($8 == "" ? "null" : $8)
  }' "$work/results"
  printf '\n  ]\n}\n'
}

markdown() {
  cat <<END
On $machine; $versions; $date, by

    $command_line

Medians; rounds: $rounds, each of $seconds s; connections: $connections.
END
  for store in ${stores//,/ }; do
    printf '\n%s:\n\n' "$(title "$store")"
    echo '| request | stored calls | requests/s | p50, ms | p99, ms | memory, MiB |'
    echo '|---|--:|--:|--:|--:|--:|'
    awk -F '\t' -v store="$store" "$AWK_GROUPED"'
      BEGIN {
        name["get"] = "GET one call"; name["contact"] = "GET the first 10 calls of a contact"
        name["page"] = "GET a random page of 100"; name["post"] = "POST a call"; name["put"] = "PUT a call"
        split("get contact page post put", order, " "); split("callbook pgbench", makers, " ")
      }
      $1 == store {
        rows[$3, $4] = rows[$3, $4] sprintf("| %s | %s | %s | %.2f | %.2f | %s |\n",
          ($4 == "pgbench" ? "limit: pgbench, " name[$3] : name[$3]), grouped($2), grouped(sprintf("%.0f", $5)), $6, $7,
          ($8 == "" ? "" : sprintf("%.0f", $8)))
      }
      END { for (i = 1; i <= 5; i++) for (j = 1; j <= 2; j++) printf "%s", rows[order[i], makers[j]] }' "$work/results"
  done
  printf '\nThe start:\n\n'
  echo '| store | stored calls | first answer after, ms | memory at idle, MiB |'
  echo '|---|--:|--:|--:|'
  awk -F '\t' "$AWK_GROUPED"'{
    printf "| %s | %s | %s | %.0f |\n", ($1 == "sqlite" ? "SQLite" : "PostgreSQL"), grouped($2), $3, $4
  }' "$work/starts"
}

AWK_GROUPED='function grouped(digits) {
  if (length(digits) <= 3) return digits
  return grouped(substr(digits, 1, length(digits) - 3)) "," substr(digits, length(digits) - 2)
}'

title() {
  case $1 in sqlite) echo SQLite ;; postgres) echo PostgreSQL ;; esac
}

cores=$(getconf _NPROCESSORS_ONLN)
# wrk and pgbench use half of the cores.
threads=$((cores > 1 ? cores / 2 : 1))
[ "$threads" -le "$connections" ] || threads=$connections
machine=$(machine)
versions=$(versions)
date=$(date -u +%F)

case $machine in
  *"(tmpfs)"*) log "$parent is in memory, where writes are faster than on a disk; choose another folder with --dir" ;;
esac
for store in ${stores//,/ }; do
  for count in $counts; do
    measure_store
  done
done

json >"$out"
markdown >"$work/markdown"
cat "$work/markdown"
[ "$errors" = 0 ] || fail "$errors requests failed"
if [ -n "$markdown_into" ]; then
  awk -v tables="$work/markdown" '
    $0 == "<!-- /results -->" { inside = 0 }
    !inside
    $0 == "<!-- results -->" { inside = 1; while ((getline line < tables) > 0) print line }' \
    "$markdown_into" >"$work/filled"
  cat "$work/filled" >"$markdown_into"
fi
