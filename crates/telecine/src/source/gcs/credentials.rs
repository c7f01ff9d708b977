//! Who asks Google: tokens of a service account or of this server's own identity, renewed before they end. How tokens are
//! had is `object_store`'s knowledge; nothing else of it is used.

use std::fmt;

use object_store::gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder};
use reqwest::header::HeaderValue;

use crate::integration::GcsCredentials;
use crate::source::SourceErrorKind;
use crate::source::tokens;
use crate::source::web::Refusal;
use crate::vault::Secret;

/// Gives tokens; none for nobody.
pub(super) struct Credentials(Option<GcpCredentialProvider>);

impl Credentials {
    pub(super) fn new(kind: &GcsCredentials, secret: Option<&Secret>) -> Result<Self, Refusal> {
        let refused = |detail: &str| Refusal::new(SourceErrorKind::Credentials, detail);
        // What the library says of a key that is none may quote it.
        let (builder, otherwise) = match (kind, secret) {
            (GcsCredentials::Anonymous, _) => return Ok(Self(None)),
            (GcsCredentials::ServiceAccount { .. }, Some(key_file)) => (
                GoogleCloudStorageBuilder::new().with_service_account_key(key_file.reveal()),
                "the key is not the JSON file of a service account, with `private_key` and `client_email`",
            ),
            (GcsCredentials::ServiceAccount { .. }, None) => {
                return Err(refused("the integration has no key of its service account any more"));
            }
            (GcsCredentials::Instance, _) => (
                GoogleCloudStorageBuilder::from_env(),
                "what this server's environment says of its identity at Google cannot be used",
            ),
        };
        // The bucket matters for requests alone, which are made elsewhere.
        let builder = builder.with_bucket_name("none").with_retry(tokens::retry());
        let store = builder.build().map_err(|_| refused(otherwise))?;
        Ok(Self(Some(store.credentials().clone())))
    }

    /// The value of the header that says who asks.
    pub(super) async fn bearer(&self) -> Result<Option<HeaderValue>, Refusal> {
        let Some(provider) = &self.0 else { return Ok(None) };
        let token = provider.get_credential().await.map_err(|error| tokens::refused(&error))?;
        tokens::bearer(&token.bearer).map(Some)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Credentials(…)" } else { "Credentials(nobody)" })
    }
}
