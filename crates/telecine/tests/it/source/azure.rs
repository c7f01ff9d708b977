//! Azure Blob Storage: the suite against Azurite, and what it does not do, against prepared answers.

use std::sync::Arc;

use async_trait::async_trait;
use hmac::{Hmac, Mac};
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use telecine::integration::{AzureAccess, AzureCredentials};
use telecine::source::{AzureSource, Retry, RetryPolicy, Source, SourceError, SourceErrorKind, Web};
use telecine::vault::Secret;

use super::conformance::{self, BACKSLASH, Bed, CONTROL};
use super::http::guard;
use crate::support::servers::Servers;
use crate::support::stub::{Reply, Stub};

fn source(endpoint: &str, account: &str, how: AzureCredentials, secret: Option<&str>) -> AzureSource {
    let access =
        AzureAccess { account: account.to_owned(), credentials: how, endpoint: Some(endpoint.to_owned()) };
    let host = endpoint.split('/').nth(2).expect("a host");
    let web = Web::new(guard(&[host])).expect("TLS is there");
    AzureSource::new("films", &access, secret.map(Secret::new).as_ref(), web).expect("a source")
}

/// A container, and whoever may write to it.
pub(crate) struct Container {
    pub(crate) endpoint: String,
    pub(crate) account: String,
    pub(crate) key: String,
    web: reqwest::Client,
}

impl Container {
    pub(crate) async fn create(servers: &Servers) -> Self {
        let fact = |name: &str| servers.fact("azurite", name);
        let (endpoint, account, key) = (fact("endpoint"), fact("account"), fact("key"));
        let container = Self { endpoint, account, key, web: reqwest::Client::new() };
        container.send("PUT", "?restype=container", &[], Vec::new()).await;
        container
    }

