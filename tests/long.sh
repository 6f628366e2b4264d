#!/bin/sh
# The long forms of the reliability tests, about half an hour: see docs/reliability.md. `tests/long.sh PART` runs one of
# faults, races, document, fuzz. PostgreSQL must be installed (tests/run.sh does that).
set -eu
cd "$(dirname "$0")/.."
part=${1:-all}
wants() { [ "$part" = all ] || [ "$part" = "$1" ]; }

# Kills, full disks, load, hostile input, access. The full disk needs root, or user namespaces.
if wants faults; then
  cargo test --package callbook-tests --features long --test reliability -- --nocapture
fi
# The model in memory against both stores.
if wants races; then
  cargo test --package callbook-sqlite --package callbook-postgres \
    --features callbook-sqlite/long,callbook-postgres/long --test contract the_store_does_what_a_model_in_memory_does
fi
# Every operation of the OpenAPI document, thousands of examples each. Needs Python.
if wants document; then
  tests/schemathesis.sh 2000
fi
# Needs a nightly toolchain, cargo-fuzz and a C++ compiler.
if wants fuzz; then
  found=$(mktemp -d)
  trap 'rm -rf "$found"' EXIT
  mkdir "$found/request" "$found/parse"
  (cd crates/adapters/http && cargo +nightly fuzz run request "$found/request" fuzz/corpus/request -- -max_total_time=300)
  (cd crates/strtotime && cargo +nightly fuzz run parse "$found/parse" fuzz/corpus/parse -- -max_total_time=300)
fi
