#!/usr/bin/env bash
# Clicks through the dashboard of a real server in Chromium.
#
#   web/e2e/run.sh [PLAYWRIGHT-ARGUMENTS…]       e.g. integrations, --grep "by keyboard", --update-snapshots
#
# Environment: TELECINE_BIN (the program; default: it is built, with the dashboard in it), TELECINE_VENV; TELECINE_WORLD, a
# world that is kept (web/e2e/world.py FOLDER), instead of a fresh one.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=${TELECINE_VENV:-$root/.venv}

"$root/scripts/setup.sh" web
# What "copy as code" shows is run with the official SDKs.
"$root/tests/clients/setup.sh"
if [ -z "${TELECINE_BIN:-}" ]; then
    cargo build --quiet --manifest-path "$root/Cargo.toml" -p telecine
    TELECINE_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/telecine
fi
export TELECINE_BIN PATH=$venv-node/bin:$PATH
cd "$root/web"
playwright=("$root/web/node_modules/.bin/playwright" test "$@")
if [ -n "${TELECINE_WORLD:-}" ]; then
    exec "${playwright[@]}"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$venv/bin/python" "$root/web/e2e/world.py" "$folder/world" "${playwright[@]}"
