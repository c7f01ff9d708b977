//! Requests while the database is away: they are answered at once instead of waiting for it. Knows what needs no database.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::{Failure, Told};
use crate::app::App;
use crate::fault::{Code, Fault};
use crate::store;

/// Routes that tell how this process is, or what it is.
const WITHOUT: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"];
/// How long a request that was begun may go on while the database is away: a moment's absence is survived, and whoever asks
/// the database in it is told by it.
const GRACE: Duration = Duration::from_secs(2);

/// Runs a request if the database is there, and as long as it is.
pub(super) async fn outage(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !needs_database(&request) {
        return next.run(request).await;
    }
    let presence = app.store.presence();
    if !presence.is_there() {
        return Failure::from(store::unasked()).into_response();
    }
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = tokio::select! {
        biased;
        response = next.run(request) => response,
        () = presence.gone_for(GRACE) => Failure::from(store::gone()).into_response(),
    };
    if is_reading && let Some(Told(fault)) = response.extensions_mut().get_mut::<Told>() {
        read_again(fault);
    }
    response
}

fn needs_database(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>();
    route.is_some_and(|route| !WITHOUT.contains(&route.as_str()))
}

/// Who only reads need not ask what became of it.
fn read_again(fault: &mut Fault) {
    if fault.code == Code::ServiceUnavailable {
        fault.remedy = Some(fault.code.remedy().to_owned());
    }
}
