//! Processes that share the database.

use anyhow::Context as _;
use async_trait::async_trait;

use super::rows::parsed;
use super::{SqlStore, transfers};
use crate::fault::Result;
use crate::ids::WorkspaceId;
use crate::store::{InHand, Process, ProcessStore};
use crate::time::Timestamp;

/// Milliseconds after which a process that is gone is forgotten.
const FORGOTTEN_MS: i64 = 86_400_000;

#[async_trait]
impl ProcessStore for SqlStore {
    async fn keep_alive(&self, process: &Process, until: Timestamp, now: Timestamp) -> Result<()> {
        sqlx::query(
            "INSERT INTO process (id, role, version, started_at, lease_until) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
        )
        .bind(&process.id)
        .bind(&process.role)
        .bind(&process.version)
        .bind(process.started_at.as_millis())
        .bind(until.as_millis())
        .execute(&self.writer)
        .await?;
        sqlx::query(
            "DELETE FROM process WHERE lease_until < $1 AND id NOT IN (SELECT h.process_id FROM in_hand h)",
        )
        .bind(now.as_millis() - FORGOTTEN_MS)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn processes(&self, now: Timestamp) -> Result<Vec<Process>> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT id, role, version, started_at FROM process WHERE lease_until > $1 ORDER BY started_at, id",
        )
        .bind(now.as_millis())
        .fetch_all(&self.readers)
        .await?;
        let process = |(id, role, version, started_at)| Process {
            id,
            role,
            version,
            started_at: Timestamp::from_millis(started_at),
        };
        Ok(rows.into_iter().map(process).collect())
    }

    async fn end_process(&self, id: &str) -> Result<()> {
        let mut write = self.write_in("process").await?;
        sqlx::query("UPDATE process SET lease_until = 0 WHERE id = $1").bind(id).execute(&mut *write).await?;
        sqlx::query("DELETE FROM duty WHERE process_id = $1").bind(id).execute(&mut *write).await?;
        write.commit().await?;
        Ok(())
    }

    async fn take_duty(&self, name: &str, process: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        let taken = sqlx::query(
            "INSERT INTO duty (name, process_id, lease_until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
             SET process_id = excluded.process_id, lease_until = excluded.lease_until \
             WHERE duty.process_id = excluded.process_id OR duty.lease_until <= $4",
        )
        .bind(name)
        .bind(process)
        .bind(until.as_millis())
        .bind(now.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    async fn take_in_hand(&self, kind: InHand, id: &str, process: &str) -> Result<()> {
        sqlx::query("INSERT INTO in_hand (kind, id, process_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(kind.as_str())
            .bind(id)
            .bind(process)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn let_go(&self, kind: InHand, id: &str, process: &str) -> Result<()> {
        sqlx::query("DELETE FROM in_hand WHERE kind = $1 AND id = $2 AND process_id = $3")
            .bind(kind.as_str())
            .bind(id)
            .bind(process)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn left_in_hand(&self, now: Timestamp, limit: u32) -> Result<Vec<(InHand, String, String)>> {
        // A process that looks whether another has ended with it has it in hand for a moment: it is left then.
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT h.kind, h.id, h.process_id FROM in_hand h WHERE NOT EXISTS (SELECT 1 FROM in_hand o \
             JOIN process p ON p.id = o.process_id AND p.lease_until > $1 WHERE o.kind = h.kind AND o.id = h.id) \
             ORDER BY h.kind, h.id LIMIT $2",
        )
        .bind(now.as_millis())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        let left = |(kind, id, process): (String, String, String)| {
            Ok((InHand::parse(&kind).context("what a later version has in hand")?, id, process))
        };
        rows.into_iter().map(left).collect()
    }

    async fn lose_request(&self, workspace: WorkspaceId, key: &str) -> Result<()> {
        sqlx::query(
            "UPDATE idempotent_request SET is_lost = TRUE WHERE workspace_id = $1 AND key = $2 AND status IS NULL",
        )
        .bind(workspace.to_string())
        .bind(key)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn discard_transfers_begun(&self, before: Timestamp) -> Result<u64> {
        let begun: Vec<String> =
            sqlx::query_scalar("SELECT id FROM transfer WHERE state = 'receiving' AND created_at < $1")
                .bind(before.as_millis())
                .fetch_all(&self.readers)
                .await?;
        for id in &begun {
            transfers::discard(self, parsed(id)?).await?;
        }
        Ok(begun.len() as u64)
    }

    async fn go_on_with_removals(&self) -> Result<()> {
        transfers::go_on_with_removals(self).await
    }

    async fn fact(&self, name: &str, proposed: &str) -> Result<String> {
        sqlx::query("INSERT INTO fact (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(proposed)
            .execute(&self.writer)
            .await?;
        let known = sqlx::query_scalar("SELECT value FROM fact WHERE name = $1").bind(name);
        Ok(known.fetch_one(&self.writer).await?)
    }

    async fn known_fact(&self, name: &str) -> Result<Option<String>> {
        let known = sqlx::query_scalar("SELECT value FROM fact WHERE name = $1").bind(name);
        Ok(known.fetch_optional(&self.readers).await?)
    }
}
