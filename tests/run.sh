#!/bin/sh
# Runs all tests, PostgreSQL's too, and installs PostgreSQL where there is none (Debian, Homebrew).
set -eu
cd "$(dirname "$0")/.."

installed() {
  for folder in /usr/lib/postgresql/*/bin /opt/homebrew/opt/*/bin /usr/local/opt/*/bin; do
    [ -x "$folder/initdb" ] && return 0
  done
  command -v initdb >/dev/null
}

if [ -z "${TEST_DATABASE_URL:-}" ] && ! installed; then
  if command -v apt-get >/dev/null; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends postgresql
  elif command -v brew >/dev/null; then
    brew install postgresql
  else
    echo "PostgreSQL is not installed: install it, or set TEST_DATABASE_URL to a server on which tests may make databases" >&2
    exit 1
  fi
fi

# Whatever the tests leave behind would be here.
TMPDIR=$(mktemp -d)
export TMPDIR
# PostgreSQL runs as another user when this is root, and takes its folders away itself.
chmod 1777 "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
cargo test --workspace "$@"
# The throw-away servers end a moment after their tests.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ -z "$(ls -A "$TMPDIR")" ] && exit 0
  sleep 1
done
echo "the tests left behind: $(ls -A "$TMPDIR")" >&2
exit 1
