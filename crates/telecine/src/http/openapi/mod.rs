//! The OpenAPI document: what the routes say of themselves (`#[utoipa::path]` beside each handler), and what holds for
//! all of them, added here: the key, refusals, variable parts of paths, other names of a path. Nothing is written twice.

mod page;
mod shapes;

pub(super) use page::page;
pub(super) use shapes::{FormFile, Lined, Listed, Made, Page, PageInfo, PageQuery};

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::cookie::SESSION_COOKIE;
use super::error::{is_wrapped, status};
use crate::fault::Code;

/// Paths that are other names of another path, with the method that both have.
pub(super) const ALIASES: [(Method, &str, &str); 4] = [
    (Method::POST, "/tasks/transfers", "/indexes/tasks/transfers"),
    (Method::POST, "/search", "/search-v2"),
    (Method::GET, "/search/{token}", "/search-v2/{token}"),
    (Method::GET, "/search/{token}", "/search/combined/{token}"),
];

/// Routes that answer without a key: probes, this document, what signed links lead to, and signing in and out.
const OPEN_TAGS: [&str; 3] = ["operation", "links", SESSION_TAG];
/// What is asked here is who somebody is: so it is refused like a key.
const SESSION_TAG: &str = "session";

/// Everything but paths and schemas.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Telecine",
        description = "Turns a bucket of videos into a searchable index with one API call. Answers the contract of the \
            Twelve Labs API, v1.1 to v1.3, and adds integrations, transfers, webhooks and keys. Shapes are those of v1.3, \
            which the root speaks, too; what older versions have instead is marked so.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers(
        (url = "/v1.3", description = "and the root"),
        (url = "/v1.2"),
        (url = "/v1.1"),
    ),
    components(schemas(shapes::Refusal)),
)]
pub(super) struct Head;

/// The whole document, of what the routes told.
pub(super) fn finish(told: utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(told).expect("the document is JSON");
    document["components"]["securitySchemes"] = json!({
        "api_key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        "session": { "type": "apiKey", "in": "cookie", "name": SESSION_COOKIE },
    });
    document["components"]["responses"] = refusals();
    document["components"]["schemas"]["Code"] = codes();
    let paths = document["paths"].as_object_mut().expect("paths");
    for (method, path, alias) in &ALIASES {
        let Some(operation) = paths.get(*path).map(|item| item[method.as_str().to_ascii_lowercase()].clone())
        else {
            continue;
        };
        let item = paths.entry((*alias).to_owned()).or_insert_with(|| json!({}));
        item[method.as_str().to_ascii_lowercase()] = operation;
    }
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().expect("operations") {
            complete(path, method, operation);
        }
    }
    allow_several(&mut document["components"]["schemas"]);
    document
}

/// Forms without a tag may share what they look like: a body that fits several of them is right.
fn allow_several(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(forms) = fields.remove("oneOf") {
                fields.insert("anyOf".to_owned(), forms);
            }
            fields.values_mut().for_each(allow_several);
        }
        Value::Array(values) => values.iter_mut().for_each(allow_several),
        _ => {}
    }
}

/// What every operation has: a name of its own, the variable parts of its path, the key, and how it refuses.
fn complete(path: &str, method: &str, operation: &mut Value) {
    operation["operationId"] = name(path, method).into();
    let variables: Vec<Value> = path.split('/').filter_map(variable).collect();
    let given = operation["parameters"].as_array().cloned().unwrap_or_default();
    let parameters: Vec<Value> = variables.into_iter().chain(given).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    } else if let Some(operation) = operation.as_object_mut() {
        operation.remove("parameters");
    }
    let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
    let is_open = OPEN_TAGS.contains(&tag.as_str());
    operation["security"] = if is_open { json!([]) } else { json!([{ "api_key": [] }, { "session": [] }]) };
    let responses = operation["responses"].as_object_mut().expect("responses");
    for status in statuses() {
        let asks_for_no_key = is_open && tag != SESSION_TAG && status == "401";
        let refuses_nothing = tag == "operation" && status != "500";
        if asks_for_no_key || refuses_nothing || responses.contains_key(&status) {
            continue;
        }
        let wrapped = if is_wrapped(path) { "Wrapped" } else { "" };
        let answer = format!("#/components/responses/{wrapped}{status}");
        responses.insert(status, json!({ "$ref": answer }));
    }
}

/// `get_indexes_by_index_id_videos`.
fn name(path: &str, method: &str) -> String {
    let mut name = method.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let variable = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        name.push_str(if variable.is_some() { "_by_" } else { "_" });
        let part = variable.unwrap_or(part);
        name.extend(part.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }));
    }
    name
}

fn variable(part: &str) -> Option<Value> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    let schema = if name.ends_with("_id") && !matches!(name, "engine_id" | "upload_id") {
        json!({ "type": "string", "pattern": "^[0-9a-f]{24}$" })
    } else {
        json!({ "type": "string", "minLength": 1 })
    };
    Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
}

/// The statuses that refusals have, in order.
fn statuses() -> Vec<String> {
    let mut statuses: Vec<String> = Code::ALL.iter().map(|code| status(*code).as_u16().to_string()).collect();
    statuses.sort();
    statuses.dedup();
    statuses
}

/// One answer per status, which names the codes that have it; and once more for routes that tell it inside of `error`.
fn refusals() -> Value {
    let mut refusals = Map::new();
    for told in statuses() {
        let codes = Code::ALL.iter().filter(|code| status(**code).as_u16().to_string() == told);
        let codes: Vec<String> = codes.map(|code| format!("`{code}`")).collect();
        let description = match codes.len() {
            0..=12 => format!("Refused: {}", codes.join(", ")),
            _ => "Refused: what is wrong can be mended; see `Code`".to_owned(),
        };
        let answer = |schema: Value| json!({ "description": description, "content": { "application/json": { "schema": schema } } });
        let refusal = json!({ "$ref": "#/components/schemas/Refusal" });
        let wrapped =
            json!({ "type": "object", "required": ["error"], "properties": { "error": refusal.clone() } });
        refusals.insert(told.clone(), answer(refusal));
        refusals.insert(format!("Wrapped{told}"), answer(wrapped));
    }
    refusals.into()
}

/// Every code, with what it means and what to do.
fn codes() -> Value {
    let names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let catalogue: Map<String, Value> = Code::ALL
        .iter()
        .map(|code| {
            let told = json!({
                "status": status(*code).as_u16(),
                "message": code.message(),
                "rule": code.rule(),
                "remedy": code.remedy(),
            });
            (code.as_str().to_owned(), told)
        })
        .collect();
    json!({
        "type": "string",
        "enum": names,
        "description": "Why something was refused or failed. `x-catalogue` tells what each means and what to do.",
        "x-catalogue": catalogue,
    })
}
