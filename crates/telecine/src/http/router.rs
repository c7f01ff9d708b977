//! The flat list of routes. The version was taken off the path before a request comes here.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, middleware};
use serde_json::Value;
use tower::ServiceExt;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::around::around;
use super::bytes_of::for_any_origin;
use super::dashboard;
use super::error::{Failure, no_such_endpoint};
use super::events::Listeners;
use super::idempotency::idempotent;
use super::limits::Limiter;
use super::links::Links;
use super::metrics::recorder;
use super::openapi::{self, Head};
use super::outage::outage;
use super::routes::{
    analyses, assets, connections, documents, embed, embed_v2, engines, generate, health, imports,
    indexed_assets, indexes, integrations, keys, search, session, streams, system, tasks, transcripts,
    transfer_events, transfers, uploads, videos, webhooks,
};
use super::sign_in::SignIns;
use super::version::note_version;
use crate::app::App;
use crate::system::Desk;

/// What handlers may ask for.
#[derive(Clone, FromRef)]
struct Shared {
    app: Arc<App>,
    links: Arc<Links>,
    limiter: Arc<Limiter>,
    listeners: Arc<Listeners>,
    sign_ins: Arc<SignIns>,
    desk: Arc<Desk>,
}

/// Everything that Telecine answers over HTTP.
pub fn router(app: Arc<App>) -> Router {
    recorder();
    let links = Links::new(&app.files, &app.config.server);
    // A link that one server hands out leads to any of them.
    let links = Arc::new(match app.config.is_shared() {
        true => links.with_key(app.vault.derived("links")),
        false => links,
    });
    let desk = Arc::new(Desk::new(app.clock.now()));
    let routes = served(Shared {
        app,
        desk,
        links,
        limiter: Arc::default(),
        listeners: Arc::default(),
        sign_ins: Arc::default(),
    });
    let pages = dashboard::built();
    let all = tower::service_fn(move |request: Request| {
        let request = with_host(request);
        let (routes, request) = if dashboard::is_meant(&request) {
            (pages.clone(), request)
        } else {
            (routes.clone(), note_version(request))
        };
        async move {
            Ok::<Response, Infallible>(routes.oneshot(request).await.unwrap_or_else(|never| match never {}))
        }
    });
    Router::new().fallback_service(all)
}

/// HTTP/2 tells the name that the server is reached by as a part of the address; links and origins are made of the header.
fn with_host(mut request: Request) -> Request {
    let name = request.uri().authority().map(|name| name.as_str().to_owned());
    if let Some(Ok(name)) = name.map(HeaderValue::try_from) {
        request.headers_mut().entry(header::HOST).or_insert(name);
    }
    request
}

/// The OpenAPI document of all routes.
pub fn openapi() -> Value {
    openapi::finish(all().into_openapi())
}

fn served(shared: Shared) -> Router {
    let (routes, told) = all().split_for_parts();
    let aliases = [
        ("/indexes/tasks/transfers", post(transfers::create)),
        ("/search-v2", post(search::search)),
        ("/search-v2/{token}", get(search::page)),
        ("/search/combined/{token}", get(search::page)),
    ];
    let routes = aliases.into_iter().fold(routes, |routes, (path, handler)| routes.route(path, handler));
    documents::documented(routes, openapi::finish(told))
        .fallback(not_there)
        .method_not_allowed_fallback(not_there)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&shared.app), idempotent))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared.app), outage))
        .layer(middleware::from_fn(for_any_origin))
        .layer(middleware::from_fn(around))
        .with_state(shared)
}

/// What a worker answers: how it is.
pub fn operations(app: Arc<App>) -> Router {
    recorder();
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .fallback(not_there)
        .layer(middleware::from_fn(around))
        .with_state(app)
}

async fn not_there(request: Request) -> Failure {
    no_such_endpoint(request.method().as_str(), request.uri().path())
}

