//! Sessions of browsers, and codes that begin one.

use async_trait::async_trait;

use super::rows::{from_json_if_any, parsed};
use super::{SqlStore, Write};
use crate::fault::Result;
use crate::ids::KeyId;
use crate::keys::Caller;
use crate::keys::session::Session;
use crate::store::{NewSignIn, SessionStore};
use crate::time::Timestamp;

/// The statements that differ between the two tables by their names alone.
struct Statements {
    forget: &'static str,
    insert: &'static str,
    keep_newest: &'static str,
}

const SESSIONS: Statements = Statements {
    forget: "DELETE FROM session WHERE expires_at <= $1 \
             OR key_id IN (SELECT id FROM api_key WHERE revoked_at IS NOT NULL)",
    insert: "INSERT INTO session (secret_sha256, key_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
    keep_newest: "DELETE FROM session WHERE key_id = $1 AND secret_sha256 <> $3 AND secret_sha256 NOT IN \
                  (SELECT secret_sha256 FROM session WHERE key_id = $1 AND secret_sha256 <> $3 \
                   ORDER BY created_at DESC LIMIT $2 - 1)",
};

const CODES: Statements = Statements {
    forget: "DELETE FROM sign_in_code WHERE expires_at <= $1 \
             OR key_id IN (SELECT id FROM api_key WHERE revoked_at IS NOT NULL)",
    insert: "INSERT INTO sign_in_code (secret_sha256, key_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
    keep_newest: "DELETE FROM sign_in_code WHERE key_id = $1 AND secret_sha256 <> $3 AND secret_sha256 NOT IN \
                  (SELECT secret_sha256 FROM sign_in_code WHERE key_id = $1 AND secret_sha256 <> $3 \
                   ORDER BY created_at DESC LIMIT $2 - 1)",
};

impl Statements {
    async fn forget(&self, write: &mut Write, now: Timestamp) -> Result<()> {
        sqlx::query(self.forget).bind(now.as_millis()).execute(&mut **write).await?;
        Ok(())
    }

    async fn add(&self, store: &SqlStore, row: &NewSignIn, most: u32) -> Result<()> {
        let NewSignIn { secret_sha256, key, created_at, expires_at } = row;
        let mut write = store.write_in("session").await?;
        self.forget(&mut write, *created_at).await?;
        sqlx::query(self.insert)
            .bind(secret_sha256.as_slice())
            .bind(key.to_string())
            .bind(created_at.as_millis())
            .bind(expires_at.as_millis())
            .execute(&mut *write)
            .await?;
        sqlx::query(self.keep_newest)
            .bind(key.to_string())
            .bind(i64::from(most))
            .bind(secret_sha256.as_slice())
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl SessionStore for SqlStore {
    async fn insert_session(&self, session: &NewSignIn, most: u32) -> Result<()> {
        SESSIONS.add(self, session, most).await
    }

    async fn insert_sign_in_code(&self, code: &NewSignIn, most: u32) -> Result<()> {
        CODES.add(self, code, most).await
    }

    async fn take_sign_in_code(&self, secret_sha256: [u8; 32], now: Timestamp) -> Result<Option<KeyId>> {
        let taken: Option<String> = sqlx::query_scalar(
            "DELETE FROM sign_in_code WHERE secret_sha256 = $1 AND expires_at > $2 \
             AND key_id IN (SELECT id FROM api_key WHERE revoked_at IS NULL) RETURNING key_id",
        )
        .bind(secret_sha256.as_slice())
        .bind(now.as_millis())
        .fetch_optional(&self.writer)
        .await?;
        taken.as_deref().map(parsed).transpose()
    }

    async fn session(&self, secret_sha256: [u8; 32], now: Timestamp) -> Result<Option<Session>> {
        let found: Option<(String, String, Option<String>, String, i64)> = sqlx::query_as(
            "SELECT api_key.workspace_id, api_key.id, api_key.rate_limits, api_key.name, session.expires_at \
             FROM session JOIN api_key ON api_key.id = session.key_id \
             WHERE session.secret_sha256 = $1 AND session.expires_at > $2 AND api_key.revoked_at IS NULL",
        )
        .bind(secret_sha256.as_slice())
        .bind(now.as_millis())
        .fetch_optional(&self.readers)
        .await?;
        let Some((workspace, key, limits, key_name, expires_at)) = found else { return Ok(None) };
        let rate_limits = from_json_if_any(limits.as_deref())?;
        let caller = Caller { workspace: parsed(&workspace)?, key: parsed(&key)?, rate_limits };
        Ok(Some(Session { caller, key_name, expires_at: Timestamp::from_millis(expires_at) }))
    }

    async fn renew_session(&self, secret_sha256: [u8; 32], expires_at: Timestamp) -> Result<()> {
        sqlx::query("UPDATE session SET expires_at = $1 WHERE secret_sha256 = $2")
            .bind(expires_at.as_millis())
            .bind(secret_sha256.as_slice())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn end_session(&self, secret_sha256: [u8; 32]) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE secret_sha256 = $1")
            .bind(secret_sha256.as_slice())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn end_sessions_beside(&self, secret_sha256: [u8; 32], now: Timestamp) -> Result<()> {
        let mut write = self.write_in("session").await?;
        let key: Option<String> =
            sqlx::query_scalar("SELECT key_id FROM session WHERE secret_sha256 = $1 AND expires_at > $2")
                .bind(secret_sha256.as_slice())
                .bind(now.as_millis())
                .fetch_optional(&mut *write)
                .await?;
        for all in ["DELETE FROM session WHERE key_id = $1", "DELETE FROM sign_in_code WHERE key_id = $1"] {
            sqlx::query(all).bind(&key).execute(&mut *write).await?;
        }
        write.commit().await?;
        Ok(())
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<()> {
        let mut write = self.write_in("session").await?;
        SESSIONS.forget(&mut write, now).await?;
        CODES.forget(&mut write, now).await?;
        write.commit().await?;
        Ok(())
    }
}
