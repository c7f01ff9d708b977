//! Combined queries: texts under `$and`, `$or`, `$not` and `$then`, as a type, and reading one from JSON. Pure; what a
//! combined query finds is decided in `evaluate.rs`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{ConversationOption, MAX_QUERY_CHARS};
use crate::fault::{Code, Fault};
use crate::index::ModelOption;
use crate::time::MediaTime;

/// Operators that may lie within each other.
pub const MAX_DEPTH: usize = 8;
/// Texts in one query: each is a search of its own.
pub const MAX_LEAVES: usize = 32;
/// The longest film is shorter.
const MAX_PROXIMITY_S: f64 = 86_400.0;

/// A combined query.
#[derive(Debug, Clone, PartialEq)]
pub enum Combined {
    /// A search of its own.
    Leaf(Leaf),
    /// All of them, near each other.
    And(Vec<Self>, Proximity),
    /// Any of them.
    Or(Vec<Self>),
    /// All of them, in this order.
    Then(Vec<Self>, Proximity),
    /// The first, where the second is not.
    Not(Box<Self>, Box<Self>, Proximity),
}

/// How far apart things may lie to be near each other; none where the query does not say.
pub type Proximity = Option<MediaTime>;

/// One text of a combined query.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// What to look for.
    pub text: String,
    /// By what; the whole query's where it is not said.
    pub options: Option<BTreeSet<ModelOption>>,
    /// How what is said is compared; as the whole query says where it is not said.
    pub conversation: Option<ConversationOption>,
}

impl Combined {
    /// Reads the object in `query`. In v1.3 `visual` takes in the text that is seen. `proximity` is what operators get that
    /// do not say their own.
    ///
    /// # Errors
    /// `parameter_invalid` and `search_option_not_supported`; both name the place, such as `query.$and[1].text`.
    pub fn parse(value: &Value, visual_takes_in_text: bool, proximity: Proximity) -> Result<Self, Fault> {
        let mut reader = Reader { leaves: 0, visual_takes_in_text, proximity };
        reader.query(value, "query", 1)
    }

    /// Its texts, from the left to the right: the order in which `evaluate.rs` wants what they find.
    pub fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Self::Leaf(leaf) => vec![leaf],
            Self::And(terms, _) | Self::Or(terms) | Self::Then(terms, _) => {
                terms.iter().flat_map(Self::leaves).collect()
            }
            Self::Not(origin, sub, _) => [origin.leaves(), sub.leaves()].concat(),
        }
    }
}

/// Seconds that bounds are widened by.
///
/// # Errors
/// `parameter_invalid`, with the place.
pub fn proximity(value: &Value, path: &str) -> Result<Proximity, Fault> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let seconds = number.filter(|seconds| (0.0..=MAX_PROXIMITY_S).contains(seconds));
    let seconds = seconds.ok_or_else(|| {
        wrong(path, "is not a length of time", value).rule(format!("seconds, 0 to {MAX_PROXIMITY_S}"))
    })?;
    Ok(Some(MediaTime::from_secs_f64(seconds)))
}

struct Reader {
    leaves: usize,
    visual_takes_in_text: bool,
    proximity: Proximity,
}

