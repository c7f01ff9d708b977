//! From an integration to its source: every kind of store, and what is refused before anything is asked.

use std::sync::Arc;

use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use telecine::config::Config;
use telecine::ids::WorkspaceId;
use telecine::integration::{
    AzureAccess, AzureCredentials, GcsAccess, GcsCredentials, Integration, Provider, Role, S3Access,
    S3Credentials, S3Endpoint,
};
use telecine::source::{Opener, RetryPolicy, SourceError, SourceErrorKind, Sources};
use telecine::time::{Clock, SystemClock};
use telecine::vault::Secret;

use super::conformance::{self, Bed};
use super::http::Web;
use super::{azure, gcs};
use crate::support::servers::{Servers, client};
use crate::support::stub::{Reply, Stub};
use crate::support::vaults::vault;

/// An opener for which these hosts may lie at private addresses.
fn opener(allowed: &[&str], own_credentials_for: &[&str]) -> Opener {
    let mut config = Config::default();
    let host = |url: &&str| url.split('/').nth(2).expect("a host").to_owned();
    config.urls.allow_private_hosts = allowed.iter().map(host).collect();
    config.integrations.own_credentials_for =
        own_credentials_for.iter().map(|address| (*address).to_owned()).collect();
    let hasty = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    Opener::new(&config, vault(), Arc::new(SystemClock)).retry(hasty).credentials("server", "server-secret")
}

fn integration(provider: Provider, bucket: &str, secret: Option<&str>) -> Integration {
    let now = SystemClock.now();
    let mut integration = Integration::new(WorkspaceId::generate(now), provider, bucket, now);
    let owner = integration.id.to_string();
    integration.secret = secret.map(|text| vault().seal(&owner, &Secret::new(text)).expect("it is sealed"));
    integration
}

fn s3(endpoint: &str, credentials: S3Credentials) -> Provider {
    let endpoint = S3Endpoint { url: endpoint.to_owned(), path_style: true, region: "us-east-1".to_owned() };
    Provider::S3(S3Access {
        credentials,
        owner: None,
        endpoint: Some(endpoint),
        requester_pays: false,
        kms_key_arn: None,
    })
}

fn google(endpoint: &str, credentials: GcsCredentials) -> Provider {
    Provider::Gcs(GcsAccess { credentials, endpoint: Some(endpoint.to_owned()), user_project: None })
}

fn blobs(endpoint: &str, account: &str, credentials: AzureCredentials) -> Provider {
    Provider::Azure(AzureAccess {
        account: account.to_owned(),
        credentials,
        endpoint: Some(endpoint.to_owned()),
    })
}

/// Lists, asks for, and reads the film; all below the integration's prefix.
async fn has_the_film(opener: &Opener, mut integration: Integration, key: &str) {
    let source = opener.open(&integration).await.expect("it is opened");
    let listed = conformance::list_all(&*source, key, 10).await;
    assert_eq!(listed.len(), 1, "{}", source.address(key));
    assert_eq!(conformance::read(&*source, key, &listed[0]).await.expect("bytes"), b"film");
    let again = opener.open(&integration).await.expect("it is open");
    assert!(Arc::ptr_eq(&source, &again), "it is kept");
    integration.prefix = "elsewhere/".to_owned();
    let scoped = opener.open(&integration).await.expect("it is opened");
    let beside = scoped.head(key).await.map(drop).map_err(|error| error.kind);
    assert_eq!(beside, Err(SourceErrorKind::Denied), "what changed of the integration counts");
}

#[tokio::test]
async fn every_kind_of_store_is_opened() {
    let servers = Servers::start(&["seaweedfs", "fake-gcs", "azurite"]);
    let (bucket, container) = (gcs::Bucket::create(&servers).await, azure::Container::create(&servers).await);
    bucket.put("film.mp4", b"film".to_vec()).await;
    container.put("film.mp4", b"film".to_vec()).await;
    let web = Web::start().await;
    web.put("film.mp4", b"film".to_vec()).await;
    let seaweed = |name: &str| servers.fact("seaweedfs", name);
    let (id, secret) = (seaweed("access_key_id"), seaweed("secret_access_key"));
    let key = Credentials::new(&id, &secret, None, None, "test");
    let store = client(&seaweed("endpoint"), key);
    store.create_bucket().bucket("films").send().await.expect("the bucket is made");
    let put = store.put_object().bucket("films").key("film.mp4").body(ByteStream::from_static(b"film"));
    put.send().await.expect("it is put");

    let allowed = [&seaweed("endpoint"), &bucket.endpoint, &container.endpoint, &web.url];
    let opener = opener(&allowed.map(String::as_str), &[]);
    let keys = S3Credentials::Keys { access_key_id: id };
    let compatible = integration(s3(&seaweed("endpoint"), keys), "films", Some(&secret));
    has_the_film(&opener, compatible, "film.mp4").await;
    let anonymous = google(&bucket.endpoint, GcsCredentials::Anonymous);
    has_the_film(&opener, integration(anonymous, "films", None), "film.mp4").await;
    let signature = container.signature("rl", "2099-01-01T00:00:00Z");
    for (how, secret) in [(AzureCredentials::SharedKey, &container.key), (AzureCredentials::Sas, &signature)]
    {
        let provider = blobs(&container.endpoint, &container.account, how);
        has_the_film(&opener, integration(provider, "films", Some(secret)), "film.mp4").await;
    }
    let link = format!("{}/film.mp4", web.url);
    let list = Provider::Urls { urls: vec![link.clone()] };
    has_the_film(&opener, integration(list, "films", None), &link).await;
}

