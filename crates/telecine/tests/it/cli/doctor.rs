//! `telecine doctor` as people and scripts see it.

use serde_json::Value;

use super::program::{models, telecine};
use crate::support::postgres::PostgresDatabase;

/// What it says as JSON, and whether a server would work.
fn examine(home: &std::path::Path, args: &[&str]) -> (Value, bool) {
    let output = telecine(home)
        .env("TELECINE_MODELS", models())
        .args(["doctor", "--json"])
        .args(args)
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout);
    (said.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))), output.status.success())
}

fn check<'a>(said: &'a Value, name: &str) -> &'a Value {
    let checks = said["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} in {said:#}"))
}

#[tokio::test]
async fn a_doctor_tells_of_the_database_what_would_lose_something() {
    let (home, database) = (tempfile::tempdir().unwrap(), PostgresDatabase::create().await);
    let media = home.path().join("media");
    let (said, is_well) =
        examine(home.path(), &["--database", database.url(), "--media", media.to_str().unwrap()]);
    assert!(is_well, "{said:#}");
    assert_eq!(check(&said, "database: fsync")["state"], "warning");
    assert!(check(&said, "database: fsync")["remedy"].as_str().unwrap().contains("fsync = on"));
    assert_eq!(check(&said, "media store")["state"], "ok");
    let work = std::fs::read_dir(media.join("work"));
    assert_eq!(work.map_or(0, Iterator::count), 0, "nothing is left of the probe");
}

#[test]
fn a_doctor_finds_what_is_not_there() {
    let home = tempfile::tempdir().unwrap();
    let (said, is_well) = examine(home.path(), &["--database", "postgres://user:secret@127.0.0.1:1/none"]);
    assert!(!is_well);
    assert_eq!(check(&said, "database")["state"], "failed");
    assert!(!said.to_string().contains("secret"), "{said:#}");
    assert_eq!(check(&said, "media store")["state"], "warning");
}
