//! Headers that the client's typed answers leave out.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

use crate::time::Timestamp;

/// Hears headers that the client's typed answers leave out.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(pub(super) Arc<Mutex<HeardHeaders>>);

#[derive(Debug, Clone, Default)]
pub(super) struct HeardHeaders {
    pub(super) region: Option<String>,
    pub(super) date: Option<String>,
    pub(super) server: Option<String>,
}

impl Intercept for Heard {
    fn name(&self) -> &'static str {
        "heard"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let header = |name: &str| context.response().headers().get(name).map(str::to_owned);
        let heard = HeardHeaders {
            region: header("x-amz-bucket-region"),
            date: header("date"),
            server: header("server").or_else(|| named_by_request(&header("x-amz-request-id")?)),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = heard;
        Ok(())
    }
}

/// Ceph does not say its name, but numbers its requests in a way of its own: `tx00000a10dd0ac9fc949c0-006b0714de-1009-default`.
fn named_by_request(id: &str) -> Option<String> {
    let (number, rest) = id.strip_prefix("tx")?.split_once('-')?;
    let is_ceph =
        number.len() >= 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit()) && rest.contains('-');
    is_ceph.then(|| "Ceph Object Gateway".to_owned())
}

/// A moment as HTTP writes it.
pub(in crate::source) fn parse_date(text: &str) -> Option<Timestamp> {
    let format = aws_smithy_types::date_time::Format::HttpDate;
    let date = aws_smithy_types::DateTime::from_str(text, format).ok()?;
    date.to_millis().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceph_is_known_by_the_numbers_of_its_requests() {
        assert!(named_by_request("tx00000a10dd0ac9fc949c0-006b0714de-1009-default").is_some());
        for other in [
            "2be233f8-deb0-44a3-868f-a31e178f15f5",
            "4442587FB7D0A2F9",
            "tx1-2",
            "txxxxxxxxxxxxxxxxx-1-2",
            "",
        ] {
            assert_eq!(named_by_request(other), None, "{other}");
        }
    }
}
