//! Which store of media the settings name. Asks nothing of any network; the first use does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider};

use super::{FolderMedia, MediaStore, ObjectMedia};
use crate::config::{Config, MediaPlace, MediaStoreConfig};
use crate::fault::Result;
use crate::files::DataDir;

/// How long a request may take with all that it carries; parts and pieces are small.
const REQUEST: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(5);
/// Tries of a request after the first, and how long they may go on: whoever asks is told to come again rather than hang.
const RETRIES: usize = 4;
const RETRY_FOR: Duration = Duration::from_secs(20);

/// The store that the settings name.
///
/// # Errors
/// When the settings are not those of a store, or its secret cannot be read.
pub fn open(config: &Config, files: &DataDir) -> Result<Arc<dyn MediaStore>> {
    let settings = &config.media_store;
    let place = settings.place().map_err(anyhow::Error::msg)?;
    let (store, prefix, place) = match place {
        None if config.is_shared() => {
            tracing::warn!(
                data_dir = %files.path().display(),
                "media lie in the data folder, which other hosts do not see; name a place that all see with --media"
            );
            return Ok(Arc::new(FolderMedia::shared(files.path())));
        }
        None => return Ok(Arc::new(FolderMedia::alone(files.path()))),
        Some(MediaPlace::Folder(path)) => return Ok(Arc::new(FolderMedia::shared(path))),
        Some(MediaPlace::S3 { bucket, prefix }) => {
            let place = format!("s3://{bucket}/");
            (s3(settings, &bucket)?, prefix, place)
        }
        Some(MediaPlace::Gcs { bucket, prefix }) => {
            let place = format!("gs://{bucket}/");
            (gcs(settings, &bucket)?, prefix, place)
        }
        Some(MediaPlace::Azure { account, container, prefix }) => {
            let place = format!("azure://{account}/{container}/");
            (azure(settings, &account, &container)?, prefix, place)
        }
    };
    let mut media = ObjectMedia::new(store, &prefix, place);
    if let Some(bytes) = settings.part_bytes {
        media = media.part_bytes(bytes);
    }
    Ok(Arc::new(media))
}

fn s3(settings: &MediaStoreConfig, bucket: &str) -> Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_retry(retry())
        .with_client_options(client(settings));
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &settings.endpoint_url {
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
    }
    if let Some((id, file)) = settings.access_key_id.as_ref().zip(settings.secret_key_file.as_deref()) {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret(file)?);
    }
    Ok(Arc::new(builder.build().context("the settings of media_store")?))
}

fn gcs(settings: &MediaStoreConfig, bucket: &str) -> Result<Arc<dyn ObjectStore>> {
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(bucket)
        .with_retry(retry())
        .with_client_options(client(settings));
    if let Some(file) = settings.secret_key_file.as_deref() {
        builder = builder.with_service_account_key(secret(file)?);
    }
    if let Some(endpoint) = &settings.endpoint_url {
        builder = builder.with_base_url(endpoint);
        if settings.secret_key_file.is_none() {
            // This server's own credentials are sent to Google alone, not to another endpoint. Uploads ask for some although
            // nothing is signed, so there are some, which are empty.
            let none = StaticCredentialProvider::new(GcpCredential { bearer: String::new() });
            builder = builder.with_skip_signature(true).with_credentials(Arc::new(none));
        }
    }
    Ok(Arc::new(builder.build().context("the settings of media_store")?))
}

fn azure(settings: &MediaStoreConfig, account: &str, container: &str) -> Result<Arc<dyn ObjectStore>> {
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_account(account)
        .with_container_name(container)
        .with_retry(retry())
        .with_client_options(client(settings));
    if let Some(file) = settings.secret_key_file.as_deref() {
        builder = builder.with_access_key(secret(file)?);
    }
    if let Some(endpoint) = &settings.endpoint_url {
        builder = builder.with_endpoint(endpoint.clone());
    }
    Ok(Arc::new(builder.build().context("the settings of media_store")?))
}

fn secret(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file);
    let text =
        text.with_context(|| format!("cannot read media_store.secret_key_file, {}", file.display()))?;
    Ok(text.trim().to_owned())
}

fn client(settings: &MediaStoreConfig) -> ClientOptions {
    let is_plain = settings.endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"));
    ClientOptions::new().with_timeout(REQUEST).with_connect_timeout(CONNECT).with_allow_http(is_plain)
}

fn retry() -> RetryConfig {
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
    RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_FOR }
}
