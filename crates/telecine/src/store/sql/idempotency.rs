//! Keys of requests.

use async_trait::async_trait;

use super::SqlStore;
use super::rows::http_status;
use crate::fault::Result;
use crate::store::{IdempotencyStore, KeptAnswer, KeyedRequest, Repetition};
use crate::time::Timestamp;

#[async_trait]
impl IdempotencyStore for SqlStore {
    async fn take_request_key(
        &self,
        request: &KeyedRequest,
        now: Timestamp,
        forgotten: Timestamp,
    ) -> Result<Repetition> {
        let KeyedRequest { workspace, key, fingerprint } = request;
        let mut write = self.write_in(&workspace.to_string()).await?;
        sqlx::query("DELETE FROM idempotent_request WHERE created_at < $1")
            .bind(forgotten.as_millis())
            .execute(&mut *write)
            .await?;
        let taken = sqlx::query(
            "INSERT INTO idempotent_request (workspace_id, key, fingerprint, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
        )
        .bind(workspace.to_string())
        .bind(key)
        .bind(fingerprint.as_slice())
        .bind(now.as_millis())
        .execute(&mut *write)
        .await?;
        let is_first = taken.rows_affected() == 1;
        let retaken = sqlx::query(
            "UPDATE idempotent_request SET is_lost = FALSE \
             WHERE workspace_id = $1 AND key = $2 AND fingerprint = $3 AND is_lost = TRUE AND status IS NULL",
        )
        .bind(workspace.to_string())
        .bind(key)
        .bind(fingerprint.as_slice())
        .execute(&mut *write)
        .await?;
        let begins = is_first || retaken.rows_affected() == 1;
        let (known, status, body, created_at): (Vec<u8>, Option<i64>, Option<Vec<u8>>, i64) = sqlx::query_as(
            "SELECT fingerprint, status, body, created_at FROM idempotent_request WHERE workspace_id = $1 AND key = $2",
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
            (false, Some(status)) => Repetition::Done(KeptAnswer { status: http_status(status)?, body }),
        })
    }

    async fn keep_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<()> {
        sqlx::query(
            "UPDATE idempotent_request SET status = $1, body = $2 WHERE workspace_id = $3 AND key = $4",
        )
        .bind(i64::from(answer.status))
        .bind(&answer.body)
        .bind(request.workspace.to_string())
        .bind(&request.key)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn release_request_key(&self, request: &KeyedRequest) -> Result<()> {
        sqlx::query("DELETE FROM idempotent_request WHERE workspace_id = $1 AND key = $2 AND status IS NULL")
            .bind(request.workspace.to_string())
            .bind(&request.key)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn lose_requests(&self) -> Result<()> {
        sqlx::query("UPDATE idempotent_request SET is_lost = TRUE WHERE status IS NULL")
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
