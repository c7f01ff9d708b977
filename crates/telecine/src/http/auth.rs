//! Who makes a request: the header `x-api-key`, or else the cookie of a session, becomes a [`Caller`]. What needs a caller
//! takes one as an argument.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};

use super::error::Failure;
use super::limits::{Limiter, QuotaSlot, class_of};
use super::{cookie, origin};
use crate::app::App;
use crate::fault::{Code, Fault};
use crate::keys::{Caller, session, sha256};

impl<S> FromRequestParts<S> for Caller
where
    Arc<App>: FromRef<S>,
    Arc<Limiter>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let app = Arc::<App>::from_ref(state);
        let caller = known_caller(&app, &parts.method, &parts.headers).await?;
        tracing::Span::current().record("key", tracing::field::display(caller.key));
        let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let limits = caller.rate_limits.unwrap_or_default().or(app.config.rate_limits);
        let class = class_of(&parts.method, path);
        if let Some((quota, taken)) =
            Arc::<Limiter>::from_ref(state).take(caller.key, class, &limits, app.clock.now())
        {
            if let Some(slot) = parts.extensions.get::<QuotaSlot>() {
                let _ = slot.set(quota);
            }
            taken?;
        }
        Ok(caller)
    }
}

/// Whose key a request carries; it is not counted as one by this. A browser adds a cookie to whatever page asks, so with
/// one it matters which page that is.
pub(super) async fn known_caller(app: &App, method: &Method, headers: &HeaderMap) -> Result<Caller, Failure> {
    let secret = headers.get("x-api-key").and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
        let known = app.store.caller(sha256(secret)).await?;
        return Ok(known
            .ok_or_else(|| Fault::because(Code::ApiKeyInvalid, "The API key is unknown or was revoked."))?);
    }
    let Some(session) = cookie::session(headers) else {
        return Err(Fault::because(Code::ApiKeyInvalid, "The header x-api-key is missing.").into());
    };
    origin::check(app.config.server.public_url.as_deref(), method, headers)?;
    Ok(session::find(&*app.store, &*app.clock, session).await?.caller)
}
