//! Webhooks, and the events on their way to them: written where they become true ([`tell_tasks`], [`tell_transfer`],
//! [`tell_analysis`]), sent under claims.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use serde_json::{Value, json};

use super::filters::Sql;
use super::lists::List;
use super::rows::{from_json, http_status, moment_if_any, parsed, signed, to_json, unsigned};
use super::{QueryScalar, SqlStore, Write, push_among_numbers};
use crate::fault::Result;
use crate::ids::{DeliveryId, TransferId, WebhookId, WorkspaceId};
use crate::store::{Listed, Paging, WebhookStore};
use crate::time::Timestamp;
use crate::vault::Sealed;
use crate::webhook::{Attempt, Delivery, DeliveryClaim, DeliveryState, EventKind, PayloadVersion, Webhook};

const WEBHOOK: &str = "w.id, w.workspace_id, w.url, w.events, w.api_version, w.description, w.is_enabled, w.secret, \
    w.created_at, w.updated_at";
const DELIVERY: &str = "d.id, d.webhook_id, d.event, d.data, d.state, d.attempts, d.due_at, d.response_status, \
    d.response, d.error, d.took_ms, d.created_at, d.updated_at";
/// A new id of 24 hex digits.
const NEW_ID: &str = new_id!();
/// Among the webhooks `w` of a workspace, those that are told an event, which is bound.
const IS_TOLD: &str =
    concat!(is!("w.is_enabled"), " AND EXISTS (SELECT 1 FROM ", each!("w.events", "e"), " WHERE e.value = ");

#[derive(sqlx::FromRow)]
struct WebhookRow {
    id: String,
    workspace_id: String,
    url: String,
    events: String,
    api_version: String,
    description: String,
    is_enabled: bool,
    secret: Vec<u8>,
    created_at: i64,
    updated_at: i64,
}

