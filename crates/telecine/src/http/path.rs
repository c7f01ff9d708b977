//! Ids in paths.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use super::error::Failure;
use super::params::parse_id;
use crate::fault::Fault;
use crate::ids::MalformedId;

/// The variable parts of a path.
#[derive(Debug)]
pub(super) struct PathIds(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for PathIds {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let params = RawPathParams::from_request_parts(parts, state);
        let params = params
            .await
            .map_err(|error| Fault::parameter("The path cannot be read.").value(error.to_string()))?;
        Ok(Self(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}

impl PathIds {
    /// The text of this name in the route.
    ///
    /// # Panics
    /// When the route has no such name.
    pub(super) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str()).expect("the route names it")
    }

    /// The id of this name in the route.
    pub(super) fn id<T: FromStr<Err = MalformedId>>(&self, name: &str) -> Result<T, Fault> {
        parse_id(name, self.text(name))
    }
}
