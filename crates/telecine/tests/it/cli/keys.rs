//! The life of a key, in the data folder.

use serde_json::Value;
use telecine::keys::sha256;
use telecine::store::KeyStore;
use telecine::store::sqlite::SqliteStore;

use super::program::run;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_works_is_listed_without_its_secret_and_is_revoked() {
    let home = tempfile::tempdir().unwrap();
    let made = run(home.path(), &["key", "create", "tests"]);
    assert_eq!(made.status, 0, "{made:?}");
    let secret = made.stdout.trim();
    assert!(secret.starts_with("tlk_") && secret.len() == 56, "{secret}");

    let database = home.path().join("telecine-data/telecine.db");
    let store = SqliteStore::open(&database).await.unwrap();
    let caller = store.caller(sha256(secret)).await.unwrap().expect("the key works");
    assert_eq!(store.caller(sha256("tlk_OTHER")).await.unwrap(), None);

    let listed = run(home.path(), &["key", "list", "--json"]);
    assert!(!listed.stdout.contains(secret) && listed.stdout.contains(&secret[..10]));
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let id = listed["data"][0]["id"].as_str().unwrap();
    assert_eq!(id, caller.key.to_string());

    assert_eq!(run(home.path(), &["key", "revoke", id]).status, 0);
    assert_eq!(store.caller(sha256(secret)).await.unwrap(), None, "it works no more");
    let again = run(home.path(), &["key", "revoke", id]);
    assert_eq!(again.status, 1);
    assert!(again.stderr.contains("There is no such key, or it is revoked already."), "{}", again.stderr);
    assert!(again.stderr.contains(id) && again.stderr.contains("telecine key list"));
}

#[test]
fn the_secret_lies_nowhere_in_the_data_folder() {
    let home = tempfile::tempdir().unwrap();
    let secret = run(home.path(), &["key", "create", "tests"]).stdout;
    let secret = secret.trim().as_bytes();
    let mut files = 0;
    for entry in std::fs::read_dir(home.path().join("telecine-data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", path.display());
        }
    }
    assert!(files > 0);
}

#[test]
fn the_data_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    run(home.path(), &["key", "create", "tests", "--data-dir", "deep/data"]);
    let mode = home.path().join("deep/data").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn listing_keys_makes_no_data_folder() {
    let home = tempfile::tempdir().unwrap();
    let listed = run(home.path(), &["key", "list"]);
    assert_eq!(listed.status, 2);
    assert!(listed.stderr.contains("there is no data in telecine-data"), "{}", listed.stderr);
    assert!(!home.path().join("telecine-data").exists());
}

#[test]
fn a_key_needs_a_name_that_people_can_read() {
    let home = tempfile::tempdir().unwrap();
    for name in ["", "  ", "two\nlines"] {
        let refused = run(home.path(), &["key", "create", name]);
        assert_eq!(refused.status, 1, "{name:?}");
        assert!(refused.stderr.contains("The name of a key"), "{}", refused.stderr);
    }
}
