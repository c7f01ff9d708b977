//! Files that are something else, or two things at once, under the name of a video. Those that can name other files name
//! `secret.ts`, which must never be opened.

use super::super::Zoo;
use super::super::boxes::{added, boxed, patched, replaced, words};
use super::Make;

pub(super) const ALL: &[(&str, Make)] = &[
    ("playlist.mp4", |zoo, name| {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n", secret(zoo));
        prober_sees(zoo, name, &text);
    }),
    ("playlist-of-playlists.mp4", |zoo, name| {
        let text = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile://{}\n", secret(zoo));
        prober_sees(zoo, name, &text);
    }),
    ("concat.mp4", |zoo, name| {
        prober_sees(zoo, name, &format!("ffconcat version 1.0\nfile '{}'\n", secret(zoo)));
    }),
    ("dash.mp4", |zoo, name| {
        let text = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
             profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" mediaPresentationDuration=\"PT3S\">\
             <Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{}</BaseURL>\
             <SegmentBase/></Representation></AdaptationSet></Period></MPD>",
            secret(zoo)
        );
        prober_sees(zoo, name, &text);
    }),
    ("session.mp4", |zoo, name| {
        prober_sees(
            zoo,
            name,
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        );
    }),
    ("redirect.mp4", |zoo, name| prober_sees(zoo, name, "RTSPtext\r\nRTSP://127.0.0.1:5004/x\r\n")),
    ("metadata.mp4", |zoo, name| prober_sees(zoo, name, ";FFMETADATA1\ntitle=x\n")),
    ("subtitles-named.mp4", |zoo, name| {
        prober_sees(
            zoo,
            name,
            "1\n00:00:01,000 --> 00:00:02,500\nHello\n\n2\n00:00:03,000 --> 00:00:04,500\nyou\n\n",
        );
    }),
    ("disc-subtitles.mp4", |zoo, name| {
        prober_sees(
            zoo,
            name,
            "# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\ntimestamp: 00:00:01:000, filepos: 000000000\n",
        );
    }),
    ("playlist-in-subtitles.avi", |zoo, name| {
        // AVI can carry a subtitle file, which is looked at as a file of its own.
        let playlist = format!("#EXTM3U\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n", secret(zoo));
        let length = u32::try_from(playlist.len()).unwrap().to_le_bytes();
        let mut packet =
            [b"GAB2\0".as_slice(), &[2, 0], &2u32.to_le_bytes(), b"x\0", &[4, 0], &length].concat();
        packet.extend(playlist.as_bytes());
        zoo.write("gab.bin", &packet);
        zoo.make("gab-plain.avi", "-i base.mp4 -c:v mpeg4 -q:v 2 -bf 0 -c:a mp2");
        zoo.write(name, &with_chunk(&zoo.bytes("gab-plain.avi"), &packet));
    }),
    ("refers-to-another.mov", |zoo, name| {
        // A data reference that is no longer "in this file", but an alias with a path.
        let base = zoo.bytes("base.mp4");
        let secret = secret(zoo);
        let path =
            [&words(&[0x0002_0000 | u32::try_from(secret.len()).unwrap()])[..], secret.as_bytes()].concat();
        let alias = boxed(b"alis", &[&words(&[0])[..], &[0; 150], &path, &words(&[0xffff_0000])].concat());
        let table = boxed(b"dref", &[&words(&[0, 1])[..], &alias].concat());
        zoo.write(name, &replaced(&base, "moov/trak/mdia/minf/dinf/dref", &table));
    }),
    ("reference-movie.mov", |zoo, name| {
        let url = format!("file://{}\0", secret(zoo));
        let length = words(&[u32::try_from(url.len()).unwrap()]);
        let reference = boxed(b"rdrf", &[&words(&[0])[..], b"url ", &length, url.as_bytes()].concat());
        let moov = boxed(b"moov", &boxed(b"rmra", &boxed(b"rmda", &reference)));
        zoo.write(name, &[boxed(b"ftyp", b"qt  \0\0\0\0qt  "), moov].concat());
    }),
    ("drawing.mp4", |zoo, name| {
        let text = format!(
            "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
             xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"99\" height=\"99\"><image xlink:href=\"{}\"/></svg>",
            secret(zoo)
        );
        prober_sees(zoo, name, &text);
    }),
    ("page.mp4", |zoo, name| {
        zoo.write(name, b"<!doctype html><html><body><script>fetch('/')</script></body></html>\n");
    }),
    ("page-and-video.mp4", |zoo, name| {
        zoo.write(name, &[b"<html><!--".as_slice(), &zoo.bytes("base.mp4"), b"--></html>"].concat());
    }),
    ("video-with-a-page-inside.mp4", |zoo, name| {
        let page = boxed(b"free", b"<html><script>alert(1)</script></html>");
        zoo.write(name, &added(&zoo.bytes("base.mp4"), "moov", &page));
    }),
    ("script.mp4", |zoo, name| drop(zoo.write(name, b"#!/bin/sh\necho hello > was-here\n"))),
    ("document.mp4", |zoo, name| drop(zoo.write(name, &[b"%PDF-1.7\n".as_slice(), &[b'x'; 9_000]].concat()))),
    ("program.mp4", |zoo, name| drop(zoo.write(name, &std::fs::read("/bin/true").unwrap()))),
    ("archive.mp4", |zoo, name| drop(zoo.write(name, &zip(b"hello")))),
    ("archive-of-a-video.mp4", |zoo, name| drop(zoo.write(name, &zip(&zoo.bytes("base.mp4"))))),
    ("video-and-archive.mp4", |zoo, name| {
        zoo.write(name, &[zoo.bytes("base.mp4"), zip(b"hello")].concat());
    }),
    ("photo.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -frames:v 1 -f mjpeg"))),
    ("drawing-png.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -frames:v 1 -c:v png -f image2pipe"))),
    ("moving-photo.mp4", |zoo, name| {
        zoo.make("photo.jpg", "-i base.mp4 -frames:v 1");
        zoo.write(name, &[zoo.bytes("photo.jpg"), zoo.bytes("base.mp4")].concat());
    }),
    ("song.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -vn -c:a libmp3lame -f mp3"))),
    ("wave.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -vn -f wav"))),
    ("still.avif.mp4", |zoo, name| {
        zoo.make(name, "-i base.mp4 -frames:v 1 -an -c:v libaom-av1 -cpu-used 8 -still-picture 1 -f avif");
    }),
    ("brand-of-another.mp4", |zoo, name| {
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), "ftyp", 0, b"heic"));
    }),
];

