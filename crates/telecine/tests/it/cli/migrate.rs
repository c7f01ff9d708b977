//! `telecine migrate` from one machine to many.

use telecine::store::ProcessStore as _;
use telecine::store::postgres::PostgresStore;
use telecine::store::sqlite::SqliteStore;
use telecine::vault::Vault;

use super::program::run;
use crate::support::postgres::PostgresDatabase;

#[tokio::test]
async fn after_a_move_only_the_old_key_opens_secrets() {
    let (home, database) = (tempfile::tempdir().unwrap(), PostgresDatabase::create_empty().await);
    let old = home.path().join("old");
    std::fs::create_dir(&old).unwrap();
    SqliteStore::open(old.join("telecine.db")).await.unwrap().close().await;
    let mark = Vault::open(&old.join("secrets.key")).unwrap().mark();
    let ran = run(home.path(), &["migrate", "--from", "old", "--database", database.url()]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let store = PostgresStore::open(database.url()).await.unwrap();
    assert_eq!(store.known_fact("secrets_key").await.unwrap(), Some(mark));
}
