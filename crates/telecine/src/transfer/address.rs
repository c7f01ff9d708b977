//! Addresses of objects as manifests write them: `s3://<bucket>/<key>`, and `gs`, `az`, `urls` or `folder` in its place.
//! Keys are kept exactly: nothing is decoded, trimmed or normalised.

use super::{ObjectRef, Scheme};
use crate::ids::IntegrationId;

/// The longest key that S3 knows, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;

/// Where an object lies, before anyone has asked which integration may read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// How it begins.
    pub scheme: Scheme,
    /// The bucket, or the folder's name.
    pub bucket: String,
    /// The key, exactly.
    pub key: String,
}

/// Why a text is not an address: what it is, and what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct MalformedAddress {
    /// Follows the field's name in a sentence.
    pub what: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const WRITE_IT: &str = "Write it as s3://<bucket>/<key>.";

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// Another scheme, no bucket, no key, a key that no object can have.
    pub fn parse(text: &str) -> Result<Self, MalformedAddress> {
        let malformed = |what, remedy| Err(MalformedAddress { what, remedy });
        let Some((word, rest)) = text.split_once("://") else {
            return malformed("is not an address", WRITE_IT);
        };
        let Some(scheme) = Scheme::parse(word) else {
            return malformed(
                "does not begin with `s3://`, `gs://`, `az://`, `urls://` or `folder://`",
                "Copy addresses from the integration's list. A link is named through a list of links, or uploaded as a \
                 single task.",
            );
        };
        let Some((bucket, key)) = rest.split_once('/') else {
            return malformed("has no key", WRITE_IT);
        };
        if bucket.is_empty() {
            return malformed("has no bucket", WRITE_IT);
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if bucket.len() > 255 || !bucket.bytes().all(allowed) {
            return malformed(
                "names a bucket that cannot be",
                "Bucket names have letters, digits, dots and hyphens.",
            );
        }
        if key.is_empty() {
            return malformed("has an empty key", WRITE_IT);
        }
        if key.len() > MAX_KEY_BYTES {
            return malformed(
                "has a key longer than 1024 bytes",
                "No object has such a key; check the file.",
            );
        }
        Ok(Self { scheme, bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// As an object of the integration that may read it.
    pub fn through(self, integration: IntegrationId) -> ObjectRef {
        ObjectRef { scheme: self.scheme, integration, bucket: self.bucket, key: self.key }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}/{}", self.scheme.as_str(), self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> &'static str {
        Address::parse(text).unwrap_err().what
    }

    #[test]
    fn what_names_no_object_is_refused_with_the_reason() {
        for other in ["ftp://b/k", "https://b.s3.amazonaws.com/k", "S3://b/k", "://b/k"] {
            assert!(refusal(other).starts_with("does not begin with `s3://`"), "{other}");
        }
        assert_eq!(refusal("b/k"), "is not an address");
        assert_eq!(refusal(""), "is not an address");
        assert_eq!(refusal("s3://"), "has no key");
        assert_eq!(refusal("s3://bucket"), "has no key");
        assert_eq!(refusal("s3:///k"), "has no bucket");
        assert_eq!(refusal("s3://bucket/"), "has an empty key");
        assert_eq!(refusal("s3://a bucket/k"), "names a bucket that cannot be");
        assert_eq!(refusal(&format!("s3://b/{}", "k".repeat(1025))), "has a key longer than 1024 bytes");
    }

    proptest! {
        #[test]
        fn every_key_comes_back_exactly(key in "\\PC{1,200}", scheme in 0..Scheme::ALL.len()) {
            prop_assume!(key.len() <= MAX_KEY_BYTES);
            let text = format!("{}://my-bucket.1/{key}", Scheme::ALL[scheme].as_str());
            let address = Address::parse(&text).unwrap();
            prop_assert_eq!(&address.key, &key);
            prop_assert_eq!(address.to_string(), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = Address::parse(&text);
        }
    }
}
