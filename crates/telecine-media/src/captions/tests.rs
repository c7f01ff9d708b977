//! Tests of the caption parser and writer.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Vec<Cue> {
    parse(text.as_bytes(), &ParseLimits::default()).unwrap()
}

fn told(cues: &[Cue]) -> Vec<(i64, i64, &str)> {
    let ms = |cue: &Cue| (cue.range.start().as_millis(), cue.range.end().as_millis());
    cues.iter().map(|cue| (ms(cue).0, ms(cue).1, cue.text.as_str())).collect()
}

#[test]
fn subrip_is_read() {
    let cues =
        read("1\n00:00:01,000 --> 00:00:02,500\nHello\nthere\n\n2\n01:00:03,000 --> 01:00:04,000\nBye\n");
    assert_eq!(told(&cues), [(1_000, 2_500, "Hello\nthere"), (3_603_000, 3_604_000, "Bye")]);
}

#[test]
fn webvtt_is_read_without_its_header_notes_styles_and_settings() {
    let cues = read(
        "WEBVTT Kind: captions\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\nSTYLE\n::cue { color: red }\n\n\
         NOTE nothing\nto see\n\nintro\n00:01.000 --> 00:02.000 position:10% line:-1\n<v Ann><i>Fish</i> &amp; chips\n",
    );
    assert_eq!(told(&cues), [(1_000, 2_000, "Fish & chips")]);
}