    async fn send(&self, method: &str, what: &str, headers: &[(&'static str, &str)], body: Vec<u8>) {
        let mut form = HttpRequest::new(HttpRequestBody::empty());
        *form.method_mut() = method.parse().expect("a method");
        *form.uri_mut() = format!("{}/films{what}", self.endpoint).parse().expect("an address");
        let length = body.len().to_string();
        for (name, value) in headers.iter().chain(&[("content-length", length.as_str())]) {
            form.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        let key = AzureCredential::AccessKey(AzureAccessKey::try_new(&self.key).expect("a key"));
        AzureAuthorizer::new(&key, &self.account).try_authorize(&mut form).expect("it is signed");
        let request = self.web.request(form.method().clone(), form.uri().to_string());
        let answer = request.headers(form.headers().clone()).body(body).send().await.expect("an answer");
        let status = answer.status();
        assert!(status.is_success(), "{method} {what}: {status} {}", answer.text().await.unwrap_or_default());
    }

    /// A shared access signature over all containers of the account.
    pub(crate) fn signature(&self, rights: &str, until: &str) -> String {
        let (kinds, version) = ("co", "2021-08-06");
        let said = [&self.account, rights, "b", kinds, "", until, "", "", version, "", ""];
        let key = aws_smithy_types::base64::decode(&self.key).expect("Base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length will do");
        mac.update(said.join("\n").as_bytes());
        let signed = aws_smithy_types::base64::encode(mac.finalize().into_bytes());
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        format!("?sv={version}&ss=b&srt={kinds}&sp={rights}&se={}&sig={}", encoded(until), encoded(&signed))
    }

    fn source_by(&self, how: AzureCredentials, secret: Option<&str>) -> AzureSource {
        source(&self.endpoint, &self.account, how, secret)
    }
}

fn path(key: &str) -> String {
    format!("/{}", utf8_percent_encode(key, NON_ALPHANUMERIC))
}

#[async_trait]
impl Bed for Container {
    async fn put(&self, key: &str, bytes: Vec<u8>) {
        self.send("PUT", &path(key), &[("x-ms-blob-type", "BlockBlob")], bytes).await;
    }

    async fn delete(&self, key: &str) {
        self.send("DELETE", &path(key), &[], Vec::new()).await;
    }

    async fn source(&self, key: &str) -> Result<(Arc<dyn Source>, String), SourceError> {
        let source = self.source_by(AzureCredentials::SharedKey, Some(&self.key));
        Ok((Arc::new(Retry::new(source, RetryPolicy::default())), key.to_owned()))
    }

    async fn stranger(&self) -> Option<Arc<dyn Source>> {
        let wrong = aws_smithy_types::base64::encode("another key");
        Some(Arc::new(self.source_by(AzureCredentials::SharedKey, Some(&wrong))))
    }

    fn unkept_keys(&self) -> &'static [&'static str] {
        // It takes a backslash for a slash, and a name with a control character only to fail at every page with it.
        &[BACKSLASH, CONTROL]
    }
}

#[tokio::test]
async fn azurite_conforms_and_knows_archives_and_signatures() {
    let servers = Servers::start(&["azurite"]);
    let container = Container::create(&servers).await;
    conformance::conforms(&container).await;

    container.put("archived.mp4", b"cold".to_vec()).await;
    let cold = format!("{}?comp=tier", path("archived.mp4"));
    container.send("PUT", &cold, &[("x-ms-access-tier", "Archive")], Vec::new()).await;
    let mine = container.source_by(AzureCredentials::SharedKey, Some(&container.key));
    let listed = mine.list("archived", None, 10).await.expect("a page");
    assert_eq!((listed.objects[0].is_archived, listed.objects[0].storage_class.as_str()), (true, "Archive"));
    assert!(mine.head("archived.mp4").await.expect("it is there").is_archived);
    let error = mine.read("archived.mp4", None, 0..1).await.map(drop).expect_err("it is cold");
    assert_eq!(error.kind, SourceErrorKind::Archived, "{error}");
    assert!(error.detail.contains("BlobArchived"), "the store's own words: {error}");

    let signature = container.signature("rl", "2099-01-01T00:00:00Z");
    let by_signature = container.source_by(AzureCredentials::Sas, Some(&signature));
    let info = by_signature.head("there.mp4").await.expect("it may be read");
    assert_eq!(conformance::read(&by_signature, "there.mp4", &info).await.expect("bytes"), b"there");
    assert_eq!(conformance::list_all(&by_signature, "pages/", 7).await.len(), 24);

    use SourceErrorKind::{Credentials, Denied};
    for (signature, kinds) in [
        (container.signature("w", "2099-01-01T00:00:00Z"), [Denied, Denied]),
        (container.signature("rl", "2001-01-01T00:00:00Z"), [Credentials, Denied]),
        (container.signature("rl", "2099-01-01T00:00:00Z").replace("sp=rl", "sp=rlw"), [Credentials, Denied]),
    ] {
        let refused = container.source_by(AzureCredentials::Sas, Some(&signature));
        let secret = signature.rsplit("sig=").next().expect("a signature");
        for error in [
            refused.list("", None, 1).await.map(drop).expect_err(&signature),
            refused.read("there.mp4", None, 0..1).await.map(drop).expect_err(&signature),
            refused.head("there.mp4").await.map(drop).expect_err(&signature),
        ] {
            assert!(kinds.contains(&error.kind), "{signature}: {:?}: {error}", error.kind);
            assert!(!error.to_string().contains(secret), "{error}");
        }
    }
    for nobody in [container.source_by(AzureCredentials::Anonymous, None)] {
        let error = nobody.head("there.mp4").await.expect_err("the container is not public");
        assert!(matches!(error.kind, Denied | SourceErrorKind::NotFound), "{error}");
    }
}

#[tokio::test]
async fn a_signature_is_never_told() {
    let secret = "?sv=2021-08-06&sp=rl&sig=TOP%2BSECRET%3D";
    let stub = Stub::start(|_, asked| {
        // As careless stores do: all of the request again.
        let line = asked.head.lines().next().unwrap_or_default().to_owned();
        let body =
            format!("<Error><Code>AuthenticationFailed</Code><Message>{line} TOP+SECRET=</Message></Error>");
        Reply::new("403 Forbidden", &[("x-ms-request-id", "7")], body)
    })
    .await;
    let by_signature = source(&stub.url(), "films", AzureCredentials::Sas, Some(secret));
    let mut told = vec![format!("{by_signature:?}"), by_signature.address("film.mp4")];
    for error in [
        by_signature.list("", None, 1).await.map(drop).expect_err("it is refused"),
        by_signature.head("film.mp4").await.map(drop).expect_err("it is refused"),
        by_signature.read("film.mp4", None, 0..1).await.map(drop).expect_err("it is refused"),
    ] {
        assert!(matches!(error.kind, SourceErrorKind::Credentials | SourceErrorKind::Denied), "{error}");
        told.extend([error.to_string(), format!("{error:?}")]);
    }
    let asked = stub.asked();
    assert!(asked[0].head.contains("sig=TOP%2BSECRET%3D"), "it was used: {}", asked[0].head);
    drop(stub);
    // A server that is gone: the client's own words have the URL in them.
    let gone = by_signature.list("", None, 1).await.expect_err("nobody is there");
    assert_eq!(gone.kind, SourceErrorKind::Unavailable, "{gone}");
    told.extend([gone.to_string(), format!("{gone:?}")]);
    for words in told {
        assert!(!words.contains("SECRET"), "{words}");
    }
}

#[tokio::test]
async fn refusals_keep_the_stores_own_words() {
    use SourceErrorKind::*;
    let error = |code: &str| {
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>About {code}.\nRequestId:7</Message></Error>"
        )
    };
    for (status, body, kind, words) in [
        (
            "403 Forbidden",
            error("AuthorizationPermissionMismatch"),
            Denied,
            "403 AuthorizationPermissionMismatch: About AuthorizationPermissionMismatch. (request id 7)",
        ),
        ("403 Forbidden", error("AuthenticationFailed"), Credentials, "403 AuthenticationFailed: About"),
        ("404 Not Found", error("ContainerNotFound"), NotFound, "404 ContainerNotFound: About"),
        ("503 Service Unavailable", error("ServerBusy"), Throttled, "503 ServerBusy: About"),
        ("500 Internal Server Error", String::new(), Unavailable, "500"),
        ("307 Elsewhere", String::new(), Unsupported, "307"),
        ("200 OK", "<EnumerationResults><Blobs>".to_owned(), Unavailable, "a broken answer"),
        ("200 OK", "{}".to_owned(), Unavailable, "a broken answer"),
    ] {
        let stub = Stub::start(move |_, _| Reply::new(status, &[("x-ms-request-id", "7")], &body)).await;
        let by_nobody = source(&stub.url(), "films", AzureCredentials::Anonymous, None);
        let error = by_nobody.list("", None, 1).await.expect_err(status);
        assert_eq!(error.kind, kind, "{status}: {error}");
        assert!(error.detail.starts_with(words), "{error}");
        assert_eq!(stub.asked().len(), 1, "one request for one call");
    }
}

#[test]
fn what_cannot_be_a_container_of_azure_is_refused_before_anything_is_asked() {
    use SourceErrorKind::{Credentials, Denied, Unsupported};
    let open = |account: &str, endpoint: Option<&str>, credentials, secret: Option<&str>| {
        let access =
            AzureAccess { account: account.to_owned(), credentials, endpoint: endpoint.map(str::to_owned) };
        let web = Web::new(guard(&["127.0.0.1:10000"])).expect("TLS is there");
        let secret = secret.map(Secret::new);
        AzureSource::new("films", &access, secret.as_ref(), web).map(drop).map_err(|error| error.kind).err()
    };
    let nobody = AzureCredentials::Anonymous;
    assert_eq!(open("films", None, nobody.clone(), None), None);
    assert_eq!(open("films", Some("http://127.0.0.1:10000/films"), nobody.clone(), None), None);
    for account in ["", "ab", "Films", "films.example.com/x?", "127.0.0.1/", "a-b-c", &"a".repeat(25)] {
        assert_eq!(open(account, None, nobody.clone(), None), Some(Unsupported), "{account}");
    }
    for (endpoint, kind) in [
        ("http://127.0.0.1:10001/films", Unsupported),
        ("https://127.0.0.1:10001/films", Denied),
        ("https://films.example/films/container", Unsupported),
        ("https://films.example/?sv=1&sig=x", Unsupported),
    ] {
        assert_eq!(open("films", Some(endpoint), nobody.clone(), None), Some(kind), "{endpoint}");
    }
    // A server's own token must not be had by naming an endpoint.
    let own = open("films", Some("https://films.example"), AzureCredentials::Instance, None);
    assert_eq!(own, Some(Denied));
    assert_eq!(open("films", None, AzureCredentials::SharedKey, None), Some(Credentials));
    assert_eq!(open("films", None, AzureCredentials::SharedKey, Some("no Base64!")), Some(Credentials));
    assert_eq!(open("films", None, AzureCredentials::Sas, Some("no signature")), Some(Credentials));
    let app = |tenant: &str| AzureCredentials::ClientSecret {
        tenant_id: tenant.to_owned(),
        client_id: "app".to_owned(),
    };
    assert_eq!(open("films", None, app("contoso.onmicrosoft.com"), Some("secret")), None);
    for tenant in ["", "../common", "a/b", "a?b", "a@b"] {
        assert_eq!(open("films", None, app(tenant), Some("secret")), Some(Credentials), "{tenant}");
    }
}
