//! `/openapi.json` and `/docs`: what this API is, for programs and for people. Made once, of the routes themselves.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::Value;

use crate::http::openapi;

/// The document in both of its forms.
#[derive(Debug)]
pub(in crate::http) struct Documents {
    json: Bytes,
    page: Bytes,
}

/// The routes, with their own document at hand.
pub(in crate::http) fn documented<S: Clone + Send + Sync + 'static>(
    routes: Router<S>,
    document: Value,
) -> Router<S> {
    let json = document.to_string().into();
    let page = openapi::page(&document).into();
    routes.layer(Extension(Arc::new(Documents { json, page })))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, body = Object)))]
pub(in crate::http) async fn document(documents: Extension<Arc<Documents>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], documents.json.clone())
}

/// This document, to be read.
#[utoipa::path(get, path = "/docs", tag = "operation", responses((status = 200, body = String, content_type = "text/html")))]
pub(in crate::http) async fn page(documents: Extension<Arc<Documents>>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, documents.page.clone())
}
