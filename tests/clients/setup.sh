#!/usr/bin/env bash
# Gets the official clients, schemathesis and what the documentation's snippets need, from lock files. Quick when nothing
# is to do.
#
#   tests/clients/setup.sh
#
# Each version of a client has a folder of its own below the cache: clients/twelvelabs-VERSION/bin/python and
# clients/twelvelabs-js-VERSION/node_modules. The snippets' Node.js packages live in node_modules here; the Python snippet
# runs in the project's .venv, whose pip also fills the environments (they have none of their own: it would be half of
# what they take).
set -euo pipefail
cd "$(dirname "$0")"

root=$(cd ../.. && pwd)
venv=${TELECINE_VENV:-$root/.venv}
clients=${TELECINE_CACHE:-$HOME/.cache/telecine}/clients
mkdir -p "$clients"
# Two runs at once must not build the same environment.
exec 9>"$clients/.lock"
flock 9

for lock in twelvelabs-*.txt schemathesis.txt; do
    place=$clients/${lock%.txt}
    want=$(sha256sum <"$lock")
    if [ "$(cat "$place/.requirements" 2>/dev/null)" = "$want" ] && "$place/bin/python" -c '' 2>/dev/null; then
        continue
    fi
    echo "clients: making $place"
    rm -rf "$place"
    python3 -m venv --without-pip "$place"
    "$venv/bin/python" -m pip --python "$place/bin/python" install --quiet --disable-pip-version-check --no-compile \
        --require-hashes --only-binary=:all: -r "$lock"
    echo "$want" >"$place/.requirements"
done

install_packages() { # FOLDER WITH PACKAGE-LOCK.JSON, PLACE
    local want
    want=$(sha256sum <"$1/package-lock.json")
    [ "$(cat "$2/node_modules/.package-lock.sha256" 2>/dev/null)" != "$want" ] || return 0
    command -v npm >/dev/null || { echo "clients: there is no npm; run scripts/setup.sh system-tests" >&2; exit 1; }
    echo "clients: installing Node.js packages: $2"
    mkdir -p "$2"
    [ "$1" -ef "$2" ] || cp "$1"/package*.json "$2"
    (cd "$2" && npm ci --silent --ignore-scripts --no-audit --no-fund)
    echo "$want" >"$2/node_modules/.package-lock.sha256"
}

for folder in twelvelabs-js-*/; do
    install_packages "$folder" "$clients/${folder%/}"
done
install_packages . .
