//! What manifests are taken, and what is said of those that are not.

use std::io::{self, Cursor, Read};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ID: &str = "65f0c1d2e3a4b5c6d7e8f901";

fn read(manifest: impl AsRef<[u8]>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    parse(Cursor::new(manifest.as_ref()), |entry| {
        entries.push(entry);
        true
    })
    .map(|count| {
        assert_eq!(count, entries.len() as u64);
        entries
    })
}

#[track_caller]
fn refusal(manifest: impl AsRef<[u8]>) -> Fault {
    let error = read(manifest).expect_err("the manifest is refused");
    let fault = error.as_fault().expect("a fault, not an error of ours").clone();
    assert_eq!(fault.code, Code::ParameterInvalid);
    fault
}

/// Manifest of one entry with these fields added to a good one.
fn with(fields: &str) -> String {
    format!(r#"[{{"index_id":"{ID}","object":"s3://b/k",{fields}}}]"#)
}

#[test]
fn the_manifest_of_the_documentation_is_read() {
    let entries = read(
        r#"[ { "index_id": "6298d673f1090f1100476d4c", "language": "en", "object": "s3://twelve-labs-docs/01.mp4",
               "transcription": "s3://twelve-labs-docs/01.srt" },
             { "index_id": "6298d673f1090f1100476d4c", "object": "s3://twelve-labs-docs/02.mp4" } ]"#,
    )
    .unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].object.to_string(), "s3://twelve-labs-docs/01.mp4");
    assert_eq!(entries[0].transcription.as_ref().unwrap().key, "01.srt");
    assert_eq!((entries[1].number, entries[1].line, entries[1].language.as_str()), (1, 3, "en"));
    assert_eq!(entries[1].transcription, None);
}

#[test]
fn null_is_as_if_not_given_and_unknown_fields_are_read_over() {
    let fields =
        r#""language":null,"transcription":null,"note":{"a":[1,-2,3.5,true,null,"x"]},"object_id":7"#;
    let entries = read(with(fields)).unwrap();
    assert_eq!((entries[0].language.as_str(), &entries[0].transcription), ("en", &None));
}

