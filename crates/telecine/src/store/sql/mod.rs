//! The SQL that both databases understand. This folder is compiled once for each of them, as a part of `store/sqlite` and of
//! `store/postgres`: what they say differently, its parent gives under one name (`dialect`), and what only one of them
//! has to do lies beside that. It decides nothing about statuses: that is `transfer::next_status`.

mod asset_imports;
mod assets;
pub(super) mod claims;
mod content;
mod counters;
mod deletion;
mod embeddings;
pub(super) mod filters;
mod generation;
mod idempotency;
mod imports;
mod indexed;
mod indexes;
mod integrations;
mod inventory;
mod keys;
mod kinds;
mod lending;
pub(super) mod lists;
mod merge;
mod objects;
pub(super) mod offers;
mod places;
mod processes;
mod removal;
pub(super) mod rows;
mod search;
mod sessions;
mod sought;
mod speech;
mod statistics;
mod streams;
mod syncs;
pub(super) mod system;
pub(super) mod tasks;
mod told;
pub(super) mod transfers;
pub(super) mod turns;
mod uploads;
mod videos;
mod webhooks;

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;

use super::dialect::{
    AFTER_INSERT, Aside, Connection, Db, DbExecutor, HalfVector, Pool, QueryScalar, ROWS_PER_STATEMENT, Row,
    SNAPSHOT, Write, alone, by_indexes, fields_of, in_order, is_storable_key, push_among, push_among_numbers,
    push_each, push_named, push_words, regular_expression, storable, stored_key, told_key,
};
use crate::fault::Result;
use crate::store::{NearestStore, Presence, Store};

/// Tasks that one transaction changes when a person asks for a change of very many.
const TASKS_PER_CHANGE: i64 = 5_000;

/// A database. Clones share it.
#[derive(Debug, Clone)]
pub struct SqlStore {
    pub(super) writer: Pool,
    pub(super) readers: Pool,
    #[allow(dead_code, reason = "one of the databases needs it")]
    pub(super) aside: Aside,
}

impl SqlStore {
    /// A transaction that reads, in one state of the database.
    async fn snapshot(&self) -> Result<Write> {
        Ok(self.readers.begin_with(SNAPSHOT).await?)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Does work of many transactions to its end, even if whoever asked for it goes away in between.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work).await.context("work in the database was cut short")?
}

#[async_trait]
impl Store for SqlStore {
    async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT count(*) FROM workspace").execute(&self.readers).await?;
        // Beside others: probes ask all the time, and must keep nobody waiting.
        self.write_beside().await?.rollback().await?;
        Ok(())
    }

    fn nearest(&self) -> Option<&dyn NearestStore> {
        self.searching()
    }

    fn watch(&self, silent_after: Duration) {
        self.watch_over(silent_after);
    }

    fn presence(&self) -> Presence {
        self.what_is_seen()
    }
}
