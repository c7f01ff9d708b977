//! Parameters of a request, whether they came as JSON, as a form or as multipart: the tolerance that SDKs need is here,
//! so that routes ask for a text, a flag or a list and get it or a fault that names the parameter.

use std::str::FromStr;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::body::read_all;
use super::multipart::FormReader;
use crate::fault::{Code, Error, Fault};
use crate::ids::MalformedId;

/// Files that some client may send to a route that wants none; they are told apart from texts by their size alone.
const UNWANTED_FILES: [&str; 1] = ["query_media_file"];

/// Named values. In forms every value is a text, and a repeated name a list.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Params(Map<String, Value>);

impl Params {
    /// Of a part of a body.
    pub fn of(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// Reads the body of a request without files, at most `limit_bytes` of it. A body that does not say what it is
    /// counts as JSON; none at all is no parameters.
    ///
    /// # Errors
    /// When the body cannot be understood or is too large.
    pub async fn read(request: Request, limit_bytes: u64) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        match media_type(&parts.headers).as_str() {
            "multipart/form-data" => {
                let request = Request::from_parts(parts, body);
                Ok(FormReader::open(request, &UNWANTED_FILES, limit_bytes)?.read_texts().await?)
            }
            "application/x-www-form-urlencoded" => {
                let bytes = read_all(body, &parts.headers, limit_bytes).await?;
                let mut params = Self::default();
                for (name, value) in url::form_urlencoded::parse(&bytes) {
                    params.add(&name, value.into_owned());
                }
                Ok(params)
            }
            _ => Ok(Self::json(body, &parts.headers, limit_bytes).await?),
        }
    }

    async fn json(body: Body, headers: &HeaderMap, limit_bytes: u64) -> Result<Self, Fault> {
        let bytes = read_all(body, headers, limit_bytes).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Fault::parameter("The body must be a JSON object.")),
            Err(error) => Err(Fault::parameter("The body is not valid JSON.").value(error.to_string())),
        }
    }

    /// Adds a value of a form. The same value twice is one, for SDKs send some fields twice.
    pub(super) fn add(&mut self, name: &str, value: String) {
        let value = Value::String(value);
        match self.0.get_mut(name) {
            None => {
                self.0.insert(name.to_owned(), value);
            }
            Some(Value::Array(values)) => {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            Some(first) => {
                if *first != value {
                    *first = Value::Array(vec![first.take(), value]);
                }
            }
        }
    }

    /// Names of all that was sent.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value, unless it is null or an empty text: both mean that nothing was given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// Whether a value was given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Fault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(invalid(name, "a text", other)),
        }
    }

    /// A text that must be there.
    pub fn required_text(&self, name: &str) -> Result<&str, Fault> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// An id.
    pub fn id<T: FromStr<Err = MalformedId>>(&self, name: &str) -> Result<Option<T>, Fault> {
        self.text(name)?.map(|text| parse_id(name, text)).transpose()
    }

    /// An id that must be there.
    pub fn required_id<T: FromStr<Err = MalformedId>>(&self, name: &str) -> Result<T, Fault> {
        self.id(name)?.ok_or_else(|| missing(name))
    }

    /// `true` or `false`, as such or as text.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => parse_flag(text),
            _ => None,
        };
        flag.map(Some).ok_or_else(|| invalid(name, "`true` or `false`", value))
    }

    /// A number, as such or as text.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        number.map(Some).ok_or_else(|| invalid(name, "a number", value))
    }

    /// A list of texts; a single text is a list of one, and commas separate.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Fault> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let split = |text: &str| -> Vec<String> {
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        match value {
            Value::String(text) => match serde_json::from_str::<Vec<String>>(text) {
                Ok(list) => Ok(list),
                Err(_) => Ok(split(text)),
            },
            Value::Array(values) => {
                let texts = values.iter().map(|item| item.as_str().map(split));
                let texts: Option<Vec<_>> = texts.collect();
                texts.map(|texts| texts.concat()).ok_or_else(|| invalid(name, "a list of texts", value))
            }
            other => Err(invalid(name, "a list of texts", other)),
        }
    }

    /// All texts of a name, each as it is: a comma may belong to it.
    pub fn each(&self, name: &str) -> Result<Vec<&str>, Fault> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let texts = match value {
            Value::String(text) => Some(vec![text.as_str()]),
            Value::Array(values) => values.iter().map(Value::as_str).collect(),
            _ => None,
        };
        texts.ok_or_else(|| invalid(name, "a text, or a list of texts", value))
    }

    /// An object, as such or as JSON in a text.
    pub fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let object = match value {
            Value::Object(object) => Some(object.clone()),
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => None,
        };
        object.map(Some).ok_or_else(|| invalid(name, "a JSON object", value))
    }

    /// One of these words.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        pick(name, text, words).map(Some)
    }
}

