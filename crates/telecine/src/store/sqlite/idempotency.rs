//! Keys of requests.

use async_trait::async_trait;

use super::SqliteStore;
use crate::fault::Result;
use crate::store::{IdempotencyStore, KeptAnswer, KeyedRequest, Repetition};
use crate::time::Timestamp;

#[async_trait]
impl IdempotencyStore for SqliteStore {
    async fn take_request_key(
        &self,
        request: &KeyedRequest,
        now: Timestamp,
        forgotten: Timestamp,
    ) -> Result<Repetition> {
        let KeyedRequest { workspace, key, fingerprint } = request;
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM idempotent_request WHERE created_at < ?")
            .bind(forgotten.as_millis())
            .execute(&mut *write)
            .await?;
        let taken = sqlx::query(
            "INSERT OR IGNORE INTO idempotent_request (workspace_id, key, fingerprint, created_at) VALUES (?, ?, ?, ?)",
        )
        .bind(workspace.to_string())
        .bind(key)
        .bind(fingerprint.as_slice())
        .bind(now.as_millis())
        .execute(&mut *write)
        .await?;
        let is_first = taken.rows_affected() == 1;
        let retaken = sqlx::query(
            "UPDATE idempotent_request SET is_lost = 0 \
             WHERE workspace_id = ? AND key = ? AND fingerprint = ? AND is_lost = 1 AND status IS NULL",
        )
        .bind(workspace.to_string())
        .bind(key)
        .bind(fingerprint.as_slice())
        .execute(&mut *write)
        .await?;
        let begins = is_first || retaken.rows_affected() == 1;
        let (known, status, body, created_at): (Vec<u8>, Option<u16>, Option<Vec<u8>>, i64) = sqlx::query_as(
            "SELECT fingerprint, status, body, created_at FROM idempotent_request WHERE workspace_id = ? AND key = ?",
        )
        .bind(workspace.to_string())
        .bind(key)
        .fetch_one(&mut *write)
        .await?;
        write.commit().await?;
        Ok(match (begins, status) {
            (true, _) => Repetition::Begin(Timestamp::from_millis(created_at)),
            _ if known != fingerprint => Repetition::Other,
            (false, None) => Repetition::InProgress,
            (false, Some(status)) => Repetition::Done(KeptAnswer { status, body }),
        })
    }

    async fn keep_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<()> {
        sqlx::query("UPDATE idempotent_request SET status = ?, body = ? WHERE workspace_id = ? AND key = ?")
            .bind(answer.status)
            .bind(&answer.body)
            .bind(request.workspace.to_string())
            .bind(&request.key)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn release_request_key(&self, request: &KeyedRequest) -> Result<()> {
        sqlx::query("DELETE FROM idempotent_request WHERE workspace_id = ? AND key = ? AND status IS NULL")
            .bind(request.workspace.to_string())
            .bind(&request.key)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn lose_requests(&self) -> Result<()> {
        sqlx::query("UPDATE idempotent_request SET is_lost = 1 WHERE status IS NULL")
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
