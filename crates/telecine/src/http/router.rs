//! The flat list of routes. The version was taken off the path before a request comes here.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Router, middleware};
use tower::ServiceExt;

use super::around::around;
use super::error::{Failure, no_such_endpoint};
use super::links::Links;
use super::metrics::recorder;
use super::routes::{
    engines, health, imports, indexes, integrations, keys, search, tasks, transfers, videos,
};
use super::version::note_version;
use crate::app::App;

/// What handlers may ask for.
#[derive(Clone, FromRef)]
struct Shared {
    app: Arc<App>,
    links: Arc<Links>,
}

/// Everything that Telecine answers over HTTP.
pub fn router(app: Arc<App>) -> Router {
    recorder();
    let links = Arc::new(Links::new(&app.files, &app.config.server));
    let routes = routes(Shared { app, links });
    let versioned = tower::service_fn(move |request: Request| {
        let routes = routes.clone();
        async move {
            Ok::<Response, Infallible>(
                routes.oneshot(note_version(request)).await.unwrap_or_else(|never| match never {}),
            )
        }
    });
    Router::new().fallback_service(versioned)
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/engines", get(engines::list))
        .route("/engines/{engine_id}", get(engines::get))
        .route("/indexes", get(indexes::list).post(indexes::create))
        .route("/indexes/{index_id}", get(indexes::get).put(indexes::rename).delete(indexes::delete))
        .route("/indexes/{index_id}/videos", get(videos::list))
        .route(
            "/indexes/{index_id}/videos/{video_id}",
            get(videos::get).put(videos::update).patch(videos::update).delete(videos::delete),
        )
        .route("/indexes/{index_id}/videos/{video_id}/transcription", get(videos::transcription))
        .route("/indexes/{index_id}/videos/{video_id}/text-in-video", get(videos::text_in_video))
        .route("/indexes/{index_id}/videos/{video_id}/thumbnail", get(videos::thumbnail))
        .route("/pictures/{video_id}/{name}", get(videos::picture))
        .route("/tasks", get(tasks::list).post(tasks::create))
        .route("/tasks/status", get(tasks::counts))
        .route("/tasks/{task_id}", get(tasks::get).delete(tasks::delete))
        .route("/tasks/transfers", post(transfers::create))
        .route("/indexes/tasks/transfers", post(transfers::create))
        .route("/tasks/transfers/import/{integration_id}", post(imports::create))
        .route("/tasks/transfers/import/{integration_id}/status", get(imports::status))
        .route("/tasks/transfers/import/{integration_id}/logs", get(imports::logs))
        .route("/transfers", get(transfers::list))
        .route("/transfers/{transfer_id}", get(transfers::get))
        .route("/transfers/{transfer_id}/report", get(transfers::report))
        .route("/transfers/{transfer_id}/retry", post(transfers::retry))
        .route("/transfers/{transfer_id}/cancel", post(transfers::cancel))
        .route("/search", post(search::search))
        .route("/search/{token}", get(search::page))
        .route("/search-v2", post(search::search))
        .route("/search-v2/{token}", get(search::page))
        .route("/search/combined/{token}", get(search::page))
        .route(
            "/integrations",
            get(integrations::list).post(integrations::create).delete(integrations::delete_many),
        )
        .route(
            "/integrations/{integration_id}",
            get(integrations::get).patch(integrations::update).delete(integrations::delete),
        )
        .route("/integrations/{integration_id}/restore", post(integrations::restore))
        .route("/integrations/{integration_id}/setup", get(integrations::setup))
        .route("/integrations/{integration_id}/verify", post(integrations::verify))
        .route(
            "/integrations/{integration_id}/synchronize",
            post(integrations::synchronizations::synchronize),
        )
        .route("/integrations/{integration_id}/synchronizations", get(integrations::synchronizations::list))
        .route(
            "/integrations/{integration_id}/synchronizations/{synchronization_id}",
            get(integrations::synchronizations::get),
        )
        .route(
            "/integrations/{integration_id}/synchronizations/{synchronization_id}/cancel",
            post(integrations::synchronizations::cancel),
        )
        .route("/integrations/{integration_id}/statistics", get(integrations::statistics))
        .route("/integrations/{integration_id}/objects", get(integrations::objects))
        .route("/integrations/{integration_id}/objects/probe", post(integrations::probe))
        .route("/integrations/{integration_id}/manifest", get(integrations::manifest))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{key_id}", delete(keys::revoke))
        .fallback(not_there)
        .method_not_allowed_fallback(not_there)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(around))
        .with_state(shared)
}

async fn not_there(request: Request) -> Failure {
    no_such_endpoint(request.method().as_str(), request.uri().path())
}
