//! How far a fetch has come, on disk: what a restart goes on from. Written whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::transfer::ObjectStamp;

/// What `fetch.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FetchState {
    /// Where the bytes come from.
    pub(crate) address: String,
    /// The version that is fetched.
    pub(crate) stamp: ObjectStamp,
    /// Bytes from the start of the file that are on disk for sure.
    pub(crate) done_bytes: u64,
    /// BLAKE3 of the whole, once it was seen.
    pub(crate) content_hash: Option<String>,
}

impl FetchState {
    /// A fetch that has moved nothing yet.
    pub(crate) fn start(address: String, stamp: ObjectStamp) -> Self {
        Self { address, stamp, done_bytes: 0, content_hash: None }
    }

    /// What an earlier attempt left of this very version; a fresh start when it left nothing that can be trusted. A
    /// version without an ETag cannot be told from the next one.
    pub(crate) fn load(path: &Path, address: String, stamp: ObjectStamp) -> Self {
        let kept = std::fs::read(path).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        let usable = |kept: &Self| {
            !stamp.etag.is_empty()
                && (&kept.address, &kept.stamp) == (&address, &stamp)
                && kept.done_bytes <= stamp.size_bytes
        };
        kept.filter(usable).unwrap_or_else(|| Self::start(address, stamp))
    }

    /// Replaces the file at `path`, on disk when this returns.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("json.new");
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(etag: &str) -> ObjectStamp {
        ObjectStamp { etag: etag.into(), size_bytes: 100 }
    }

    #[test]
    fn a_state_is_taken_up_for_the_same_version_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fetch.json");
        let kept = FetchState { done_bytes: 64, ..FetchState::start("s3://b/k".into(), stamp("one")) };
        kept.save(&path).unwrap();
        assert_eq!(FetchState::load(&path, "s3://b/k".into(), stamp("one")), kept);
        assert_eq!(FetchState::load(&path, "s3://b/k".into(), stamp("two")).done_bytes, 0);
        assert_eq!(FetchState::load(&path, "s3://b/other".into(), stamp("one")).done_bytes, 0);
    }

    #[test]
    fn a_version_without_an_etag_and_a_torn_file_start_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fetch.json");
        let kept = FetchState { done_bytes: 64, ..FetchState::start("s3://b/k".into(), stamp("")) };
        kept.save(&path).unwrap();
        assert_eq!(FetchState::load(&path, "s3://b/k".into(), stamp("")).done_bytes, 0);
        std::fs::write(&path, b"{\"address\":\"s3").unwrap();
        assert_eq!(FetchState::load(&path, "s3://b/k".into(), stamp("one")).done_bytes, 0);
    }
}
