//! The version that a request speaks. It is a value that shapes names in and out, never a second code path.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;

/// A version of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiVersion {
    /// Engine and options flat on the index.
    V1_1,
    /// `engines`, `metadata`.
    V1_2,
    /// `models`, `system_metadata`. What is asked at the root is answered so, too.
    V1_3,
}

impl ApiVersion {
    const PREFIXES: [(&str, Self); 3] = [("/v1.1", Self::V1_1), ("/v1.2", Self::V1_2), ("/v1.3", Self::V1_3)];

    /// The version without its `v`, as the header `x-api-version` tells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }

    /// Splits a path into the version and the rest, which begins with a slash and does not end with one.
    pub fn split(path: &str) -> (Self, &str) {
        let prefixed = Self::PREFIXES.into_iter().find_map(|(prefix, version)| {
            let rest = path.strip_prefix(prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((version, rest))
        });
        let (version, rest) = prefixed.unwrap_or((Self::V1_3, path));
        let rest = rest.trim_end_matches('/');
        (version, if rest.is_empty() { "/" } else { rest })
    }
}

/// Takes the version off the path and notes it, so that one flat list of routes serves all of them.
pub(super) fn note_version(mut request: Request) -> Request {
    let (version, rest) = ApiVersion::split(request.uri().path());
    let path_and_query = match request.uri().query() {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path_and_query).ok().or(parts.path_and_query);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(version);
    request
}

impl<S: Sync> FromRequestParts<S> for ApiVersion {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self::V1_3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_version_with_or_without_a_slash_at_the_end() {
        let table = [
            ("/v1.2/indexes", ApiVersion::V1_2, "/indexes"),
            ("/v1.1/tasks/transfers/", ApiVersion::V1_1, "/tasks/transfers"),
            ("/v1.3", ApiVersion::V1_3, "/"),
            ("/indexes/", ApiVersion::V1_3, "/indexes"),
            ("/v1.20/indexes", ApiVersion::V1_3, "/v1.20/indexes"),
            ("/v1/indexes", ApiVersion::V1_3, "/v1/indexes"),
            ("/", ApiVersion::V1_3, "/"),
        ];
        for (path, version, rest) in table {
            assert_eq!(ApiVersion::split(path), (version, rest), "{path}");
        }
    }
}
