//! Which settings there are: their keys, kinds and structs, read off the types themselves, so that no list can drift.
//! Knows no values.

use std::collections::VecDeque;
use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number from zero.
    Whole,
    /// Any number.
    Number,
    /// Text, a path or an address.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of texts.
    List,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("`true` or `false`"),
            Self::Whole => f.write_str("a whole number"),
            Self::Number => f.write_str("a number"),
            Self::Text => f.write_str("a text"),
            Self::OneOf(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                write!(f, "one of {}", words.join(", "))
            }
            Self::List => f.write_str("a list"),
        }
    }
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Its key, such as `["media", "limits", "threads"]`.
    pub(super) path: Vec<&'static str>,
    /// The struct that has it, for its documentation.
    pub(super) owner: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// Whether it may be left unset.
    pub(super) is_optional: bool,
}

impl Field {
    /// `media.limits.threads`.
    pub(super) fn key(&self) -> String {
        self.path.join(".")
    }

    /// `TELECINE_MEDIA__LIMITS__THREADS`.
    pub(super) fn variable(&self) -> String {
        format!("{}{}", super::load::PREFIX, self.path.join("__").to_ascii_uppercase())
    }
}

/// All settings of a struct, in the order in which it declares them.
pub(super) fn fields<T: DeserializeOwned>() -> Vec<Field> {
    let mut found = Found { fields: Vec::new(), path: Vec::new(), owner: "" };
    T::deserialize(Probe { found: &mut found, is_optional: false })
        .expect("settings are structs of plain values: a test reads them");
    found.fields
}

struct Found {
    fields: Vec<Field>,
    path: Vec<&'static str>,
    owner: &'static str,
}

/// Asks a type what it is made of by pretending to be its data.
struct Probe<'a> {
    found: &'a mut Found,
    is_optional: bool,
}

impl Probe<'_> {
    fn note(&mut self, kind: Kind) {
        let Found { path, owner, .. } = &*self.found;
        let field = Field { path: path.clone(), owner, kind, is_optional: self.is_optional };
        self.found.fields.push(field);
    }
}

macro_rules! leaves {
    ($($method:ident $kind:ident $visit:ident $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, de::value::Error> {
            self.note(Kind::$kind);
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = de::value::Error;

    leaves! {
        deserialize_bool Bool visit_bool false;
        deserialize_u8 Whole visit_u64 1;
        deserialize_u16 Whole visit_u64 1;
        deserialize_u32 Whole visit_u64 1;
        deserialize_u64 Whole visit_u64 1;
        deserialize_f32 Number visit_f64 1.0;
        deserialize_f64 Number visit_f64 1.0;
        // Texts that are parsed (addresses) must accept it as well.
        deserialize_str Text visit_str "127.0.0.1:1";
        deserialize_string Text visit_str "127.0.0.1:1";
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note(Kind::List);
        visitor.visit_seq(de::value::SeqDeserializer::new(std::iter::empty::<&str>()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.note(Kind::OneOf(variants));
        visitor.visit_enum(variants[0].into_deserializer())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(Probe { is_optional: true, ..self })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let fields = Fields { found: self.found, owner: name, left: fields.iter().copied().collect() };
        visitor.visit_map(fields)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("a setting must say what it is"))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 char bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct map identifier
        ignored_any
    }
}

/// The fields of a struct, one after the other.
struct Fields<'a> {
    found: &'a mut Found,
    owner: &'static str,
    left: VecDeque<&'static str>,
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = de::value::Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        match self.left.front() {
            Some(name) => seed.deserialize((*name).into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        let name = self.left.pop_front().ok_or_else(|| de::Error::custom("a value without its key"))?;
        self.found.path.push(name);
        let outer = std::mem::replace(&mut self.found.owner, self.owner);
        let value = seed.deserialize(Probe { found: self.found, is_optional: false });
        self.found.owner = outer;
        self.found.path.pop();
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn settings_are_found_with_their_kinds_at_any_depth() {
        let fields = fields::<Config>();
        let kind = |key: &str| fields.iter().find(|field| field.key() == key).map(|field| field.kind);
        assert_eq!(kind("server.listen"), Some(Kind::Text));
        assert_eq!(kind("engines.whisper"), Some(Kind::Bool));
        assert_eq!(kind("engines.see"), Some(Kind::OneOf(&["concept", "clip"])));
        assert_eq!(kind("media.limits.cpu_per_media_second"), Some(Kind::Number));
        assert_eq!(kind("urls.allow_private_hosts"), Some(Kind::List));
        assert_eq!(kind("pipeline.tasks"), Some(Kind::Whole));
        assert_eq!(kind("media.limits"), None, "a section is no setting");
        let optional = fields.iter().find(|field| field.key() == "server.public_url").unwrap();
        assert!(optional.is_optional && optional.owner == "ServerConfig");
    }
}
