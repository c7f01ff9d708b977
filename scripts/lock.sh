#!/usr/bin/env bash
# Rewrites the Python lock files from their .in files. Needed only when a version changes.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/pip" install --quiet uv==0.13.9

for input in scripts/requirements.in scripts/bench.in scripts/deploy.in scripts/node.in tests/aws/requirements.in tests/clients/*.in; do
    [ -e "$input" ] || continue
    output=${input%.in}.txt
    # The oldest Python that has to run it.
    python=3.10
    case $input in tests/clients/schemathesis.in | scripts/deploy.in) python=3.11 ;; esac
    echo "lock: $input -> $output"
    echo "# Made by scripts/lock.sh from $(basename "$input"); do not edit." >"$tools/header"
    "$tools/bin/uv" pip compile --quiet --universal --python-version "$python" --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --no-emit-find-links "$input" -o "$tools/locked"
    cat "$tools/header" "$tools/locked" >"$output"
done
