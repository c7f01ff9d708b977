//! `/search`, in both of its shapes: JSON with `query`, forms with `query_text`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use serde_json::Value;

use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::http::error::Failure;
use crate::http::filter::video_filter;
use crate::http::links::Links;
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::MAX_PAGE_LIMIT;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::search::{SearchForm, SearchPage};
use crate::index::{Index, ModelOption};
use crate::keys::Caller;
use crate::search::{
    Confidence, ConversationOption, GroupBy, Operator, ResultPage, SearchRequest, SortOption,
};

const OPERATORS: [(&str, Operator); 2] = [("or", Operator::Or), ("and", Operator::And)];
const GROUPS: [(&str, GroupBy); 2] = [("clip", GroupBy::Clip), ("video", GroupBy::Video)];
const SORTS: [(&str, SortOption); 2] = [("score", SortOption::Score), ("clip_count", SortOption::ClipCount)];
const THRESHOLDS: [(&str, Confidence); 4] = [
    ("none", Confidence::ExtremelyLow),
    ("low", Confidence::Low),
    ("medium", Confidence::Medium),
    ("high", Confidence::High),
];
const CONVERSATIONS: [(&str, ConversationOption); 2] =
    [("semantic", ConversationOption::Semantic), ("exact_match", ConversationOption::ExactMatch)];

/// Searches an index: as a form (`query_text`), or as JSON (`query`).
#[utoipa::path(post, path = "/search", tag = "search",
    request_body(content((SearchForm = "multipart/form-data"), (SearchForm = "application/json"))),
    responses((status = 200, body = SearchPage)))]
pub(in crate::http) async fn search(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    refuse_what_comes_later(&params)?;
    let index = super::index(&app, caller.workspace, params.required_id("index_id")?).await?.index;
    let request = read(&params, &index, version)?;
    let page = app.search.search(caller.workspace, &request).await?;
    Ok(Json(shown(&app, &links, caller, version, &headers, &page).await?))
}

/// Another page of a search, for an hour.
#[utoipa::path(get, path = "/search/{token}", tag = "search", responses((status = 200, body = SearchPage)))]
pub(in crate::http) async fn page(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    headers: HeaderMap,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let page = app.search.page(caller.workspace, path.text("token")).await?;
    Ok(Json(shown(&app, &links, caller, version, &headers, &page).await?))
}

fn refuse_what_comes_later(params: &Params) -> Result<(), Fault> {
    let by_image = ["query_media_type", "query_media_url", "query_media_file"];
    if let Some(name) = by_image.into_iter().find(|name| params.has(name)) {
        return Err(Fault::parameter("Searching by an image is not possible here yet.")
            .value(name)
            .remedy("Search by words: `query_text`, or `query` in JSON."));
    }
    if params.get("query").is_some_and(Value::is_object) {
        return Err(Fault::parameter("Combined queries are not possible here yet.")
            .value("query")
            .rule("`query` is a text")
            .remedy("Search by one text; `operator` combines the search options."));
    }
    Ok(())
}

fn read(params: &Params, index: &Index, version: ApiVersion) -> Result<SearchRequest, Fault> {
    let text = match params.text("query_text")? {
        Some(text) => Some(text),
        None => params.text("query")?,
    };
    let operator = params.word("operator", &OPERATORS)?.unwrap_or_default();
    Ok(SearchRequest {
        index: index.id,
        text: text.ok_or_else(|| missing("query_text").rule("`query_text`, or `query` in JSON"))?.to_owned(),
        options: options(params, index, version, operator)?,
        operator,
        conversation: params.word("conversation_option", &CONVERSATIONS)?.unwrap_or_default(),
        threshold: params.word("threshold", &THRESHOLDS)?.unwrap_or_default(),
        adjust_confidence_level: level(params)?,
        group_by: params.word("group_by", &GROUPS)?.unwrap_or_default(),
        sort: params.word("sort_option", &SORTS)?.unwrap_or_default(),
        page_limit: page_limit(params)?,
        filter: params.object("filter")?.map(|filter| video_filter(&filter)).transpose()?.unwrap_or_default(),
    })
}

/// What is searched by. In v1.3 `visual` takes in the text that is seen, where the index has it; but not when every
/// option must match, for hardly a picture shows what it is by letters, too.
fn options(
    params: &Params,
    index: &Index,
    version: ApiVersion,
    operator: Operator,
) -> Result<BTreeSet<ModelOption>, Fault> {
    let names = params.texts("search_options")?;
    if names.is_empty() {
        return Err(missing("search_options"));
    }
    let takes_in_text = version == ApiVersion::V1_3
        && operator == Operator::Or
        && index.search_options().contains(&ModelOption::TextInVideo);
    let mut options = BTreeSet::new();
    for name in &names {
        let known = ModelOption::parse(name, takes_in_text).ok_or_else(|| {
            Fault::new(Code::SearchOptionNotSupported).value(name.chars().take(120).collect::<String>())
        })?;
        options.extend(known.iter().copied());
    }
    Ok(options)
}

fn level(params: &Params) -> Result<f32, Fault> {
    let level = params.number("adjust_confidence_level")?.unwrap_or(0.5);
    if (0.0..=1.0).contains(&level) {
        return Ok(level as f32);
    }
    Err(Fault::parameter("The adjust_confidence_level parameter is out of range.")
        .value(level.to_string())
        .rule("a number from 0 to 1"))
}

fn page_limit(params: &Params) -> Result<u32, Fault> {
    let limit = params.number("page_limit")?.unwrap_or(10.0);
    if limit.fract() == 0.0 && (1.0..=MAX_PAGE_LIMIT as f64).contains(&limit) {
        return Ok(limit as u32);
    }
    Err(Fault::parameter("The page_limit parameter is out of range.")
        .value(limit.to_string())
        .rule(format!("a whole number from 1 to {MAX_PAGE_LIMIT}")))
}

async fn shown(
    app: &App,
    links: &Links,
    caller: Caller,
    version: ApiVersion,
    headers: &HeaderMap,
    page: &ResultPage,
) -> Result<Value> {
    let index = app.store.index(caller.workspace, page.pool.index).await?;
    let has_pictures = index.is_some_and(|found| found.index.addons.iter().any(|addon| addon == "thumbnail"));
    let mut pictures = Vec::new();
    if has_pictures {
        let now = app.clock.now();
        for clip in views::search::clips(&page.items) {
            pictures.push(links.link(views::search::picture(clip), headers, now).await?);
        }
    }
    Ok(views::search::page(page, version, &pictures))
}
