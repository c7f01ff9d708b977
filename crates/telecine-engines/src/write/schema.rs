//! The subset of JSON Schema that answers can be held to: what it takes, and whether a value fulfils it. Everything that
//! is taken is both forced on the model (`grammar`) and checked here afterwards.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Bounds on what a schema may be: it is a user's text.
const MAX_BYTES: usize = 32 << 10;
const MAX_DEPTH: usize = 16;
const MAX_NODES: usize = 1_000;
/// Bound on a check: options within options can be tried in very many ways.
const MAX_STEPS: u32 = 100_000;
/// Longest `maxLength` and most `maxItems` that are told to the model; longer ones are only checked.
pub(super) const MAX_REPEAT: u64 = 500;

/// Says nothing about values.
const ANNOTATIONS: [&str; 11] = [
    "title",
    "description",
    "default",
    "examples",
    "$schema",
    "$id",
    "$comment",
    "format",
    "additionalProperties",
    "$defs",
    "definitions",
];

/// A schema that answers can be held to.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub(super) root: Node,
    pub(super) defs: BTreeMap<String, Node>,
    source: Value,
}

/// Why a schema is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SchemaError {
    /// Where, as a path of keys; `schema` for the whole.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Any,
    OneOf(Vec<Value>),
    Text { min: u64, max: Option<u64> },
    Number { is_integer: bool, min: Option<f64>, max: Option<f64> },
    Bool,
    Null,
    List { items: Box<Node>, min: u64, max: Option<u64> },
    Object { fields: Vec<(String, Node, bool)> },
    AnyOf(Vec<Node>),
    Ref(String),
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// Names the place and the keyword that is not understood: an answer must never be held to less than was asked.
    pub fn parse(value: &Value) -> Result<Self, SchemaError> {
        let mut reader = Reader { nodes: 0, refs: Vec::new() };
        if value.to_string().len() > MAX_BYTES {
            return Err(at("schema", format!("larger than {MAX_BYTES} bytes")));
        }
        let root = reader.node(value, "schema", 0)?;
        let mut defs = BTreeMap::new();
        for group in ["$defs", "definitions"] {
            for (name, def) in value.get(group).and_then(Value::as_object).into_iter().flatten() {
                defs.insert(name.clone(), reader.node(def, &format!("schema.{group}.{name}"), 0)?);
            }
        }
        for (place, name) in &reader.refs {
            let target =
                defs.get(name).ok_or_else(|| at(place, format!("there is no definition `{name}`")))?;
            if loops(target, &defs, &mut vec![name]) {
                return Err(at(place, format!("the definition `{name}` refers to nothing but itself")));
            }
        }
        Ok(Self { root, defs, source: value.clone() })
    }

    /// As it was given.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The rules of a grammar that allows exactly this, in llama.cpp's notation.
    pub fn grammar(&self) -> String {
        super::grammar::of(self)
    }

    /// Whether a value fulfils it; names the place where it does not.
    ///
    /// # Errors
    /// The first place and what is wrong there.
    pub fn check(&self, value: &Value) -> Result<(), SchemaError> {
        Check { schema: self, steps_left: MAX_STEPS }.node(&self.root, value, "answer")
    }
}

/// Whether a definition comes back to one that is being followed without anything between: neither a grammar nor a check
/// would ever end.
fn loops<'a>(node: &'a Node, defs: &'a BTreeMap<String, Node>, following: &mut Vec<&'a str>) -> bool {
    match node {
        Node::AnyOf(options) => options.iter().any(|option| loops(option, defs, following)),
        Node::Ref(name) if following.contains(&name.as_str()) => true,
        Node::Ref(name) => {
            following.push(name);
            let found = defs.get(name).is_some_and(|target| loops(target, defs, following));
            following.pop();
            found
        }
        _ => false,
    }
}

fn at(place: &str, problem: impl Into<String>) -> SchemaError {
    SchemaError { place: place.to_owned(), problem: problem.into() }
}

