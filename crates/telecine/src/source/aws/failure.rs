//! What a failure of the client means, with everything that the store said. Asks nothing.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::source::guard::{NOT_PUBLIC, NotPublic};
use crate::source::words::StoreWords;
use crate::source::{SourceError, SourceErrorKind};

/// What a failure of the client means, with everything that the store said.
pub(in crate::source) fn failure<E>(
    operation: &'static str,
    address: String,
    error: &SdkError<E, HttpResponse>,
) -> SourceError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(cause) = find_cause::<CredentialsError>(error) {
        return credentials_failure(operation, address, cause);
    }
    let Some(response) = error.raw_response() else {
        if find_cause::<NotPublic>(error).is_some() {
            return SourceError {
                kind: SourceErrorKind::Denied,
                operation,
                address,
                detail: NOT_PUBLIC.to_owned(),
            };
        }
        let kind = match error {
            SdkError::ConstructionFailure(_) => SourceErrorKind::Unsupported,
            _ => SourceErrorKind::Unavailable,
        };
        return SourceError { kind, operation, address, detail: chain(error) };
    };
    let header = |name: &str| response.headers().get(name);
    let told = error.as_service_error();
    let code = told.and_then(ProvideErrorMetadata::code).or_else(|| header("x-amz-error-code"));
    let message = told.and_then(ProvideErrorMetadata::message).or_else(|| header("x-amz-error-message"));
    let status = response.status().as_u16();
    let message = match message {
        Some(message) => message.to_owned(),
        None if told.is_none() => chain(error),
        None => String::new(),
    };
    let region = header("x-amz-bucket-region").map(str::to_owned).filter(|_| is_elsewhere(status, code));
    let words = StoreWords {
        status: Some(status),
        code: code.map(str::to_owned),
        region: region.or_else(|| expected_region(&message)),
        message,
        request_id: header("x-amz-request-id").or_else(|| header("x-amzn-requestid")).map(str::to_owned),
    };
    let detail = words.to_string();
    SourceError { kind: kind_of(status, code), operation, address, detail }
}

/// `the region 'us-east-1' is wrong; expecting 'eu-west-1'` → `eu-west-1`.
fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("expecting '")?;
    rest.split_once('\'').map(|(region, _)| region.to_owned())
}

fn is_elsewhere(status: u16, code: Option<&str>) -> bool {
    matches!(status, 301 | 307)
        || matches!(code, Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"))
}

/// What an answer means. Codes go before the status, where there is one: HEAD has none, and some stores invent theirs.
fn kind_of(status: u16, code: Option<&str>) -> SourceErrorKind {
    use SourceErrorKind as Kind;
    match code.unwrap_or_default() {
        "NoSuchKey" | "NoSuchBucket" | "NoSuchVersion" | "NotFound" => return Kind::NotFound,
        "InvalidObjectState" => return Kind::Archived,
        "PreconditionFailed" | "InvalidRange" => return Kind::Changed,
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "BandwidthLimitExceeded" => return Kind::Throttled,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "TokenRefreshRequired"
        | "InvalidToken"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch" => return Kind::Credentials,
        // The client corrects its clock by the answer; and no object is to blame.
        "RequestTimeTooSkewed" | "RequestTimeout" | "InternalError" | "OperationAborted" => {
            return Kind::Unavailable;
        }
        _ => {}
    }
    match status {
        404 => Kind::NotFound,
        401 | 403 => Kind::Denied,
        412 | 416 => Kind::Changed,
        429 => Kind::Throttled,
        // An answer of success that could not be understood is a broken one.
        200..=299 | 408 | 500..=599 => Kind::Unavailable,
        _ => Kind::Unsupported,
    }
}

/// Why there are no credentials: refused, or no answer from those who give them.
pub(super) fn credentials_failure(
    operation: &'static str,
    address: String,
    error: &CredentialsError,
) -> SourceError {
    use aws_sdk_sts::operation::assume_role::AssumeRoleError;
    if let Some(refused) = find_cause::<SdkError<AssumeRoleError, HttpResponse>>(error) {
        let told = failure(operation, address, refused);
        // However STS words it, what comes of it is that there are no credentials.
        let kind = if told.kind.is_transient() { told.kind } else { SourceErrorKind::Credentials };
        return SourceError { kind, ..told };
    }
    let kind = match error {
        CredentialsError::ProviderTimedOut(_) => SourceErrorKind::Unavailable,
        _ => SourceErrorKind::Credentials,
    };
    SourceError { kind, operation, address, detail: chain(error) }
}

/// An error and its causes.
pub(in crate::source) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The first cause of this type.
fn find_cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// An error and its causes in one line.
pub(in crate::source) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = cause.to_string();
        if !text.is_empty() && parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_s3_documents() {
        use SourceErrorKind::*;
        let table = [
            (301, Some("PermanentRedirect"), Unsupported),
            (301, None, Unsupported),
            (400, Some("ExpiredToken"), Credentials),
            (400, Some("AuthorizationHeaderMalformed"), Unsupported),
            (403, Some("AccessDenied"), Denied),
            (403, Some("InvalidAccessKeyId"), Credentials),
            (403, Some("InvalidObjectState"), Archived),
            (403, Some("RequestTimeTooSkewed"), Unavailable),
            (403, None, Denied),
            (404, Some("NoSuchBucket"), NotFound),
            (404, None, NotFound),
            (412, Some("PreconditionFailed"), Changed),
            (416, Some("InvalidRange"), Changed),
            (429, None, Throttled),
            (500, Some("InternalError"), Unavailable),
            (503, Some("SlowDown"), Throttled),
            (503, None, Unavailable),
            (200, None, Unavailable),
        ];
        for (status, code, kind) in table {
            assert_eq!(kind_of(status, code), kind, "{status} {code:?}");
        }
    }
}
