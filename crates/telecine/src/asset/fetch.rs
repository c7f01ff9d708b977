//! Brings an asset's bytes here, from a link or a connected bucket, whole and hashed: ranges side by side, appended in
//! order; a restart goes on after the last prefix that is on disk for sure.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::limits::check_size;
use super::work::Stop;
use super::{Asset, Origin};
use crate::app::App;
use crate::fault::{Code, Fault};
use crate::pipeline::fetch::prefix::Prefix;
use crate::pipeline::fetch::range::Wanted;
use crate::pipeline::fetch::state::FetchState;
use crate::source::http::Links;
use crate::source::{Source, SourceError, SourceErrorKind};
use crate::transfer::{ObjectRef, ObjectStamp, object_fault};

/// Fetches the asset's file, as far as it is not here; the hash of the whole.
pub(super) async fn fetch(
    app: &App,
    asset: &Asset,
    file: &Path,
    cancel: &CancellationToken,
) -> Result<String, Stop> {
    let (source, key) = match &asset.origin {
        Origin::Url { url } => {
            let links = Links::new(&app.config.urls)?;
            (links.open(url).await.map_err(|error| url_stop(&error))?, String::new())
        }
        Origin::Connector(object) => (open(app, asset, object).await?, object.key.clone()),
        Origin::Direct | Origin::Multipart { .. } => return Err(Stop::of("an upload is not fetched")),
    };
    let told = |error: SourceError| match asset.origin {
        Origin::Url { .. } if error.kind != SourceErrorKind::Changed => url_stop(&error),
        _ => object_stop(&error),
    };
    let info = source.head(&key).await.map_err(told)?;
    if info.is_archived {
        return Err(Fault::new(Code::ObjectArchived).value(info.storage_class).into());
    }
    check_size(&app.config.assets, &asset.origin, asset.kind, info.size_bytes)?;
    let announced = asset.size_bytes;
    super::create::check_room(app, asset.workspace, info.size_bytes.saturating_sub(announced)).await?;
    app.store.note_asset_size(asset.id, info.size_bytes).await?;
    let stamp = ObjectStamp { etag: info.etag, size_bytes: info.size_bytes };
    let (file, state_path) = (file.to_owned(), app.files.asset_fetch_state(asset.id));
    tokio::fs::create_dir_all(app.files.asset(asset.id)).await.map_err(anyhow::Error::from)?;
    let mut state = FetchState::load(&state_path, source.address(&key), stamp.clone());
    state.content_hash = None;
    let etag = Some(stamp.etag.clone()).filter(|etag| !etag.is_empty());
    let wanted = Wanted { source, key, etag };
    if !wanted.has_parts() {
        state.done_bytes = 0;
    }
    let (opening, stopping) = (file.clone(), cancel.clone());
    let prefix =
        blocking(move || Prefix::open(&opening, state, state_path, &stopping)).await.map_err(Stop::from)?;
    let prefix = Arc::new(Mutex::new(prefix));
    let moved = move_bytes(app, &wanted, stamp.size_bytes, &prefix).await;
    let ended = Arc::clone(&prefix);
    match moved {
        Ok(()) => Ok(blocking(move || lock(&ended).finish()).await?),
        Err(trouble) => {
            // What came so far serves the next try.
            blocking(move || lock(&ended).note()).await?;
            Err(match trouble {
                Trouble::Source(error) => told(error),
                Trouble::Internal(error) => Stop::Internal(error),
            })
        }
    }
}

/// The bucket that owns the object, as long as the workspace may read it.
async fn open(app: &App, asset: &Asset, object: &ObjectRef) -> Result<Arc<dyn Source>, Stop> {
    let found = app.store.integration(asset.workspace, object.integration).await?;
    let usable = found.filter(|it| it.status.is_usable() && it.bucket == object.bucket);
    let integration = usable.ok_or_else(|| Fault::new(Code::IntegrationNotActive).value(object.address()))?;
    app.sources.open(&integration).await.map_err(|error| object_stop(&error))
}

fn url_stop(error: &SourceError) -> Stop {
    if error.kind.is_transient() {
        return Stop::Later(Box::new(Fault::new(Code::SourceUnavailable).value(error.to_string())));
    }
    Fault::new(Code::VideoUrlNotAccessible).value(format!("{}: {}", error.address, error.detail)).into()
}

fn object_stop(error: &SourceError) -> Stop {
    let fault = object_fault(error);
    // An object that is written to while it is read may be whole the next time.
    let may_pass = error.kind.is_transient() || error.kind == SourceErrorKind::Changed;
    if may_pass { Stop::Later(Box::new(fault)) } else { fault.into() }
}

enum Trouble {
    Source(SourceError),
    Internal(anyhow::Error),
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

type Shared = Arc<Mutex<Prefix>>;

fn lock(prefix: &Mutex<Prefix>) -> std::sync::MutexGuard<'_, Prefix> {
    prefix.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn move_bytes(app: &App, wanted: &Wanted, size: u64, prefix: &Shared) -> Result<(), Trouble> {
    let config = &app.config.pipeline;
    if !wanted.has_parts() {
        return in_one_go(wanted, size, config.range_bytes, prefix).await;
    }
    let range_bytes = config.range_bytes.max(1);
    let begin = lock(prefix).written();
    let ranges = (begin..size).step_by(usize::try_from(range_bytes).unwrap_or(usize::MAX));
    let reads = ranges.map(|start| wanted.read(start..size.min(start.saturating_add(range_bytes))));
    let mut pieces = stream::iter(reads).buffered(config.ranges_in_flight.max(1));
    while let Some(piece) = pieces.try_next().await? {
        append(prefix, piece).await?;
    }
    Ok(())
}

/// For what cannot be had in parts: from the start to the end.
async fn in_one_go(wanted: &Wanted, size: u64, at_once: u64, prefix: &Shared) -> Result<(), Trouble> {
    if size == 0 {
        return Ok(());
    }
    let mut body = wanted.open(0..size).await?;
    let (mut left, mut held, mut chunks) = (size, 0, Vec::new());
    while left > 0 {
        let chunk = wanted.next(&mut body, &mut left).await?;
        held += chunk.len() as u64;
        chunks.push(chunk);
        if held >= at_once || left == 0 {
            append(prefix, std::mem::take(&mut chunks)).await?;
            held = 0;
        }
    }
    Ok(())
}

async fn append(prefix: &Shared, chunks: Vec<bytes::Bytes>) -> Result<(), Trouble> {
    let prefix = Arc::clone(prefix);
    blocking(move || lock(&prefix).append(&chunks)).await.map_err(Trouble::Internal)
}

/// File work on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(tokio::task::spawn_blocking(work).await??)
}
