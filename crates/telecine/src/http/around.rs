//! What happens around every request: its id, its span, its measures; a panic becomes an answer; a failure becomes the
//! contract's envelope; a body that nobody read is drained.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Json;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use serde_json::json;
use tracing::{Instrument, Level};

use super::error::{Failure, Told, envelope, not_understood};
use super::limits::QuotaSlot;
use super::version::ApiVersion;
use super::{body, error, metrics};
use crate::fault::Error;
use crate::telemetry::traces;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const API_VERSION: HeaderName = HeaderName::from_static("x-api-version");
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Runs a request.
pub(super) async fn around(mut request: Request, next: Next) -> Response {
    let begun = std::time::Instant::now();
    let id = request_id(request.headers());
    let version = request.extensions().get::<ApiVersion>().copied().unwrap_or(ApiVersion::V1_3);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str).to_owned();
    let method = known_method(request.method().as_str());
    let span = tracing::info_span!(
        "request",
        request_id = id,
        method,
        path = logged_path(request.uri().path(), &route),
        version = version.as_str(),
        key = tracing::field::Empty,
        otel.name = tracing::field::Empty,
        otel.kind = tracing::field::Empty,
    );
    traces::of_request(&span, request.headers(), method, &route);
    async {
        let quota = QuotaSlot::default();
        request.extensions_mut().insert(Arc::clone(&quota));
        let mut response = answer(request, next).await;
        render_failure(&mut response, &id, error::is_wrapped(&route));
        let status = response.status();
        let headers = response.headers_mut();
        if let Some(quota) = quota.get() {
            quota.tell(status, headers);
        }
        headers.insert(API_VERSION, HeaderValue::from_static(version.as_str()));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(REQUEST_ID, id);
        }
        let (status, took) = (response.status().as_u16(), begun.elapsed());
        metrics::answered(&route, method, status, took);
        traces::answered(&tracing::Span::current(), status);
        let duration_ms = took.as_secs_f64() * 1e3;
        if PROBES.contains(&route.as_str()) {
            tracing::event!(Level::DEBUG, status, duration_ms, "answered");
        } else {
            tracing::event!(Level::INFO, status, duration_ms, "answered");
        }
        response
    }
    .instrument(span)
    .await
}

async fn answer(request: Request, next: Next) -> Response {
    let (parts, incoming) = request.into_parts();
    let (guarded, watched) = body::watch(incoming, &parts.headers, body::SILENCE);
    let request = Request::from_parts(parts, guarded);
    let ran = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = ran.unwrap_or_else(|panic| panicked(&*panic));
    watched.drain().await;
    response
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Failure::from(Error::Internal(anyhow::anyhow!("a handler panicked: {text}"))).into_response()
}

/// Makes the envelope of a failure. What axum refused by itself becomes one, too.
fn render_failure(response: &mut Response, request_id: &str, is_wrapped: bool) {
    let status = response.status();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let told = response.extensions_mut().remove::<Told>().map(|Told(fault)| fault);
    let is_failure = status.is_client_error() || status.is_server_error();
    let Some(fault) = told.or_else(|| (is_failure && !is_json).then(|| not_understood(status))) else {
        return;
    };
    tracing::Span::current().in_scope(|| tracing::debug!(%fault, "refused"));
    let told = envelope(&fault, request_id);
    let rendered = Json(if is_wrapped { json!({ "error": told }) } else { told }).into_response();
    let (head, rendered) = rendered.into_parts();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(head.headers);
    *response.body_mut() = rendered;
}

/// A path whose parts sign it opens what it names to whoever reads the log: then the route is told instead.
fn logged_path<'a>(path: &'a str, route: &'a str) -> &'a str {
    if route.contains("{signature}") { route } else { path }
}

/// The client's own id if it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_harmless = |id: &&str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
        (1..=128).contains(&id.len()) && id.bytes().all(known)
    };
    given.filter(is_harmless).map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned)
}

/// The method, of a small set: it is a label of metrics.
fn known_method(method: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}
