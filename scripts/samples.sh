#!/usr/bin/env bash
# Makes what lies in the demo's bucket: scripts/samples.sh FOLDER. The same bytes on every run of the same ffmpeg.
#
#   trailer.mp4          captioned trailer, many shots, music       -> becomes ready
#   speech.mp4           a reading over street scenes, 44 s         -> becomes ready
#   captioned.mp4/.srt   one shot of 5 s, with its captions         -> becomes ready
#   copy-of-trailer.mp4  the trailer's bytes under another name     -> skipped: duplicate
#   silent.mp4           street scenes without an audio track       -> refused where `conversation` is on
#   small.mp4            180 lines high                             -> refused: below 360p
#   broken.mp4           a video cut off before its index           -> refused: cannot be read
#   notes.txt            no video                                   -> not taken
set -euo pipefail

[ $# = 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
target=$(cd "$1" && pwd)
cache=${TELECINE_CACHE:-$HOME/.cache/telecine}
media=$cache/media
for name in trailer_bbb.mp4 two_cities.wav bikes.mp4 bigbuckbunny.mp4; do
    [ -e "$media/$name" ] || { echo "samples: $media/$name is missing; run scripts/setup.sh samples" >&2; exit 1; }
done

# Made once per version of this script and of ffmpeg, then copied.
key=$({ cat "$0"; ffmpeg -version; } | sha256sum | cut -c1-16)
made=$cache/samples/$key

# One thread: with two, the encoder does not always write the same bytes.
encode() { # OUTPUT INPUT-AND-OPTIONS…
    local output=$1
    shift
    ffmpeg -v error -nostdin -y "$@" -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
        -c:v libx264 -preset veryfast -crf 26 -threads:v 1 -pix_fmt yuv420p -g 50 -c:a aac -b:a 64k "$output"
}

make_samples() { # FOLDER
    cp "$media/trailer_bbb.mp4" "$1/trailer.mp4"
    cp "$media/trailer_bbb.mp4" "$1/copy-of-trailer.mp4"
    cp "$media/bigbuckbunny.mp4" "$1/captioned.mp4"
    cat >"$1/captioned.srt" <<'SRT'
1
00:00:00,300 --> 00:00:02,200
Good morning, meadow! Time to crawl out of bed.

2
00:00:02,500 --> 00:00:05,000
What a lovely day to stretch both arms and yawn.
SRT
    encode "$1/speech.mp4" -stream_loop -1 -i "$media/bikes.mp4" -i "$media/two_cities.wav" \
        -map 0:v:0 -map 1:a:0 -vf scale=848:360,setsar=1 -ac 1 -ar 48000 -t 44.36
    encode "$1/silent.mp4" -i "$media/bikes.mp4" -map 0:v:0 -an -vf scale=848:360,setsar=1
    encode "$1/small.mp4" -ss 10 -t 8 -i "$media/trailer_bbb.mp4" -map 0:v:0 -map 0:a:0 -vf scale=320:180 -ac 2
    # Its index (moov) comes last and is lost.
    head -c 400000 "$1/speech.mp4" >"$1/broken.mp4"
    echo "Holiday films, to be sorted. This file is no video." >"$1/notes.txt"
}

if [ ! -d "$made" ]; then
    mkdir -p "$cache/samples"
    work=$(mktemp -d "$cache/samples/.making-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    make_samples "$work"
    chmod 755 "$work"
    # Another run may have been quicker; its files are the same.
    mv -T "$work" "$made" 2>/dev/null || true
fi
cp "$made"/* "$target/"
