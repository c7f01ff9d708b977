//! The rules of the house, read off the sources: which module may know what (docs/ARCHITECTURE.md).

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file below a folder of `crates/`, with its path from there and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in crates/");
    let mut files = Vec::new();
    let mut folders = vec![crates.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path.strip_prefix(crates).expect("below crates/").display().to_string();
                files.push((name, fs::read_to_string(&path).expect("text")));
            }
        }
    }
    assert!(!files.is_empty(), "{folder} has sources");
    files
}

/// Asserts that no line of code (comments aside) of these folders holds one of the words.
#[track_caller]
fn absent(folders: &[&str], words: &[&str], except: &[&str]) {
    let mut found = Vec::new();
    for (name, text) in folders.iter().flat_map(|folder| sources(folder)) {
        if except.iter().any(|allowed| name.ends_with(allowed)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(word) = words.iter().find(|word| code.contains(*word)) {
                found.push(format!("{name}:{}: `{word}`", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "rules of the house are broken:\n{}", found.join("\n"));
}

const DOMAIN: [&str; 10] = [
    "telecine/src/asset",
    "telecine/src/generate",
    "telecine/src/index",
    "telecine/src/integration",
    "telecine/src/keys",
    "telecine/src/pipeline",
    "telecine/src/search",
    "telecine/src/transfer",
    "telecine/src/video",
    "telecine/src/webhook",
];

#[test]
fn only_the_store_knows_sql() {
    let others: Vec<&str> =
        DOMAIN.into_iter().chain(["telecine/src/http", "telecine/src/source", "telecine/src/cli"]).collect();
    absent(&others, &["sqlx"], &[]);
}

#[test]
fn domain_modules_know_no_http() {
    absent(&DOMAIN, &["axum", "StatusCode", "crate::http"], &[]);
    absent(
        &["telecine/src/store", "telecine/src/queue", "telecine/src/source"],
        &["axum", "crate::http"],
        &[],
    );
}

#[test]
fn only_one_file_knows_which_fault_has_which_status() {
    let failures =
        ["BAD_REQUEST", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "INTERNAL_SERVER_ERROR"];
    absent(&["telecine/src/http"], &failures, &["http/error.rs"]);
}

#[test]
fn only_the_source_knows_a_bucket() {
    let others: Vec<&str> = DOMAIN
        .into_iter()
        .filter(|folder| *folder != "telecine/src/integration")
        .chain(["telecine/src/http", "telecine/src/store", "telecine/src/cli"])
        .collect();
    absent(&others, &["aws_sdk", "aws_config"], &[]);
}

#[test]
fn media_and_engines_know_nothing_of_the_service() {
    absent(
        &["telecine-media/src", "telecine-engines/src", "telecine-writer/src"],
        &["telecine::", "sqlx", "axum", "aws_"],
        &[],
    );
}

#[test]
fn every_file_says_what_it_owns() {
    let silent: Vec<String> = [
        "telecine/src",
        "telecine/tests",
        "telecine-media/src",
        "telecine-engines/src",
        "telecine-writer/src",
    ]
    .into_iter()
    .flat_map(sources)
    .filter(|(_, text)| !text.starts_with("//!"))
    .map(|(name, _)| name)
    .collect();
    assert!(silent.is_empty(), "files without a first line `//!`: {silent:#?}");
}

#[test]
fn no_path_of_a_machine_is_written_into_the_sources() {
    let needles =
        ["/ro", "/wo"].map(|start| format!("\"{start}{}/", if start == "/ro" { "ot" } else { "rk" }));
    let needles: Vec<&str> = needles.iter().map(String::as_str).collect();
    absent(&["telecine", "telecine-media", "telecine-engines"], &needles, &[]);
}

/// The document keeps one schema per name: of two that share a name, one would silently describe the other's answers.
#[test]
fn no_two_forms_of_the_api_share_a_name() {
    let mut seen = std::collections::HashMap::<String, String>::new();
    for (file, text) in sources("telecine/src") {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            if !(line.starts_with("#[derive(") && line.contains("ToSchema")) {
                continue;
            }
            let named = lines[at..].iter().find_map(|line| {
                let given = line.strip_prefix("#[schema(as = ").map(|rest| rest.split([',', ')']).next());
                let words = line.trim_start_matches("pub(super) ").trim_start_matches("pub(in crate::http) ");
                let words = words.trim_start_matches("pub ");
                let own = words.strip_prefix("struct ").or_else(|| words.strip_prefix("enum "));
                given.or_else(|| own.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())).flatten()
            });
            let Some(name) = named.filter(|name| !name.is_empty()) else { continue };
            if let Some(other) = seen.insert(name.to_owned(), file.clone()) {
                panic!("{name} is the name of a form in {other} and in {file}");
            }
        }
    }
}
