//! Files in the store of media that belong to nothing: what a crash left between a file and its row, and what could not be
//! removed in its time. Other servers put files there before their rows, so that only old ones are removed.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};

use crate::app::App;
use crate::fault::Result;
use crate::integration::keeper::Duty;
use crate::media_store::{MediaFolder, MediaKind, MediaStore};
use crate::store::Store;
use crate::time::Timestamp;
use crate::{embedding, pipeline};

/// How old a file must be: no request takes so long between its file and its row.
const AGE: Duration = Duration::from_secs(86_400);
/// After a start, and from one round to the next.
const FIRST: Duration = Duration::from_secs(600);
const EVERY: Duration = Duration::from_secs(6 * 3_600);

/// Removes them, as long as the server runs. A data folder that has its server alone is put in order at start.
pub const REMOVE: Duty = Duty {
    name: "remove files that belong to nothing",
    limit: Duration::from_secs(7 * 86_400),
    run: |app, _| now_and_then(app),
};

fn now_and_then(app: &Arc<App>) -> BoxFuture<'_, Result<()>> {
    async move {
        if app.media_store.is_alone() {
            app.stopping.cancelled().await;
            return Ok(());
        }
        let mut pause = FIRST;
        loop {
            tokio::select! {
                () = app.stopping.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            let removed = remove(&*app.media_store, &*app.store, app.clock.now()).await?;
            if removed > 0 {
                tracing::info!(removed, "files that belonged to nothing were removed");
            }
            pause = EVERY;
        }
    }
    .boxed()
}

/// Removes what has belonged to nothing for long. How many folders.
///
/// # Errors
/// When one of the stores fails; what is left has its turn the next time.
pub async fn remove(media: &dyn MediaStore, store: &dyn Store, now: Timestamp) -> Result<u64> {
    pipeline::remove_stray_streams(media, store).await?;
    let (before, mut removed) = (now.before(AGE), 0);
    for kind in [MediaKind::Assets, MediaKind::Tasks, MediaKind::EmbedTasks] {
        let mut listed = media.list(kind);
        let mut last = String::new();
        while let Some(file) = listed.next().await {
            let file = file?;
            // Files of a folder mostly follow each other; asking twice does no harm.
            if file.modified > before || file.folder == last {
                continue;
            }
            last.clone_from(&file.folder);
            // What is not ours by name is left alone.
            let Some(folder) = unneeded(kind, &file.folder, store, now).await? else { continue };
            media.remove(folder).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The folder of this name, if nobody needs it.
async fn unneeded(
    kind: MediaKind,
    name: &str,
    store: &dyn Store,
    now: Timestamp,
) -> Result<Option<MediaFolder>> {
    Ok(match kind {
        // Their own walk knows them.
        MediaKind::Streams => None,
        MediaKind::Assets => match name.parse() {
            Ok(asset) if !store.keeps_file(asset).await? => Some(MediaFolder::Asset(asset)),
            _ => None,
        },
        MediaKind::Tasks => match name.parse() {
            Ok(task) if !pipeline::needs_uploads(store, task, now).await? => Some(MediaFolder::Task(task)),
            _ => None,
        },
        MediaKind::EmbedTasks => match name.parse() {
            Ok(task) if !embedding::needs_files(store, task, now).await? => {
                Some(MediaFolder::EmbedTask(task))
            }
            _ => None,
        },
    })
}
