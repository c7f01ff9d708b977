//! More tracks than one of pictures and one of sound, or fewer.

use super::super::boxes::patched;
use super::Make;

pub(super) const ALL: &[(&str, Make)] = &[
    ("mute.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -an"))),
    ("two-sounds.mp4", |zoo, name| {
        zoo.make(name, "-i base.mp4 -f lavfi -t 3 -i anullsrc -map 0 -map 1 -c:v copy -c:a aac");
    }),
    ("second-sound-is-default.mkv", |zoo, name| {
        let default = "-disposition:a:0 0 -disposition:a:1 default";
        zoo.make(name, &format!("-f lavfi -t 3 -i anullsrc -i base.mp4 -map 1:v -map 0:a -map 1:a -c:v copy -c:a aac {default}"));
    }),
    ("two-pictures.mp4", |zoo, name| {
        let other = "-f lavfi -t 3 -i color=c=white:s=64x64:r=30";
        zoo.make(
            name,
            &format!("-i base.mp4 {other} -map 0 -map 1 -c copy -c:v:1 libx264 -preset ultrafast"),
        );
    }),
    ("second-picture-is-default.mkv", |zoo, name| {
        let other = "-f lavfi -t 3 -i color=c=white:s=64x64:r=30";
        let default = "-disposition:v:0 0 -disposition:v:1 default";
        zoo.make(
            name,
            &format!("{other} -i base.mp4 -map 0 -map 1 -c copy -c:v:0 libx264 -preset ultrafast {default}"),
        );
    }),
    ("surround.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v copy -c:a aac -ac 6"))),
    ("telephone.mov", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v copy -c:a pcm_mulaw -ar 8000"))),
    ("studio.mkv", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v copy -c:a pcm_f64le -ar 192000 -ac 2"))),
    ("subtitles.mp4", |zoo, name| {
        zoo.write("a.srt", SRT);
        zoo.make(name, "-i base.mp4 -i a.srt -map 0 -map 1 -c copy -c:s mov_text");
    }),
    ("subtitles.mkv", |zoo, name| {
        zoo.write("b.srt", SRT);
        zoo.make(name, "-i base.mp4 -i b.srt -i b.srt -map 0 -map 1 -map 2 -c copy -c:s:0 srt -c:s:1 ass");
    }),
    ("subtitles.webm", |zoo, name| {
        zoo.write("c.srt", SRT);
        let codecs = "-c:v libvpx -deadline realtime -b:v 2M -c:a libopus -c:s webvtt";
        zoo.make(name, &format!("-i base.mp4 -i c.srt -map 0 -map 1 {codecs}"));
    }),
    ("chapters.mp4", |zoo, name| {
        zoo.write("chapters.txt", CHAPTERS);
        zoo.make(name, "-i base.mp4 -i chapters.txt -map 0 -map_chapters 1 -c copy");
    }),
    ("chapters.mkv", |zoo, name| {
        zoo.write("more.txt", CHAPTERS);
        zoo.make(name, "-i base.mp4 -i more.txt -map 0 -map_chapters 1 -c copy");
    }),
    ("timecode.mov", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -timecode 01:02:03:04"))),
    ("data.ts", |zoo, name| {
        zoo.write("data.bin", &[7; 4_000]);
        zoo.make(name, "-i base.mp4 -f data -i data.bin -map 0 -map 1 -c copy");
    }),
    ("attachment.mkv", |zoo, name| {
        zoo.write("font.ttf", &[9; 10_000]);
        zoo.make(
            name,
            "-i base.mp4 -c copy -attach font.ttf -metadata:s:t mimetype=application/x-truetype-font",
        );
    }),
    ("cover.mp4", |zoo, name| {
        zoo.make("cover.png", "-i base.mp4 -frames:v 1");
        zoo.make(name, "-i base.mp4 -i cover.png -map 1 -map 0 -c copy -disposition:v:0 attached_pic");
    }),
    ("cover-and-sound.m4a", |zoo, name| {
        zoo.make("sleeve.jpg", "-i base.mp4 -frames:v 1");
        zoo.make(name, "-i base.mp4 -i sleeve.jpg -map 1 -map 0:a -c copy -disposition:v:0 attached_pic");
    }),
    ("sound.m4a", |zoo, name| drop(zoo.make(name, "-i base.mp4 -vn -c copy"))),
    ("sound.mka", |zoo, name| drop(zoo.make(name, "-i base.mp4 -vn -c copy"))),
    ("subtitles-alone.mkv", |zoo, name| {
        zoo.write("d.srt", SRT);
        zoo.make(name, "-i d.srt -c copy");
    }),
    ("unknown-sound.mp4", |zoo, name| {
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), "moov/trak+1/mdia/minf/stbl/stsd", 12, b"zzzz"));
    }),
    ("unknown-picture.mp4", |zoo, name| {
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), "moov/trak/mdia/minf/stbl/stsd", 12, b"zzzz"));
    }),
    ("encrypted.mp4", |zoo, name| {
        let key = "00112233445566778899aabbccddeeff";
        zoo.make(name, &format!("-i base.mp4 -c copy -encryption_scheme cenc-aes-ctr -encryption_key {key} -encryption_kid {key}"));
    }),
    ("thirty-sounds.mkv", |zoo, name| {
        zoo.make(name, &format!("-i base.mp4 -map 0:v {} -c copy", "-map 0:a ".repeat(30)));
    }),
    ("a-hundred-sounds.mkv", |zoo, name| {
        zoo.make(name, &format!("-i base.mp4 -map 0:v {} -c copy", "-map 0:a ".repeat(100)));
    }),
];

const SRT: &[u8] = b"1\n00:00:01,000 --> 00:00:02,500\nHello\n\n";
const CHAPTERS: &[u8] = b";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n\
    [CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=Two\n";
