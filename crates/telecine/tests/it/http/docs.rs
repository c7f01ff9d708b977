//! docs/API.md is held to the code: its routes to the router, its codes to the catalogue.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use telecine::fault::Code;

use super::access::routes;

const BEGIN: &str = "'test(the_catalogue_of_codes)' -->\n";
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
fn the_table_of_routes_is_that_of_the_router() {
    let (_, text) = page();
    let mut told = BTreeSet::new();
    let table = text.split("## Routes").nth(1).and_then(|rest| rest.split("## ").next()).expect("the table");
    for row in table.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let methods = cells[1].trim_end_matches(" ○").split(", ");
        for method in methods {
            for path in cells[2].split('`').filter(|part| part.starts_with('/')) {
                told.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
    assert_eq!(told, routes().into_iter().collect());
}
