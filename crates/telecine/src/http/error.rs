//! How a failure becomes an answer: the only file that knows which fault has which status.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::fault::{Code, Error, Fault};

/// What a handler returns when it cannot do what was asked. Logged here if it is ours; rendered by the layer around all
/// routes, which knows the request's id.
#[derive(Debug)]
pub struct Failure(Error);

/// The fault that an answer tells; the layer around all routes makes the body of it.
#[derive(Debug, Clone)]
pub(super) struct Told(pub(super) Fault);

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let fault = match self.0 {
            Error::Fault(fault) => *fault,
            Error::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "request failed");
                Fault::new(Code::InternalServerError)
            }
        };
        let mut response = status(fault.code).into_response();
        if matches!(fault.code, Code::TooManyRequests | Code::ServiceUnavailable) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(Told(fault));
        response
    }
}

/// The status of a code. What a client can mend is 400, except where the contract or HTTP itself has a status of its
/// own that SDKs understand.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::ApiKeyInvalid => StatusCode::UNAUTHORIZED,
        Code::Unauthorized | Code::OriginNotAllowed => StatusCode::FORBIDDEN,
        Code::ResourceNotExists | Code::EndpointNotExists => StatusCode::NOT_FOUND,
        Code::IntegrationAlreadyExists | Code::IdempotencyKeyInProgress => StatusCode::CONFLICT,
        Code::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        Code::AssetInUse
        | Code::ConnectionNotActive
        | Code::AnalysisNotFinished
        | Code::AnalysisFinished
        | Code::TransferFinished
        | Code::TaskNotFailed => StatusCode::CONFLICT,
        Code::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RequestTimedOut => StatusCode::REQUEST_TIMEOUT,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
        Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The body that tells a fault.
pub(super) fn envelope(fault: &Fault, request_id: &str) -> Value {
    let mut body = json!(fault);
    // The contract tells this one by a number, too.
    if fault.code == Code::SearchPageTokenExpired {
        body["error_code"] = 104.into();
    }
    body["request_id"] = request_id.into();
    body
}

/// Whether answers of this route tell faults inside of an object `error`: the newest endpoints of the contract do.
pub(super) fn is_wrapped(route: &str) -> bool {
    const WRAPPED: [&str; 3] = ["/embed-v2", "/analyze/tasks", "/analyze/batches"];
    WRAPPED
        .iter()
        .any(|prefix| route.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The answer to a path or method that is not there.
pub(super) fn no_such_endpoint(method: &str, path: &str) -> Failure {
    let fault = Fault::new(Code::EndpointNotExists).value(format!("{method} {path}"));
    let known = ELSEWHERE.iter().find(|(begins, ..)| {
        path == *begins || path.strip_prefix(begins).is_some_and(|rest| rest.starts_with(['/', ':']))
    });
    match known {
        Some((_, message, remedy)) => {
            Fault { message: (*message).to_owned(), ..fault }.remedy(*remedy).into()
        }
        None => fault.into(),
    }
}

/// What the contract has and this server does not: what it is, and what to use instead.
const ELSEWHERE: [(&str, &str, &str); 4] = [
    (
        "/classify",
        "There is no classification here.",
        "Search the index by the name of each class (POST /search): clips come with a score and a confidence.",
    ),
    (
        "/entity-collections",
        "There are no collections of entities here.",
        "Search by an image of what is wanted (POST /search with query_media_type=image).",
    ),
    (
        "/knowledge-stores",
        "There are no knowledge stores here.",
        "Put the videos into an index (POST /indexes) and search it (POST /search).",
    ),
    (
        "/responses",
        "There are no responses over knowledge stores here.",
        "Search an index (POST /search), or ask about one video (POST /analyze) where the server has a writer.",
    ),
];

/// The fault of an answer that axum itself gave to a request that it could not understand.
pub(super) fn not_understood(status: StatusCode) -> Fault {
    let reason = status.canonical_reason().unwrap_or("not understood");
    Fault::because(Code::ParameterInvalid, format!("The request could not be understood: {reason}."))
}

/// The answer of a readiness probe.
pub(super) fn readiness(is_ready: bool, body: Value) -> Response {
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_a_user_can_mend_is_never_told_as_ours() {
        for code in Code::ALL.iter().copied() {
            let is_ours = matches!(code, Code::InternalServerError | Code::ServiceUnavailable);
            assert_eq!(status(code).is_server_error(), is_ours, "{code}");
        }
    }

    #[test]
    fn the_envelope_tells_code_value_rule_and_remedy() {
        let fault = Fault::new(Code::IndexNameAlreadyExists).value("harbour");
        assert_eq!(
            envelope(&fault, "r1"),
            json!({
                "code": "index_name_already_exists",
                "message": "There is an index of this name already.",
                "value": "harbour",
                "rule": "names of indexes are unique within a workspace",
                "remedy": "Choose another name, or use the index that is there.",
                "request_id": "r1",
            })
        );
    }
}