/// The value of the word that was given.
pub(super) fn pick<T: Copy>(name: &str, given: &str, words: &[(&str, T)]) -> Result<T, Fault> {
    let known = words.iter().find(|(word, _)| *word == given);
    known.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        Fault::parameter(format!("The {name} parameter is not one that is known."))
            .value(shown(&Value::from(given)))
            .rule(format!("one of {}", words.join(", ")))
    })
}

/// `true` or `false`, in the spellings of JSON and Python.
pub(super) fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    }
}

/// An id in a text.
pub(super) fn parse_id<T: FromStr<Err = MalformedId>>(name: &str, text: &str) -> Result<T, Fault> {
    text.parse().map_err(|error: MalformedId| {
        Fault::parameter(format!("The {name} parameter is malformed."))
            .value(error.given)
            .rule("ids have 24 lowercase hex digits")
    })
}

/// A parameter that is needed and was not given.
pub(super) fn missing(name: &str) -> Fault {
    Fault::because(Code::ParameterNotProvided, format!("The {name} parameter is required."))
}

fn invalid(name: &str, expected: &str, value: &Value) -> Fault {
    Fault::parameter(format!("The {name} parameter must be {expected}.")).value(shown(value))
}

/// A value, cut to a readable length.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(120).collect()
}

/// What a body says that it is, in lower case and without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(value: Value) -> Params {
        let Value::Object(fields) = value else { panic!("an object") };
        Params(fields)
    }

    #[test]
    fn null_and_empty_texts_mean_that_nothing_was_given() {
        let params = params(json!({ "a": null, "b": "", "c": [] }));
        assert_eq!(params.text("a"), Ok(None));
        assert_eq!(params.flag("b"), Ok(None));
        assert_eq!(params.texts("c"), Ok(vec![]));
        assert_eq!(params.required_text("a").unwrap_err().code, Code::ParameterNotProvided);
    }

    #[test]
    fn numbers_flags_lists_and_objects_come_as_such_or_as_text() {
        let params = params(json!({
            "n": 5, "m": "0.5", "f": true, "g": "false", "l": ["visual", "conversation"], "k": "visual",
            "c": "visual,conversation", "j": "[\"visual\"]", "o": {"a": 1}, "p": "{\"a\": 1}",
        }));
        assert_eq!(params.number("n"), Ok(Some(5.0)));
        assert_eq!(params.number("m"), Ok(Some(0.5)));
        assert_eq!(params.flag("f"), Ok(Some(true)));
        assert_eq!(params.flag("g"), Ok(Some(false)));
        assert_eq!(params.texts("l").unwrap(), ["visual", "conversation"]);
        assert_eq!(params.texts("c").unwrap(), ["visual", "conversation"]);
        assert_eq!(params.texts("k").unwrap(), ["visual"]);
        assert_eq!(params.texts("j").unwrap(), ["visual"]);
        assert_eq!(params.object("o").unwrap(), params.object("p").unwrap());
    }

    #[test]
    fn what_was_sent_twice_is_one_value_and_what_differs_is_a_list() {
        let mut params = Params::default();
        for (name, value) in
            [("url", "x"), ("url", "x"), ("options", "a"), ("options", "b"), ("options", "a")]
        {
            params.add(name, value.to_owned());
        }
        assert_eq!(params.text("url"), Ok(Some("x")));
        assert_eq!(params.texts("options").unwrap(), ["a", "b"]);
        assert!(params.text("options").is_err());
    }

    #[test]
    fn a_fault_names_the_parameter_and_shows_what_was_given() {
        let fault = params(json!({ "page_limit": "many" })).number("page_limit").unwrap_err();
        assert_eq!(fault.sentence(), "The page_limit parameter must be a number. Found: many.",);
    }
}