impl WebhookRow {
    fn into_webhook(self) -> Result<Webhook> {
        let names: Vec<String> = from_json(&self.events)?;
        Ok(Webhook {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            url: self.url,
            // Those of a later version, should there be any, are not told.
            events: names.iter().filter_map(|name| EventKind::parse(name)).collect(),
            api_version: PayloadVersion::parse(&self.api_version)
                .context("a row holds an unknown version of payloads")?,
            description: self.description,
            is_enabled: self.is_enabled,
            secret: Sealed::from_bytes(self.secret),
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    id: String,
    webhook_id: String,
    event: String,
    data: String,
    state: String,
    #[sqlx(try_from = "i64")]
    attempts: u32,
    due_at: Option<i64>,
    response_status: Option<i64>,
    response: Option<String>,
    error: Option<String>,
    took_ms: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl DeliveryRow {
    fn into_delivery(self) -> Result<Delivery> {
        Ok(Delivery {
            id: parsed(&self.id)?,
            webhook: parsed(&self.webhook_id)?,
            event: EventKind::parse(&self.event).context("a row holds an unknown event")?,
            data: from_json(&self.data)?,
            state: DeliveryState::parse(&self.state).context("a row holds an unknown state of a delivery")?,
            attempts: self.attempts,
            due_at: moment_if_any(self.due_at),
            response_status: self.response_status.map(http_status).transpose()?,
            response: self.response,
            error: self.error,
            took_ms: self.took_ms.map(unsigned).transpose()?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        })
    }
}

/// Writes the events of tasks that have just become final, for each webhook that is told them.
pub(super) async fn tell_tasks(write: &mut Write, tasks: &[i64], now: Timestamp) -> Result<()> {
    let ready = EventKind::IndexTaskReady.as_str();
    let failed = EventKind::IndexTaskFailed.as_str();
    for (event, statuses) in [(ready, "'ready', 'skipped'"), (failed, "'failed'")] {
        let mut sql = Sql::new(format!(
            "INSERT INTO webhook_delivery (id, webhook_id, event, data, due_at, created_at, updated_at) SELECT {NEW_ID}, w.id, ",
        ));
        sql.push_bind(event).push(concat!(
            ", ",
            object!(
                "'id', t.id, 'index_id', t.index_id, 'video_id', t.video_id, 'asset_id', r.asset_id, \
                     'status', CASE t.status WHEN 'skipped' THEN 'ready' ELSE t.status END, \
                     'filename', t.filename, 'duration', t.duration_s, 'engines', ",
                as_json!("x.engines"),
                ", 'error', ",
                as_json!("coalesce(t.fault, 'null')"),
            ),
            ", "
        ));
        for column in [", ", ", ", ""] {
            sql.push_bind(now.as_millis()).push(column);
        }
        sql.push(
            " FROM task t JOIN webhook w ON w.workspace_id = t.workspace_id JOIN video_index x ON x.id = t.index_id \
             LEFT JOIN indexed_asset r ON r.task_id = t.id WHERE t.seq IN ",
        );
        push_among_numbers(&mut sql, to_json(&tasks)?);
        sql.push(format_args!(" AND t.status IN ({statuses}) AND {IS_TOLD}"));
        sql.push_bind(event).push(")");
        sql.build().execute(&mut **write).await?;
    }
    Ok(())
}

/// Writes the event of a transfer whose last task has just become final.
pub(super) async fn tell_transfer(write: &mut Write, transfer: TransferId, now: Timestamp) -> Result<()> {
    let found: Option<(String, String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT workspace_id, state, ready, failed, skipped, repeated FROM transfer WHERE id = $1",
    )
    .bind(transfer.to_string())
    .fetch_optional(&mut **write)
    .await?;
    let Some((workspace, state, ready, failed, skipped, repeated)) = found else { return Ok(()) };
    let data = json!({
        "id": transfer,
        "status": state,
        "counts": { "ready": ready, "failed": failed, "skipped": skipped },
        "repeated": repeated,
    });
    tell(write, parsed(&workspace)?, EventKind::TransferCompleted, &data, now).await
}

/// Writes the event of an analysis that has just become ready or failed.
pub(super) async fn tell_analysis(write: &mut Write, id: &str, now: Timestamp) -> Result<()> {
    let found: Option<AnalysisSeen> = sqlx::query_as(concat!(
        "SELECT workspace_id, state, custom_id, video_id, ",
        field!("fault", "message"),
        " AS message, created_at FROM analysis WHERE id = $1"
    ))
    .bind(id)
    .fetch_optional(&mut **write)
    .await?;
    let Some(seen) = found else { return Ok(()) };
    let event = match seen.state.as_str() {
        "ready" => EventKind::AnalyzeTaskReady,
        _ => EventKind::AnalyzeTaskFailed,
    };
    let mut data = json!({
        "id": id,
        "custom_id": seen.custom_id,
        "created_at": Timestamp::from_millis(seen.created_at),
        "status": seen.state,
        "video_id": seen.video_id,
    });
    if let Some(message) = seen.message {
        data["error"] = json!({ "message": message });
    }
    tell(write, parsed(&seen.workspace_id)?, event, &data, now).await
}

#[derive(sqlx::FromRow)]
struct AnalysisSeen {
    workspace_id: String,
    state: String,
    custom_id: Option<String>,
    video_id: String,
    message: Option<String>,
    created_at: i64,
}

/// Writes an event for each webhook of the workspace that is told it, in the transaction that makes it true.
pub(super) async fn tell(
    write: &mut Write,
    workspace: WorkspaceId,
    event: EventKind,
    data: &Value,
    now: Timestamp,
) -> Result<()> {
    let mut sql = Sql::new(format!(
        "INSERT INTO webhook_delivery (id, webhook_id, event, data, due_at, created_at, updated_at) SELECT {NEW_ID}, w.id, ",
    ));
    sql.push_bind(event.as_str()).push(", ").push_bind(to_json(data)?).push(", ");
    for column in [", ", ", ", ""] {
        sql.push_bind(now.as_millis()).push(column);
    }
    sql.push(" FROM webhook w WHERE w.workspace_id = ").push_bind(workspace.to_string());
    sql.push(format_args!(" AND {IS_TOLD}")).push_bind(event.as_str()).push(")");
    sql.build().execute(&mut **write).await?;
    Ok(())
}

#[async_trait]
impl WebhookStore for SqlStore {
    async fn insert_webhook(&self, webhook: &Webhook) -> Result<()> {
        sqlx::query(
            "INSERT INTO webhook (id, workspace_id, url, events, api_version, description, is_enabled, secret, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(webhook.id.to_string())
        .bind(webhook.workspace.to_string())
        .bind(&webhook.url)
        .bind(event_names(&webhook.events)?)
        .bind(webhook.api_version.as_str())
        .bind(&webhook.description)
        .bind(webhook.is_enabled)
        .bind(webhook.secret.as_bytes())
        .bind(webhook.created_at.as_millis())
        .bind(webhook.updated_at.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn webhook(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>> {
        let mut sql = Sql::new(format!("SELECT {WEBHOOK} FROM webhook w WHERE w.workspace_id = "));
        sql.push_bind(workspace.to_string()).push(" AND w.id = ").push_bind(id.to_string());
        let row: Option<WebhookRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(WebhookRow::into_webhook).transpose()
    }

    async fn webhooks(&self, workspace: WorkspaceId) -> Result<Vec<Webhook>> {
        let mut sql = Sql::new(format!("SELECT {WEBHOOK} FROM webhook w WHERE w.workspace_id = "));
        sql.push_bind(workspace.to_string()).push(" ORDER BY w.created_at, w.seq");
        let rows: Vec<WebhookRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(WebhookRow::into_webhook).collect()
    }

    async fn update_webhook(&self, webhook: &Webhook) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE webhook SET url = $1, events = $2, api_version = $3, description = $4, is_enabled = $5, secret = $6, \
             updated_at = $7 WHERE id = $8 AND workspace_id = $9",
        )
        .bind(&webhook.url)
        .bind(event_names(&webhook.events)?)
        .bind(webhook.api_version.as_str())
        .bind(&webhook.description)
        .bind(webhook.is_enabled)
        .bind(webhook.secret.as_bytes())
        .bind(webhook.updated_at.as_millis())
        .bind(webhook.id.to_string())
        .bind(webhook.workspace.to_string())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_webhook(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        let done = sqlx::query("DELETE FROM webhook WHERE id = $1 AND workspace_id = $2")
            .bind(id.to_string())
            .bind(workspace.to_string())
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn insert_delivery(&self, delivery: &Delivery) -> Result<()> {
        sqlx::query(
            "INSERT INTO webhook_delivery (id, webhook_id, event, data, state, attempts, due_at, response_status, \
             response, error, took_ms, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(delivery.id.to_string())
        .bind(delivery.webhook.to_string())
        .bind(delivery.event.as_str())
        .bind(to_json(&delivery.data)?)
        .bind(delivery.state.as_str())
        .bind(i64::from(delivery.attempts))
        .bind(delivery.due_at.map(Timestamp::as_millis))
        .bind(delivery.response_status.map(i64::from))
        .bind(&delivery.response)
        .bind(&delivery.error)
        .bind(delivery.took_ms.map(signed).transpose()?)
        .bind(delivery.created_at.as_millis())
        .bind(delivery.updated_at.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn deliveries(
        &self,
        webhook: WebhookId,
        states: &[DeliveryState],
        paging: Paging,
    ) -> Result<Listed<Delivery>> {
        let conditions = |sql: &mut Sql| {
            sql.push(" WHERE d.webhook_id = ").push_bind(webhook.to_string());
            if !states.is_empty() {
                sql.push(" AND d.state IN (");
                let mut names = sql.separated(", ");
                for state in states {
                    names.push_bind(state.as_str());
                }
                sql.push(")");
            }
        };
        let list = List {
            columns: DELIVERY,
            from: "webhook_delivery d",
            alias: "d",
            tie: "seq",
            conditions: &conditions,
        };
        list.page(self, paging, DeliveryRow::into_delivery).await
    }

    async fn replay_delivery(
        &self,
        webhook: WebhookId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<Option<Delivery>> {
        let mut write = self.write_in("webhook_delivery").await?;
        sqlx::query(
            "UPDATE webhook_delivery SET state = 'pending', attempts = 0, due_at = $1, lease_until = NULL, \
             fence = fence + 1, updated_at = $1 WHERE id = $2 AND webhook_id = $3",
        )
        .bind(now.as_millis())
        .bind(id.to_string())
        .bind(webhook.to_string())
        .execute(&mut *write)
        .await?;
        let mut sql = Sql::new(format!("SELECT {DELIVERY} FROM webhook_delivery d WHERE d.id = "));
        sql.push_bind(id.to_string()).push(" AND d.webhook_id = ").push_bind(webhook.to_string());
        let row: Option<DeliveryRow> = sql.build_query_as().fetch_optional(&mut *write).await?;
        write.commit().await?;
        row.map(DeliveryRow::into_delivery).transpose()
    }

    async fn claim_delivery(
        &self,
        now: Timestamp,
        lease: Duration,
        at_once: u32,
    ) -> Result<Option<(DeliveryClaim, Webhook, Delivery)>> {
        if self.next_delivery(now, at_once).await?.is_none() {
            return Ok(None);
        }
        let mut write = self.write_in("webhook_delivery").await?;
        // Another may have taken it since.
        let found: Option<i64> = next_delivery(now, at_once).fetch_optional(&mut *write).await?;
        let Some(seq) = found else { return Ok(None) };
        let fence: i64 = sqlx::query_scalar(
            "UPDATE webhook_delivery SET fence = fence + 1, lease_until = $1, due_at = $1, attempts = attempts + 1, \
             updated_at = $2 WHERE seq = $3 RETURNING fence",
        )
        .bind(now.after(lease).as_millis())
        .bind(now.as_millis())
        .bind(seq)
        .fetch_one(&mut *write)
        .await?;
        let mut sql = Sql::new(format!("SELECT {DELIVERY} FROM webhook_delivery d WHERE d.seq = "));
        let row: DeliveryRow = sql.push_bind(seq).build_query_as().fetch_one(&mut *write).await?;
        let delivery = row.into_delivery()?;
        let mut sql = Sql::new(format!("SELECT {WEBHOOK} FROM webhook w WHERE w.id = "));
        let row: WebhookRow =
            sql.push_bind(delivery.webhook.to_string()).build_query_as().fetch_one(&mut *write).await?;
        write.commit().await?;
        Ok(Some((DeliveryClaim { delivery: delivery.id, fence }, row.into_webhook()?, delivery)))
    }

    async fn end_delivery(&self, claim: &DeliveryClaim, attempt: &Attempt, now: Timestamp) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE webhook_delivery SET state = $1, due_at = $2, lease_until = NULL, response_status = $3, response = $4, \
             error = $5, took_ms = $6, updated_at = $7 WHERE id = $8 AND fence = $9 AND lease_until IS NOT NULL",
        )
        .bind(attempt.state.as_str())
        .bind(attempt.due_at.map(Timestamp::as_millis))
        .bind(attempt.response_status.map(i64::from))
        .bind(&attempt.response)
        .bind(&attempt.error)
        .bind(signed(attempt.took_ms)?)
        .bind(now.as_millis())
        .bind(claim.delivery.to_string())
        .bind(claim.fence)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn break_delivery_claims(&self, now: Timestamp) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE webhook_delivery SET lease_until = NULL, due_at = $1, fence = fence + 1, attempts = attempts - 1 \
             WHERE lease_until IS NOT NULL",
        )
        .bind(now.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected())
    }

    async fn forget_deliveries(&self, before: Timestamp, keep: u64, limit: u32) -> Result<u64> {
        let mut removed = sqlx::query(
            "DELETE FROM webhook_delivery WHERE seq IN (SELECT seq FROM webhook_delivery WHERE due_at IS NULL \
             AND updated_at < $1 LIMIT $2)",
        )
        .bind(before.as_millis())
        .bind(i64::from(limit))
        .execute(&self.writer)
        .await?
        .rows_affected();
        let webhooks: Vec<String> =
            sqlx::query_scalar("SELECT id FROM webhook").fetch_all(&self.readers).await?;
        for webhook in webhooks {
            removed += sqlx::query(
                "DELETE FROM webhook_delivery WHERE seq IN (SELECT seq FROM webhook_delivery WHERE webhook_id = $1 \
                 AND due_at IS NULL ORDER BY created_at DESC, seq DESC LIMIT $2 OFFSET $3)",
            )
            .bind(webhook)
            .bind(i64::from(limit))
            .bind(signed(keep)?)
            .execute(&self.writer)
            .await?
            .rows_affected();
        }
        Ok(removed)
    }
}

impl SqlStore {
    /// Whether there may be something to send: asked of a reader, so that nobody who writes has to wait for the question.
    async fn next_delivery(&self, now: Timestamp, at_once: u32) -> Result<Option<i64>> {
        Ok(next_delivery(now, at_once).fetch_optional(&self.readers).await?)
    }
}

/// The delivery that is due longest, of webhooks that have a hand free.
fn next_delivery(now: Timestamp, at_once: u32) -> QueryScalar<'static, i64> {
    sqlx::query_scalar(concat!(
        "SELECT d.seq FROM webhook w JOIN webhook_delivery d ON d.seq = (SELECT n.seq FROM webhook_delivery n \
         WHERE n.webhook_id = w.id AND n.due_at <= $1 ORDER BY n.due_at, n.seq LIMIT 1) \
         WHERE ", is!("w.is_enabled"), " AND (SELECT count(*) FROM webhook_delivery l WHERE l.webhook_id = w.id \
         AND l.lease_until > $1) < $2 ORDER BY d.due_at, d.seq LIMIT 1"
    ))
    .bind(now.as_millis())
    .bind(i64::from(at_once))
}

fn event_names(events: &[EventKind]) -> Result<String> {
    to_json(&events.iter().map(|event| event.as_str()).collect::<Vec<_>>())
}
