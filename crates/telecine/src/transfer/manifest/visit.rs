//! What serde calls while it walks through a manifest: one entry at a time, each checked field by field as it is read,
//! so that the position is that of the field.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{CHECK_JSON, Entry, MAX_TEXT_BYTES, Meter, Problem, SHAPE, Stop, place};
use crate::ids::IndexId;
use crate::transfer::address::Address;

/// Notes the problem, and gives serde an error to end with.
fn refuse<T, E: serde::de::Error>(meter: &Meter, problem: Problem) -> Result<T, E> {
    meter.stop(Stop::Problem(place(meter), problem));
    Err(E::custom("the meter says why"))
}

/// A value of a type that has no place here.
fn kind_of(shape: &str, value: Option<String>, expected: &str) -> Problem {
    Problem { what: format!("{expected}, found {shape}."), value, rule: Some(SHAPE.to_owned()), remedy: None }
}

/// The visits of every JSON type that is not wanted, told by `self.wrong(shape, value)`.
macro_rules! wrong_types {
    ($($visit:ident($($value:ident: $type:ty)?) $shape:literal;)*) => {$(
        fn $visit<E: serde::de::Error>(self $(, $value: $type)?) -> Result<Self::Value, E> {
            let value = None::<String>;
            $(let value = value.or(Some($value.to_string()));)?
            self.wrong($shape, value)
        }
    )*};
}

/// The whole array.
pub(super) struct Entries<'a, F> {
    pub(super) meter: &'a Meter,
    pub(super) each: F,
}

impl<F> Entries<'_, F> {
    fn wrong<T, E: serde::de::Error>(self, shape: &str, value: Option<String>) -> Result<T, E> {
        refuse(self.meter, kind_of(shape, value, "the manifest must be an array"))
    }
}

impl<'de, F: FnMut(Entry) -> bool> DeserializeSeed<'de> for Entries<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Entry) -> bool> Visitor<'de> for Entries<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        self.meter.begin_array();
        while let Some(entry) = array.next_element_seed(OneEntry { meter: self.meter })? {
            self.meter.end_entry();
            if !(self.each)(entry) {
                self.meter.stop(Stop::Enough);
                return Err(A::Error::custom("enough"));
            }
        }
        self.meter.end_array();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        let mut problem = kind_of("one object", None, "the manifest must be an array");
        problem.remedy = Some("Put the object between [ and ].".to_owned());
        refuse(self.meter, problem)
    }

    wrong_types! {
        visit_bool(value: bool) "a boolean";
        visit_i64(value: i64) "a number";
        visit_u64(value: u64) "a number";
        visit_f64(value: f64) "a number";
        visit_str(value: &str) "a text";
        visit_unit() "null";
    }
}

struct OneEntry<'a> {
    meter: &'a Meter,
}

impl OneEntry<'_> {
    fn wrong<T, E: serde::de::Error>(self, shape: &str, value: Option<String>) -> Result<T, E> {
        refuse(self.meter, kind_of(shape, value, "the entry must be an object"))
    }

    fn missing<T, E: serde::de::Error>(&self, field: Field) -> Result<T, E> {
        let what = format!("`{}` is missing.", field.name());
        let remedy = Some(format!("Add {}.", field.rule()));
        refuse(self.meter, Problem { what, value: None, rule: Some(SHAPE.to_owned()), remedy })
    }
}

impl<'de> DeserializeSeed<'de> for OneEntry<'_> {
    type Value = Entry;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Entry, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneEntry<'_> {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let meter = self.meter;
        let (line, number) = (meter.position().0, meter.entries());
        let (mut index, mut language, mut object, mut transcription) = (None, None, None, None);
        let mut seen = [false; 4];
        while let Some(key) = map.next_key_seed(Key { meter })? {
            let Some(field) = key else {
                map.next_value_seed(Ignored { meter })?;
                continue;
            };
            if std::mem::replace(&mut seen[field as usize], true) {
                let what = format!("`{}` is given twice.", field.name());
                let remedy = Some("Keep one of them.".to_owned());
                return refuse(meter, Problem { what, value: None, rule: None, remedy });
            }
            match field {
                Field::IndexId => index = map.next_value_seed(Text { meter, field, read: index_id })?,
                Field::Language => language = map.next_value_seed(Text { meter, field, read: tag })?,
                Field::Object => object = map.next_value_seed(Text { meter, field, read: address })?,
                Field::Transcription => {
                    transcription = map.next_value_seed(Text { meter, field, read: address })?;
                }
            }
        }
        let Some(index) = index else { return self.missing(Field::IndexId) };
        let Some(object) = object else { return self.missing(Field::Object) };
        let language = language.unwrap_or_else(|| "en".to_owned());
        Ok(Entry { number, line, index, language, object, transcription })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Entry, A::Error> {
        self.wrong("an array", None)
    }

    wrong_types! {
        visit_bool(value: bool) "a boolean";
        visit_i64(value: i64) "a number";
        visit_u64(value: u64) "a number";
        visit_f64(value: f64) "a number";
        visit_str(value: &str) "a text";
        visit_unit() "null";
    }
}