/// Text that does not look like text at first sight, for then it would be refused before the prober could be led astray.
fn prober_sees(zoo: &Zoo, name: &str, text: &str) {
    zoo.write(name, format!("{text}\0").as_bytes());
}

fn secret(zoo: &Zoo) -> String {
    zoo.path("secret.ts").to_str().unwrap().to_owned()
}

/// An archive with one member, stored as it is; sums are not right, as nobody unpacks it.
fn zip(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    let sizes = [[0; 4], length, length].concat();
    let entry = [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &sizes, &[5, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04".as_slice(), &entry, b"a.mp4", content].concat();
    let central = [b"PK\x01\x02\x14\0".as_slice(), &entry, &[0; 10], &[0; 4], b"a.mp4"].concat();
    let at = u32::try_from(local.len()).unwrap().to_le_bytes();
    let bytes = u32::try_from(central.len()).unwrap().to_le_bytes();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &bytes, &at, &[0, 0]].concat();
    [local, central, end].concat()
}

/// An AVI with a chunk of a third stream, in which subtitle files travel, before its first one.
fn with_chunk(avi: &[u8], packet: &[u8]) -> Vec<u8> {
    let movi = avi.windows(4).position(|window| window == b"movi").unwrap() + 4;
    let mut chunk =
        [b"02tx".as_slice(), &u32::try_from(packet.len()).unwrap().to_le_bytes(), packet].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    // A stream of texts, declared behind the two others.
    let mut head = [b"txts\0\0\0\0".as_slice(), &[0; 12]].concat();
    head.extend([1u32, 1, 0, 9, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()));
    head.extend([0; 8]);
    let list =
        |kind: &[u8], body: &[u8]| [kind, &u32::try_from(body.len()).unwrap().to_le_bytes(), body].concat();
    let stream = [b"strl".to_vec(), list(b"strh", &head), list(b"strf", &[])].concat();
    let stream = list(b"LIST", &stream);
    let header_end = 12 + 8 + u32::from_le_bytes(avi[16..20].try_into().unwrap()) as usize;
    let mut done = [&avi[..header_end], &stream, &avi[header_end..movi], &chunk, &avi[movi..]].concat();
    let grow = |done: &mut [u8], at: usize, by: usize| {
        let length = u32::from_le_bytes(done[at..at + 4].try_into().unwrap()) as usize + by;
        done[at..at + 4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
    };
    grow(&mut done, 4, stream.len() + chunk.len());
    grow(&mut done, 16, stream.len());
    grow(&mut done, movi + stream.len() - 8, chunk.len());
    done
}
