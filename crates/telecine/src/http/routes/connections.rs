//! `/connections`: integrations as the contract's data connectors. Each integration is a connection of the same id, whose
//! objects can be imported as assets. They are made and deleted as integrations, for a bucket needs no browser to agree.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::absent;
use crate::app::App;
use crate::asset::import::{self, connection};
use crate::fault::{Code, Fault, Result};
use crate::http::error::Failure;
use crate::http::openapi::{Page, PageQuery};
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::views;
use crate::http::views::connection::{ConnectionView, ImportView};
use crate::ids::{AssetImportId, IntegrationId};
use crate::keys::Caller;
use crate::time::Timestamp;

/// Objects to be imported.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewConnectionImport {
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<ImportWanted>,
}

/// An object to be imported.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct ImportWanted {
    /// A key, or a whole address such as `s3://bucket/key`.
    source_id: String,
}

/// The integrations of the workspace as connections, newest first.
#[utoipa::path(get, path = "/connections", tag = "connections", params(PageQuery),
    responses((status = 200, body = Page<ConnectionView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Page<ConnectionView>>, Failure> {
    let paging = query.paging()?;
    let mut all = app.store.integrations(caller.workspace).await?;
    all.sort_by_key(|it| std::cmp::Reverse((it.created_at, it.id)));
    let before = usize::try_from((paging.page - 1).saturating_mul(paging.limit)).unwrap_or(usize::MAX);
    let wanted = all.iter().skip(before).take(usize::try_from(paging.limit).unwrap_or(usize::MAX));
    let rows = wanted.map(views::connection::connection).collect();
    Ok(Json(Page::new(rows, paging, all.len() as u64)))
}

/// An integration as a connection.
#[utoipa::path(get, path = "/connections/{connection_id}", tag = "connections",
    responses((status = 200, body = ConnectionView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<ConnectionView>, Failure> {
    let found = connection(&app, caller.workspace, path.id("connection_id")?).await?;
    Ok(Json(views::connection::connection(&found)))
}

/// Is refused: an integration has more to it than a connection, so it is deleted as what it is.
#[utoipa::path(delete, path = "/connections/{connection_id}", tag = "connections", responses((status = 204)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    let found = connection(&app, caller.workspace, path.id("connection_id")?).await?;
    Err(Fault::because(Code::ApiNotAllowed, "A connection is an integration, and is deleted as one.")
        .value(found.id.to_string())
        .rule("deleting an integration ends its imports and synchronizations; assets and videos stay")
        .remedy(format!(
            "Send DELETE /integrations/{}; with ?dry_run=true it tells first what stays and goes.",
            found.id
        ))
        .into())
}

/// Imports objects as assets, in the background. What was imported before is told, not imported again.
#[utoipa::path(post, path = "/connections/{connection_id}/imports", tag = "connections", request_body = NewConnectionImport,
    responses((status = 202, body = ImportView)))]
pub(in crate::http) async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<(StatusCode, Json<ImportView>), Failure> {
    let id: IntegrationId = path.id("connection_id")?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let items = params.get("items").ok_or_else(|| missing("items"))?;
    let malformed = || {
        let fault = Fault::parameter("The parameter items cannot be understood.");
        fault.rule("a list of {\"source_id\": a key or a whole address}")
    };
    let named = items.as_array().ok_or_else(malformed)?.iter().map(|item| item["source_id"].as_str());
    let source_ids: Option<Vec<String>> = named.map(|it| it.map(str::to_owned)).collect();
    let source_ids = source_ids.ok_or_else(malformed)?;
    let (made, items) = import::import(&app, caller.workspace, id, &source_ids).await?;
    Ok((StatusCode::ACCEPTED, Json(views::connection::import_detail(&made, &items))))
}

/// The imports through a connection, newest first.
#[utoipa::path(get, path = "/connections/{connection_id}/imports", tag = "connections", params(PageQuery),
    responses((status = 200, body = Page<ImportView>)))]
pub(in crate::http) async fn imports(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Page<ImportView>>, Failure> {
    let paging = query.paging()?;
    let found = connection(&app, caller.workspace, path.id("connection_id")?).await?;
    let listed = app.store.asset_imports(caller.workspace, found.id, paging).await?;
    let rows = listed.rows.iter().map(views::connection::import).collect();
    Ok(Json(Page::new(rows, paging, listed.total)))
}

/// An import, and where its assets stand now.
#[utoipa::path(get, path = "/connections/{connection_id}/imports/{import_id}", tag = "connections",
    responses((status = 200, body = ImportView)))]
pub(in crate::http) async fn get_import(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<ImportView>, Failure> {
    let id: AssetImportId = path.id("import_id")?;
    let found = app.store.asset_import(caller.workspace, path.id("connection_id")?, id).await?;
    let (made, items) = found.ok_or_else(|| absent("import", id))?;
    Ok(Json(views::connection::import_detail(&made, &items)))
}

/// Is refused: connections are not made in a browser here.
#[utoipa::path(post, path = "/connections:authorize", tag = "connections", responses((status = 200)))]
pub(in crate::http) async fn authorize(caller: Caller) -> Failure {
    no_browser(caller)
}

/// Is refused: there is no browser to pick files in.
#[utoipa::path(post, path = "/connections/{connection_id}/picker-token", tag = "connections",
    responses((status = 200)))]
pub(in crate::http) async fn picker_token(caller: Caller) -> Failure {
    no_browser(caller)
}

/// Is refused: there is no browser to come back from.
#[utoipa::path(post, path = "/connections/redirect-uris", tag = "connections", responses((status = 201)))]
pub(in crate::http) async fn add_redirect_uri(caller: Caller) -> Failure {
    no_browser(caller)
}

/// Is refused: there are none.
#[utoipa::path(delete, path = "/connections/redirect-uris/{redirect_uri_id}", tag = "connections",
    responses((status = 204)))]
pub(in crate::http) async fn remove_redirect_uri(caller: Caller) -> Failure {
    no_browser(caller)
}

/// There is no provider here that asks people in their browsers.
fn no_browser(_: Caller) -> Failure {
    Fault::because(Code::ApiNotAllowed, "Connections are not made in a browser here.")
        .rule("each integration of the workspace is a connection")
        .remedy("Connect a bucket with POST /integrations or `telecine integration add`; then import its objects.")
        .into()
}

/// The places that browsers may come back to: none, for none can be made.
#[utoipa::path(get, path = "/connections/redirect-uris", tag = "connections", params(PageQuery),
    responses((status = 200, body = Page<RedirectUri>)))]
pub(in crate::http) async fn redirect_uris(
    _: Caller,
    query: Query,
) -> Result<Json<Page<RedirectUri>>, Failure> {
    Ok(Json(Page::new(Vec::new(), query.paging()?, 0)))
}

/// A place that browsers may come back to.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RedirectUri {
    #[serde(rename = "_id")]
    id: String,
    redirect_uri: String,
    created_at: Timestamp,
}
