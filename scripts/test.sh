#!/usr/bin/env bash
# Everything that must pass before a change lands, quick things first. `make test` runs this after `scripts/setup.sh`.
# What runs beside what, and why, is told in docs/ARCHITECTURE.md.
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

# Steps that run at the same time, each a name and a command without spaces. What a step says is shown in one piece when it
# ends; all of them end before one that failed ends the whole.
beside() { # NAME COMMAND NAME COMMAND…
    local start=$SECONDS failed=() pid status
    local -A names=()
    while [ $# -gt 0 ]; do
        printf 'test: %s, beside others\n' "$1"
        # A process group of its own, which is ended as a whole.
        set -m
        "$2" >"$logs/$1" 2>&1 </dev/null &
        set +m
        names[$!]=$1
        running[$!]=1
        shift 2
    done
    while [ ${#names[@]} -gt 0 ]; do
        status=0
        wait -n -p pid "${!names[@]}" || status=$?
        unset "running[$pid]"
        printf 'test: %s said:\n' "${names[$pid]}"
        cat "$logs/${names[$pid]}"
        if [ "$status" = 0 ]; then
            printf 'test: %s took %d s\n' "${names[$pid]}" $((SECONDS - start))
        else
            printf 'test: %s FAILED after %d s\n' "${names[$pid]}" $((SECONDS - start)) >&2
            failed+=("${names[$pid]}")
        fi
        unset "names[$pid]"
    done
    [ ${#failed[@]} = 0 ] || { printf 'test: %s FAILED\n' "${failed[@]}" >&2; exit 1; }
}

# Whoever ends this ends what runs beside each other, too.
end() {
    local group
    for group in "${!running[@]}"; do
        kill -TERM -- "-$group" 2>/dev/null || true
    done
    wait
    rm -rf "$logs"
}

declare -A running=()
logs=$(mktemp -d)
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

lints() { cargo clippy --workspace --all-targets --locked -- -D warnings; }
dashboard_checks() { PATH="$TELECINE_VENV-node/bin:$PATH" web/check.sh; }
stand_ins() { "$TELECINE_VENV/bin/python" -m unittest discover tests/tools; }

rust_tests() {
    # Through a pipe nextest would not know that it writes to a terminal.
    [ ! -t 1 ] || export CARGO_TERM_COLOR=always
    cargo nextest run --workspace --locked --profile "${NEXTEST_PROFILE:-default}" 2>&1 | tee "$logs/nextest"
}

clients() { tests/clients/run.sh --without schema; }
journeys_1() { web/e2e/run.sh --shard=1/2 --output=test-results/1; }
journeys_2() { web/e2e/run.sh --shard=2/2 --output=test-results/2; }

step "formatting" cargo fmt --all --check
step "files for deployment" "$TELECINE_VENV-deploy/bin/python" scripts/check_deploy.py
beside \
    "lints" lints \
    "the dashboard: checks" dashboard_checks \
    "stand-in servers" stand_ins
step "Rust tests" rust_tests
step "the demo, checked" env ONCE=1 "$TELECINE_VENV/bin/python" scripts/demo.py
# Once, before those that would each do it.
step "official clients: packages" tests/clients/setup.sh
# The server that the tests were built with; built alone it would be compiled anew (see scripts/setup.sh).
export TELECINE_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/telecine
beside \
    "the dashboard in Chromium, first half" journeys_1 \
    "the dashboard in Chromium, second half" journeys_2 \
    "official clients" clients
# It asks for so many seconds, and beside others would ask less.
step "every question of the OpenAPI document" tests/clients/run.sh --client schema

printf 'test: all done in %d s\n' "$SECONDS"
grep -E 'Summary \[' "$logs/nextest"