#[test]
fn every_line_end_and_encoding_gives_the_same_cues() {
    let text = "1\n00:00:01,000 --> 00:00:02,000\nCafé au lait\n\n";
    let expected = read(text);
    let crlf = text.replace('\n', "\r\n");
    let utf16: Vec<u16> = crlf.encode_utf16().collect();
    let le: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let be: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let variants: [Vec<u8>; 8] = [
        crlf.clone().into_bytes(),
        text.replace('\n', "\r").into_bytes(),
        [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
        [b"\xff\xfe".as_slice(), &le].concat(),
        [b"\xfe\xff".as_slice(), &be].concat(),
        le,
        be,
        latin,
    ];
    for (n, bytes) in variants.iter().enumerate() {
        assert_eq!(parse(bytes, &ParseLimits::default()).unwrap(), expected, "variant {n}");
    }
}

#[test]
fn a_lack_of_blank_lines_does_not_glue_captions_together() {
    let cues = read("1\n00:01,0 --> 00:02,0\nOne\n2\n00:02,0 --> 00:03,0\nTwo\n");
    assert_eq!(told(&cues), [(1_000, 2_000, "One"), (2_000, 3_000, "Two")]);
}

#[test]
fn tags_go_and_text_that_only_looks_like_a_tag_stays() {
    let cues = read(
        "00:01.000 --> 00:02.000\n{\\an8}<c.yellow>I <3 you</c> <00:01.500>if a < b {sic} &unknown; &#233;&#x2019;",
    );
    assert_eq!(told(&cues), [(1_000, 2_000, "I <3 you if a < b {sic} &unknown; é’")]);
}

#[test]
fn overlapping_cues_are_kept_and_sorted() {
    let cues = read("00:05.000 --> 00:09.000\nb\n\n00:01.000 --> 00:06.000\na\n");
    assert_eq!(told(&cues), [(1_000, 6_000, "a"), (5_000, 9_000, "b")]);
}

#[test]
fn a_bad_range_is_skipped_unless_there_is_nothing_else() {
    let good = "00:01.000 --> 00:02.000\nfine\n\n";
    for bad in [
        "00:03.000 --> 00:02.000",
        "0x:01 --> 00:02.000",
        "00:75.000 --> 00:80.000",
        "99999:00:00 --> 99999:00:01",
    ] {
        assert_eq!(read(&format!("{good}{bad}\nno\n")).len(), 1, "{bad}");
        let error = parse(format!("\n{bad}\nno\n").as_bytes(), &ParseLimits::default()).unwrap_err();
        assert_eq!(error, CaptionError::BadTiming { line: 2, text: bad.to_owned() });
    }
}

#[test]
fn empty_files_and_other_texts_are_told_apart() {
    let error = |text: &str| parse(text.as_bytes(), &ParseLimits::default()).unwrap_err();
    assert_eq!(error(""), CaptionError::Empty);
    assert_eq!(error(" \r\n\n"), CaptionError::Empty);
    assert_eq!(error("Dear all,\nhello"), CaptionError::NoCues { lines: 2 });
}

#[test]
fn limits_hold() {
    let two = "00:01.000 --> 00:02.000\naaaa\n\n00:03.000 --> 00:04.000\nb\n";
    let limits = ParseLimits::default();
    let few = parse(two.as_bytes(), &ParseLimits { max_cues: 1, ..limits }).unwrap_err();
    assert_eq!((few.line(), few), (Some(4), CaptionError::TooLarge { line: 4, what: "captions", limit: 1 }));
    let small = parse(two.as_bytes(), &ParseLimits { max_bytes: 10, ..limits }).unwrap_err();
    assert_eq!(small.line(), None);
    assert_eq!(parse(two.as_bytes(), &ParseLimits { max_cue_chars: 2, ..limits }).unwrap()[0].text, "aa");
    let early = ParseLimits { max_time: MediaTime::from_millis(3_000), ..limits };
    assert_eq!(parse(two.as_bytes(), &early).unwrap().len(), 1);
}

fn check(cues: &[Cue], limits: &ParseLimits) {
    assert!(cues.is_sorted_by_key(|cue| cue.range.start()));
    for cue in cues {
        assert!(cue.range.start() >= MediaTime::ZERO && cue.range.end() <= limits.max_time);
        assert!(cue.range.start() < cue.range.end());
        assert!(!cue.text.trim().is_empty() && cue.text.chars().count() <= limits.max_cue_chars);
    }
}

/// Cues as films have them: millisecond times, lines without blanks at their ends.
fn cues(line: &'static str) -> impl Strategy<Value = Vec<Cue>> {
    let cue = (0..90_000_000i64, 1..60_000i64, proptest::collection::vec(line, 1..4));
    proptest::collection::vec(cue, 1..20).prop_map(|cues| {
        let mut cues: Vec<Cue> = cues
            .into_iter()
            .map(|(start, length, lines)| {
                let at = MediaTime::from_millis;
                Cue { range: TimeRange::new(at(start), at(start + length)).unwrap(), text: lines.join("\n") }
            })
            .collect();
        cues.sort_by_key(|cue| cue.range);
        cues
    })
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let limits = ParseLimits::default();
        if let Ok(cues) = parse(&bytes, &limits) {
            check(&cues, &limits);
        }
    }

    #[test]
    fn any_pieces_of_caption_files_are_survived(
        pieces in proptest::collection::vec(
            prop_oneof![
                "[0-9]{0,3}:[0-9]{1,2}:[0-9]{2}[,.][0-9]{0,4}", Just(" --> ".to_owned()), "[<>&{}/\\\\;#a-z0-9é\u{1F600}-]{0,12}",
                Just("\n".to_owned()), Just("\r\n".to_owned()), Just("\n\n".to_owned()), Just("WEBVTT".to_owned()),
            ],
            0..60,
        )
    ) {
        let limits = ParseLimits { max_cue_chars: 20, ..ParseLimits::default() };
        if let Ok(cues) = parse(pieces.concat().as_bytes(), &limits) {
            check(&cues, &limits);
        }
    }

    #[test]
    fn webvtt_written_is_read_back_the_same(cues in cues("[!-~é中]([ -~é中]{0,20}[!-~é中])?")) {
        prop_assert_eq!(read(&to_vtt(&cues)), cues);
    }

    #[test]
    fn subrip_written_is_read_back_the_same(cues in cues("[a-zé中]([a-z0-9 ,.!?'é中-]{0,20}[a-zé中])?")) {
        prop_assert_eq!(read(&to_srt(&cues)), cues);
    }
}
