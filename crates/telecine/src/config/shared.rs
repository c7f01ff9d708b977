//! Settings of what several servers share: the database, the queue, the store of media. Without them one server has it all
//! in its data folder.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::Config;
use super::load::ConfigError;
use super::rules::refuse;

/// Where the truth is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// A PostgreSQL database that several servers and workers share, such as `postgres://telecine@db.example.com/telecine`
    /// (default: SQLite in the data folder, for one server). Its password is never shown.
    pub url: Option<ServiceUrl>,
    /// Seconds that PostgreSQL may say nothing before it counts as away: requests are answered with 503 then instead of
    /// waiting, and all connections are made anew (default 3).
    pub silent_after_s: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: None, silent_after_s: 3 }
    }
}

/// Where files lie that other servers must see: streams, assets, uploads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaStoreConfig {
    /// A bucket with a prefix (`s3://bucket/prefix`, `gs://bucket/prefix`, `azure://account/container/prefix`) or a folder that
    /// all hosts have mounted (default: the data folder).
    pub url: Option<String>,
    /// Another endpoint than the store's own, for what speaks like S3, GCS or Azure. Implies path-style addresses.
    pub endpoint_url: Option<String>,
    /// Region of the bucket (default: as AWS tools find it, else us-east-1).
    pub region: Option<String>,
    /// Id of the access key of an S3 bucket (default: credentials come from where the store's own tools look for them:
    /// environment, instance role, workload identity).
    pub access_key_id: Option<String>,
    /// File with the secret that goes with it; of an Azure account, its key; of a GCS bucket, the service account's JSON.
    pub secret_key_file: Option<PathBuf>,
    /// Bytes of a part of a large file that is sent (default 16 MiB; S3 takes 10,000 parts of a file).
    pub part_bytes: Option<u64>,
}

/// The address of a service that may carry a password, which is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct ServiceUrl(String);

impl From<String> for ServiceUrl {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl ServiceUrl {
    /// The whole, for the one connection that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `postgres`, `nats` and so on; empty when it is no URL.
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }
}

/// Without passwords.
impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_nats = matches!(self.scheme(), "nats" | "tls");
        if is_nats && self.0.contains(',') {
            let servers: Vec<String> =
                self.0.split(',').map(|one| Self(one.to_owned()).to_string()).collect();
            return f.write_str(&servers.join(","));
        }
        let Some(mut url) = Url::parse(&self.0).ok().filter(Url::has_host) else {
            // What cannot be read may hold a password anywhere.
            return f.write_str(if self.0.contains('@') { "(not a URL)" } else { &self.0 });
        };
        if url.password().is_some() {
            let _ = url.set_password(Some("***"));
        } else if is_nats && !url.username().is_empty() {
            // A name alone is a token there.
            let _ = url.set_username("***");
        }
        let hidden = ["password", "sslpassword"];
        if url.query_pairs().any(|(name, _)| hidden.contains(&name.as_ref())) {
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            let mut query = url.query_pairs_mut();
            query.clear();
            for (name, value) in pairs {
                let value = if hidden.contains(&name.as_str()) { "***" } else { &value };
                query.append_pair(&name, value);
            }
        }
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceUrl({self})")
    }
}

impl Serialize for ServiceUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the media store's address leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaPlace {
    /// A folder of this host.
    Folder(PathBuf),
    /// A bucket of S3 or what speaks like it, and what all keys begin with (empty, or with a slash at its end).
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
    /// A bucket of Google Cloud Storage.
    Gcs {
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
    /// A container of Azure Blob Storage.
    Azure {
        /// The storage account.
        account: String,
        /// The container.
        container: String,
        /// The prefix.
        prefix: String,
    },
}

const PLACES: &str = "it must be s3://bucket/prefix, gs://bucket/prefix, azure://account/container/prefix or the path of a folder";

impl MediaStoreConfig {
    /// Where it leads; none when it is not set.
    ///
    /// # Errors
    /// The rule that the address breaks.
    pub fn place(&self) -> Result<Option<MediaPlace>, String> {
        let Some(text) = self.url.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = || PLACES.to_owned();
        let Some((scheme, rest)) = text.split_once("://") else {
            let path = Path::new(text);
            let rule = "a folder must be named by its absolute path";
            return if path.is_absolute() {
                Ok(Some(MediaPlace::Folder(path.into())))
            } else {
                Err(rule.into())
            };
        };
        let (first, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if rest.contains(['?', '#']) || rest.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(wrong());
        }
        if scheme == "file" {
            let path = Path::new("/").join(rest);
            return if first.is_empty() { Ok(Some(MediaPlace::Folder(path))) } else { Err(wrong()) };
        }
        let is_name = |name: &str| !name.is_empty() && !name.contains(['@', ':']);
        if !is_name(first) {
            return Err(wrong());
        }
        match scheme {
            "s3" => Ok(Some(MediaPlace::S3 { bucket: first.into(), prefix: prefix(rest) })),
            "gs" => Ok(Some(MediaPlace::Gcs { bucket: first.into(), prefix: prefix(rest) })),
            "azure" => {
                let (container, rest) = rest.split_once('/').unwrap_or((rest, ""));
                if !is_name(container) {
                    return Err(wrong());
                }
                let (account, container) = (first.into(), container.into());
                Ok(Some(MediaPlace::Azure { account, container, prefix: prefix(rest) }))
            }
            _ => Err(wrong()),
        }
    }
}