/// Every route, by its handler, which names method and path.
#[rustfmt::skip]
fn all() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(system::system))
        .routes(routes!(documents::document))
        .routes(routes!(documents::page))
        .routes(routes!(engines::list))
        .routes(routes!(engines::get))
        .routes(routes!(indexes::list, indexes::create))
        .routes(routes!(indexes::get, indexes::rename, indexes::delete))
        .routes(routes!(videos::list))
        .routes(routes!(videos::get, videos::replace, videos::update, videos::delete))
        .routes(routes!(videos::transcription, transcripts::edit, transcripts::restore))
        .routes(routes!(videos::text_in_video))
        .routes(routes!(videos::thumbnail))
        .routes(routes!(videos::picture))
        .routes(routes!(assets::list, assets::create))
        .routes(routes!(assets::get, assets::delete))
        .routes(routes!(assets::update_metadata, assets::replace_metadata, assets::clear_metadata))
        .routes(routes!(assets::references))
        .routes(routes!(assets::transcription))
        .routes(routes!(uploads::list, uploads::create))
        .routes(routes!(uploads::get, uploads::report))
        .routes(routes!(uploads::more_links))
        .routes(routes!(uploads::put_chunk))
        .routes(routes!(indexed_assets::list, indexed_assets::create))
        .routes(routes!(indexed_assets::get, indexed_assets::replace, indexed_assets::update, indexed_assets::delete))
        .routes(routes!(connections::list))
        .routes(routes!(connections::authorize))
        .routes(routes!(connections::redirect_uris, connections::add_redirect_uri))
        .routes(routes!(connections::remove_redirect_uri))
        .routes(routes!(connections::get, connections::delete))
        .routes(routes!(connections::picker_token))
        .routes(routes!(connections::imports, connections::import))
        .routes(routes!(connections::get_import))
        .routes(routes!(streams::stream))
        .routes(routes!(tasks::list, tasks::create))
        .routes(routes!(tasks::counts))
        .routes(routes!(tasks::create_external))
        .routes(routes!(tasks::get, tasks::delete))
        .routes(routes!(tasks::retry))
        .routes(routes!(transfers::create))
        .routes(routes!(imports::create))
        .routes(routes!(imports::status))
        .routes(routes!(imports::logs))
        .routes(routes!(transfers::list))
        .routes(routes!(transfers::get))
        .routes(routes!(transfer_events::events))
        .routes(routes!(transfers::report))
        .routes(routes!(transfers::retry))
        .routes(routes!(transfers::pause))
        .routes(routes!(transfers::resume))
        .routes(routes!(transfers::cancel))
        .routes(routes!(embed::create))
        .routes(routes!(embed::tasks::list, embed::tasks::create))
        .routes(routes!(embed::tasks::get))
        .routes(routes!(embed::tasks::status))
        .routes(routes!(embed_v2::create))
        .routes(routes!(embed_v2::list, embed_v2::begin))
        .routes(routes!(embed_v2::get))
        .routes(routes!(search::search))
        .routes(routes!(search::combined))
        .routes(routes!(search::page))
        .routes(routes!(integrations::connect::list, integrations::connect::create, integrations::part::delete_many))
        .routes(routes!(integrations::connect::get, integrations::connect::update, integrations::part::delete))
        .routes(routes!(integrations::part::restore))
        .routes(routes!(integrations::setup::setup))
        .routes(routes!(integrations::verify::verify))
        .routes(routes!(integrations::synchronizations::synchronize))
        .routes(routes!(integrations::synchronizations::list))
        .routes(routes!(integrations::synchronizations::get))
        .routes(routes!(integrations::synchronizations::cancel))
        .routes(routes!(integrations::inventory::statistics))
        .routes(routes!(integrations::inventory::objects))
        .routes(routes!(integrations::inventory::probe))
        .routes(routes!(integrations::manifest::manifest))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::get, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::replay))
        .routes(routes!(session::get, session::begin, session::end))
        .routes(routes!(session::make_code))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::update, keys::revoke))
        .routes(routes!(generate::gist))
        .routes(routes!(generate::summarize))
        .routes(routes!(generate::generate))
        .routes(routes!(generate::analyze))
        .routes(routes!(analyses::list, analyses::create))
        .routes(routes!(analyses::get, analyses::delete))
        .routes(routes!(analyses::cancel))
        .routes(routes!(analyses::list_batches, analyses::create_many))
        .routes(routes!(analyses::get_batch, analyses::remove_batch))
        .routes(routes!(analyses::stop_batch))
        .routes(routes!(analyses::results))
}