async fn kind_of_refusal(opener: &Opener, integration: &Integration) -> Result<(), SourceErrorKind> {
    let asked = async {
        let source = opener.open(integration).await?;
        source.head("film.mp4").await.map(drop)
    };
    asked.await.map_err(|error: SourceError| {
        assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
        error.kind
    })
}

#[tokio::test]
async fn nothing_is_sent_to_endpoints_that_may_not_have_it() {
    let stub = Stub::start(|_, _| Reply::new("200 OK", &[], "{}")).await;
    let endpoint = stub.url();
    use SourceErrorKind::{Credentials, Denied, Unsupported};
    let keys = || S3Credentials::Keys { access_key_id: "key".to_owned() };
    let role = S3Credentials::Role(Role {
        account_id: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:role/Films".to_owned(),
        external_id: "id".to_owned(),
    });
    let private = endpoint.replace("http://", "https://");

    // Private hosts, for everybody.
    let closed = opener(&[], &["s3://films", "gs://films", "az://films"]);
    for (provider, kind) in [
        (s3(&endpoint, keys()), Unsupported),
        (s3(&private, keys()), Denied),
        (s3(&private, S3Credentials::Anonymous), Denied),
        (google(&private, GcsCredentials::Anonymous), Denied),
        (blobs(&private, "films", AzureCredentials::SharedKey), Denied),
        (Provider::Urls { urls: vec![format!("{private}/film.mp4")] }, Denied),
        (Provider::Urls { urls: vec!["http://films.example/film.mp4".to_owned()] }, Unsupported),
    ] {
        let refused = kind_of_refusal(&closed, &integration(provider.clone(), "films", Some("SECRET"))).await;
        assert_eq!(refused, Err(kind), "{provider:?}");
    }

    // What is this server's own, though its operator lists the bucket and allows the host.
    let opened = opener(&[&endpoint], &["s3://films", "gs://films", "az://films"]);
    for provider in [
        s3(&endpoint, S3Credentials::Instance),
        s3(&endpoint, role),
        google(&endpoint, GcsCredentials::Instance),
        blobs(&endpoint, "films", AzureCredentials::Instance),
    ] {
        let refused = kind_of_refusal(&opened, &integration(provider.clone(), "films", None)).await;
        assert_eq!(refused, Err(Denied), "{provider:?}");
    }

    // This server's own for buckets that its operator has not listed.
    let gcs = GcsAccess { credentials: GcsCredentials::Instance, endpoint: None, user_project: None };
    let azure =
        AzureAccess { account: "films".to_owned(), credentials: AzureCredentials::Instance, endpoint: None };
    for provider in [Provider::Gcs(gcs), Provider::Azure(azure)] {
        let refused = kind_of_refusal(&opened, &integration(provider, "others", None)).await;
        assert_eq!(refused, Err(Denied));
    }

    // Secrets that are gone, or another integration's.
    let service_account = GcsCredentials::ServiceAccount { client_email: "a@b.example".to_owned() };
    for provider in [
        s3(&endpoint, keys()),
        google(&endpoint, service_account),
        blobs(&endpoint, "films", AzureCredentials::SharedKey),
        blobs(&endpoint, "films", AzureCredentials::Sas),
    ] {
        let mut without = integration(provider.clone(), "films", None);
        assert_eq!(kind_of_refusal(&opened, &without).await, Err(Credentials), "{provider:?}");
        without.secret = integration(provider.clone(), "films", Some("SECRET")).secret;
        assert_eq!(kind_of_refusal(&opened, &without).await, Err(Credentials), "{provider:?}");
    }
    assert!(stub.asked().is_empty(), "nothing was sent anywhere");
}

#[tokio::test]
async fn the_servers_own_credentials_read_no_queue_that_the_operator_has_not_listed() {
    let queue = "https://sqs.us-east-1.amazonaws.com/123456789012/others";
    let provider = Provider::S3(S3Access {
        credentials: S3Credentials::Instance,
        owner: None,
        endpoint: None,
        requester_pays: false,
        kms_key_arn: None,
    });
    let mut integration = integration(provider, "films", None);
    integration.schedule.queue_url = Some(queue.to_owned());
    let refused =
        opener(&[], &["s3://films"]).queue(&integration).await.map(drop).expect_err("it is not listed");
    assert_eq!(refused.kind, SourceErrorKind::Denied, "{refused}");
    assert!(refused.detail.contains(queue), "{refused}");
    opener(&[], &["s3://films", queue]).queue(&integration).await.expect("it is listed");
}
