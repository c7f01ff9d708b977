//! The pages of the dashboard, which are in the program: files as they are, `index.html` for every other path below
//! `/dashboard`, and the headers that keep foreign code out of them. Knows nothing of what the pages do.

mod files;

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::around::around;
use super::error::{Failure, no_such_endpoint};
use files::{BUILT, File, Files, Table};

/// Stands in HTML where the nonce of an answer belongs.
const NONCE: &str = "__CSP_NONCE__";
/// What bundlers name by its content; what is there never changes.
const ASSETS: &str = "assets/";
const NOT_BUILT: &str = include_str!("dashboard/not_built.html");

/// The dashboard that was built into this program.
pub(super) fn built() -> Router {
    pages(BUILT)
}

fn pages(table: Table) -> Router {
    Router::new()
        .route("/", get(to_dashboard))
        .route("/dashboard", get(index))
        .route("/dashboard/", get(index))
        .route("/dashboard/{*path}", get(file_or_index))
        .method_not_allowed_fallback(not_there)
        .layer(middleware::from_fn(around))
        .with_state(Arc::new(Files::of(table)))
}

/// Whether a request is for these pages: below `/dashboard`, or for the root with a browser's wish for a page.
pub(super) fn is_meant(request: &Request) -> bool {
    let path = request.uri().path();
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut wishes = request.headers().get_all(header::ACCEPT).into_iter();
    let wants_page = wishes.any(|wish| wish.to_str().is_ok_and(|wish| wish.contains("text/html")));
    path == "/dashboard" || path.starts_with("/dashboard/") || (path == "/" && is_reading && wants_page)
}

async fn to_dashboard() -> impl IntoResponse {
    (StatusCode::SEE_OTHER, [(header::LOCATION, "/dashboard/"), (header::VARY, "accept")])
}

async fn not_there(request: Request) -> Failure {
    no_such_endpoint(request.method().as_str(), request.uri().path())
}

async fn index(State(files): State<Arc<Files>>) -> Result<Response, Failure> {
    page(files.get("index.html").map_or(NOT_BUILT.as_bytes(), File::plain))
}

async fn file_or_index(
    State(files): State<Arc<Files>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    match files.get(&path) {
        Some(file) if file.is_page() => page(file.plain()),
        Some(file) => bytes(file, path.starts_with(ASSETS), &headers),
        // A page of an older build would take HTML for its script.
        None if path.starts_with(ASSETS) => Err(no_such_endpoint("GET", &format!("/dashboard/{path}"))),
        None => index(State(files)).await,
    }
}

/// HTML, with a nonce of its own. It has no tag: it is never the same twice, and a page that a browser keeps would have
/// the nonce of another answer.
fn page(html: &[u8]) -> Result<Response, Failure> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("there are no random numbers: {error}"))?;
    let nonce = STANDARD_NO_PAD.encode(random);
    let html = String::from_utf8_lossy(html).replace(NONCE, &nonce);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy).map_err(anyhow::Error::from)?;
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()",
        ),
    ];
    Ok((fixed, guards(), [(header::CONTENT_SECURITY_POLICY, policy)], html).into_response())
}

fn bytes(file: &File, is_fixed: bool, headers: &HeaderMap) -> Result<Response, Failure> {
    let form = file.form_for(headers);
    let cached = if is_fixed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = HeaderValue::from_str(&form.tag).map_err(anyhow::Error::from)?;
    let mut response = if form.is_known(headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, file.content_type)], form.bytes).into_response()
    };
    let told = response.headers_mut();
    told.insert(header::ETAG, tag);
    told.insert(header::CACHE_CONTROL, HeaderValue::from_static(cached));
    if let Some(coding) = form.coding {
        told.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    if file.has_several_forms() {
        told.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if file.content_type.starts_with("image/svg") {
        // Opened by itself, a picture of this kind is a page.
        let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
        told.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok((guards(), response).into_response())
}

fn guards() -> [(HeaderName, &'static str); 3] {
    [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ]
}

#[cfg(test)]
mod tests;
