//! Media of a data folder on their way into a store.

use std::fs;
use std::sync::Arc;

use object_store::memory::InMemory;
use telecine::files::DataDir;
use telecine::ids::{AssetId, EmbedTaskId, TaskId, VideoId};
use telecine::media_store::{FolderMedia, MediaKey, MediaKind, MediaStore, ObjectMedia, copy_all, read_all};
use telecine::time::{Clock, SystemClock};

#[tokio::test]
async fn a_data_folder_is_copied_once_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let files = DataDir::new(folder.path());
    let now = SystemClock.now();
    let (video, asset) = (VideoId::generate(now), AssetId::generate(now));
    let (task, embedded) = (TaskId::generate(now), EmbedTaskId::generate(now));
    let keys = [
        MediaKey::Playlist(video),
        MediaKey::Stream(video),
        MediaKey::Asset(asset),
        MediaKey::Upload(task),
        MediaKey::Transcription(task),
        MediaKey::EmbedUpload(embedded),
    ];
    let mut bytes = 0;
    for key in &keys {
        let path = folder.path().join(key.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, key.path()).unwrap();
        bytes += key.path().len() as u64;
    }
    // One host's own.
    fs::write(files.fetched(task), "fetched").unwrap();
    fs::create_dir_all(folder.path().join("media/not-a-video")).unwrap();
    fs::write(folder.path().join("media/not-a-video/index.m3u8"), "").unwrap();

    let bucket = ObjectMedia::new(Arc::new(InMemory::new()), "kept/", "memory://");
    let elsewhere = tempfile::tempdir().unwrap();
    let shared = FolderMedia::shared(elsewhere.path());
    for store in [&bucket as &dyn MediaStore, &shared] {
        let mut told = Vec::new();
        let copied = copy_all(&files, store, |so_far| told.push(so_far.files)).await.unwrap();
        assert_eq!((copied.files, copied.bytes, copied.there), (6, bytes, 0));
        assert_eq!(told, [1, 2, 3, 4, 5, 6]);
        for key in &keys {
            let whole = read_all(store, key).await.unwrap().unwrap();
            assert_eq!(String::from_utf8(whole).unwrap(), key.path());
            assert_eq!(fs::read_to_string(folder.path().join(key.path())).unwrap(), key.path());
        }
        assert_eq!(futures::StreamExt::count(store.list(MediaKind::Tasks)).await, store_count(store));
        // Cut in the middle, it goes on with what is missing.
        store.remove(telecine::media_store::MediaFolder::Asset(asset)).await.unwrap();
        let again = copy_all(&files, store, |_| ()).await.unwrap();
        assert_eq!((again.files, again.there), (6, 5));
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "nothing else is left in the folder: {left:?}");
}

/// Two objects in a bucket, one folder.
fn store_count(store: &dyn MediaStore) -> usize {
    if store.local(&MediaKey::Upload(TaskId::generate(SystemClock.now()))).is_some() { 1 } else { 2 }
}
