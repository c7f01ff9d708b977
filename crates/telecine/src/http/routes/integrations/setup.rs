//! What the owner of a bucket has to do, one way at a time, ready to be saved or piped.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{named, trust};
use crate::app::App;
use crate::http::error::Failure;
use crate::http::params::pick;
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::integration::{RoleSetup, SetupFormat, grant_text, setup_text};
use crate::keys::Caller;

/// What the owner has to do. For what is not reached by a role, the grant that it needs, whatever the format.
#[utoipa::path(get, path = "/integrations/{integration_id}/setup", tag = "integrations",
    params(("format" = Option<String>, Query, description = "`console`, `cli`, `cloudformation` or `terraform`")),
    responses((status = 200, content((String = "text/plain"), (String = "text/x-shellscript"), (Object = "application/json"), (String = "text/yaml")))))]
pub(in crate::http) async fn setup(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Response, Failure> {
    let format = match query.get("format") {
        Some(name) => pick("format", name, &SetupFormat::ALL)?,
        None => SetupFormat::Console,
    };
    let integration = named(&app, caller, &path).await?;
    let (text, kind) = match integration.provider.role() {
        None => (grant_text(&integration), "text/plain; charset=utf-8"),
        Some(_) => {
            let trust = trust(&app, &integration).await??;
            let setup = RoleSetup::of(&integration, &trust);
            setup.map(|setup| setup_text(&setup, format)).unwrap_or_default()
        }
    };
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
