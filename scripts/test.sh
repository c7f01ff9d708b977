#!/usr/bin/env bash
# Everything that must pass before a change lands, quick things first. `make test` runs this after `scripts/setup.sh`.
#
# Environment: NEXTEST_PROFILE (default or ci, see .config/nextest.toml).
set -euo pipefail
cd "$(dirname "$0")/.."
export TELECINE_VENV=${TELECINE_VENV:-$PWD/.venv}

step() {
    local name=$1 start=$SECONDS
    shift
    printf 'test: %s\n' "$name"
    "$@" || { printf 'test: %s FAILED\n' "$name" >&2; exit 1; }
    printf 'test: %s took %d s\n' "$name" $((SECONDS - start))
}

rust_tests() {
    # Through a pipe nextest would not know that it writes to a terminal.
    [ ! -t 1 ] || export CARGO_TERM_COLOR=always
    cargo nextest run --workspace --locked --profile "${NEXTEST_PROFILE:-default}" 2>&1 | tee "$log"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT

step "formatting" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
step "the dashboard: checks" env PATH="$TELECINE_VENV-node/bin:$PATH" web/check.sh
step "files for deployment" "$TELECINE_VENV-deploy/bin/python" scripts/check_deploy.py
step "stand-in servers" "$TELECINE_VENV/bin/python" -m unittest discover tests/tools
step "Rust tests" rust_tests
step "the demo, checked" env ONCE=1 "$TELECINE_VENV/bin/python" scripts/demo.py
if [ -x tests/clients/run.sh ]; then
    step "official clients: packages" tests/clients/setup.sh
    step "official clients" tests/clients/run.sh
fi

step "the dashboard in Chromium" web/e2e/run.sh

printf 'test: all done in %d s\n' "$SECONDS"
grep -E 'Summary \[' "$log"
