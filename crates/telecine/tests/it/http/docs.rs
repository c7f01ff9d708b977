//! docs/API.md is held to the code: its routes to the router, its codes to the catalogue.

use std::fmt::Write as _;
use std::path::PathBuf;

use telecine::fault::Code;

const BEGIN: &str = "'test(the_catalogue_of_codes)' -->\n";
const ROUTES_BEGIN: &str = "'test(the_reference_in)' -->\n";
const ROUTES_END: &str = "<!-- end of routes -->";
const END: &str = "<!-- end of codes -->";

fn page() -> (PathBuf, String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/API.md");
    let text = std::fs::read_to_string(&path).expect("docs/API.md");
    (path, text)
}

#[test]
fn the_catalogue_of_codes_is_that_of_the_code() {
    let mut made = "\n| Code | Status | What | Rule | What to do |\n|---|---|---|---|---|\n".to_owned();
    for code in Code::ALL {
        let status = telecine::http::status(*code).as_u16();
        let (message, rule, remedy) = (code.message(), code.rule(), code.remedy());
        writeln!(made, "| `{code}` | {status} | {message} | {rule} | {remedy} |").unwrap();
    }
    made.push('\n');
    let (path, text) = page();
    let (before, rest) = text.split_once(BEGIN).expect("where the codes begin");
    let (found, after) = rest.split_once(END).expect("where the codes end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
    } else {
        assert_eq!(
            found, made,
            "renew it: UPDATE_DOCS=1 cargo nextest run -E 'test(the_catalogue_of_codes)'"
        );
    }
}

#[test]
fn the_reference_in_api_md_has_every_route_of_the_router() {
    let document = telecine::http::openapi();
    let mut made = "\n| Method | Path | What |\n|---|---|---|\n".to_owned();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
            let (method, mark) = (method.to_ascii_uppercase(), if is_open { " ○" } else { "" });
            let what = operation["summary"].as_str().unwrap_or_default().replace('\n', " ");
            writeln!(made, "| {method}{mark} | `{path}` | {what} |").unwrap();
        }
    }
    made.push('\n');
    let (path, text) = page();
    let (before, rest) = text.split_once(ROUTES_BEGIN).expect("where the routes begin");
    let (found, after) = rest.split_once(ROUTES_END).expect("where the routes end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{ROUTES_BEGIN}{made}{ROUTES_END}{after}")).unwrap();
    } else {
        assert_eq!(found, made, "renew it: UPDATE_DOCS=1 cargo nextest run -E 'test(the_reference_in)'");
    }
}

#[test]
fn the_reference_in_openapi_json_is_that_of_the_code() {
    let made = format!("{:#}\n", telecine::http::openapi());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, made).unwrap();
        return;
    }
    let found = std::fs::read_to_string(path).expect("docs/openapi.json");
    assert!(found == made, "renew it: UPDATE_DOCS=1 cargo nextest run -E 'test(the_reference_in)'");
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn check(value: &serde_json::Value, document: &serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(serde_json::Value::as_str) {
                    assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
                }
                fields.values().for_each(|field| check(field, document));
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    let document = telecine::http::openapi();
    check(&document, &document);
}
