//! Holds every answer that a test gets to the OpenAPI document: the status must be told there, the body have its form.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};
use telecine::http::ApiVersion;

use super::lab::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(telecine::http::openapi);
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Panics when the answer is not what the document says.
#[track_caller]
pub(crate) fn check(method: &str, target: &str, answer: &Answer) {
    let (_, path) = ApiVersion::split(target.split('?').next().unwrap_or_default());
    let method = method.to_ascii_lowercase();
    let Some((template, operation)) = operation(&method, path) else {
        assert_eq!(
            answer.refusal(),
            (404, "endpoint_not_exists".into()),
            "{method} {path} is not documented"
        );
        return;
    };
    let status = answer.status.to_string();
    let response = &operation["responses"][&status];
    assert!(
        response.is_object(),
        "{method} {template} answers {status}, which is not documented: {}",
        answer.text
    );
    let response = match response["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).expect("a response"),
        None => response,
    };
    let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    let Some(content) = response["content"].as_object() else {
        assert!(answer.text.is_empty(), "{method} {template} {status} has a body that is not documented");
        return;
    };
    let told = content.get(kind);
    let told = told.unwrap_or_else(|| panic!("{method} {template} {status}: `{kind}` is not documented"));
    if kind != "application/json" {
        return;
    }
    let name = format!("{method} {template} {status}");
    let validator = validator(&name, &told["schema"]);
    let body = answer.json();
    let faults: Vec<String> =
        validator.iter_errors(&body).map(|fault| format!("{}: {fault}", fault.instance_path)).collect();
    assert!(faults.is_empty(), "{name} is not as documented:\n{}\n{body:#}", faults.join("\n"));
}

/// The operation with the most fixed parts that fits.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let fits = |template: &str| {
        let (given, told): (Vec<&str>, Vec<&str>) =
            (path.split('/').collect(), template.split('/').collect());
        given.len() == told.len()
            && given.iter().zip(&told).all(|(given, told)| given == told || told.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let mut found: Vec<_> =
        paths.iter().filter(|(path, item)| fits(path) && item.get(method).is_some()).collect();
    found.sort_by_key(|(path, _)| path.matches('{').count());
    found.first().map(|(path, item)| (path.as_str(), &item[method]))
}

fn validator(name: &str, schema: &Value) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().unwrap();
    let made = validators.entry(name.to_owned()).or_insert_with(|| {
        let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        Arc::new(jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{name}: {error}")))
    });
    Arc::clone(made)
}
