//! Stores that speak S3: real servers, which the tests start.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use telecine::source::listing::ListOptions;
use telecine::source::{Retry, RetryPolicy, S3Source, Source, SourceError, SourceErrorKind};

use super::conformance::{self, BACKSLASH, Bed, DOT, DOTS, DOUBLE_SLASH};
use crate::support::servers::{Accounts, CUSTOMER_ACCOUNT, Servers, client};

struct Bucket {
    owner: Client,
    stranger: Client,
    name: &'static str,
    unkept: &'static [&'static str],
}

#[async_trait]
impl Bed for Bucket {
    async fn put(&self, key: &str, bytes: Vec<u8>) {
        let put = self.owner.put_object().bucket(self.name).key(key).body(ByteStream::from(bytes));
        put.send().await.unwrap_or_else(|error| panic!("put {key:?}: {error:?}"));
    }

    async fn delete(&self, key: &str) {
        self.owner.delete_object().bucket(self.name).key(key).send().await.expect("it is removed");
    }

    async fn source(&self, key: &str) -> Result<(Arc<dyn Source>, String), SourceError> {
        let source = S3Source::new(self.owner.clone(), self.name);
        Ok((Arc::new(Retry::new(source, RetryPolicy::default())), key.to_owned()))
    }

    async fn stranger(&self) -> Option<Arc<dyn Source>> {
        Some(Arc::new(S3Source::new(self.stranger.clone(), self.name)))
    }

    fn unkept_keys(&self) -> &'static [&'static str] {
        self.unkept
    }
}

#[tokio::test]
async fn ministack_conforms_and_knows_archives() {
    let servers = Servers::start(&["ministack"]);
    let accounts = Accounts::create(&servers, "conformance");
    let owner = accounts.client("customer");
    let bucket = Bucket {
        owner: owner.clone(),
        stranger: accounts.client("platform"),
        name: "conformance",
        unkept: &[],
    };
    conformance::conforms(&bucket).await;

    let mine = S3Source::new(owner.clone(), "conformance").owned_by(CUSTOMER_ACCOUNT);
    let put = owner.put_object().bucket("conformance").key("archived.mp4");
    let put = put.storage_class(aws_sdk_s3::types::StorageClass::Glacier);
    put.body(ByteStream::from_static(b"cold")).send().await.expect("it is put");
    let listed = mine.list("archived", None, 10).await.expect("a page");
    assert_eq!((listed.objects[0].is_archived, listed.objects[0].storage_class.as_str()), (true, "GLACIER"));
    assert!(mine.head("archived.mp4").await.expect("it is there").is_archived);
    let error = mine.read("archived.mp4", None, 0..1).await.map(drop).expect_err("it is cold");
    assert_eq!(error.kind, SourceErrorKind::Archived, "{error}");

    let nowhere = S3Source::new(owner, "no-such-bucket");
    let error = nowhere.list("", None, 1).await.expect_err("there is none");
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
    assert!(error.detail.contains("NoSuchBucket"), "the store's own words: {error}");
}

#[tokio::test]
async fn seaweedfs_conforms_and_lists_thousands() {
    let servers = Servers::start(&["seaweedfs"]);
    let fact = |name: &str| servers.fact("seaweedfs", name);
    let key = |secret: String| Credentials::new(fact("access_key_id"), secret, None, None, "test");
    let owner = client(&fact("endpoint"), key(fact("secret_access_key")));
    owner.create_bucket().bucket("conformance").send().await.expect("the bucket is made");
    let bucket = Bucket {
        owner,
        stranger: client(&fact("endpoint"), key("wrong".to_owned())),
        name: "conformance",
        // It takes two slashes and a backslash for one slash, and refuses the others.
        unkept: &[DOUBLE_SLASH, BACKSLASH, DOT, DOTS],
    };
    conformance::conforms(&bucket).await;

    let puts = (0..2_345).map(|n| bucket.put_owned(format!("many/{:02}/{n}.mp4", n % 40)));
    futures::StreamExt::for_each_concurrent(futures::stream::iter(puts), 16, |put| put).await;
    let (source, _) = bucket.source("").await.expect("the source");
    let listed = conformance::list_all(&*source, "many/", 1000).await;
    let distinct: std::collections::HashSet<_> = listed.iter().map(|object| &object.key).collect();
    assert_eq!((listed.len(), distinct.len()), (2_345, 2_345));

    // In ranges, which are split between folders: whoever begins after the bare name of one does not see what is in it.
    let options = ListOptions { parallel_at_first: 8, page: 50, ..ListOptions::below("many/") };
    let (summary, batches) = super::listing::gather(source, options).await.expect("it is listed");
    assert!(summary.was_ordered && summary.widest > 1, "{summary:?}");
    let serial = listed.into_iter().map(|object| (object.key.clone(), object)).collect();
    assert_eq!(super::listing::valid(&batches), serial);
}

impl Bucket {
    async fn put_owned(&self, key: String) {
        self.put(&key, Vec::new()).await;
    }
}

#[tokio::test]
async fn ceph_conforms() {
    let servers = Servers::start(&["ceph"]);
    let fact = |name: &str| servers.fact("ceph", name);
    let user = |name: &str| {
        let secret = fact(&format!("{name}_secret_access_key"));
        let key = Credentials::new(fact(&format!("{name}_access_key_id")), secret, None, None, "test");
        client(&fact("endpoint"), key)
    };
    let owner = user("customer");
    owner.create_bucket().bucket("conformance").send().await.expect("the bucket is made");
    let bucket = Bucket { owner, stranger: user("stranger"), name: "conformance", unkept: &[] };
    conformance::conforms(&bucket).await;
}
