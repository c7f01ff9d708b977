//! Lists a bucket into the inventory, page by page, in constant memory. What has changed meanwhile is seen the next time.

use super::service::Integrations;
use super::{Integration, InventoryItem, SyncReport};
use crate::fault::{Code, Fault, Result};
use crate::source::{ObjectInfo, SourceError, SourceErrorKind};

/// Keys of a page.
const PAGE: u32 = 1000;
/// Rows that are written at once.
const BATCH: usize = 10_000;

const VIDEO_EXTENSIONS: [&str; 18] = [
    "mp4", "mov", "m4v", "mkv", "webm", "avi", "ts", "mts", "m2ts", "mpg", "mpeg", "flv", "ogv", "wmv",
    "asf", "mxf", "3gp", "3g2",
];

/// Whether a key's name says that it is a video.
pub(super) fn is_video(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    // `._film.mp4` is what macOS keeps beside `film.mp4`.
    let Some((stem, extension)) = name.rsplit_once('.').filter(|_| !name.starts_with("._")) else {
        return false;
    };
    !stem.is_empty() && VIDEO_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

pub(super) async fn synchronize(with: &Integrations<'_>, integration: &Integration) -> Result<SyncReport> {
    let failed = |error: SourceError| listing_fault(&error);
    let source = with.sources.open(integration).await.map_err(failed)?;
    let sync = with.store.begin_sync(integration.id, with.clock.now()).await?;
    let (mut from, mut batch) = (None::<String>, Vec::new());
    loop {
        let page = source.list("", from.as_deref(), PAGE).await.map_err(failed)?;
        batch.extend(page.objects.into_iter().map(item));
        from = page.next;
        if batch.len() >= BATCH || (from.is_none() && !batch.is_empty()) {
            with.store.add_inventory(integration.id, sync, &batch).await?;
            batch.clear();
        }
        if from.is_none() {
            return with.store.end_sync(integration.id, sync, with.clock.now()).await;
        }
    }
}

fn item(object: ObjectInfo) -> InventoryItem {
    InventoryItem {
        is_video: is_video(&object.key),
        key: object.key,
        size_bytes: object.size_bytes,
        etag: object.etag,
        modified_at: object.modified_at,
        storage_class: object.storage_class,
    }
}

fn listing_fault(error: &SourceError) -> Fault {
    let code = match error.kind {
        SourceErrorKind::Denied => Code::ListDenied,
        SourceErrorKind::NotFound => Code::BucketNotExists,
        SourceErrorKind::Credentials => Code::RoleNotAssumable,
        SourceErrorKind::Archived
        | SourceErrorKind::Changed
        | SourceErrorKind::Throttled
        | SourceErrorKind::Unavailable
        | SourceErrorKind::Unsupported => Code::SourceUnavailable,
    };
    Fault::new(code).value(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_are_known_by_their_names() {
        for key in ["film.mp4", "a/b/Film.MOV", "a.b.mkv", "odd//x.webm", "tape.mts", "ví deo.Ts"] {
            assert!(is_video(key), "{key}");
        }
        for key in
            ["film.srt", "mp4", ".mp4", "a/.mp4", "film.mp4/", "film.mp4.part", "a/._film.mp4", "film", ""]
        {
            assert!(!is_video(key), "{key}");
        }
    }
}
