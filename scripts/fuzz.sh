#!/usr/bin/env bash
# Fuzzes each of our own parsers for a while, from the corpora in fuzz/corpus; stops at the first input that breaks one.
#
#   scripts/fuzz.sh [SECONDS-PER-TARGET]        (default 60)
#
# Needs nightly Rust. What is found new goes to fuzz/found (not kept by git); a crash to fuzz/artifacts. Keep what is worth
# it: `cargo +nightly fuzz cmin TARGET`, or by hand under a name that says what it is.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
# Without the address sanitizer: our parsers have no unsafe code, and so it builds and runs several times as fast.
cargo +nightly fuzz build --sanitizer none
for target in $(cargo +nightly fuzz list); do
    mkdir -p "fuzz/found/$target"
    echo "fuzz: $target for $seconds s"
    cargo +nightly fuzz run --sanitizer none "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
