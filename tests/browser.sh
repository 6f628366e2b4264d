#!/bin/sh
# Runs the browser test in headless Chromium. Installs Debian's Chromium if it is missing.
set -eu
cd "$(dirname "$0")/.."
if ! command -v chromedriver >/dev/null; then
  command -v apt-get >/dev/null || { echo "chromedriver is not installed; install Chromium and its driver" >&2; exit 1; }
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium chromium-driver
fi
exec cargo test --package callbook-tests --features browser --test browser
