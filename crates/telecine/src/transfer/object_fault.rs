//! What a user is told when a store does not give an object: one place, so that the dry run says what the pipeline will
//! say. Reads no store itself.

use crate::fault::{Code, Fault};
use crate::index::check_size;
use crate::source::{IGNORES_RANGES, ObjectInfo, SourceError, SourceErrorKind, StoreWords};

/// Refuses an object by what its store says about it, before a byte is moved.
///
/// # Errors
/// [`Code::ObjectArchived`] with the storage class, or [`Code::VideoFilesizeTooLarge`] with the size.
pub fn admit_object(info: &ObjectInfo) -> Result<(), Fault> {
    if info.is_archived {
        return Err(Fault::new(Code::ObjectArchived).value(format!("storage class {}", info.storage_class)));
    }
    check_size(info.size_bytes)
}

/// Why a video could not be read. Whether to try again first is the caller's to decide
/// ([`SourceErrorKind::is_transient`]).
pub fn object_fault(error: &SourceError) -> Fault {
    let code = match error.kind {
        SourceErrorKind::NotFound => Code::ObjectNotExists,
        SourceErrorKind::Unsupported => not_as_asked(error),
        SourceErrorKind::Denied => Code::ObjectAccessDenied,
        SourceErrorKind::Archived => Code::ObjectArchived,
        SourceErrorKind::Changed => Code::ObjectChanged,
        SourceErrorKind::Throttled | SourceErrorKind::Unavailable => Code::SourceUnavailable,
        SourceErrorKind::Credentials => Code::RoleNotAssumable,
    };
    with_words(code, error)
}

/// What a store's answer comes to that is neither the object nor a plain refusal; what never came to a store is no address
/// of an object.
fn not_as_asked(error: &SourceError) -> Code {
    let words = StoreWords::parse(&error.detail);
    match words.status {
        Some(301 | 302 | 307 | 308) => Code::BucketElsewhere,
        Some(_) if words.region.is_some() => Code::BucketElsewhere,
        Some(_) => Code::ObjectAccessDenied,
        None if error.detail.ends_with(IGNORES_RANGES) => Code::EndpointNotS3,
        None => Code::ObjectNotExists,
    }
}

/// Why captions that lie in a bucket could not be read.
pub fn transcription_fault(error: &SourceError) -> Fault {
    let code = match error.kind {
        SourceErrorKind::NotFound => Code::TranscriptionNotExists,
        SourceErrorKind::Throttled | SourceErrorKind::Unavailable => Code::SourceUnavailable,
        SourceErrorKind::Credentials => Code::RoleNotAssumable,
        SourceErrorKind::Denied
        | SourceErrorKind::Archived
        | SourceErrorKind::Changed
        | SourceErrorKind::Unsupported => Code::TranscriptionNotAccessible,
    };
    with_words(code, error)
}

fn with_words(code: Code, error: &SourceError) -> Fault {
    Fault::new(code).value(format!("{}: {}", error.address, error.detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: SourceErrorKind) -> SourceError {
        SourceError { kind, operation: "HEAD", address: "s3://b/k".into(), detail: "404 Not Found".into() }
    }

    #[test]
    fn a_fault_names_the_address_and_the_words_of_the_store() {
        let fault = object_fault(&error(SourceErrorKind::NotFound));
        assert_eq!(
            (fault.code, fault.value.as_deref()),
            (Code::ObjectNotExists, Some("s3://b/k: 404 Not Found"))
        );
        let fault = transcription_fault(&error(SourceErrorKind::NotFound));
        assert_eq!(fault.code, Code::TranscriptionNotExists);
    }

    #[test]
    fn what_may_pass_by_itself_is_told_as_the_store_being_away() {
        for kind in [SourceErrorKind::Throttled, SourceErrorKind::Unavailable] {
            assert!(kind.is_transient());
            assert_eq!(object_fault(&error(kind)).code, Code::SourceUnavailable);
            assert_eq!(transcription_fault(&error(kind)).code, Code::SourceUnavailable);
        }
    }

    #[test]
    fn an_answer_that_is_no_object_is_told_by_what_it_is() {
        for (detail, code) in [
            ("301 PermanentRedirect: Elsewhere. (the bucket lies in eu-west-1)", Code::BucketElsewhere),
            ("307 TemporaryRedirect", Code::BucketElsewhere),
            (
                "400 AuthorizationHeaderMalformed: Wrong. (the bucket lies in eu-west-1)",
                Code::BucketElsewhere,
            ),
            (
                "400 InvalidRequest: The object was encrypted with a key of the client.",
                Code::ObjectAccessDenied,
            ),
            ("asked for bytes 5..9, the store gives 0..20: it ignores ranges", Code::EndpointNotS3),
            ("the key is no path", Code::ObjectNotExists),
        ] {
            let error = SourceError { detail: detail.into(), ..error(SourceErrorKind::Unsupported) };
            assert_eq!(object_fault(&error).code, code, "{detail}");
        }
    }

    #[test]
    fn archived_and_oversized_objects_are_refused_by_their_heads() {
        let info = |size_bytes, is_archived| ObjectInfo {
            key: "k".into(),
            size_bytes,
            etag: "e".into(),
            modified_at: None,
            storage_class: "GLACIER".into(),
            is_archived,
        };
        assert_eq!(admit_object(&info(2 << 30, false)), Ok(()));
        assert_eq!(admit_object(&info((2 << 30) + 1, false)).unwrap_err().code, Code::VideoFilesizeTooLarge);
        let archived = admit_object(&info(1, true)).unwrap_err();
        assert_eq!(archived.value.as_deref(), Some("storage class GLACIER"));
    }
}
