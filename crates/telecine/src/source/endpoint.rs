//! Endpoints of stores that a user gives: the one place where a user tells this server where to send requests with
//! credentials. They are checked as links are, and so is every request that goes there. Endpoints that the operator sets
//! are not this file's business.

use aws_sdk_s3::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use url::Url;

use super::guard::{Guard, Names, NotPublic};
use super::{SourceError, SourceErrorKind};

/// The longest endpoint, in bytes.
const MAX_BYTES: usize = 255;

/// Whether an endpoint may have a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointPath {
    /// None.
    Refused,
    /// One part, such as the account in the paths of Azure's emulator.
    OnePart,
}

/// Where a store of a user's answers. No part of it is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Checks what can be checked before its name is looked up: `https` (`http` for hosts that the operator allows), a
    /// public host, and nothing beside.
    ///
    /// # Errors
    /// `Unsupported` for what is no endpoint, `Denied` for hosts that are not public.
    pub fn parse(text: &str, path: EndpointPath, guard: &Guard) -> Result<Self, SourceError> {
        let refuse =
            |kind, detail: String| Err(SourceError { kind, operation: "OPEN", address: shown(text), detail });
        let unsupported = |detail: &str| refuse(SourceErrorKind::Unsupported, detail.to_owned());
        if text.len() > MAX_BYTES {
            return unsupported(&format!("an endpoint has at most {MAX_BYTES} bytes"));
        }
        let url = match Url::parse(text.trim()) {
            Ok(url) => url,
            Err(error) => return unsupported(&format!("not a URL: {error}")),
        };
        match url.scheme() {
            "https" => {}
            "http" if guard.is_allowed(&url) => {}
            "http" => {
                return unsupported(
                    "an endpoint begins with https://, or its credentials could be read on the way",
                );
            }
            _ => return unsupported("an endpoint begins with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return unsupported(
                "an endpoint has no user and no password: credentials are given apart from it",
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return unsupported("an endpoint has no `?` and no `#`: credentials are given apart from it");
        }
        let parts = url.path().trim_end_matches('/').split('/').skip(1);
        match (path, parts.count()) {
            (_, 0) | (EndpointPath::OnePart, 1) => {}
            (EndpointPath::OnePart, _) => return unsupported("the path of an endpoint has one part at most"),
            (EndpointPath::Refused, _) => {
                return unsupported("an endpoint has no path: the bucket is given apart from it");
            }
        }
        match guard.check(&url) {
            Ok(()) => Ok(Self(url)),
            Err(why) => refuse(SourceErrorKind::Denied, why.to_owned()),
        }
    }

    /// The whole of it, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

/// What of a refused text may be told: a user may have pasted a link with a password or a signature.
fn shown(text: &str) -> String {
    let begin = text.split(['?', '#']).next().unwrap_or_default();
    let behind_user = begin.rsplit_once('@').map_or(begin, |(_, host)| host);
    behind_user.chars().take(200).collect()
}

/// The client for AWS's SDK that asks endpoints of users. Each request is checked anew: also for the addresses that stand
/// in URLs, which are never looked up, and whatever host the SDK makes of endpoint and bucket.
pub fn guarded_client(guard: &Guard) -> SharedHttpClient {
    let client = |names: Names| {
        let builder = aws_smithy_http_client::Builder::new();
        builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_with_resolver(names)
    };
    let (public, trusted) = (client(guard.public_names()), client(guard.all_names()));
    SharedHttpClient::new(Guarded { public, trusted, guard: guard.clone() })
}

#[derive(Debug)]
struct Guarded<T> {
    public: T,
    trusted: T,
    guard: Guard,
}

impl HttpClient for Guarded<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Guarded {
            public: self.public.http_connector(settings, components),
            trusted: self.trusted.http_connector(settings, components),
            guard: self.guard.clone(),
        })
    }
}

impl HttpConnector for Guarded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match Url::parse(request.uri()) {
            Ok(url) if self.guard.is_allowed(&url) => self.trusted.call(request),
            Ok(url) if self.guard.check(&url).is_ok() => self.public.call(request),
            _ => HttpConnectorFuture::ready(Err(ConnectorError::user(NotPublic.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UrlConfig;

    #[test]
    fn what_is_told_of_a_refused_endpoint_holds_no_secret() {
        for (given, told) in [
            ("https://films.example/x?sv=1&sig=SECRET", "https://films.example/x"),
            ("https://user:SECRET@films.example", "films.example"),
            ("https://films.example/#SECRET", "https://films.example/"),
            ("user:SECRET@films.example?x@y", "films.example"),
        ] {
            let guard = Guard::new(&UrlConfig::default());
            let error = Endpoint::parse(given, EndpointPath::OnePart, &guard).expect_err(given);
            assert_eq!(error.address, told);
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
