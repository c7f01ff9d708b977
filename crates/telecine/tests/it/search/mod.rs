//! Search: vector indexes, and the whole way from a query to pages.

mod both_stores;
mod engines;
mod library;
mod photos;
mod queries;
mod shelf;
pub(crate) mod synthetic;
mod vectors;

use telecine::ids::{IndexId, VideoId};

use self::library::Library;

async fn delete(library: &Library, index: IndexId, video: VideoId) {
    assert!(library.store.delete_video(library.workspace, index, video).await.unwrap());
}
