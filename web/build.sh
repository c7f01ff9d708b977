#!/usr/bin/env bash
# Builds the dashboard into web/dist, if anything that it is made of has changed. Needs Node.js 24 on the path
# (`scripts/setup.sh web` sees to it).
#
#   web/build.sh
set -euo pipefail
cd "$(dirname "$0")"

exec 9>.build.lock
flock 9
want=$(sha256sum <package-lock.json)
if [ "$(cat node_modules/.package-lock.sha256 2>/dev/null)" != "$want" ]; then
    echo "web: installing packages"
    npm ci --silent --ignore-scripts --no-audit --no-fund
    echo "$want" >node_modules/.package-lock.sha256
fi
made_of=$(find src public scripts index.html package.json package-lock.json tsconfig.json vite.config.ts build.sh -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum)
if [ "$(cat dist/.made-of 2>/dev/null)" = "$made_of" ]; then
    echo "web: the dashboard is built"
    exit
fi
echo "web: building the dashboard"
npm run --silent build
echo "$made_of" >dist/.made-of
