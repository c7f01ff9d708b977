//! Stores of media: one suite on each, and servers on several hosts that share one.

mod away;
mod conformance;
mod gcs_xml;
mod hosts;
mod moving;

use std::path::Path;

use aws_sdk_s3::config::Credentials;
use telecine::config::Config;

use crate::source::azure::Container;
use crate::support::servers::{Servers, client};

/// A bucket on a SeaweedFS of its own, as settings.
async fn bucket_on_seaweedfs(servers: &Servers, config: &mut Config) {
    let fact = |name: &str| servers.fact("seaweedfs", name);
    let (id, secret) = (fact("access_key_id"), fact("secret_access_key"));
    let credentials = Credentials::new(&id, &secret, None, None, "test");
    client(&fact("endpoint"), credentials).create_bucket().bucket("films").send().await.unwrap();
    settings(config, "s3://films/kept/here", &fact("endpoint"), &id, &secret, servers.folder());
}

/// A container on Azurite, as settings.
async fn container_on_azurite(servers: &Servers, config: &mut Config) {
    let container = Container::create(servers).await;
    let file = servers.folder().join("secret");
    std::fs::write(&file, format!("{}\n", container.key)).unwrap();
    let media = &mut config.media_store;
    media.url = Some(format!("azure://{}/films/kept/here", container.account));
    (media.endpoint_url, media.secret_key_file) = (Some(container.endpoint), Some(file));
}

fn settings(config: &mut Config, url: &str, endpoint: &str, id: &str, secret: &str, folder: &Path) {
    let file = folder.join("secret");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    let media = &mut config.media_store;
    (media.url, media.endpoint_url) = (Some(url.to_owned()), Some(endpoint.to_owned()));
    (media.access_key_id, media.secret_key_file) = (Some(id.to_owned()), Some(file));
    media.region = Some("us-west-2".to_owned());
}
