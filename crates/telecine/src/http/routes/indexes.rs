//! `/indexes`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{NOTHING, absent};
use crate::app::App;
use crate::fault::{Code, Fault};
use crate::http::error::Failure;
use crate::http::params::{Params, missing, pick};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::index::{EngineRequest, Family, IndexRequest, ModelOption, check_name, create as create_index};
use crate::keys::Caller;
use crate::store::IndexFilter;

/// `POST /indexes`.
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let request = IndexRequest {
        name: params.required_text("index_name")?.to_owned(),
        engines: engines(&params)?,
        addons: params.texts("addons")?,
    };
    let index = create_index(&app, caller.workspace, &request).await?;
    Ok((StatusCode::CREATED, Json(json!({ "_id": index.id }))))
}

/// The engines, in the shape of any version: `models`, `engines`, or flat. The shape tells which names are meant.
fn engines(params: &Params) -> Result<Vec<EngineRequest>, Fault> {
    if params.has("models") {
        return listed(params, "models", "model_name", "model_options", true);
    }
    if params.has("engines") {
        return listed(params, "engines", "engine_name", "engine_options", false);
    }
    if !params.has("engine_id") {
        return Err(missing("engines").rule("`engines` (v1.2), `models` (v1.3) or `engine_id` (v1.1)"));
    }
    let options = params.texts("index_options")?;
    if options.is_empty() {
        return Err(missing("index_options"));
    }
    Ok(vec![EngineRequest { name: params.required_text("engine_id")?.to_owned(), options, is_v1_3: false }])
}

fn listed(
    params: &Params,
    list: &str,
    name: &str,
    options: &str,
    is_v1_3: bool,
) -> Result<Vec<EngineRequest>, Fault> {
    let malformed = || {
        Fault::parameter(format!("The {list} parameter is malformed."))
            .rule(format!("a list of objects with `{name}` and `{options}`"))
    };
    let entries = params.get(list).and_then(Value::as_array).ok_or_else(malformed)?;
    let engine = |entry: &Value| {
        let given = entry[options].as_array()?.iter();
        let options = given.map(|option| option.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        Some(EngineRequest { name: entry[name].as_str()?.to_owned(), options, is_v1_3 })
    };
    entries.iter().map(|entry| engine(entry).ok_or_else(malformed)).collect()
}

/// `GET /indexes`.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    query: Query,
) -> Result<Json<Value>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.indexes(caller.workspace, &filter(&query)?, paging).await?;
    let rows = listed.rows.iter().map(|summary| views::index::index(summary, version)).collect();
    Ok(Json(views::page(rows, paging, listed.total)))
}

fn filter(query: &Query) -> Result<IndexFilter, Fault> {
    let family = query.get("engine_family").or_else(|| query.get("model_family"));
    let families = [Family::Marengo, Family::Pegasus].map(|family| (family.as_str(), family));
    let family = family.map(|name| pick("engine_family", name, &families)).transpose()?;
    let mut options = Vec::new();
    for name in query.all(&["engine_options", "model_options", "index_options"]) {
        let known = ModelOption::parse(name, false).ok_or_else(|| {
            Fault::parameter("There is no such option.").value(name.chars().take(120).collect::<String>())
        })?;
        options.extend(known);
    }
    Ok(IndexFilter {
        id: query.id("_id")?,
        name: query.get("index_name").map(str::to_owned),
        options,
        family,
        created_at: query.times("created_at")?,
        updated_at: query.times("updated_at")?,
    })
}

/// `GET /indexes/{index_id}`.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let summary = super::index(&app, caller.workspace, path.id("index_id")?).await?;
    Ok(Json(views::index::index(&summary, version)))
}

/// `PUT /indexes/{index_id}`: another name; all else is fixed.
pub(in crate::http) async fn rename(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<StatusCode, Failure> {
    let id = path.id("index_id")?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let fixed = [
        ("engines", Code::IndexEngineCannotBeChanged),
        ("models", Code::IndexEngineCannotBeChanged),
        ("engine_id", Code::IndexEngineCannotBeChanged),
        ("engine_options", Code::IndexOptionCannotBeChanged),
        ("index_options", Code::IndexOptionCannotBeChanged),
        ("addons", Code::IndexOptionCannotBeChanged),
    ];
    if let Some((name, code)) = fixed.into_iter().find(|(name, _)| params.has(name)) {
        return Err(Fault::new(code).value(name).into());
    }
    let name = params.required_text("index_name")?;
    check_name(name)?;
    let renamed = app.store.rename_index(caller.workspace, id, name, app.clock.now()).await?;
    if renamed { Ok(NOTHING) } else { Err(absent("index", id).into()) }
}

/// `DELETE /indexes/{index_id}`: with all that is in it.
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    let id = path.id("index_id")?;
    let deleted = app.store.delete_index(caller.workspace, id).await?;
    if deleted { Ok(NOTHING) } else { Err(absent("index", id).into()) }
}