impl Reader {
    fn query(&mut self, value: &Value, path: &str, depth: usize) -> Result<Combined, Fault> {
        let Value::Object(fields) = value else {
            return Err(wrong(path, "is not a query", value)
                .rule("an object with `text`, `$and`, `$or`, `$not` or `$then`"));
        };
        if depth > MAX_DEPTH {
            return Err(Fault::parameter(format!("{path} lies too deep."))
                .rule(format!("operators may lie within each other {MAX_DEPTH} deep")));
        }
        let kinds: Vec<&str> = ["text", "$and", "$or", "$not", "$then"]
            .into_iter()
            .filter(|kind| fields.contains_key(*kind))
            .collect();
        let [kind] = kinds[..] else {
            return Err(wrong(path, "must be one query", value)
                .rule("exactly one of `text`, `$and`, `$or`, `$not` and `$then`"));
        };
        let known: &[&str] = match kind {
            "text" => &["text", "search_options", "conversation_option"],
            operator => &[operator, "proximity"],
        };
        if let Some(unknown) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            let unknown: String = unknown.chars().take(120).collect();
            return Err(Fault::parameter(format!("{path}.{unknown} is not known there."))
                .rule(format!("beside `{kind}`: {}", known[1..].join(", "))));
        }
        if kind == "text" {
            return self.leaf(fields, path).map(Combined::Leaf);
        }
        let proximity = match fields.get("proximity") {
            Some(value) => proximity(value, &format!("{path}.proximity"))?,
            None => None,
        };
        let proximity = proximity.or(self.proximity);
        let (value, path) = (&fields[kind], format!("{path}.{kind}"));
        Ok(match kind {
            "$and" => Combined::And(self.list(value, &path, depth)?, proximity),
            "$or" => Combined::Or(self.list(value, &path, depth)?),
            "$then" => Combined::Then(self.list(value, &path, depth)?, proximity),
            _ => self.not(value, &path, depth, proximity)?,
        })
    }

    fn list(&mut self, value: &Value, path: &str, depth: usize) -> Result<Vec<Combined>, Fault> {
        let queries = value.as_array().filter(|queries| !queries.is_empty());
        let queries = queries.ok_or_else(|| {
            wrong(path, "is not a list of queries", value).rule("a list of at least one query")
        })?;
        let query = |(place, query)| self.query(query, &format!("{path}[{place}]"), depth + 1);
        queries.iter().enumerate().map(query).collect()
    }

    fn not(
        &mut self,
        value: &Value,
        path: &str,
        depth: usize,
        proximity: Proximity,
    ) -> Result<Combined, Fault> {
        let fields = value.as_object().filter(|fields| {
            fields.len() == 2 && fields.contains_key("origin") && fields.contains_key("sub")
        });
        let fields = fields.ok_or_else(|| {
            wrong(path, "is not complete", value).rule("an object with two queries, `origin` and `sub`")
        })?;
        let origin = self.query(&fields["origin"], &format!("{path}.origin"), depth + 1)?;
        let sub = self.query(&fields["sub"], &format!("{path}.sub"), depth + 1)?;
        Ok(Combined::Not(Box::new(origin), Box::new(sub), proximity))
    }

    fn leaf(&mut self, fields: &Map<String, Value>, path: &str) -> Result<Leaf, Fault> {
        self.leaves += 1;
        if self.leaves > MAX_LEAVES {
            return Err(Fault::parameter(format!("{path} is one text too many."))
                .rule(format!("at most {MAX_LEAVES} texts in a query")));
        }
        let text = &fields["text"];
        let place = format!("{path}.text");
        let words = text.as_str().map(str::trim).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| wrong(&place, "is not a text to look for", text))?;
        if words.chars().count() > MAX_QUERY_CHARS {
            return Err(
                wrong(&place, "is too long", text).rule(format!("at most {MAX_QUERY_CHARS} characters"))
            );
        }
        let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let options = given("search_options").map(|value| self.options(value, path)).transpose()?;
        let conversation = given("conversation_option").map(|value| {
            value.as_str().and_then(ConversationOption::parse).ok_or_else(|| {
                wrong(&format!("{path}.conversation_option"), "is not known", value)
                    .rule("`semantic` or `exact_match`")
            })
        });
        Ok(Leaf { text: words.to_owned(), options, conversation: conversation.transpose()? })
    }

    fn options(&self, value: &Value, path: &str) -> Result<BTreeSet<ModelOption>, Fault> {
        let place = format!("{path}.search_options");
        let names = value.as_array().filter(|names| !names.is_empty());
        let names = names
            .ok_or_else(|| wrong(&place, "is not a list of options", value).rule("a list of at least one"))?;
        let mut options = BTreeSet::new();
        for name in names {
            let known = name.as_str().and_then(|name| ModelOption::parse(name, self.visual_takes_in_text));
            let known = known.ok_or_else(|| {
                let message = format!("{place} names an option that no index can be searched by.");
                Fault::because(Code::SearchOptionNotSupported, message).value(shown(name))
            })?;
            options.extend(known.iter().copied());
        }
        Ok(options)
    }
}

