//! The HTTP clients of sources other than AWS: they connect where the guard lets them, and follow nothing by themselves.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderValue;
use reqwest::{Client, Method, Request, Response};
use url::Url;

use super::aws::{causes, chain};
use super::guard::{Guard, NOT_PUBLIC, NotPublic};
use super::{SourceError, SourceErrorKind};
use crate::config::UrlConfig;

/// An answer's head, and each piece of a body, must come within this.
pub(super) const IDLE_LIMIT: Duration = Duration::from_secs(30);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Clients with one rule about hosts. Cheap to clone: connections are shared.
#[derive(Debug, Clone)]
pub struct Web {
    /// Connects to public addresses only.
    public: Client,
    /// For hosts that the operator allows.
    trusted: Client,
    guard: Guard,
}

impl Web {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn new(guard: Guard) -> anyhow::Result<Self> {
        let builder = || {
            Client::builder()
                .user_agent(concat!("telecine/", env!("CARGO_PKG_VERSION")))
                // Where redirects are followed, it is by hand, for each must be checked.
                .redirect(reqwest::redirect::Policy::none())
                // A proxy would connect where we cannot check.
                .no_proxy()
                .referer(false)
                .connect_timeout(CONNECT_LIMIT)
                .read_timeout(IDLE_LIMIT)
        };
        Ok(Self {
            public: builder().dns_resolver(Arc::new(guard.public_names())).build()?,
            trusted: builder().dns_resolver(Arc::new(guard.all_names())).build()?,
            guard,
        })
    }

    /// Within the operator's rule about hosts.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn for_urls(config: &UrlConfig) -> anyhow::Result<Self> {
        Self::new(Guard::new(config))
    }

    /// Sends a body, follows nothing, and gives the status with at most so many bytes of the answer, as text.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
        limit: usize,
    ) -> Result<(u16, String), String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let mut request = Request::new(Method::POST, url);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            request.headers_mut().insert(*name, value);
        }
        *request.body_mut() = Some(body.into());
        let mut answer = self.send(request).await.map_err(|refusal| refusal.detail)?;
        let status = answer.status().as_u16();
        let mut begin = Vec::new();
        // Once the status is known, a body that breaks off changes nothing.
        while begin.len() < limit
            && let Ok(Some(bytes)) = answer.chunk().await
        {
            begin.extend_from_slice(&bytes);
        }
        begin.truncate(limit);
        let mut text = String::from_utf8_lossy(&begin).into_owned();
        while text.len() > limit {
            text.pop();
        }
        Ok((status, text))
    }

    /// The rule.
    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Sends one request, and waits for the head of the answer. Any status is an answer.
    pub(super) async fn send(&self, request: Request) -> Result<Response, Refusal> {
        let url = request.url();
        self.guard.check(url).map_err(|why| Refusal::new(SourceErrorKind::Denied, why))?;
        let client = if self.guard.is_allowed(url) { &self.trusted } else { &self.public };
        match tokio::time::timeout(IDLE_LIMIT, client.execute(request)).await {
            Ok(answer) => answer.map_err(Refusal::of_transport),
            Err(_) => {
                Err(Refusal::new(SourceErrorKind::Unavailable, format!("no answer within {IDLE_LIMIT:?}")))
            }
        }
    }
}

/// Why there is no answer, or none that is good; without the address, which those who asked know by a better name.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: SourceErrorKind,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(kind: SourceErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// No answer, or a broken one; unless it was we who refused to connect.
    pub(super) fn of_transport(error: reqwest::Error) -> Self {
        if causes(&error).any(|cause| cause.is::<NotPublic>()) {
            return Self::new(SourceErrorKind::Denied, NOT_PUBLIC);
        }
        // A URL may hold a signature.
        Self::new(SourceErrorKind::Unavailable, chain(&error.without_url()))
    }

    /// What was asked, and of what.
    pub(super) fn at(self, operation: &'static str, address: String) -> SourceError {
        SourceError { kind: self.kind, operation, address, detail: self.detail }
    }
}

/// The whole body of an answer, which must not be longer than `limit`.
pub(super) async fn whole(mut answer: Response, limit: usize) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    while let Some(bytes) = answer.chunk().await.map_err(Refusal::of_transport)? {
        if whole.len() + bytes.len() > limit {
            let detail = format!("the file has more than the {limit} bytes that are allowed");
            return Err(Refusal::new(SourceErrorKind::Unsupported, detail));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole.freeze())
}
