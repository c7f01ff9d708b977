//! What the credentials of Google and Azure have in common: how long is waited for a token, and what it means when there
//! is none.

use std::time::Duration;

use object_store::RetryConfig;
use object_store::client::HttpError;
use reqwest::header::HeaderValue;

use super::SourceErrorKind;
use super::aws::{causes, chain};
use super::web::Refusal;

/// `Retry` tries the whole request again; here only for a moment.
pub(super) fn retry() -> RetryConfig {
    RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(20), ..RetryConfig::default() }
}

/// Why there is no token: refused, or no answer from those who give them.
pub(super) fn refused(error: &object_store::Error) -> Refusal {
    let words = chain(error);
    // The type that holds the status is not public.
    let is_busy = words.contains("status code: 5") || words.contains("status code: 429");
    let is_silence = is_busy || causes(error).any(|cause| cause.is::<HttpError>());
    let kind = if is_silence { SourceErrorKind::Unavailable } else { SourceErrorKind::Credentials };
    Refusal::new(kind, format!("no token: {words}"))
}

/// A token as the value of a header that is not logged.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, Refusal> {
    let value = format!("Bearer {token}").parse::<HeaderValue>();
    let mut value = value.map_err(|_| Refusal::new(SourceErrorKind::Credentials, "the token is none"))?;
    value.set_sensitive(true);
    Ok(value)
}
