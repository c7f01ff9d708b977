#!/usr/bin/env bash
# Gets the official clients and what the documentation's snippets need, from lock files. Quick when nothing is to do.
#
#   tests/clients/setup.sh
#
# Python clients live below the cache folder, one environment per version: clients/twelvelabs-VERSION/bin/python.
# Node.js packages live in node_modules here. The documentation's Python snippet runs in the project's .venv.
set -euo pipefail
cd "$(dirname "$0")"

clients=${TELECINE_CACHE:-$HOME/.cache/telecine}/clients
mkdir -p "$clients"
# Two runs at once must not build the same environment.
exec 9>"$clients/.lock"
flock 9

for lock in twelvelabs-*.txt; do
    venv=$clients/${lock%.txt}
    want=$(sha256sum <"$lock")
    if [ "$(cat "$venv/.requirements" 2>/dev/null)" = "$want" ] && "$venv/bin/python" -c '' 2>/dev/null; then
        continue
    fi
    echo "clients: making $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r "$lock"
    echo "$want" >"$venv/.requirements"
done

want=$(sha256sum <package-lock.json)
if [ "$(cat node_modules/.package-lock.sha256 2>/dev/null)" != "$want" ]; then
    command -v npm >/dev/null || { echo "clients: there is no npm; run scripts/setup.sh system-tests" >&2; exit 1; }
    echo "clients: installing Node.js packages"
    npm ci --silent --ignore-scripts --no-audit --no-fund
    echo "$want" >node_modules/.package-lock.sha256
fi
