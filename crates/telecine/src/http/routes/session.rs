//! `/session`: signing a browser in by a key or a code, who is signed in, and signing out. The secret travels in a cookie.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::NOTHING;
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::http::error::Failure;
use crate::http::idempotency::TellsSecret;
use crate::http::links::Links;
use crate::http::params::Params;
use crate::http::query::Query;
use crate::http::sign_in::SignIns;
use crate::http::{cookie, origin};
use crate::ids::{KeyId, WorkspaceId};
use crate::keys::session::{self, Session};
use crate::keys::{Caller, sha256};
use crate::time::Timestamp;

const NO_STORE: (header::HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// What a browser signs in by: one of the two.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct SignIn {
    /// An API key.
    key: Option<String>,
    /// A code of `POST /session/codes`, which works once.
    code: Option<String>,
}

/// Who is signed in. The secret is in the cookie `telecine_session` alone.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(in crate::http) struct SessionView {
    key_id: KeyId,
    key_name: String,
    workspace_id: WorkspaceId,
    /// When the session ends, unless it is asked for before.
    expires_at: Timestamp,
    /// Of the server.
    version: &'static str,
}

/// A code that signs in once.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SignInCode {
    code: String,
    /// Opens the dashboard, signed in.
    url: String,
    expires_at: Timestamp,
}

/// Who is signed in by the cookie that comes along; has the session live for another 30 days.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = SessionView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let public_url = app.config.server.public_url.as_deref();
    let Some(secret) = cookie::session(&headers) else {
        let fault = Fault::because(Code::ApiKeyInvalid, "Nobody is signed in.")
            .rule("a session's cookie comes along")
            .remedy("Sign in with an API key, or with a link that `telecine dashboard` makes.");
        return Err(fault.into());
    };
    origin::check(public_url, &Method::GET, &headers)?;
    let mut found = session::find(&*app.store, &*app.clock, secret).await?;
    let renewed = session::renew(&*app.store, &*app.clock, secret, &found).await?;
    let mut headers = vec![NO_STORE];
    if let Some(expires_at) = renewed {
        found.expires_at = expires_at;
        headers.push((header::SET_COOKIE, cookie::set(secret, session::LIFETIME.as_secs(), public_url)?));
    }
    Ok((AppendHeaders(headers), Json(shown(found))).into_response())
}

/// Signs a browser in, by an API key or a code: the answer sets the cookie.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn, responses((status = 200, body = SessionView)))]
pub(in crate::http) async fn begin(
    State(app): State<Arc<App>>,
    State(attempts): State<Arc<SignIns>>,
    request: Request,
) -> Result<Response, Failure> {
    let public_url = app.config.server.public_url.as_deref();
    // A page of another site could otherwise sign somebody in as somebody else.
    origin::check_if_told(public_url, request.headers())?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let key = match key_of(&app, &params).await {
        Ok(key) => key,
        Err(error) => return Err(attempts.failed(error).await.into()),
    };
    let begun = session::begin(&*app.store, &*app.clock, key).await?;
    let found = session::find(&*app.store, &*app.clock, &begun.secret).await?;
    tracing::info!(key = %key, "signed in");
    let kept = cookie::set(&begun.secret, session::LIFETIME.as_secs(), public_url)?;
    let headers = AppendHeaders([NO_STORE, (header::SET_COOKIE, kept)]);
    Ok((Extension(TellsSecret), headers, Json(shown(found))).into_response())
}

async fn key_of(app: &App, params: &Params) -> Result<KeyId> {
    match (params.text("key")?, params.text("code")?) {
        (Some(key), None) => {
            let known = app.store.caller(sha256(key.trim())).await?;
            let unknown = || Fault::because(Code::ApiKeyInvalid, "The API key is unknown or was revoked.");
            Ok(known.ok_or_else(unknown)?.key)
        }
        (None, Some(code)) => session::use_code(&*app.store, &*app.clock, code).await,
        _ => Err(Fault::because(Code::ParameterNotProvided, "One signs in by `key` or by `code`.")
            .rule("exactly one of them is given, as a text")
            .into()),
    }
}

/// Signs out: ends the session of the cookie that comes along, if there is one, and has the browser forget it.
#[utoipa::path(delete, path = "/session", tag = "session",
    params(("everywhere" = Option<bool>, Query, description = "all sessions of its key, and codes that were not used")),
    responses((status = 204)))]
pub(in crate::http) async fn end(
    State(app): State<Arc<App>>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let public_url = app.config.server.public_url.as_deref();
    let is_everywhere = query.flag("everywhere")?.unwrap_or(false);
    if let Some(secret) = cookie::session(&headers) {
        origin::check(public_url, &Method::DELETE, &headers)?;
        if is_everywhere {
            session::end_everywhere(&*app.store, &*app.clock, secret).await?;
        }
        session::end(&*app.store, secret).await?;
    }
    let forgotten = cookie::set("", 0, public_url)?;
    Ok((NOTHING, AppendHeaders([NO_STORE, (header::SET_COOKIE, forgotten)])).into_response())
}

/// Makes a code that signs a browser in once, with the caller's key, within ten minutes.
#[utoipa::path(post, path = "/session/codes", tag = "keys", responses((status = 201, body = SignInCode)))]
pub(in crate::http) async fn make_code(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let session::SignIn { secret: code, expires_at } =
        session::make_code(&*app.store, &*app.clock, caller.key).await?;
    let url = format!("{}/dashboard/#code={code}", links.base(&headers));
    let made = SignInCode { code, url, expires_at };
    Ok((StatusCode::CREATED, Extension(TellsSecret), AppendHeaders([NO_STORE]), Json(made)).into_response())
}

fn shown(session: Session) -> SessionView {
    let Session { caller, key_name, expires_at } = session;
    SessionView {
        key_id: caller.key,
        key_name,
        workspace_id: caller.workspace,
        expires_at,
        version: env!("CARGO_PKG_VERSION"),
    }
}
