#!/usr/bin/env bash
# Copies what must not be lost of a server with SQLite, while it runs: the database as of one moment, files of assets, keys.
#
#   deploy/backup.sh DATA_FOLDER TARGET [--with-media]
#
# TARGET is a new folder; it appears whole or not at all. --with-media: streams of videos, too (they are not made again).
# To restore: copy its content into a new data folder that belongs to the server's user, and start. Needs sqlite3 or python3.
set -euo pipefail
umask 077

die() { printf 'backup: %s\n' "$*" >&2; exit 1; }
[ $# -ge 2 ] || die "usage: backup.sh DATA_FOLDER TARGET [--with-media]"
data=${1%/} target=${2%/} folders=(assets)
[ "${3:-}" != --with-media ] || folders+=(media)
[ -f "$data/telecine.db" ] || die "there is no telecine.db in $data"
[ ! -e "$target" ] || die "$target is there already"
draft=$target.part
rm -rf "$draft"
mkdir -p "$draft"
trap 'rm -rf "$draft"' EXIT

# Files are written once, under names that are never used again. Before and after: then whatever the database names is there.
files() {
    for folder in "${folders[@]}"; do
        # What is deleted meanwhile is no longer wanted.
        if [ -d "$data/$folder" ]; then cp -a --update "$data/$folder" "$draft/" 2>/dev/null || true; fi
    done
}

files
if command -v sqlite3 >/dev/null; then
    sqlite3 "$data/telecine.db" ".timeout 30000" ".backup '$draft/telecine.db'"
    told=$(sqlite3 "$draft/telecine.db" "PRAGMA integrity_check")
else
    told=$(python3 - "$data/telecine.db" "$draft/telecine.db" <<'PYTHON'
import sqlite3, sys
source, target = (sqlite3.connect(path, timeout=30) for path in sys.argv[1:])
source.backup(target, pages=10_000)
print(target.execute("PRAGMA integrity_check").fetchone()[0])
PYTHON
)
fi
[ "$told" = ok ] || die "the copy is not sound: $told"
files
for key in secrets.key link.key; do
    [ ! -f "$data/$key" ] || cp -a "$data/$key" "$draft/"
done
sync -f "$draft"
mv "$draft" "$target"
trap - EXIT
printf 'backup: %s (%s)\n' "$target" "$(du -sh "$target" | cut -f1)"
