//! What lies in a bucket, as numbers and as lists.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};

use super::{named, shapes};
use crate::app::App;
use crate::fault::{Fault, Result};
use crate::http::error::Failure;
use crate::http::openapi::{Listed, Page, PageQuery};
use crate::http::params::{Params, missing, pick};
use crate::http::path::PathIds;
use crate::http::query::{MAX_PAGE_LIMIT, Query};
use crate::http::views;
use crate::integration::{self, Decision, Filters, ObjectFilter, ObjectState};
use crate::keys::Caller;
use crate::store::ObjectPage;

/// Rows that are given at once to those who ask for what comes after a key.
const MAX_ROWS: u64 = 1000;

/// Numbers of the last synchronization, and what the queue told since.
#[utoipa::path(get, path = "/integrations/{integration_id}/statistics", tag = "integrations", params(shapes::ObjectQuery),
    responses((status = 200, body = shapes::Statistics)))]
pub(in crate::http) async fn statistics(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    let filter = filter(&query)?;
    let statistics = app.store.statistics(integration.id, &filter).await?;
    Ok(Json(views::inventory::statistics(&integration, &statistics, &narrowing(&query))))
}

/// The objects of the bucket, in the order of their keys: by page, or all that come `after` a key.
#[utoipa::path(get, path = "/integrations/{integration_id}/objects", tag = "integrations",
    params(PageQuery, shapes::ObjectQuery, ("after" = Option<String>, Query)),
    responses((status = 200, body = shapes::Objects)))]
pub(in crate::http) async fn objects(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    let filter = filter(&query)?;
    let shown = |object| views::inventory::object(&integration, object);
    if let Some(after) = query.get("after") {
        let limit = query.page_limit(MAX_ROWS)?;
        let page = ObjectPage::After { key: Some(after.to_owned()), limit };
        let found = app.store.objects(integration.id, &filter, &page).await?;
        let next = found.rows.last().filter(|_| found.rows.len() as u64 == limit).map(|last| &last.item.key);
        let info = json!({ "limit_per_page": limit, "next_after": next });
        let data: Vec<Value> = found.rows.iter().map(shown).collect();
        return Ok(Json(json!({ "data": data, "page_info": info })));
    }
    let paging = query.paging()?;
    let page = ObjectPage::Number { page: paging.page, limit: paging.limit.min(MAX_PAGE_LIMIT) };
    let found = app.store.objects(integration.id, &filter, &page).await?;
    let mut answer = json!(Page::new(found.rows.iter().map(shown).collect(), paging, found.total));
    answer["page_info"]["next_after"] = json!(found.rows.last().map(|last| &last.item.key));
    Ok(Json(answer))
}

/// What the headers of some videos say: length, size, codecs, captions. Read by a few ranges, and kept until the object
/// changes.
#[utoipa::path(post, path = "/integrations/{integration_id}/objects/probe", tag = "integrations",
    request_body = shapes::ProbeKeys, responses((status = 200, body = Listed<shapes::ProbedObject>)))]
pub(in crate::http) async fn probe(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    // A comma may belong to a key, so a text is one of them.
    let keys = match params.get("keys") {
        Some(Value::String(key)) => vec![key.clone()],
        Some(Value::Array(keys)) => {
            let keys: Option<Vec<String>> = keys.iter().map(|key| key.as_str().map(str::to_owned)).collect();
            keys.ok_or_else(|| Fault::parameter("The keys parameter must be a list of texts."))?
        }
        Some(_) => return Err(Fault::parameter("The keys parameter must be a list of texts.").into()),
        None => return Err(missing("keys").into()),
    };
    let read = integration::read_headers(&app, &integration, &keys).await?;
    let data: Vec<Value> = read.iter().map(views::inventory::header).collect();
    Ok(Json(json!({ "data": data })))
}

/// The parameters that narrow numbers, lists and manifests alike.
const NARROWING: [&str; 8] = [
    "prefix",
    "glob",
    "exclude",
    "min_bytes",
    "max_bytes",
    "modified_after",
    "modified_before",
    "storage_class",
];

/// What a query asks of objects.
///
/// # Errors
/// `parameter_invalid`.
pub(super) fn filter(query: &Query) -> Result<ObjectFilter, Fault> {
    let texts = |name| query.each(name).into_iter().map(str::to_owned).collect();
    let filters = Filters {
        include: texts("glob"),
        exclude: texts("exclude"),
        min_bytes: query.whole("min_bytes")?,
        max_bytes: query.whole("max_bytes")?,
        modified_after: query.moment("modified_after")?,
        modified_before: query.moment("modified_before")?,
        storage_classes: query.all(&["storage_class"]).into_iter().map(str::to_owned).collect(),
    };
    let rules = filters.rules()?;
    let decisions: Vec<(&str, Decision)> =
        Decision::ALL.iter().map(|decision| (decision.as_str(), *decision)).collect();
    let state = query.get("state").map(|word| pick("state", word, &ObjectState::ALL)).transpose()?;
    let given = |name| query.get(name).map(str::to_owned);
    Ok(ObjectFilter {
        // Who names a key wants to know of it, also when it is gone.
        state: state.unwrap_or(match query.get("key") {
            Some(_) => ObjectState::Any,
            None => ObjectState::Present,
        }),
        index: query.id("index_id")?,
        code: given("code"),
        decision: query.get("reason").map(|word| pick("reason", word, &decisions)).transpose()?,
        key: given("key"),
        prefix: given("prefix"),
        rules: (!filters.is_empty()).then_some(rules),
    })
}

/// What of a query narrows, as a query again.
fn narrowing(query: &Query) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for name in NARROWING {
        for value in query.each(name) {
            text.append_pair(name, value);
        }
    }
    text.finish()
}
