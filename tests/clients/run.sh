#!/usr/bin/env bash
# Holds a real server to the official clients of versions.json and to the documentation's own snippets.
#
#   tests/clients/run.sh [--client NAME]… [--without NAME]… [PYTEST-ARGUMENTS…]      see run.py
#
# Starts ministack, a web server for direct links, a proxy that fails on demand and `telecine serve`, each on a free port
# of loopback, and ends them again. Environment: TELECINE_BIN (the program; default: it is built), TELECINE_VENV, TELECINE_CACHE.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

"$root/tests/clients/setup.sh"
if [ -z "${TELECINE_BIN:-}" ]; then
    cargo build --quiet --manifest-path "$root/Cargo.toml" -p telecine
    TELECINE_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/telecine
fi
export TELECINE_BIN
exec "${TELECINE_VENV:-$root/.venv}/bin/python" "$root/tests/clients/run.py" "$@"
