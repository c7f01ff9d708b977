//! The document as a page for people: plain HTML without scripts, made of the document at each start.

use std::fmt::Write as _;

use serde_json::Value;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const STYLE: &str = include_str!("page.css");

/// The page.
pub(in crate::http) fn page(document: &Value) -> String {
    let mut operations: Vec<(&str, &str, &str, &Value)> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.push((operation["tags"][0].as_str().unwrap_or_default(), path, method, operation));
            }
        }
    }
    operations.sort_by_key(|(tag, path, ..)| (*tag, *path));
    let mut html = String::with_capacity(1 << 18);
    html.push_str("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">");
    html.push_str("<title>Telecine API</title><style>");
    html.push_str(STYLE);
    html.push_str("</style><main><h1>Telecine API</h1><p>");
    html.push_str(&escaped(document["info"]["description"].as_str().unwrap_or_default()));
    html.push_str(
        "</p><p>For programs: <a href=\"openapi.json\">openapi.json</a>. Every request carries a key: ",
    );
    html.push_str("<code>x-api-key: tlk_…</code>.</p>");
    let mut tags: Vec<&str> = operations.iter().map(|(tag, ..)| *tag).collect();
    tags.dedup();
    html.push_str("<nav>");
    for tag in &tags {
        let _ = write!(html, "<a href=\"#{}\">{tag}</a> ", tag.replace(' ', "-"));
    }
    html.push_str("<a href=\"#codes\">codes</a></nav>");
    let mut last = "";
    for (tag, path, method, operation) in operations {
        if tag != last {
            let _ = write!(html, "<h2 id=\"{}\">{tag}</h2>", tag.replace(' ', "-"));
            last = tag;
        }
        write_operation(&mut html, document, path, method, operation);
    }
    write_codes(&mut html, &document["components"]["schemas"]["Code"]["x-catalogue"]);
    html.push_str("</main></html>");
    html
}

fn write_operation(html: &mut String, document: &Value, path: &str, method: &str, operation: &Value) {
    let text = |name: &str| told(operation[name].as_str().unwrap_or_default());
    let _ = write!(
        html,
        "<details id=\"{}\"><summary><b class={method}>{}</b> <code>{}</code> <span>{}</span></summary><p>{}</p>",
        text("operationId"),
        method.to_uppercase(),
        escaped(path),
        text("summary"),
        text("description"),
    );
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        html.push_str("<h3>Parameters</h3><dl>");
        for parameter in parameters {
            let name = escaped(parameter["name"].as_str().unwrap_or_default());
            let place = parameter["in"].as_str().unwrap_or_default();
            let about = told(parameter["description"].as_str().unwrap_or_default());
            let kind = kind(document, &parameter["schema"], 0);
            let _ = write!(html, "<dt><code>{name}</code> <i>{place}</i><dd>{kind} {about}");
        }
        html.push_str("</dl>");
    }
    for (kind_of, body) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let _ = write!(html, "<h3>Body <i>{kind_of}</i></h3>{}", kind(document, &body["schema"], 0));
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let Some(content) = response["content"].as_object() else {
            let refers = response.get("$ref").is_some();
            if !refers {
                let about = told(response["description"].as_str().unwrap_or_default());
                let _ = write!(html, "<h3>{status}</h3><p>{about}</p>");
            }
            continue;
        };
        for (kind_of, body) in content {
            let _ = write!(html, "<h3>{status} <i>{kind_of}</i></h3>{}", kind(document, &body["schema"], 0));
        }
    }
    let refusals: Vec<&str> = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, response)| response.get("$ref").is_some())
        .map(|(status, _)| status.as_str())
        .collect();
    if !refusals.is_empty() {
        let _ =
            write!(html, "<h3>Refused</h3><p>{}: see <a href=\"#codes\">codes</a></p>", refusals.join(", "));
    }
    html.push_str("</details>");
}

/// A schema in words; references are followed a few levels deep.
fn kind(document: &Value, schema: &Value, depth: u8) -> String {
    const DEPTH: u8 = 4;
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        if depth >= DEPTH || name == "Code" {
            return format!("<code>{}</code>", escaped(name));
        }
        return kind(document, &document["components"]["schemas"][name], depth + 1);
    }
    for (word, joint) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[word].as_array() {
            let parts: Vec<String> = parts.iter().map(|part| kind(document, part, depth + 1)).collect();
            return parts.join(joint);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> =
            words.iter().map(|word| format!("<code>{}</code>", escaped(&plain(word)))).collect();
        return words.join(" | ");
    }
    if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
        return format!("list of {}", kind(document, items, depth + 1));
    }
    let Some(fields) = schema["properties"].as_object() else {
        let names = match &schema["type"] {
            Value::Array(names) => names.iter().map(plain).collect::<Vec<_>>().join(" or "),
            name => plain(name),
        };
        let format = schema["format"].as_str().map(|format| format!(" ({format})")).unwrap_or_default();
        return format!("<i>{}{}</i>", escaped(&names), escaped(&format));
    };
    let needed = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut html = "<dl>".to_owned();
    for (name, field) in fields {
        let star = if needed.iter().any(|needed| needed == name) { "*" } else { "" };
        // Of a field that may be null, it stands beside the reference.
        let inner = field["anyOf"]
            .as_array()
            .and_then(|forms| forms.iter().find_map(|form| form["description"].as_str()));
        let about = told(field["description"].as_str().or(inner).unwrap_or_default());
        let _ = write!(
            html,
            "<dt><code>{}</code>{star}<dd>{} {about}",
            escaped(name),
            kind(document, field, depth + 1)
        );
    }
    html.push_str("</dl>");
    html
}

fn write_codes(html: &mut String, catalogue: &Value) {
    html.push_str("<h2 id=codes>codes</h2><p>Every refusal and every failed task has one.</p><dl>");
    for (code, entry) in catalogue.as_object().into_iter().flatten() {
        let text = |name: &str| told(entry[name].as_str().unwrap_or_default());
        let _ = write!(
            html,
            "<dt id=\"{code}\"><code>{code}</code> <i>{}</i><dd>{} {} {}",
            entry["status"],
            text("message"),
            text("rule"),
            text("remedy"),
        );
    }
    html.push_str("</dl>");
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| if value.is_null() { "any".into() } else { value.to_string() }, str::to_owned)
}

/// A text for people, whose backquotes mark code.
fn told(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    let shown = |(at, piece): (usize, &str)| match at % 2 {
        0 => escaped(piece),
        _ => format!("<code>{}</code>", escaped(piece)),
    };
    pieces.map(shown).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
