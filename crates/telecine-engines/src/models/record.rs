//! `layout.json`: what our converters made in a model folder, by which version, out of what. A missing or unreadable
//! record only means that files are made anew.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    folder::ModelFolder,
    manifest::{MadeFiles, Manifest, ModelSet},
};

/// Of all made files, by path.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) made: BTreeMap<String, Made>,
}

/// One made file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) converter_version: u32,
    /// SHA-256 over the checksums of all files that it may have been made of.
    pub(super) sources_sha256: String,
    pub(super) sha256: String,
    pub(super) size_bytes: u64,
}

impl Record {
    pub(super) fn read(folder: &ModelFolder) -> Self {
        fs::read(folder.record()).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    pub(super) fn write(&self, folder: &ModelFolder) -> io::Result<()> {
        let aside = folder.record().with_added_extension("partial");
        fs::write(&aside, serde_json::to_vec_pretty(self)?)?;
        File::open(&aside)?.sync_all()?;
        fs::rename(aside, folder.record())
    }

    /// Whether the file was made by this version of the converter, out of these sources.
    pub(super) fn is_current(&self, path: &str, made: &MadeFiles, sources: &str) -> bool {
        self.made
            .get(path)
            .is_some_and(|entry| entry.converter_version == made.version && entry.sources_sha256 == sources)
    }
}

/// Changes when any file changes that the set's made files may depend on.
pub(super) fn sources_sha256(manifest: &Manifest, set: &ModelSet) -> String {
    let required = set.requires.iter().filter_map(|name| manifest.set(name));
    let mut hasher = Sha256::new();
    for file in required.chain([set]).flat_map(|set| &set.files) {
        hasher.update(&file.sha256);
    }
    hex(&hasher.finalize())
}

/// SHA-256 (in hex) and size of a file.
pub(super) fn sha256_of(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut size_bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hex(&hasher.finalize()), size_bytes));
        }
        hasher.update(&buffer[..read]);
        size_bytes += read as u64;
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