fn wrong(path: &str, what: &str, value: &Value) -> Fault {
    Fault::parameter(format!("{path} {what}.")).value(shown(value))
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Combined, Fault> {
        Combined::parse(&value, false, None)
    }

    fn leaf(text: &str) -> Combined {
        Combined::Leaf(Leaf { text: text.into(), options: None, conversation: None })
    }

    #[test]
    fn operators_nest_and_say_their_proximity() {
        let query = json!({ "$and": [
            { "text": " a car ", "search_options": ["visual", "audio"], "conversation_option": "exact_match" },
            { "$or": [{ "text": "rain" }, { "$not": { "origin": { "text": "snow" }, "sub": { "text": "ice" } } }] },
        ], "proximity": 2.5 });
        let Ok(Combined::And(terms, proximity)) = read(query) else { panic!("an and") };
        assert_eq!(proximity, Some(MediaTime::from_millis(2_500)));
        let Combined::Leaf(first) = &terms[0] else { panic!("a leaf") };
        assert_eq!(first.text, "a car");
        assert_eq!(first.options, Some(BTreeSet::from([ModelOption::Visual, ModelOption::Conversation])));
        assert_eq!(first.conversation, Some(ConversationOption::ExactMatch));
        let not = Combined::Not(Box::new(leaf("snow")), Box::new(leaf("ice")), None);
        assert_eq!(terms[1], Combined::Or(vec![leaf("rain"), not]));
        let then = Combined::And(terms, proximity);
        let texts: Vec<&str> = then.leaves().into_iter().map(|leaf| leaf.text.as_str()).collect();
        assert_eq!(texts, ["a car", "rain", "snow", "ice"]);
    }

    #[test]
    fn what_an_operator_does_not_say_the_whole_query_says() {
        let query = json!({ "$then": [{ "text": "a" }, { "$and": [{ "text": "b" }], "proximity": 0 }] });
        let five = Some(MediaTime::from_millis(5_000));
        let Ok(Combined::Then(terms, outer)) = Combined::parse(&query, false, five) else { panic!("a then") };
        assert_eq!(outer, five);
        assert_eq!(terms[1], Combined::And(vec![leaf("b")], Some(MediaTime::ZERO)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let text = json!({ "text": "a" });
        let table = [
            (json!("a"), "query is not a query"),
            (json!({}), "query must be one query"),
            (json!({ "text": "a", "$or": [] }), "query must be one query"),
            (json!({ "$and": [text, { "text": 7 }] }), "query.$and[1].text is not a text"),
            (json!({ "$and": [text, { "text": " " }] }), "query.$and[1].text is not a text"),
            (json!({ "text": "x".repeat(MAX_QUERY_CHARS + 1) }), "query.text is too long"),
            (json!({ "$or": [] }), "query.$or is not a list of queries"),
            (json!({ "$or": { "text": "a" } }), "query.$or is not a list"),
            (json!({ "$not": { "origin": text } }), "query.$not is not complete"),
            (
                json!({ "$not": { "origin": text, "sub": { "$then": [1] } } }),
                "query.$not.sub.$then[0] is not",
            ),
            (json!({ "$and": [text], "proximity": -1 }), "query.proximity is not a length of time"),
            (json!({ "text": "a", "proximity": 1 }), "query.proximity is not known there"),
            (json!({ "$and": [text], "sort": 1 }), "query.sort is not known there"),
            (
                json!({ "$or": [{ "text": "a", "conversation_option": "loose" }] }),
                "query.$or[0].conversation_option",
            ),
            (json!({ "text": "a", "search_options": [] }), "query.search_options is not a list"),
            (json!({ "text": "a", "search_options": ["logo"] }), "query.search_options names an option"),
        ];
        for (query, tells) in table {
            let fault = read(query.clone()).unwrap_err();
            assert!(fault.message.starts_with(tells), "{query}: {}", fault.message);
        }
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested =
            |depth: usize| (1..depth).fold(json!({ "text": "a" }), |query, _| json!({ "$or": [query] }));
        assert!(read(nested(MAX_DEPTH)).is_ok());
        assert!(read(nested(MAX_DEPTH + 1)).unwrap_err().message.contains("too deep"));
        let wide = |count: usize| json!({ "$or": vec![json!({ "text": "a" }); count] });
        assert!(read(wide(MAX_LEAVES)).is_ok());
        assert!(read(wide(MAX_LEAVES + 1)).unwrap_err().message.contains("too many"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec![
            "text",
            "$and",
            "$or",
            "$not",
            "$then",
            "origin",
            "sub",
            "proximity",
            "x",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
            Just(json!({ "text": "a" })),
        ];
        leaf.prop_recursive(5, 40, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..3).prop_map(|fields| {
                    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_a_query_within_bounds_or_a_fault_with_its_place(value in any_json()) {
            match read(value) {
                Ok(query) => prop_assert!((1..=MAX_LEAVES).contains(&query.leaves().len())),
                Err(fault) => prop_assert!(fault.message.starts_with("query")),
            }
        }
    }
}