struct Reader {
    nodes: usize,
    refs: Vec<(String, String)>,
}

impl Reader {
    fn node(&mut self, value: &Value, place: &str, depth: usize) -> Result<Node, SchemaError> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(at(
                place,
                format!("nested deeper than {MAX_DEPTH} or of more than {MAX_NODES} parts"),
            ));
        }
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Bool(true) => return Ok(Node::Any),
            _ => return Err(at(place, "must be an object")),
        };
        if let Some(target) = fields.get("$ref") {
            return self.reference(fields, target, place);
        }
        if let Some(constant) = fields.get("const") {
            only(fields, &["const", "type"], place)?;
            return Ok(Node::OneOf(vec![constant.clone()]));
        }
        if let Some(values) = fields.get("enum") {
            only(fields, &["enum", "type"], place)?;
            let values = values.as_array().filter(|values| !values.is_empty());
            return Ok(Node::OneOf(values.ok_or_else(|| at(place, "`enum` must list values"))?.clone()));
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(options) = fields.get(word) {
                only(fields, &[word], place)?;
                let options = options.as_array().filter(|options| !options.is_empty());
                let options = options.ok_or_else(|| at(place, format!("`{word}` must list schemas")))?;
                let nodes = options.iter().map(|option| self.node(option, place, depth + 1));
                return Ok(Node::AnyOf(nodes.collect::<Result<_, _>>()?));
            }
        }
        match fields.get("type") {
            None if fields.contains_key("properties") => self.typed(fields, "object", place, depth),
            None if fields.contains_key("items") => self.typed(fields, "array", place, depth),
            None => only(fields, &[], place).map(|()| Node::Any),
            Some(Value::String(name)) => self.typed(fields, name, place, depth),
            Some(Value::Array(names)) if !names.is_empty() => {
                let nodes = names.iter().map(|name| {
                    let name = name.as_str().ok_or_else(|| at(place, "`type` must name types"))?;
                    self.typed(fields, name, place, depth + 1)
                });
                Ok(Node::AnyOf(nodes.collect::<Result<_, _>>()?))
            }
            Some(_) => Err(at(place, "`type` must name a type")),
        }
    }

    fn reference(
        &mut self,
        fields: &Map<String, Value>,
        target: &Value,
        place: &str,
    ) -> Result<Node, SchemaError> {
        only(fields, &["$ref"], place)?;
        let target = target.as_str().unwrap_or_default();
        let name = target.strip_prefix("#/$defs/").or_else(|| target.strip_prefix("#/definitions/"));
        let name = name.filter(|name| !name.contains('/'));
        let name = name.ok_or_else(|| at(place, "`$ref` must be `#/$defs/name`"))?.to_owned();
        self.refs.push((place.to_owned(), name.clone()));
        Ok(Node::Ref(name))
    }

    fn typed(
        &mut self,
        fields: &Map<String, Value>,
        name: &str,
        place: &str,
        depth: usize,
    ) -> Result<Node, SchemaError> {
        // With several types, the words of one say nothing about the others.
        let several = fields.get("type").is_some_and(Value::is_array);
        let words: &[&str] = match name {
            "string" => &["minLength", "maxLength"],
            "number" | "integer" => &["minimum", "maximum"],
            "array" => &["items", "minItems", "maxItems"],
            "object" => &["properties", "required"],
            "boolean" | "null" => &[],
            _ => return Err(at(place, format!("there is no type `{name}`"))),
        };
        let all = [
            "minLength",
            "maxLength",
            "minimum",
            "maximum",
            "items",
            "minItems",
            "maxItems",
            "properties",
            "required",
        ];
        let allowed: Vec<&str> = if several { all.to_vec() } else { words.to_vec() };
        only(fields, &[&allowed[..], &["type"]].concat(), place)?;
        let count = |word: &str| count(fields, word, place);
        Ok(match name {
            "string" => Node::Text { min: count("minLength")?.unwrap_or(0), max: count("maxLength")? },
            "boolean" => Node::Bool,
            "null" => Node::Null,
            "number" | "integer" => Node::Number {
                is_integer: name == "integer",
                min: number(fields, "minimum", place)?,
                max: number(fields, "maximum", place)?,
            },
            "array" => {
                let items = match fields.get("items") {
                    Some(items) => self.node(items, &format!("{place}.items"), depth + 1)?,
                    None => Node::Any,
                };
                let (min, max) = (count("minItems")?.unwrap_or(0), count("maxItems")?);
                Node::List { items: Box::new(items), min, max }
            }
            _ => self.object(fields, place, depth)?,
        })
    }

    fn object(
        &mut self,
        fields: &Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Result<Node, SchemaError> {
        let required: Vec<&str> = match fields.get("required") {
            None => Vec::new(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(at(place, "`required` must list names")),
        };
        let empty = Map::new();
        let properties = match fields.get("properties") {
            None => &empty,
            Some(Value::Object(properties)) => properties,
            Some(_) => return Err(at(place, "`properties` must be an object")),
        };
        if let Some(name) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(at(place, format!("`{name}` is required and not among the properties")));
        }
        let mut nodes = Vec::new();
        for (name, property) in properties {
            let node = self.node(property, &format!("{place}.{name}"), depth + 1)?;
            nodes.push((name.clone(), node, required.contains(&name.as_str())));
        }
        // What must be there is written first.
        nodes.sort_by_key(|(_, _, is_required)| !is_required);
        Ok(Node::Object { fields: nodes })
    }
}