fn prefix(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { format!("{}/", parts.join("/")) }
}

/// Refuses addresses that nothing can be reached at.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Config { database, media_store, .. } = config;
    if let Some(url) = &database.url {
        let is_postgres = matches!(url.scheme(), "postgres" | "postgresql");
        if !is_postgres || Url::parse(url.reveal()).is_err() {
            let rule = "it must be the URL of a PostgreSQL database, such as postgres://telecine@db.example.com/telecine; \
                leave it out for SQLite in the data folder";
            return refuse("database.url", url, rule);
        }
    }
    if !(1..=300).contains(&database.silent_after_s) {
        return refuse("database.silent_after_s", &database.silent_after_s, "it must be 1 to 300 seconds");
    }
    if let Err(rule) = media_store.place() {
        return refuse("media_store.url", &media_store.url.as_deref().unwrap_or_default(), &rule);
    }
    if media_store.access_key_id.is_some() != media_store.secret_key_file.is_some()
        && matches!(media_store.place(), Ok(Some(MediaPlace::S3 { .. })))
    {
        let value = media_store.access_key_id.as_deref().unwrap_or_default();
        let rule = "`media_store.access_key_id` and `media_store.secret_key_file` must be set together";
        return refuse("media_store.access_key_id", &value, rule);
    }
    // What S3 takes as a part.
    if let Some(bytes) = media_store.part_bytes.filter(|bytes| !(5 << 20..=1 << 30).contains(bytes)) {
        return refuse("media_store.part_bytes", &bytes, "it must be 5 MiB to 1 GiB");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let shown = |text: &str| ServiceUrl::from(text.to_owned()).to_string();
        assert_eq!(shown("postgres://telecine:geheim@db/telecine"), "postgres://telecine:***@db/telecine");
        assert_eq!(shown("postgres://db/telecine?password=geheim"), "postgres://db/telecine?password=***");
        assert_eq!(shown("nats://nats.example.com:4222"), "nats://nats.example.com:4222");
        assert_eq!(shown("geheim@db:x/telecine"), "(not a URL)");
        assert_eq!(shown("nats://a:geheim@one:1,nats://b:geheim@two"), "nats://a:***@one:1,nats://b:***@two");
        assert_eq!(shown("nats://a:geheim@one,tls://geheim@two"), "nats://a:***@one,tls://***@two");
        assert_eq!(shown("nats://one,b:geheim@two"), "nats://one,(not a URL)");
        assert!(!format!("{:?}", ServiceUrl::from("postgres://a:geheim@b/c".to_owned())).contains("geheim"));
    }

    #[test]
    fn addresses_of_media_are_told_apart() {
        let place = |url: &str| MediaStoreConfig { url: Some(url.into()), ..Default::default() }.place();
        let s3 = |prefix: &str| MediaPlace::S3 { bucket: "films".into(), prefix: prefix.into() };
        assert_eq!(place("s3://films"), Ok(Some(s3(""))));
        assert_eq!(place("s3://films//a/b/"), Ok(Some(s3("a/b/"))));
        let gcs = MediaPlace::Gcs { bucket: "films".into(), prefix: "a/".into() };
        assert_eq!(place("gs://films/a"), Ok(Some(gcs)));
        let azure =
            MediaPlace::Azure { account: "acc".into(), container: "films".into(), prefix: "x/".into() };
        assert_eq!(place("azure://acc/films/x"), Ok(Some(azure)));
        assert_eq!(place("/srv/films"), Ok(Some(MediaPlace::Folder("/srv/films".into()))));
        assert_eq!(place("file:///srv/films"), Ok(Some(MediaPlace::Folder("/srv/films".into()))));
        assert_eq!(place(""), Ok(None));
        for wrong in [
            "films",
            "s3://",
            "s3://key:secret@films",
            "azure://acc",
            "ftp://films",
            "s3://films/../x",
            "file://host/x",
        ] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
