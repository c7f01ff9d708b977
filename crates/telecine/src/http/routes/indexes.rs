//! `/indexes`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{NOTHING, absent};
use crate::app::App;
use crate::fault::{Code, Fault};
use crate::http::error::Failure;
use crate::http::openapi::{Made, Page, PageQuery};
use crate::http::params::{Params, missing, pick};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::index::IndexView;
use crate::ids::IndexId;
use crate::index::{EngineRequest, Family, IndexRequest, ModelOption, check_name, create as create_index};
use crate::keys::Caller;
use crate::pipeline::remove_stray_streams;
use crate::store::IndexFilter;

/// An index to be made: with `models` (v1.3), `engines` (v1.2), or `engine_id` and `index_options` (v1.1).
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewIndex {
    /// Unique in the workspace.
    #[schema(min_length = 1, max_length = 200)]
    index_name: String,
    models: Option<Vec<NewModel>>,
    engines: Option<Vec<NewEngine>>,
    engine_id: Option<String>,
    index_options: Option<Vec<ModelOption>>,
    /// `thumbnail` keeps pictures.
    addons: Option<Vec<String>>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewModel {
    /// Of the families `marengo` (search) and `pegasus` (text).
    #[schema(example = "marengo2.7")]
    model_name: String,
    /// `visual`, `audio`.
    model_options: Vec<String>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewEngine {
    #[schema(example = "marengo2.6")]
    engine_name: String,
    engine_options: Vec<ModelOption>,
}

/// Makes an index. Its engines and options stay as they are made.
#[utoipa::path(post, path = "/indexes", tag = "indexes", request_body = NewIndex,
    responses((status = 201, body = Made<IndexId>)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Made<IndexId>>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let request = IndexRequest {
        name: params.required_text("index_name")?.to_owned(),
        engines: engines(&params)?,
        addons: params.texts("addons")?,
    };
    let index = create_index(&app, caller.workspace, &request).await?;
    Ok((StatusCode::CREATED, Json(Made { id: index.id })))
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

/// Which indexes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the form of `filter`, for the document")]
struct IndexQuery {
    /// Of exactly this name.
    index_name: Option<String>,
    _id: Option<IndexId>,
    /// With all of these options, separated by commas (`engine_options` up to v1.2).
    model_options: Option<String>,
    /// `marengo` or `pegasus` (`engine_family` up to v1.2).
    #[param(inline)]
    model_family: Option<Family>,
    /// Made at this moment or later; `created_at[gte]` and `created_at[lte]` bound on both sides.
    created_at: Option<String>,
    /// Changed at this moment or later; likewise.
    updated_at: Option<String>,
}

/// The indexes of the workspace, newest first.
#[utoipa::path(get, path = "/indexes", tag = "indexes", params(PageQuery, IndexQuery),
    responses((status = 200, body = Page<IndexView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    query: Query,
) -> Result<Json<Page<IndexView>>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.indexes(caller.workspace, &filter(&query)?, paging).await?;
    let rows = listed.rows.iter().map(|summary| views::index::index(summary, version)).collect();
    Ok(Json(Page::new(rows, paging, listed.total)))
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

/// An index.
#[utoipa::path(get, path = "/indexes/{index_id}", tag = "indexes", responses((status = 200, body = IndexView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
) -> Result<Json<IndexView>, Failure> {
    let summary = super::index(&app, caller.workspace, path.id("index_id")?).await?;
    Ok(Json(views::index::index(&summary, version)))
}

/// An index to be renamed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct Renamed {
    #[schema(min_length = 1, max_length = 200)]
    index_name: String,
}

/// Gives an index another name; all else is fixed.
#[utoipa::path(put, path = "/indexes/{index_id}", tag = "indexes", request_body = Renamed, responses((status = 204)))]
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

/// Removes an index with all that is in it.
#[utoipa::path(delete, path = "/indexes/{index_id}", tag = "indexes", responses((status = 204)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    let id = path.id("index_id")?;
    let deleted = app.store.delete_index(caller.workspace, id).await?;
    if deleted {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            if let Err(error) = remove_stray_streams(&*app.media_store, &*app.store).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "streams of an index could not be removed; the next start does"
                );
            }
        });
    }
    if deleted { Ok(NOTHING) } else { Err(absent("index", id).into()) }
}
