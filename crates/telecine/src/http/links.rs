//! Links to pictures and streams that work without a key for a while: signed, so that nobody can make one up.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tokio::sync::OnceCell;

use crate::config::ServerConfig;
use crate::fault::{Code, Fault, Result};
use crate::files::{DataDir, PLAYLIST_FILE};
use crate::ids::VideoId;
use crate::time::Timestamp;

/// How long a link to a picture or for a chunk works.
pub(super) const LIFETIME: Duration = Duration::from_secs(3_600);

/// Signs links and checks them.
#[derive(Debug)]
pub(super) struct Links {
    files: DataDir,
    public_url: Option<String>,
    key: OnceCell<[u8; 32]>,
}

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    /// A picture.
    Picture(Picture),
    /// The playlist of a video and all that it names.
    Stream(VideoId),
}

/// A picture of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    /// The video.
    pub(super) video: VideoId,
    /// Milliseconds.
    pub(super) at_ms: i64,
}

impl Links {
    /// Links of the server with this data folder.
    pub(super) fn new(files: &DataDir, config: &ServerConfig) -> Self {
        let public_url = config.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        Self { files: files.clone(), public_url, key: OnceCell::new() }
    }

    /// With a key that is not the data folder's own: the one that all servers have.
    pub(super) fn with_key(self, key: [u8; 32]) -> Self {
        Self { key: OnceCell::new_with(Some(key)), ..self }
    }

    /// The link to a picture, at the address that the client of this request reaches us by.
    pub(super) async fn link(&self, picture: Picture, request: &HeaderMap, now: Timestamp) -> Result<String> {
        let base = self.base(request);
        let expires = now.after(LIFETIME).as_millis() / 1_000;
        let signature = self.sign(Signed::Picture(picture), expires).await?;
        let Picture { video, at_ms } = picture;
        Ok(format!("{base}/pictures/{video}/{at_ms}.jpg?expires={expires}&signature={signature}"))
    }

    /// The link to a stream's playlist. Its signature is a part of the path, so that the relative addresses in the
    /// playlist are signed as well.
    pub(super) async fn stream(
        &self,
        video: VideoId,
        request: &HeaderMap,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String> {
        let base = self.base(request);
        let expires = now.after(lifetime).as_millis() / 1_000;
        let signature = self.sign(Signed::Stream(video), expires).await?;
        Ok(format!("{base}/streams/{video}/{expires}-{signature}/{PLAYLIST_FILE}"))
    }

    async fn sign(&self, signed: Signed, expires: i64) -> Result<String> {
        Ok(hex(&self.mac(signed, expires).await?.finalize().into_bytes()))
    }

    /// Refuses a link that is not ours, or too old; else tells for how long it still works.
    pub(super) async fn check(
        &self,
        signed: Signed,
        expires: &str,
        signature: &str,
        now: Timestamp,
    ) -> Result<Duration> {
        let refused = || Fault::because(Code::ResourceNotExists, "The link is not valid, or is too old.");
        let fault = refused()
            .rule("links to pictures work for an hour, those to streams for some hours")
            .remedy("Ask for the link again.");
        let (Ok(expires), Some(signature)) = (expires.parse::<i64>(), unhex(signature)) else {
            return Err(fault.into());
        };
        let is_ours = self.mac(signed, expires).await?.verify_slice(&signature).is_ok();
        match u64::try_from(expires.saturating_sub(now.as_millis() / 1_000)) {
            Ok(left @ 1..) if is_ours => Ok(Duration::from_secs(left)),
            _ => Err(fault.into()),
        }
    }

    /// The address that the client of this request reaches us by, without a slash at its end.
    pub(super) fn base(&self, request: &HeaderMap) -> String {
        let host = request.get(header::HOST).and_then(|host| host.to_str().ok());
        match (&self.public_url, host) {
            (Some(url), _) => url.clone(),
            (None, Some(host)) => format!("http://{host}"),
            (None, None) => String::new(),
        }
    }

    async fn mac(&self, signed: Signed, expires: i64) -> Result<Hmac<Sha256>> {
        self.mac_of(&match signed {
            Signed::Picture(Picture { video, at_ms }) => format!("picture\n{video}\n{at_ms}\n{expires}"),
            Signed::Stream(video) => format!("stream\n{video}\n\n{expires}"),
        })
        .await
    }

    /// The code of a text that says what a link is for and until when; texts of different kinds begin differently.
    pub(super) async fn mac_of(&self, text: &str) -> Result<Hmac<Sha256>> {
        let path = self.files.link_key();
        let read = || tokio::task::spawn_blocking(move || read_or_make(&path));
        let key = self.key.get_or_try_init(|| async { anyhow::Ok(read().await??) }).await?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(anyhow::Error::from)?;
        mac.update(text.as_bytes());
        Ok(mac)
    }
}

/// The key in the file; made when there is none. Whole or not at all, and for this user only.
fn read_or_make(path: &Path) -> io::Result<[u8; 32]> {
    let whole = |bytes: Vec<u8>| bytes.try_into().ok();
    if let Some(key) = fs::read(path).ok().and_then(whole) {
        return Ok(key);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let aside = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    Ok(key)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 || !bytes.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(link: &str) -> (String, String) {
        let (_, query) = link.split_once('?').unwrap();
        let (expires, signature) = query.split_once('&').unwrap();
        (expires.replace("expires=", ""), signature.replace("signature=", ""))
    }

    #[tokio::test]
    async fn a_link_works_for_an_hour_for_its_picture_only_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Links::new(&DataDir::new(folder.path()), &ServerConfig::default());
        let now = Timestamp::from_millis(1_700_000_000_000);
        let picture = Picture { video: VideoId::generate(now), at_ms: 1500 };
        let mut request = HeaderMap::new();
        request.insert(header::HOST, "films.test:8080".parse().unwrap());
        let link = open().link(picture, &request, now).await.unwrap();
        let (expires, signature) = parts(&link);
        assert!(link.starts_with("http://films.test:8080/pictures/"), "{link}");

        let restarted = open();
        let check = |picture, at| restarted.check(Signed::Picture(picture), &expires, &signature, at);
        assert!(check(picture, now).await.is_ok());
        assert!(check(picture, now.after(Duration::from_secs(3_599))).await.is_ok());
        assert!(check(picture, now.after(LIFETIME)).await.is_err());
        assert!(check(Picture { at_ms: 0, ..picture }, now).await.is_err());
        assert!(restarted.check(Signed::Picture(picture), "9999999999", &signature, now).await.is_err());
        assert!(restarted.check(Signed::Picture(picture), &expires, "x", now).await.is_err());
        let stream = restarted.check(Signed::Stream(picture.video), &expires, &signature, now).await;
        assert!(stream.is_err(), "a link to a picture opens no stream");
    }
}
