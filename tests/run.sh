#!/bin/sh
# Runs all tests. Installs PostgreSQL and PgBouncer if they are missing (Debian, Homebrew). The tests on Citus need
# TEST_CITUS_URL: a database on a coordinator with workers, where a superuser may create databases.
set -eu
cd "$(dirname "$0")/.."

installed() {
  for folder in /usr/lib/postgresql/*/bin /opt/homebrew/opt/*/bin /usr/local/opt/*/bin; do
    [ -x "$folder/initdb" ] && return 0
  done
  command -v initdb >/dev/null
}

# Installs a package that a test needs. The second argument is what to do where that is not possible.
install() {
  if command -v apt-get >/dev/null; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$1"
  elif command -v brew >/dev/null; then
    brew install "$1"
  else
    echo "$2" >&2
    exit 1
  fi
}

if [ -z "${TEST_DATABASE_URL:-}" ] && ! installed; then
  install postgresql "PostgreSQL is not installed: install it, or set TEST_DATABASE_URL to a server on which tests may create databases"
fi
if ! command -v pgbouncer >/dev/null && [ ! -x /usr/sbin/pgbouncer ]; then
  install pgbouncer "PgBouncer is not installed: install it, so that the tests through a pooler can run"
fi

# A folder for temporary files, which must be empty after the tests.
TMPDIR=$(mktemp -d)
export TMPDIR
# If this user is root, PostgreSQL runs as another user, which must be able to remove its folders.
chmod 1777 "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
if [ -n "${TEST_CITUS_URL:-}" ]; then
  cargo test --workspace --features callbook-postgres/citus,callbook-tests/citus "$@"
else
  cargo test --workspace "$@"
  echo "The tests on Citus were not run: TEST_CITUS_URL is not set."
fi
# The temporary servers stop shortly after their tests.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ -z "$(ls -A "$TMPDIR")" ] && exit 0
  sleep 1
done
echo "the tests left files behind: $(ls -A "$TMPDIR")" >&2
exit 1
