//! `/webhooks`: where events are sent, and what became of each. Ours: the contract has them in its dashboard alone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{NOTHING, absent};
use crate::app::App;
use crate::fault::{Fault, Result};
use crate::http::error::Failure;
use crate::http::idempotency::TellsSecret;
use crate::http::openapi::{Listed, Page, PageQuery};
use crate::http::params::Params;
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::ids::{DeliveryId, WebhookId};
use crate::keys::Caller;
use crate::time::Timestamp;
use crate::vault::Secret;
use crate::webhook::{
    self, Delivery, DeliveryState, EventKind, NewWebhook, PayloadVersion, Webhook, WebhookChange,
};

/// Where events are sent. The secret that they are signed with is told once, by the answer that makes it.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(in crate::http) struct WebhookView {
    #[serde(rename = "_id")]
    id: WebhookId,
    url: String,
    /// Such as `index.task.ready`.
    #[schema(value_type = Vec<String>)]
    events: Vec<&'static str>,
    /// The shape of payloads.
    api_version: PayloadVersion,
    description: String,
    enabled: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The secret: only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// One event on its way to a webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(in crate::http) struct DeliveryView {
    #[serde(rename = "_id")]
    id: DeliveryId,
    webhook_id: WebhookId,
    /// The `id` of the payload, and the header `webhook-id`: the same in every attempt.
    event_id: String,
    #[schema(value_type = String)]
    event: &'static str,
    state: DeliveryState,
    attempts: u32,
    /// When it is sent next.
    next_attempt_at: Option<Timestamp>,
    /// The status of the last answer.
    response_status: Option<u16>,
    /// The beginning of the last answer.
    response: Option<String>,
    /// Why the last attempt failed.
    error: Option<String>,
    /// How long it took.
    took_ms: Option<u64>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// What is sent.
    payload: Value,
}

/// A webhook to be made, or what is changed of one.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct WebhookForm {
    /// An https address.
    url: Option<String>,
    /// `index.task.ready`, `index.task.failed`, `analyze.task.ready`, `analyze.task.failed`, `transfer.completed`; all but
    /// the last unless given.
    events: Option<Vec<String>>,
    /// `v1.3` unless given.
    api_version: Option<PayloadVersion>,
    description: Option<String>,
    enabled: Option<bool>,
}

fn shown(webhook: &Webhook, secret: Option<&Secret>) -> WebhookView {
    let Webhook {
        id,
        workspace: _,
        url,
        events,
        api_version,
        description,
        is_enabled,
        secret: _,
        created_at,
        updated_at,
    } = webhook;
    WebhookView {
        id: *id,
        url: url.clone(),
        events: events.iter().map(|event| event.as_str()).collect(),
        api_version: *api_version,
        description: description.clone(),
        enabled: *is_enabled,
        created_at: *created_at,
        updated_at: *updated_at,
        secret: secret.map(|secret| secret.reveal().to_owned()),
    }
}

fn shown_delivery(it: &Delivery, version: PayloadVersion) -> DeliveryView {
    DeliveryView {
        id: it.id,
        webhook_id: it.webhook,
        event_id: it.event_id(),
        event: it.event.as_str(),
        state: it.state,
        attempts: it.attempts,
        next_attempt_at: it.due_at,
        response_status: it.response_status,
        response: it.response.clone(),
        error: it.error.clone(),
        took_ms: it.took_ms,
        created_at: it.created_at,
        updated_at: it.updated_at,
        payload: webhook::body(it, version),
    }
}

/// The webhooks of the workspace, oldest first.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", responses((status = 200, body = Listed<WebhookView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Listed<WebhookView>>, Failure> {
    let all = app.store.webhooks(caller.workspace).await?;
    Ok(Json(Listed { data: all.iter().map(|webhook| shown(webhook, None)).collect() }))
}

/// Makes a webhook; the one answer that tells its secret.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = WebhookForm,
    responses((status = 201, body = WebhookView)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Extension<TellsSecret>, Json<WebhookView>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let new = NewWebhook {
        url: params.required_text("url")?.to_owned(),
        events: events(&params)?,
        api_version: version(&params)?.unwrap_or(PayloadVersion::V1_3),
        description: params.text("description")?.unwrap_or_default().to_owned(),
    };
    let (webhook, secret) = webhook::create(&app, caller.workspace, new).await?;
    Ok((StatusCode::CREATED, Extension(TellsSecret), Json(shown(&webhook, Some(&secret)))))
}

fn events(params: &Params) -> Result<Vec<EventKind>, Fault> {
    let event = |name: String| {
        EventKind::parse(&name).ok_or_else(|| {
            let known: Vec<&str> = EventKind::ALL.iter().map(|event| event.as_str()).collect();
            Fault::parameter("There is no such event.")
                .value(name.chars().take(120).collect::<String>())
                .rule(known.join(", "))
        })
    };
    params.texts("events")?.into_iter().map(event).collect()
}

