//! `/transfers/{id}/events`: a transfer as a stream of server-sent events.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa::ToSchema;

use super::absent;
use crate::app::App;
use crate::fault::Result;
use crate::http::error::Failure;
use crate::http::events::{Listeners, Look, watch};
use crate::http::path::PathIds;
use crate::ids::{TransferId, WorkspaceId};
use crate::keys::Caller;
use crate::transfer::status::status;

/// One event of the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of an event, for the document")]
struct TransferEvent {
    /// `transfer` or `end`.
    event: String,
    /// JSON: what `GET /transfers/{transfer_id}` answers; of `end`, an empty object.
    data: String,
    /// Grows from event to event.
    id: String,
    /// Milliseconds after which clients come back; told by the first event.
    retry: Option<u64>,
}

/// A transfer as server-sent events: `transfer` with what `GET /transfers/{transfer_id}` answers, at once and whenever it
/// changed, looked at once a second; `end` when it is over. Streams last a quarter of an hour, then clients come back.
#[utoipa::path(get, path = "/transfers/{transfer_id}/events", tag = "transfers",
    params(("Last-Event-ID" = Option<String>, Header,
        description = "The last event that was read; whatever it is, the present state is told first")),
    responses((status = 200, body = TransferEvent, content_type = "text/event-stream")))]
pub(in crate::http) async fn events(
    State(app): State<Arc<App>>,
    State(listeners): State<Arc<Listeners>>,
    caller: Caller,
    path: PathIds,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let id: TransferId = path.id("transfer_id")?;
    let workspace = caller.workspace;
    let first = look(Arc::clone(&app), workspace, id).await?.ok_or_else(|| absent("transfer", id))?;
    let seat = listeners.seat(caller.key)?;
    let after = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.trim().parse().ok());
    // Beyond the clock's own numbers there is none to grow from.
    let after = after.filter(|after: &u64| *after < u64::from(u32::MAX) << 16).unwrap_or_default();
    Ok(watch(app, seat, "transfer", after, first, move |app| look(app, workspace, id)))
}

async fn look(app: Arc<App>, workspace: WorkspaceId, id: TransferId) -> Result<Option<Look>> {
    let Some(status) = status(&app, workspace, id).await? else { return Ok(None) };
    let told = serde_json::to_string(&status).map_err(anyhow::Error::from)?;
    Ok(Some(Look { told, is_last: status.is_finished }))
}
