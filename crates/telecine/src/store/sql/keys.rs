//! Workspaces and API keys.

use async_trait::async_trait;

use super::SqlStore;
use super::rows::{from_json_if_any, moment_if_any, parsed, to_json};
use crate::fault::Result;
use crate::ids::{KeyId, WorkspaceId};
use crate::keys::{ApiKey, Caller, RateLimits};
use crate::store::KeyStore;
use crate::time::Timestamp;

const DEFAULT_WORKSPACE: &str = concat!("SELECT id FROM workspace WHERE ", is!("is_default"));

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: String,
    workspace_id: String,
    name: String,
    prefix: String,
    created_at: i64,
    revoked_at: Option<i64>,
    rate_limits: Option<String>,
}

impl KeyRow {
    fn into_key(self) -> Result<ApiKey> {
        Ok(ApiKey {
            id: parsed(&self.id)?,
            workspace: Some(parsed(&self.workspace_id)?),
            name: self.name,
            prefix: self.prefix,
            created_at: Timestamp::from_millis(self.created_at),
            revoked_at: moment_if_any(self.revoked_at),
            rate_limits: from_json_if_any(self.rate_limits.as_deref())?,
        })
    }
}

#[async_trait]
impl KeyStore for SqlStore {
    async fn default_workspace(&self, now: Timestamp) -> Result<WorkspaceId> {
        let known: Option<String> =
            sqlx::query_scalar(DEFAULT_WORKSPACE).fetch_optional(&self.readers).await?;
        if let Some(id) = known {
            return parsed(&id);
        }
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO workspace (id, is_default, created_at) VALUES ($1, TRUE, $2) ON CONFLICT DO NOTHING",
        )
        .bind(WorkspaceId::generate(now).to_string())
        .bind(now.as_millis())
        .execute(&mut *write)
        .await?;
        let id: String = sqlx::query_scalar(DEFAULT_WORKSPACE).fetch_one(&mut *write).await?;
        write.commit().await?;
        parsed(&id)
    }

    async fn insert_key(&self, key: &ApiKey, workspace: WorkspaceId, secret_sha256: [u8; 32]) -> Result<()> {
        sqlx::query(
            "INSERT INTO api_key (id, workspace_id, name, prefix, secret_sha256, created_at, revoked_at, rate_limits) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(key.id.to_string())
        .bind(workspace.to_string())
        .bind(&key.name)
        .bind(&key.prefix)
        .bind(secret_sha256.as_slice())
        .bind(key.created_at.as_millis())
        .bind(key.revoked_at.map(Timestamp::as_millis))
        .bind(key.rate_limits.as_ref().map(to_json).transpose()?)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn caller(&self, secret_sha256: [u8; 32]) -> Result<Option<Caller>> {
        let found: Option<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT workspace_id, id, rate_limits FROM api_key WHERE secret_sha256 = $1 AND revoked_at IS NULL",
        )
        .bind(secret_sha256.as_slice())
        .fetch_optional(&self.readers)
        .await?;
        let Some((workspace, key, limits)) = found else { return Ok(None) };
        let rate_limits = from_json_if_any(limits.as_deref())?;
        Ok(Some(Caller { workspace: parsed(&workspace)?, key: parsed(&key)?, rate_limits }))
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>> {
        let rows: Vec<KeyRow> = sqlx::query_as(
            "SELECT id, workspace_id, name, prefix, created_at, revoked_at, rate_limits FROM api_key \
             WHERE workspace_id = $1 ORDER BY created_at, id",
        )
        .bind(workspace.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(KeyRow::into_key).collect()
    }

    async fn limit_key(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        limits: Option<RateLimits>,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE api_key SET rate_limits = $1 WHERE id = $2 AND workspace_id = $3 AND revoked_at IS NULL",
        )
        .bind(limits.as_ref().map(to_json).transpose()?)
        .bind(key.to_string())
        .bind(workspace.to_string())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn revoke_key(&self, workspace: WorkspaceId, key: KeyId, now: Timestamp) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE api_key SET revoked_at = $1 WHERE id = $2 AND workspace_id = $3 AND revoked_at IS NULL",
        )
        .bind(now.as_millis())
        .bind(key.to_string())
        .bind(workspace.to_string())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}