/// Refuses words that would go unheeded.
fn only(fields: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), SchemaError> {
    let unknown =
        fields.keys().find(|key| !known.contains(&key.as_str()) && !ANNOTATIONS.contains(&key.as_str()));
    unknown.map_or(Ok(()), |word| Err(at(place, format!("`{word}` is not supported here"))))
}

fn count(fields: &Map<String, Value>, word: &str, place: &str) -> Result<Option<u64>, SchemaError> {
    let Some(value) = fields.get(word) else { return Ok(None) };
    value.as_u64().map(Some).ok_or_else(|| at(place, format!("`{word}` must be a whole number")))
}

fn number(fields: &Map<String, Value>, word: &str, place: &str) -> Result<Option<f64>, SchemaError> {
    let Some(value) = fields.get(word) else { return Ok(None) };
    value.as_f64().map(Some).ok_or_else(|| at(place, format!("`{word}` must be a number")))
}

struct Check<'a> {
    schema: &'a Schema,
    steps_left: u32,
}

impl Check<'_> {
    fn node(&mut self, node: &Node, value: &Value, place: &str) -> Result<(), SchemaError> {
        self.steps_left =
            self.steps_left.checked_sub(1).ok_or_else(|| at(place, "takes too long to check"))?;
        let wants = |what: &str| at(place, format!("must be {what}"));
        match node {
            Node::Any => Ok(()),
            Node::OneOf(values) if values.contains(value) => Ok(()),
            Node::OneOf(values) => Err(wants(&format!("one of {}", Value::from(values.clone())))),
            Node::Bool if value.is_boolean() => Ok(()),
            Node::Bool => Err(wants("`true` or `false`")),
            Node::Null if value.is_null() => Ok(()),
            Node::Null => Err(wants("null")),
            Node::Text { min, max } => {
                let text = value.as_str().ok_or_else(|| wants("a text"))?;
                let length = text.chars().count() as u64;
                let fits = length >= *min && max.is_none_or(|max| length <= max);
                if fits { Ok(()) } else { Err(at(place, format!("has {length} characters"))) }
            }
            Node::Number { is_integer, min, max } => {
                let number = value.as_f64().filter(|number| !is_integer || number.fract() == 0.0);
                let number =
                    number.ok_or_else(|| wants(if *is_integer { "a whole number" } else { "a number" }))?;
                let fits = min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max);
                if fits { Ok(()) } else { Err(at(place, format!("{number} is out of range"))) }
            }
            Node::List { items, min, max } => {
                let list = value.as_array().ok_or_else(|| wants("a list"))?;
                let length = list.len() as u64;
                if length < *min || max.is_some_and(|max| length > max) {
                    return Err(at(place, format!("has {length} items")));
                }
                list.iter().try_for_each(|item| self.node(items, item, &format!("{place}[]")))
            }
            Node::Object { fields } => {
                let object = value.as_object().ok_or_else(|| wants("an object"))?;
                if let Some(name) = object.keys().find(|key| !fields.iter().any(|(name, ..)| name == *key)) {
                    return Err(at(place, format!("has the unknown field `{name}`")));
                }
                for (name, node, is_required) in fields {
                    match object.get(name) {
                        Some(value) => self.node(node, value, &format!("{place}.{name}"))?,
                        None if *is_required => return Err(at(place, format!("lacks the field `{name}`"))),
                        None => {}
                    }
                }
                Ok(())
            }
            Node::AnyOf(options) => {
                let fits = options.iter().any(|option| self.node(option, value, place).is_ok());
                if fits { Ok(()) } else { Err(wants("one of the allowed shapes")) }
            }
            Node::Ref(name) => {
                let schema = self.schema;
                self.node(&schema.defs[name], value, place)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(schema: Value) -> String {
        Schema::parse(&schema).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_held_is_refused_with_its_place() {
        assert_eq!(
            problem(json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "x" } } })),
            "schema.a: `pattern` is not supported here"
        );
        assert_eq!(problem(json!({ "allOf": [] })), "schema: `allOf` is not supported here");
        assert_eq!(problem(json!({ "type": "date" })), "schema: there is no type `date`");
        assert_eq!(problem(json!([])), "schema: must be an object");
        assert_eq!(problem(json!({ "$ref": "#/$defs/a" })), "schema: there is no definition `a`");
        let looped = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/a" } } });
        assert!(problem(looped).contains("refers to nothing but itself"));
        let either = json!({ "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/b" }] });
        let hidden = json!({ "$ref": "#/$defs/b", "$defs": { "b": either } });
        assert!(problem(hidden).contains("refers to nothing but itself"));
        let mut deep = json!({ "type": "string" });
        for _ in 0..40 {
            deep = json!({ "type": "array", "items": deep });
        }
        assert!(problem(deep).contains("nested deeper"));
    }

    #[test]
    fn an_answer_is_checked_and_the_place_told() {
        let schema = Schema::parse(&json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "maxLength": 5 },
                "n": { "type": "integer", "minimum": 1, "maximum": 3 },
                "kind": { "enum": ["a", "b"] },
                "list": { "type": "array", "items": { "$ref": "#/$defs/item" }, "maxItems": 2 },
                "maybe": { "type": ["string", "null"] },
            },
            "required": ["name", "n"],
            "$defs": { "item": { "type": "object", "properties": { "more": { "type": "array", "items": { "$ref": "#/$defs/item" } } } } },
        }))
        .unwrap();
        let good = json!({ "name": "ab", "n": 2, "kind": "b", "list": [{ "more": [{}] }], "maybe": null });
        assert_eq!(schema.check(&good), Ok(()));
        let bad = [
            (json!({ "name": "ab" }), "answer: lacks the field `n`"),
            (json!({ "name": "abcdef", "n": 1 }), "answer.name: has 6 characters"),
            (json!({ "name": "a", "n": 4 }), "answer.n: 4 is out of range"),
            (json!({ "name": "a", "n": 1.5 }), "answer.n: must be a whole number"),
            (json!({ "name": "a", "n": 1, "x": 1 }), "answer: has the unknown field `x`"),
            (json!({ "name": "a", "n": 1, "list": [{ "more": 1 }] }), "answer.list[].more: must be a list"),
        ];
        for (value, told) in bad {
            assert_eq!(schema.check(&value).unwrap_err().to_string(), told);
        }
    }
}
