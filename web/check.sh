#!/usr/bin/env bash
# What of the dashboard is checked without a browser: format, lints, types, logic, and that its client is that of
# docs/openapi.json. Needs Node.js and the packages (`scripts/setup.sh web`).
set -euo pipefail
cd "$(dirname "$0")"
npm run --silent check
npm run --silent test
made=$(mktemp --suffix=.ts)
trap 'rm -f "$made"' EXIT
node_modules/.bin/openapi-typescript ../docs/openapi.json -o "$made" >/dev/null
cmp -s "$made" src/api/schema.d.ts || {
    echo "web: src/api/schema.d.ts is not that of docs/openapi.json: run \`npm run api\` in web/" >&2
    exit 1
}
