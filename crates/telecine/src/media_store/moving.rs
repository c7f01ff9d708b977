//! Copies all media of a data folder into a store, for a server that moves. Can be repeated: what is there already is not sent
//! again, and the folder stays as it is. Nobody may work on the folder meanwhile.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};

use super::{MediaKey, MediaKind, MediaStore};
use crate::fault::Result;
use crate::files::DataDir;

/// Files that are sent at once.
const AT_ONCE: usize = 4;

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files that are in the store now.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of the files, those that were there already.
    pub there: u64,
}

/// Copies streams, assets and what was uploaded; tells after each file how much is there. Files are told apart by their
/// names and sizes: none of them is ever changed.
///
/// # Errors
/// When the folder cannot be read or the store fails; what was copied stays, and is not copied again the next time.
pub async fn copy_all(
    from: &DataDir,
    to: &dyn MediaStore,
    mut tell: impl FnMut(Copied) + Send,
) -> Result<Copied> {
    let mut copied = Copied::default();
    let aside = tempfile::tempdir_in(from.path()).context("making a folder in the data folder")?;
    for kind in [MediaKind::Assets, MediaKind::Streams, MediaKind::Tasks, MediaKind::EmbedTasks] {
        let root = from.path().to_owned();
        let found =
            tokio::task::spawn_blocking(move || files_of(&root, kind)).await.context("a walk ended")?;
        let found = found.with_context(|| format!("reading {}", from.path().join(kind.path()).display()))?;
        let copies = stream::iter(found.into_iter().enumerate()).map(|(number, (key, path))| {
            let aside = aside.path().join(number.to_string());
            async move { copy_one(to, &key, &path, &aside).await }
        });
        let mut copies = copies.buffer_unordered(AT_ONCE);
        while let Some(done) = copies.next().await {
            let Some((bytes, was_there)) = done? else { continue };
            copied.files += 1;
            copied.bytes += bytes;
            copied.there += u64::from(was_there);
            tell(copied);
        }
    }
    Ok(copied)
}

/// The files of a kind that a store keeps; others in the folder are one host's own.
fn files_of(root: &Path, kind: MediaKind) -> io::Result<Vec<(MediaKey, PathBuf)>> {
    let entries = match fs::read_dir(root.join(kind.path())) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        // What is not ours by name is left alone.
        let Some(keys) = name.to_str().and_then(|name| keys_of(kind, name)) else { continue };
        let files = keys.into_iter().map(|key| {
            let path = root.join(key.path());
            (key, path)
        });
        found.extend(files.filter(|(_, path)| path.is_file()));
    }
    Ok(found)
}

/// What may lie in a folder of this name. The playlist last: what it names is there before it.
fn keys_of(kind: MediaKind, name: &str) -> Option<Vec<MediaKey>> {
    Some(match kind {
        MediaKind::Streams => {
            let video = name.parse().ok()?;
            vec![MediaKey::Stream(video), MediaKey::Playlist(video)]
        }
        MediaKind::Assets => vec![MediaKey::Asset(name.parse().ok()?)],
        MediaKind::Tasks => {
            let task = name.parse().ok()?;
            vec![MediaKey::Upload(task), MediaKey::Transcription(task)]
        }
        MediaKind::EmbedTasks => vec![MediaKey::EmbedUpload(name.parse().ok()?)],
    })
}

/// Its bytes, and whether it was there; none when it is gone.
async fn copy_one(
    to: &dyn MediaStore,
    key: &MediaKey,
    path: &Path,
    aside: &Path,
) -> Result<Option<(u64, bool)>> {
    let bytes = match tokio::fs::metadata(path).await {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(anyhow::Error::new(error).context("looking at a file").into()),
    };
    if to.size(key).await? == Some(bytes) {
        return Ok(Some((bytes, true)));
    }
    // A store takes over what it is given: it is given another name of the file.
    if tokio::fs::hard_link(path, aside).await.is_err() {
        tokio::fs::copy(path, aside).await.with_context(|| format!("copying {}", path.display()))?;
    }
    to.put(key, aside).await?;
    Ok(Some((bytes, false)))
}