#[test]
fn a_byte_order_mark_is_tolerated_and_utf_16_is_named() {
    let good = with(r#""language":"en""#);
    assert_eq!(read([b"\xef\xbb\xbf", good.as_bytes()].concat()).unwrap().len(), 1);
    let utf_16: Vec<u8> = "\u{feff}[]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refusal(utf_16).message, "The manifest is UTF-16.");
}

#[test]
fn a_bad_field_is_told_with_entry_line_column_value_rule_and_remedy() {
    let good = format!(r#"  {{"index_id": "{ID}", "object": "s3://b/k"}}"#);
    let bad = format!("  {{\"index_id\": \"{ID}\",\n   \"object\": \"ftp://harbour/pier.mp4\"}}");
    let fault = refusal(format!("[\n{good},\n{good},\n{bad}\n]"));
    assert_eq!(
        fault.message,
        "Manifest, entry 2 (line 5, column 37): `object` does not begin with `s3://`, `gs://`, `az://`, `urls://` or `folder://`."
    );
    assert_eq!(fault.value.as_deref(), Some("ftp://harbour/pier.mp4"));
    assert_eq!(fault.rule.as_deref(), Some("`object`, the address of a video: s3://<bucket>/<key>"));
    assert!(fault.remedy.unwrap().starts_with("Copy addresses"));
}

#[test]
fn every_field_is_checked_as_it_is_read() {
    let cases = [
        (r#""language":"english please""#, "`language` is not a language tag."),
        (r#""language":"""#, "`language` is not a language tag."),
        (r#""language":7"#, "`language` must be a text, found a number."),
        (r#""transcription":"01.srt""#, "`transcription` is not an address."),
        (r#""transcription":"s3://b/""#, "`transcription` has an empty key."),
        (r#""transcription":false"#, "`transcription` must be a text, found a boolean."),
        (r#""transcription":["s3://b/k"]"#, "`transcription` must be a text, found an array."),
        (r#""transcription":{}"#, "`transcription` must be a text, found an object."),
        (r#""object":"s3://b/k""#, "`object` is given twice."),
        (r#""language":null,"language":"en""#, "`language` is given twice."),
    ];
    for (fields, what) in cases {
        let fault = refusal(with(fields));
        assert!(fault.message.starts_with("Manifest, entry 0 (line 1, column "), "{}", fault.message);
        assert!(fault.message.ends_with(what), "{} does not say: {what}", fault.message);
    }
    let missing = refusal(format!(r#"[{{"index_id":"{ID}"}}]"#));
    assert_eq!(missing.message, "Manifest, entry 0 (line 1, column 40): `object` is missing.");
    let null = refusal(r#"[{"index_id":null,"object":"s3://b/k"}]"#);
    assert!(null.message.ends_with("`index_id` is missing."));
    let malformed = refusal(r#"[{"index_id":"65F0C1D2E3A4B5C6D7E8F901","object":"s3://b/k"}]"#);
    assert!(malformed.message.ends_with("`index_id` is not an id."));
}

#[test]
fn what_is_no_array_of_objects_is_told_as_what_it_is() {
    let message = |text: &str| refusal(text).message;
    assert_eq!(message("[]"), "The manifest has no entries.");
    assert_eq!(message(""), "The manifest is empty.");
    assert_eq!(message(" \n "), "The manifest is empty.");
    assert_eq!(message("{}"), "Manifest, line 1, column 1: the manifest must be an array, found one object.");
    assert_eq!(message("7"), "Manifest, line 1, column 1: the manifest must be an array, found a number.");
    assert_eq!(message("\"x\""), "Manifest, line 1, column 3: the manifest must be an array, found a text.");
    assert_eq!(message("null"), "Manifest, line 1, column 4: the manifest must be an array, found null.");
    assert_eq!(
        message("[[]]"),
        "Manifest, entry 0 (line 1, column 2): the entry must be an object, found an array."
    );
    assert_eq!(
        message("[null]"),
        "Manifest, entry 0 (line 1, column 5): the entry must be an object, found null."
    );
    assert!(message("index_id,object\n1,2").contains("not JSON: expected value"));
}

#[test]
fn broken_json_is_told_with_its_place() {
    let good = with(r#""language":"en""#);
    let entry = good.trim_matches(['[', ']']);
    let message = |text: String| refusal(text).message;
    assert!(message(format!("[{entry},]")).contains("entry 1 (line 1, column"), "a comma too many");
    assert!(message(format!("[{entry}\n{entry}]")).contains("entry 1 (line 2, column 1): not JSON"));
    assert!(message(format!("[{entry}] x")).contains("the array has ended, but more text follows"));
    assert!(message(format!("[{entry}][{entry}]")).contains("more text follows"));
    assert!(message(format!("[{entry},{{\"index_id\":\"65f")).contains("entry 1 (line 1, column"));
    assert!(message(format!("[{entry}")).contains("ends too early"));
    let deep = with(&format!(r#""note":{}{}"#, "[".repeat(500), "]".repeat(500)));
    assert!(message(deep).contains("nested too deeply"));
    let not_utf_8 = [b"[{\"object\":\"s3://b/".as_slice(), b"\xff\xfe\"}]"].concat();
    assert!(refusal(not_utf_8).message.contains("entry 0"));
}

#[test]
fn nothing_grows_without_bound() {
    let long = "x".repeat(MAX_TEXT_BYTES + 1);
    let cases = [
        with(&format!(r#""note":"{long}""#)),
        with(&format!(r#""{long}":1"#)),
        with(&format!(r#""note":[["{long}"]]"#)),
        with(&format!(r#""note":{{"{long}":1}}"#)),
    ];
    for case in cases {
        let fault = refusal(case);
        assert!(fault.message.ends_with("a text is too long."), "{}", fault.message);
        assert!(fault.value.unwrap().chars().count() < 250, "the value is cut");
    }
    let endless = "x".repeat(10 << 20);
    let long_entries = [
        with(&format!(r#""note":"{endless}""#)),
        with(&format!(r#""note":[{}1]"#, "1,".repeat(50_000))),
        format!("[{}]", " ".repeat(100_000)),
        format!("{}[", " ".repeat(100_000)),
    ];
    for case in long_entries {
        assert!(refusal(case).message.ends_with("the entry is too long."));
    }
}

/// A reader that never ends, and counts what is read from it.
struct Endless<'a>(&'a mut u64);

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        out.fill(b'[');
        *self.0 += out.len() as u64;
        Ok(out.len())
    }
}

#[test]
fn hostile_input_is_given_up_early() {
    let mut read = 0;
    assert!(parse(Endless(&mut read), |_| true).is_err());
    assert!(read <= 2 * MAX_ENTRY_BYTES, "{read} bytes were read");
}

#[test]
fn the_reader_is_left_when_nobody_wants_more() {
    let many =
        format!("[{}]", vec![with("\"language\":\"en\"").trim_matches(['[', ']']).to_owned(); 10].join(","));
    let mut taken = 0;
    let count = parse(Cursor::new(many), |_| {
        taken += 1;
        taken < 3
    });
    assert_eq!((count.unwrap(), taken), (3, 3));
}

/// What a manifest means, told from the whole document: the slow way that cannot be wrong about streaming.
fn by_value(manifest: &str) -> Option<Vec<Entry>> {
    let Value::Array(values) = serde_json::from_str(manifest).ok()? else { return None };
    let text = |value: &Value, key: &str| match value.get(key) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    let entry = |(number, value): (usize, &Value)| {
        value.as_object()?;
        let language = text(value, "language")?.unwrap_or_else(|| "en".into());
        let known =
            language.len() >= 2 && language.bytes().all(|b| b.is_ascii_alphabetic()) && language.len() <= 8;
        Some(Entry {
            number: number as u64,
            line: 1,
            index: text(value, "index_id")??.parse().ok()?,
            language: known.then_some(language)?,
            object: Address::parse(&text(value, "object")??).ok()?,
            transcription: match text(value, "transcription")? {
                Some(address) => Some(Address::parse(&address).ok()?),
                None => None,
            },
        })
    };
    let entries: Option<Vec<Entry>> = values.iter().enumerate().map(entry).collect();
    entries.filter(|entries| !entries.is_empty())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Values that a field may have: mostly good ones.
fn field(good: BoxedStrategy<String>) -> BoxedStrategy<Option<Value>> {
    prop_oneof![
        12 => good.prop_map(|text| Some(Value::from(text))),
        1 => Just(Some(Value::Null)),
        1 => Just(None),
        1 => any_json().prop_map(Some),
    ]
    .boxed()
}

fn any_entry() -> impl Strategy<Value = Value> {
    let id = field(prop_oneof![9 => "[0-9a-f]{24}", 1 => "[0-9a-fA-F]{20,25}"].boxed());
    let address = || prop_oneof![9 => "(s3|folder)://[a-z0-9.-]{1,10}/\\PC{0,20}", 1 => "[a-z3]{0,3}:?/{0,3}\\PC{0,20}"];
    let language = field(prop_oneof![9 => "[a-z]{2,3}", 1 => "[a-z]{0,10}"].boxed());
    let fields =
        (id, field(address().boxed()), field(address().boxed()), language, field(any::<String>().boxed()));
    fields.prop_map(|(id, object, transcription, language, note)| {
        let named = [
            ("index_id", id),
            ("object", object),
            ("transcription", transcription),
            ("language", language),
            ("note", note),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Value>()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_stream_means_what_the_whole_document_means(
        entries in prop::collection::vec(prop_oneof![20 => any_entry(), 1 => any_json()], 0..6),
    ) {
        let manifest = json!(entries).to_string();
        prop_assert_eq!(read(&manifest).ok(), by_value(&manifest));
    }

    #[test]
    fn a_manifest_that_is_damaged_anywhere_means_the_same_or_is_refused(
        at in 0.0..1.0f64,
        byte in any::<u8>(),
        is_cut: bool,
    ) {
        let entry = json!({"index_id": ID, "object": "s3://b/k\u{e9}.mp4", "language": "en", "note": {"a": [1, "\n"]}});
        let mut manifest = json!([entry, entry, entry]).to_string().into_bytes();
        let at = (at * manifest.len() as f64) as usize;
        if is_cut { manifest.truncate(at) } else { manifest[at] = byte }
        let expected = std::str::from_utf8(&manifest).ok().and_then(by_value);
        let entries = read(&manifest).ok();
        if let (Some(entries), Some(expected)) = (&entries, &expected) {
            prop_assert_eq!(entries.len(), expected.len());
        }
        // Only the streaming reader refuses a field that is given twice.
        prop_assert!(entries.is_none() || expected.is_some());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(bytes);
    }
}
