//! What may enter an index, and what its names stand for.

use super::*;

fn index(engines: &[(&str, &[ModelOption])]) -> Index {
    let now = Timestamp::from_millis(1_709_283_600_000);
    let model = ModelRef { id: "model".to_owned(), dim: 1 };
    let engine = |(name, options): &(&str, &[ModelOption])| EngineSpec {
        name: (*name).to_owned(),
        options: options.iter().copied().collect(),
    };
    Index {
        id: IndexId::generate(now),
        workspace: WorkspaceId::generate(now),
        name: "films".to_owned(),
        engines: engines.iter().map(engine).collect(),
        addons: Vec::new(),
        models: IndexModels { see: model.clone(), hear: model.clone(), read: model.clone(), words: model },
        created_at: now,
        updated_at: now,
    }
}

const FILM: Measured = Measured { width: 1280, height: 720, duration_s: 60.0, has_audio: true };

const VISUAL: &[ModelOption] = &[ModelOption::Visual];
const SPOKEN: &[ModelOption] = &[ModelOption::Visual, ModelOption::Conversation];

#[track_caller]
fn check(engines: &[(&str, &[ModelOption])], measured: Measured, expected: Option<Code>) {
    let verdict = index(engines).admit(&measured);
    assert_eq!(verdict.err().map(|fault| fault.code), expected, "{measured:?}");
}

#[test]
fn pictures_have_at_least_360_lines_and_at_most_4k_in_either_orientation() {
    let (low, high) = (Some(Code::VideoResolutionTooLow), Some(Code::VideoResolutionTooHigh));
    for (width, height, expected) in [
        (640, 360, None),
        (360, 640, None),
        (360, 360, None),
        (640, 359, low),
        (359, 640, low),
        (4096, 359, low),
        (0, 0, low),
        (3840, 2160, None),
        (4096, 2160, None),
        (2160, 4096, None),
        (4097, 2160, high),
        (4096, 2161, high),
        (2161, 2161, high),
        (u32::MAX, u32::MAX, high),
    ] {
        check(&[("marengo2.6", VISUAL)], Measured { width, height, ..FILM }, expected);
    }
}

#[test]
fn the_strictest_engine_says_how_long_a_video_may_be() {
    let (short, long) = (Some(Code::VideoDurationTooShort), Some(Code::VideoDurationTooLong));
    let marengo: &[(&str, &[ModelOption])] = &[("marengo2.6", VISUAL)];
    let pegasus: &[(&str, &[ModelOption])] = &[("pegasus1.1", VISUAL)];
    let both: &[(&str, &[ModelOption])] = &[("marengo2.6", VISUAL), ("pegasus1.1", VISUAL)];
    for (engines, duration_s, expected) in [
        (marengo, 3.99, short),
        (marengo, 4.0, None),
        (marengo, 7_200.0, None),
        (marengo, 7_200.5, long),
        (pegasus, 29.9, short),
        (pegasus, 30.0, None),
        (pegasus, 1_800.0, None),
        (pegasus, 1_800.5, long),
        (both, 4.0, short),
        (both, 1_800.5, long),
        (both, 600.0, None),
    ] {
        check(engines, Measured { duration_s, ..FILM }, expected);
    }
}

#[test]
fn sound_is_needed_only_where_what_is_said_counts() {
    let silent = Measured { has_audio: false, ..FILM };
    check(&[("marengo2.6", VISUAL)], silent, None);
    check(&[("marengo2.6", SPOKEN)], silent, Some(Code::VideoAudioTrackNotExists));
    check(&[("marengo2.6", VISUAL), ("pegasus1.1", SPOKEN)], silent, Some(Code::VideoAudioTrackNotExists));
    check(&[("marengo2.6", SPOKEN)], FILM, None);
}

#[test]
fn a_refusal_tells_what_was_measured_and_the_rule_as_it_applies() {
    let fault = index(&[("pegasus1.1", VISUAL)]).admit(&Measured { duration_s: 10.25, ..FILM }).unwrap_err();
    assert_eq!(fault.value.as_deref(), Some("10.25 s"));
    assert_eq!(fault.rule.as_deref(), Some("videos for pegasus1.1 must last 30 to 1800 seconds"));
    let fault = index(&[("marengo2.6", VISUAL)]).admit(&Measured { height: 240, ..FILM }).unwrap_err();
    assert_eq!(fault.value.as_deref(), Some("1280x240 pixels"));
}

#[test]
fn a_file_of_two_gigabytes_may_enter_and_one_byte_more_may_not() {
    assert_eq!(check_size(0), Ok(()));
    assert_eq!(check_size(2_147_483_648), Ok(()));
    let fault = check_size(2_147_483_649).unwrap_err();
    assert_eq!(fault.code, Code::VideoFilesizeTooLarge);
    assert_eq!(fault.value.as_deref(), Some("2147483649 bytes (2.00 GiB)"));
}

#[test]
fn options_have_the_names_of_their_version() {
    use ModelOption::{Conversation, TextInVideo, Visual};
    let parse = ModelOption::parse;
    for (name, before, since) in [
        ("visual", Some(&[Visual][..]), Some(&[Visual, TextInVideo][..])),
        ("conversation", Some(&[Conversation][..]), Some(&[Conversation][..])),
        ("audio", Some(&[Conversation][..]), Some(&[Conversation][..])),
        ("text_in_video", Some(&[TextInVideo][..]), Some(&[TextInVideo][..])),
        ("logo", None, None),
        ("Visual", None, None),
        ("", None, None),
    ] {
        assert_eq!((parse(name, false), parse(name, true)), (before, since), "{name}");
    }
    for option in ModelOption::ALL {
        assert_eq!(parse(option.as_str(), false), Some(&[option][..]));
        assert_eq!(serde_json::to_value(option).unwrap(), option.as_str());
    }
}

#[test]
fn engines_are_known_by_their_first_word_and_a_version() {
    for (name, expected) in [
        ("marengo2.6", Some(Family::Marengo)),
        ("marengo2.7", Some(Family::Marengo)),
        ("marengo", Some(Family::Marengo)),
        ("pegasus1.1", Some(Family::Pegasus)),
        ("marengo-retrieval", None),
        ("marengo2.6x", None),
        ("Marengo2.6", None),
        ("whisper", None),
        ("", None),
    ] {
        assert_eq!(Family::of(name), expected, "{name}");
    }
}

#[test]
fn an_index_is_searched_by_the_options_of_its_searching_engines() {
    let both = index(&[("marengo2.6", VISUAL), ("pegasus1.1", SPOKEN)]);
    assert_eq!(both.options(), SPOKEN.iter().copied().collect());
    assert_eq!(both.search_options(), VISUAL.iter().copied().collect());
    assert_eq!(both.families(), [Family::Marengo, Family::Pegasus].into());
}
