//! Parting from buckets, and taking that back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};

use super::{shapes, shown};
use crate::app::App;
use crate::http::error::Failure;
use crate::http::params::{Params, missing, parse_id};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::routes::absent;
use crate::http::views;
use crate::ids::{IntegrationId, WorkspaceId};
use crate::integration::{self, Deletion};
use crate::keys::Caller;

/// Parts from a bucket: videos stay. With `dry_run=true`, tells what would stay and go.
#[utoipa::path(delete, path = "/integrations/{integration_id}", tag = "integrations",
    params(("dry_run" = Option<bool>, Query)), responses((status = 200, body = shapes::Deletion)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Value>, Failure> {
    let id: IntegrationId = path.id("integration_id")?;
    let is_dry = query.flag("dry_run")?.unwrap_or(false);
    let deletions = part(&app, caller.workspace, &[id], is_dry).await?;
    let deletion = deletions.first().ok_or_else(|| absent("integration", id))?;
    let mut told = views::integration::deletion(deletion);
    told["dry_run"] = is_dry.into();
    Ok(Json(told))
}

/// Parts from several buckets, named by `ids` in the query or in a body; all of them or none.
#[utoipa::path(delete, path = "/integrations", tag = "integrations",
    params(("ids" = Option<String>, Query), ("dry_run" = Option<bool>, Query)),
    request_body = Option<shapes::IntegrationIds>, responses((status = 200, body = shapes::Deletions)))]
pub(in crate::http) async fn delete_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let mut names: Vec<String> = query.all(&["ids", "ids[]"]).into_iter().map(str::to_owned).collect();
    names.extend(params.texts("ids")?);
    let mut ids = Vec::new();
    for name in &names {
        let id: IntegrationId = parse_id("ids", name)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        return Err(missing("ids").rule("one integration or several").into());
    }
    let is_dry = query.flag("dry_run")?.or(params.flag("dry_run")?).unwrap_or(false);
    let deletions = part(&app, caller.workspace, &ids, is_dry).await?;
    let data: Vec<Value> = deletions.iter().map(views::integration::deletion).collect();
    Ok(Json(json!({ "data": data, "dry_run": is_dry })))
}

async fn part(
    app: &App,
    workspace: WorkspaceId,
    ids: &[IntegrationId],
    is_dry: bool,
) -> crate::fault::Result<Vec<Deletion>> {
    if is_dry {
        integration::plan_deletion(app, workspace, ids).await
    } else {
        integration::delete(app, workspace, ids).await
    }
}

/// Takes a deletion back: verified at once, unless its secret has to be given again first.
#[utoipa::path(post, path = "/integrations/{integration_id}/restore", tag = "integrations",
    responses((status = 200, body = shapes::Integration)))]
pub(in crate::http) async fn restore(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let id: IntegrationId = path.id("integration_id")?;
    let restored = integration::restore(&app, caller.workspace, id).await?;
    let restored = restored.ok_or_else(|| absent("integration", id))?;
    Ok(Json(shown(&app, &restored).await?))
}
