//! Who asks Azure: a signature over each request, a shared access signature, or tokens that are renewed before they end.
//! How requests are signed and tokens had is `object_store`'s knowledge; nothing else of it is used.

use std::fmt;
use std::sync::Arc;

use object_store::StaticCredentialProvider;
use object_store::azure::{
    AzureAccessKey, AzureAuthorizer, AzureCredential, AzureCredentialProvider, MicrosoftAzureBuilder,
};
use object_store::client::{HttpRequest, HttpRequestBody};
use reqwest::Request;
use reqwest::header::HeaderValue;
use url::Url;

use crate::integration::{AzureAccess, AzureCredentials};
use crate::source::SourceErrorKind;
use crate::source::tokens;
use crate::source::web::Refusal;
use crate::vault::Secret;

/// What is asked of the service; the one that is signed for.
const VERSION: &str = "2023-11-03";
const VERSION_HEADER: &str = "x-ms-version";

/// Signs requests; nobody's are left as they are.
pub(super) struct Credentials {
    account: String,
    provider: Option<AzureCredentialProvider>,
    /// What must not be told, whoever repeats it.
    unsaid: Vec<String>,
}

impl Credentials {
    pub(super) fn new(access: &AzureAccess, secret: Option<&Secret>) -> Result<Self, Refusal> {
        let (provider, unsaid) = match &access.credentials {
            AzureCredentials::Anonymous => (None, Vec::new()),
            AzureCredentials::SharedKey => {
                let key = AzureAccessKey::try_new(required(secret)?.trim());
                let key = key.map_err(|_| refused("the account's key is no Base64, as all such keys are"))?;
                (Some(fixed(AzureCredential::AccessKey(key))), Vec::new())
            }
            AzureCredentials::Sas => {
                let pairs = signature(required(secret)?)?;
                let signed = pairs.iter().filter(|(name, _)| name == "sig").map(|(_, value)| value.clone());
                let unsaid = signed.collect();
                (Some(fixed(AzureCredential::SASToken(pairs))), unsaid)
            }
            AzureCredentials::ClientSecret { tenant_id, client_id } => {
                // It becomes a part of the address that tokens are asked of.
                if tenant_id.is_empty()
                    || !tenant_id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
                {
                    return Err(refused("the directory (tenant) is an id or a domain"));
                }
                let builder = MicrosoftAzureBuilder::new().with_client_secret_authorization(
                    client_id,
                    required(secret)?,
                    tenant_id,
                );
                let otherwise = "the application's id, secret and directory cannot be used";
                (Some(asked(builder, &access.account, otherwise)?), vec![required(secret)?.to_owned()])
            }
            AzureCredentials::Instance => {
                let otherwise = "what this server's environment says of its identity at Azure cannot be used";
                (Some(asked(MicrosoftAzureBuilder::from_env(), &access.account, otherwise)?), Vec::new())
            }
        };
        Ok(Self { account: access.account.clone(), provider, unsaid })
    }

    /// The request, signed as whose it is.
    pub(super) async fn sign(&self, mut request: Request) -> Result<Request, Refusal> {
        let Some(provider) = &self.provider else {
            request.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
            return Ok(request);
        };
        let credential = provider.get_credential().await.map_err(|error| {
            let why = tokens::refused(&error);
            Refusal { detail: self.without_secrets(why.detail), ..why }
        })?;
        let unsigned = || Refusal::new(SourceErrorKind::Unsupported, "the request cannot be signed");
        let mut form = HttpRequest::new(HttpRequestBody::empty());
        *form.method_mut() = request.method().clone();
        *form.uri_mut() = request.url().as_str().parse().map_err(|_| unsigned())?;
        *form.headers_mut() = request.headers().clone();
        form.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
        let authorizer = AzureAuthorizer::new(&credential, &self.account);
        authorizer.try_authorize(&mut form).map_err(|_| unsigned())?;
        *request.url_mut() = Url::parse(&form.uri().to_string()).map_err(|_| unsigned())?;
        *request.headers_mut() = form.headers().clone();
        if let Some(value) = request.headers_mut().get_mut(reqwest::header::AUTHORIZATION) {
            value.set_sensitive(true);
        }
        Ok(request)
    }

