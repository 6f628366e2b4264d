#!/bin/sh
# Lints the OpenAPI document, generates clients in TypeScript, Python and Rust, checks them strictly, and runs one flow
# with each against the real binary. CALLBOOK=PATH tests the binary at PATH; otherwise cargo builds one.
set -eu
cd "$(dirname "$0")/.."
for tool in node npm python3 cargo; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install Node.js 20, Python 3.10 and Rust, or later" >&2; exit 1; }
done
[ -n "${CALLBOOK:-}" ] || cargo build --locked --quiet
mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(realpath "${CARGO_TARGET_DIR:-target}")
binary=$(realpath "${CALLBOOK:-$target/debug/callbook}")

work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server"
  rm -rf "$work"
}
trap finish EXIT

cp -R tests/sdk/. "$work"
cd "$work"
"$binary" openapi > openapi.json
# progenitor needs version 3.0.
"$binary" openapi --format 3.0 > rust/openapi.json
mkdir data
export CALLBOOK_DATA_DIR="$work/data" CALLBOOK_BIND=127.0.0.1:0 CALLBOOK_LOG=warn
"$binary" serve > serve.out &
server=$!
until grep -q "API " serve.out; do
  kill -0 "$server"
  sleep 0.1
done
base=$(sed -n 's|.*API *\(http://[^ ]*\)/api$|\1|p' serve.out)
token=$(sed -n 's/.*Token *\(cb_[^ ]*\).*/\1/p' serve.out)

npm install --no-audit --no-fund --silent
# With the strict rules, warnings are errors.
npx redocly lint --extends recommended-strict --format stylish openapi.json rust/openapi.json
npx spectral lint --fail-severity=warn --ruleset spectral.yaml openapi.json rust/openapi.json
npx openapi-typescript openapi.json --output api.d.ts
npx tsc
node out/flow.js "$base" "$token"

python3 -m venv venv
venv/bin/pip install --quiet --requirement requirements.txt
PATH="$work/venv/bin:$PATH" venv/bin/openapi-python-client generate --path openapi.json --output-path client
PYTHONPATH=client venv/bin/mypy --strict flow.py
PYTHONPATH=client venv/bin/python flow.py "$base" "$token"

# The target directory of the workspace keeps the compiled dependencies for the next run.
cargo run --quiet --manifest-path rust/Cargo.toml --target-dir "$target/sdk" -- "$base" "$token"