fn version(params: &Params) -> Result<Option<PayloadVersion>, Fault> {
    let words =
        [("v1.1", PayloadVersion::V1_1), ("v1.2", PayloadVersion::V1_2), ("v1.3", PayloadVersion::V1_3)];
    params.word("api_version", &words)
}

/// The webhook that a path names.
async fn webhook(app: &App, caller: Caller, path: &PathIds) -> Result<Webhook> {
    let id: WebhookId = path.id("webhook_id")?;
    Ok(app.store.webhook(caller.workspace, id).await?.ok_or_else(|| webhook::absent(id))?)
}

/// A webhook.
#[utoipa::path(get, path = "/webhooks/{webhook_id}", tag = "webhooks", responses((status = 200, body = WebhookView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<WebhookView>, Failure> {
    Ok(Json(shown(&webhook(&app, caller, &path).await?, None)))
}

/// Changes a webhook. One that is not `enabled` is told nothing of what happens then; what waits, waits.
#[utoipa::path(patch, path = "/webhooks/{webhook_id}", tag = "webhooks", request_body = WebhookForm,
    responses((status = 200, body = WebhookView)))]
pub(in crate::http) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<Json<WebhookView>, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let change = WebhookChange {
        url: params.text("url")?.map(str::to_owned),
        events: params.has("events").then(|| events(&params)).transpose()?,
        api_version: version(&params)?,
        description: params.text("description")?.map(str::to_owned),
        is_enabled: params.flag("enabled")?,
    };
    let changed = webhook::change(&app, caller.workspace, path.id("webhook_id")?, change).await?;
    Ok(Json(shown(&changed, None)))
}

/// Removes a webhook with its deliveries.
#[utoipa::path(delete, path = "/webhooks/{webhook_id}", tag = "webhooks", responses((status = 204)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    let id: WebhookId = path.id("webhook_id")?;
    let deleted = app.store.delete_webhook(caller.workspace, id).await?;
    if deleted { Ok(NOTHING) } else { Err(webhook::absent(id).into()) }
}

/// Gives a webhook another secret, which is told once; the one before signs nothing any more.
#[utoipa::path(post, path = "/webhooks/{webhook_id}/rotate", tag = "webhooks",
    responses((status = 200, body = WebhookView)))]
pub(in crate::http) async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<(Extension<TellsSecret>, Json<WebhookView>), Failure> {
    let (webhook, secret) = webhook::rotate(&app, caller.workspace, path.id("webhook_id")?).await?;
    Ok((Extension(TellsSecret), Json(shown(&webhook, Some(&secret)))))
}

/// Sends a test event at once, and tells how it was answered.
#[utoipa::path(post, path = "/webhooks/{webhook_id}/test", tag = "webhooks",
    responses((status = 200, body = DeliveryView)))]
pub(in crate::http) async fn test(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<DeliveryView>, Failure> {
    let sent = webhook::send_test(&app, caller.workspace, path.id("webhook_id")?).await?;
    Ok(Json(shown_delivery(&sent, PayloadVersion::V1_3)))
}

/// The events on their way to a webhook, newest first.
#[utoipa::path(get, path = "/webhooks/{webhook_id}/deliveries", tag = "webhooks",
    params(PageQuery, ("state" = Option<Vec<String>>, Query, description = "`pending`, `delivered` or `dead`")),
    responses((status = 200, body = Page<DeliveryView>)))]
pub(in crate::http) async fn deliveries(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Page<DeliveryView>>, Failure> {
    let paging = query.paging()?;
    let state = |name: &str| {
        DeliveryState::parse(name).ok_or_else(|| {
            Fault::parameter("There is no such state of a delivery.")
                .value(name.chars().take(120).collect::<String>())
                .rule("pending, delivered, dead")
        })
    };
    let states = query.all(&["state"]).into_iter().map(state).collect::<Result<Vec<_>, _>>()?;
    let webhook = webhook(&app, caller, &path).await?;
    let listed = app.store.deliveries(webhook.id, &states, paging).await?;
    let rows = listed.rows.iter().map(|it| shown_delivery(it, webhook.api_version)).collect();
    Ok(Json(Page::new(rows, paging, listed.total)))
}

/// Has an event sent again, under the same id, whatever became of it.
#[utoipa::path(post, path = "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", tag = "webhooks",
    responses((status = 202, body = DeliveryView)))]
pub(in crate::http) async fn replay(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<(StatusCode, Json<DeliveryView>), Failure> {
    let webhook = webhook(&app, caller, &path).await?;
    let id: DeliveryId = path.id("delivery_id")?;
    let found = app.store.replay_delivery(webhook.id, id, app.clock.now()).await?;
    let delivery = found.ok_or_else(|| absent("delivery", id))?;
    app.keeper.wake();
    Ok((StatusCode::ACCEPTED, Json(shown_delivery(&delivery, webhook.api_version))))
}