    /// Words without the secrets that may be in them.
    pub(super) fn without_secrets(&self, words: String) -> String {
        self.unsaid.iter().filter(|secret| !secret.is_empty()).fold(words, |words, secret| {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            words.replace(secret.as_str(), "…").replace(&encoded, "…")
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.provider.is_some() { "Credentials(…)" } else { "Credentials(nobody)" })
    }
}

fn refused(detail: &str) -> Refusal {
    Refusal::new(SourceErrorKind::Credentials, detail)
}

fn required(secret: Option<&Secret>) -> Result<&str, Refusal> {
    secret.map(Secret::reveal).ok_or_else(|| refused("the integration has no secret any more"))
}

fn fixed(credential: AzureCredential) -> AzureCredentialProvider {
    Arc::new(StaticCredentialProvider::new(credential))
}

/// Tokens of whom the builder describes.
fn asked(
    builder: MicrosoftAzureBuilder,
    account: &str,
    otherwise: &str,
) -> Result<AzureCredentialProvider, Refusal> {
    // The container matters for requests alone, which are made elsewhere.
    let builder = builder.with_account(account).with_container_name("none").with_retry(tokens::retry());
    builder.build().map(|store| store.credentials().clone()).map_err(|_| refused(otherwise))
}

/// The parts of a shared access signature: `?sv=…&sig=…`, as the portal shows it, with or without its question mark.
fn signature(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let query = text.trim().trim_start_matches('?');
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let has = |name: &str| pairs.iter().any(|(found, value)| found == name && !value.is_empty());
    if !has("sig") || !has("sv") || query.contains("://") {
        return Err(refused("a shared access signature is a text such as `sv=…&sp=rl&sig=…`, without a URL"));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(credentials: AzureCredentials) -> AzureAccess {
        AzureAccess { account: "films".to_owned(), credentials, endpoint: None }
    }

    #[test]
    fn signatures_are_read_as_the_portal_shows_them() {
        for text in ["?sv=2023-11-03&sp=rl&sig=a%2Bb%3D", " sv=2023-11-03&sp=rl&sig=a%2Bb%3D\n"] {
            let pairs = signature(text).unwrap();
            assert_eq!(pairs[2], ("sig".to_owned(), "a+b=".to_owned()), "{text}");
        }
        for text in ["", "sig", "sv=1", "sig=x", "sv=1&sig=", "https://a.example/c?sv=1&sig=x"] {
            assert!(signature(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_secret_is_told() {
        let secret = Secret::new("sv=1&sig=a%2Bb%3D");
        let credentials = Credentials::new(&access(AzureCredentials::Sas), Some(&secret)).unwrap();
        assert_eq!(credentials.without_secrets("x a+b= y a%2Bb%3D".to_owned()), "x … y …");
        for (kind, secret) in [
            (AzureCredentials::SharedKey, "SECRET KEY, no Base64!"),
            (AzureCredentials::Sas, "https://SECRET.example/c?sv=1&sig=x"),
            (
                AzureCredentials::ClientSecret { tenant_id: "../x".to_owned(), client_id: "app".to_owned() },
                "SECRET",
            ),
        ] {
            let error = Credentials::new(&access(kind), Some(&Secret::new(secret))).unwrap_err();
            assert_eq!(error.kind, SourceErrorKind::Credentials);
            assert!(!error.detail.contains("SECRET"), "{}", error.detail);
        }
    }

    #[tokio::test]
    async fn requests_of_nobody_are_not_signed_and_those_of_a_key_are() {
        let request = || {
            Request::new(reqwest::Method::GET, Url::parse("https://films.example/c/a%2F..%2Fb?x=1").unwrap())
        };
        let nobody = Credentials::new(&access(AzureCredentials::Anonymous), None).unwrap();
        let sent = nobody.sign(request()).await.unwrap();
        assert_eq!(sent.headers()[VERSION_HEADER], VERSION);
        assert!(!sent.headers().contains_key("authorization"));
        let key = Secret::new("c2VjcmV0");
        let key = Credentials::new(&access(AzureCredentials::SharedKey), Some(&key)).unwrap();
        let sent = key.sign(request()).await.unwrap();
        assert!(sent.headers()["authorization"].to_str().unwrap().starts_with("SharedKey films:"));
        assert!(!format!("{sent:?}").contains("SharedKey films"), "it is not printed");
        assert_eq!(sent.url().as_str(), "https://films.example/c/a%2F..%2Fb?x=1", "the path stays as it is");
    }
}