/// The fields that are looked at.
#[derive(Clone, Copy)]
enum Field {
    IndexId,
    Language,
    Object,
    Transcription,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::IndexId => "index_id",
            Self::Language => "language",
            Self::Object => "object",
            Self::Transcription => "transcription",
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::IndexId => "`index_id`, the id of an index: 24 lowercase hex digits",
            Self::Language => "`language`, a tag such as `en`",
            Self::Object => "`object`, the address of a video: s3://<bucket>/<key>",
            Self::Transcription => {
                "`transcription`, the address of an SRT or WebVTT file: s3://<bucket>/<key>"
            }
        }
    }
}

/// The name of a field; nothing for one that is not looked at.
struct Key<'a> {
    meter: &'a Meter,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<Field>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Field>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Option<Field>, E> {
        short_enough(self.meter, name)?;
        let all = [Field::IndexId, Field::Language, Field::Object, Field::Transcription];
        Ok(all.into_iter().find(|field| field.name() == name))
    }
}

/// The value of a field: a text that `read` understands, or null, which is as if the field were not there.
struct Text<'a, T> {
    meter: &'a Meter,
    field: Field,
    read: fn(&str) -> Result<T, (String, &'static str)>,
}

impl<T> Text<'_, T> {
    fn wrong<V, E: serde::de::Error>(self, shape: &str, value: Option<String>) -> Result<V, E> {
        let what = format!("`{}` must be a text, found {shape}.", self.field.name());
        refuse(self.meter, Problem { what, value, rule: Some(self.field.rule().to_owned()), remedy: None })
    }
}

impl<'de, T> DeserializeSeed<'de> for Text<'_, T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<T>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, T> Visitor<'de> for Text<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<T>, E> {
        short_enough(self.meter, text)?;
        let Self { meter, field, read } = self;
        read(text).map(Some).or_else(|(what, remedy)| {
            let what = format!("`{}` {what}.", field.name());
            let (rule, remedy) = (Some(field.rule().to_owned()), Some(remedy.to_owned()));
            refuse(meter, Problem { what, value: Some(text.to_owned()), rule, remedy })
        })
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Option<T>, A::Error> {
        self.wrong("an array", None)
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Option<T>, A::Error> {
        self.wrong("an object", None)
    }

    wrong_types! {
        visit_bool(value: bool) "a boolean";
        visit_i64(value: i64) "a number";
        visit_u64(value: u64) "a number";
        visit_f64(value: f64) "a number";
    }
}

fn index_id(text: &str) -> Result<IndexId, (String, &'static str)> {
    text.parse().map_err(|_| {
        ("is not an id".to_owned(), "Take the id of an index from `GET /indexes` or `telecine index list`.")
    })
}

fn address(text: &str) -> Result<Address, (String, &'static str)> {
    Address::parse(text).map_err(|malformed| (malformed.what.to_owned(), malformed.remedy))
}

/// The form of a BCP 47 tag: `en`, `pt-BR`, `zh-Hant-TW`.
fn tag(text: &str) -> Result<String, (String, &'static str)> {
    let mut parts = text.split('-');
    let primary = parts
        .next()
        .is_some_and(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    let is_tag = primary
        && text.len() <= 35
        && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    let refusal = || ("is not a language tag".to_owned(), "Write `en`, or leave it out.");
    is_tag.then(|| text.to_owned()).ok_or_else(refusal)
}

/// A value that is read over, within the same bounds.
struct Ignored<'a> {
    meter: &'a Meter,
}

impl<'de> DeserializeSeed<'de> for Ignored<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Ignored<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        short_enough(self.meter, text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let meter = self.meter;
        while array.next_element_seed(Ignored { meter })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let meter = self.meter;
        while map.next_key_seed(Key { meter })?.is_some() {
            map.next_value_seed(Ignored { meter })?;
        }
        Ok(())
    }
}

fn short_enough<E: serde::de::Error>(meter: &Meter, text: &str) -> Result<(), E> {
    if text.len() <= MAX_TEXT_BYTES {
        return Ok(());
    }
    refuse(
        meter,
        Problem {
            what: "a text is too long.".to_owned(),
            value: Some(text.to_owned()),
            rule: Some(format!("a text has at most {MAX_TEXT_BYTES} bytes")),
            remedy: Some(CHECK_JSON.to_owned()),
        },
    )
}
