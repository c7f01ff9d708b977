//! What every store of media must do.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::config::Credentials;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use telecine::config::Config;
use telecine::files::DataDir;
use telecine::ids::{AssetId, TaskId, VideoId};
use telecine::media_store::{
    FolderMedia, MediaFolder, MediaKey, MediaKind, MediaStore, ObjectMedia, bring, open, read_all,
};
use telecine::time::{Clock, SystemClock};

use super::gcs_xml::Bucket;
use super::{bucket_on_seaweedfs, container_on_azurite, settings};
use crate::support::servers::{Accounts, Servers, client};

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31) >> 3) as u8 ^ seed).collect()
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

async fn part(store: &dyn MediaStore, key: &MediaKey, range: Range<u64>) -> Vec<u8> {
    let pieces: Vec<_> = store.read(key, range).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

async fn folders(store: &dyn MediaStore, kind: MediaKind) -> HashSet<String> {
    store.list(kind).map(|file| file.unwrap().folder).collect().await
}

/// The suite; `large` is more than the store sends in one piece.
async fn conforms(store: &dyn MediaStore, folder: &Path, large: usize) {
    let now = SystemClock.now();
    let (video, asset, task) = (VideoId::generate(now), AssetId::generate(now), TaskId::generate(now));
    let (key, upload) = (MediaKey::Asset(asset), MediaKey::Upload(task));

    assert_eq!(store.size(&key).await.unwrap(), None, "nothing is there");
    assert_eq!(read_all(store, &key).await.unwrap(), None);
    assert!(!store.copy(&key, &upload).await.unwrap() && store.size(&upload).await.unwrap().is_none());
    store.remove(MediaFolder::Asset(asset)).await.unwrap();
    assert_eq!(bring(store, &key, &folder.join("aside")).await.unwrap(), None);
    assert!(folders(store, MediaKind::Assets).await.is_empty());

    for content in [bytes(0, 0), bytes(10, 1), bytes(large, 2), bytes(7, 3)] {
        let from = file(folder, "from", &content);
        store.put(&key, &from).await.unwrap();
        assert!(!from.exists(), "a file that was taken over is no longer here");
        assert_eq!(store.size(&key).await.unwrap(), Some(content.len() as u64));
        assert_eq!(
            read_all(store, &key).await.unwrap().as_ref(),
            Some(&content),
            "in place of what was there"
        );
    }
    store.put(&key, &folder.join("no such file")).await.unwrap_err();
    assert_eq!(store.size(&key).await.unwrap(), Some(7), "a put that fails changes nothing");

    let content = bytes(large, 4);
    store.put(&key, &file(folder, "from", &content)).await.unwrap();
    let length = content.len() as u64;
    for range in [0..1, 0..length, 1..length - 1, length - 1..length, length / 3..length / 2] {
        let wanted = &content[range.start as usize..range.end as usize];
        assert_eq!(part(store, &key, range.clone()).await, wanted, "{range:?}");
    }
    let brought = bring(store, &key, &folder.join("aside")).await.unwrap().unwrap();
    assert_eq!(std::fs::read(&brought).unwrap(), content);
    assert_eq!(store.local(&key).is_some(), brought != folder.join("aside"), "where it lies, or aside");

    assert!(store.copy(&key, &upload).await.unwrap());
    store.remove(MediaFolder::Asset(asset)).await.unwrap();
    assert_eq!(store.size(&key).await.unwrap(), None);
    assert_eq!(
        read_all(store, &upload).await.unwrap().unwrap(),
        content,
        "a copy outlives what it was made of"
    );

    let pairs = [(MediaKey::Stream(video), "stream"), (MediaKey::Playlist(video), "playlist")];
    for (key, text) in &pairs {
        store.put(key, &file(folder, "from", text.as_bytes())).await.unwrap();
    }
    for number in [1, 2, 12] {
        let chunk = MediaKey::Chunk(asset, number, format!("mark{number}"));
        store.put(&chunk, &file(folder, "from", &[number as u8])).await.unwrap();
    }
    store.put(&key, &file(folder, "from", b"whole")).await.unwrap();
    assert_eq!(folders(store, MediaKind::Streams).await, HashSet::from([video.to_string()]));
    assert_eq!(folders(store, MediaKind::Assets).await, HashSet::from([asset.to_string()]));
    assert_eq!(folders(store, MediaKind::Tasks).await, HashSet::from([task.to_string()]));
    assert!(folders(store, MediaKind::EmbedTasks).await.is_empty());
    let listed: Vec<_> = store.list(MediaKind::Streams).try_collect().await.unwrap();
    let age_ms = SystemClock.now().as_millis() - listed[0].modified.as_millis();
    assert!((-60_000..600_000).contains(&age_ms), "it was written now: {age_ms}");

    store.remove(MediaFolder::Chunks(asset)).await.unwrap();
    assert_eq!(store.size(&MediaKey::Chunk(asset, 2, "mark2".into())).await.unwrap(), None);
    assert_eq!(read_all(store, &key).await.unwrap().unwrap(), b"whole", "the asset itself stays");
    store.remove(MediaFolder::Stream(video)).await.unwrap();
    assert_eq!(store.size(&pairs[0].0).await.unwrap(), None);
    assert!(folders(store, MediaKind::Streams).await.is_empty());
    assert_eq!(store.size(&upload).await.unwrap(), Some(length), "others stay");
}

#[tokio::test]
async fn folders_conform() {
    let root = tempfile::tempdir().unwrap();
    let here = tempfile::tempdir().unwrap();
    let key = MediaKey::Asset(AssetId::generate(SystemClock.now()));
    let alone = FolderMedia::alone(root.path().join("alone"));
    conforms(&alone, here.path(), 300_000).await;
    let shared = FolderMedia::shared(root.path().join("shared"));
    conforms(&shared, here.path(), 300_000).await;
    assert!(alone.own(&key).is_some() && shared.own(&key).is_none());
}

#[tokio::test]
async fn a_bucket_in_memory_conforms_also_with_copies_in_parts() {
    let here = tempfile::tempdir().unwrap();
    let store =
        ObjectMedia::new(Arc::new(InMemory::new()), "kept/", "memory://").part_bytes(64 << 10).copy_bytes(0);
    conforms(&store, here.path(), 300_000).await;
}

#[tokio::test]
async fn a_bucket_on_seaweedfs_conforms() {
    let servers = Servers::start(&["seaweedfs"]);
    let mut config = Config::default();
    bucket_on_seaweedfs(&servers, &mut config).await;
    config.media_store.part_bytes = Some(5 << 20);
    let store = open(&config, &DataDir::new(servers.folder().join("data"))).unwrap();
    assert_eq!(store.place(), "s3://films/");
    // More parts than are sent at once, the last one short.
    conforms(&*store, servers.folder(), (22 << 20) + 17).await;
}

#[tokio::test]
async fn a_bucket_on_ministack_conforms() {
    let servers = Servers::start(&["ministack"]);
    let accounts = Accounts::create(&servers, "films");
    let customer = accounts.credentials("customer");
    let mut config = Config::default();
    let (id, secret) = (customer.access_key_id(), customer.secret_access_key());
    settings(&mut config, "s3://films/kept", &accounts.endpoint, id, secret, servers.folder());
    config.media_store.part_bytes = Some(5 << 20);
    let store = open(&config, &DataDir::new(servers.folder().join("data"))).unwrap();
    conforms(&*store, servers.folder(), (6 << 20) + 1).await;
}

/// Named by settings alone, as a server's is.
#[tokio::test]
async fn a_bucket_of_google_conforms() {
    let here = tempfile::tempdir().unwrap();
    let bucket = Bucket::start().await;
    let mut config = Config::default();
    let media = &mut config.media_store;
    (media.url, media.endpoint_url) = (Some("gs://films/kept/here".to_owned()), Some(bucket.url.clone()));
    media.part_bytes = Some(5 << 20);
    let store = open(&config, &DataDir::new(here.path().join("data"))).unwrap();
    assert_eq!(store.place(), "gs://films/");
    conforms(&*store, here.path(), (11 << 20) + 17).await;
    assert_eq!(bucket.uploads(), (2, 0), "what was large went in parts");
    assert_eq!(bucket.credentials(), 0, "nobody but Google is told who this server is");
    let key = MediaKey::Stream(VideoId::generate(SystemClock.now()));
    store.put(&key, &file(here.path(), "from", b"stream")).await.unwrap();
    assert_eq!(bucket.content_type(&key.path()).as_deref(), Some(key.content_type()));
}

#[tokio::test]
async fn a_container_on_azurite_conforms() {
    let servers = Servers::start(&["azurite"]);
    let mut config = Config::default();
    container_on_azurite(&servers, &mut config).await;
    config.media_store.part_bytes = Some(5 << 20);
    let store = open(&config, &DataDir::new(servers.folder().join("data"))).unwrap();
    assert_eq!(store.place(), "azure://telecinetest/films/");
    conforms(&*store, servers.folder(), (11 << 20) + 17).await;
}

#[tokio::test]
async fn nothing_of_a_file_that_was_not_sent_whole_is_seen() {
    let servers = Servers::start(&["seaweedfs"]);
    let mut config = Config::default();
    bucket_on_seaweedfs(&servers, &mut config).await;
    config.media_store.part_bytes = Some(5 << 20);
    let store = open(&config, &DataDir::new(servers.folder().join("data"))).unwrap();
    let key = MediaKey::Asset(AssetId::generate(SystemClock.now()));
    let from = file(servers.folder(), "from", &bytes(20 << 20, 1));
    let sending = {
        let (store, key, from) = (Arc::clone(&store), key.clone(), from.clone());
        tokio::spawn(async move { store.put(&key, &from).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    sending.abort();
    let was_cut = sending.await.is_err();
    assert_eq!(store.size(&key).await.unwrap().is_some(), !was_cut && !from.exists());
    if was_cut {
        store.put(&key, &from).await.unwrap();
    }
    assert_eq!(store.size(&key).await.unwrap(), Some(20 << 20), "sent again, it is whole");
}

/// For the account of the bucket's owner only.
#[tokio::test]
async fn a_store_that_refuses_is_told_as_one_that_is_away() {
    let servers = Servers::start(&["seaweedfs"]);
    let fact = |name: &str| servers.fact("seaweedfs", name);
    let owner = Credentials::new(fact("access_key_id"), fact("secret_access_key"), None, None, "test");
    client(&fact("endpoint"), owner).create_bucket().bucket("films").send().await.unwrap();
    let mut config = Config::default();
    settings(&mut config, "s3://films", &fact("endpoint"), "nobody", "wrong", servers.folder());
    let store = open(&config, &DataDir::new(servers.folder().join("data"))).unwrap();
    let key = MediaKey::Asset(AssetId::generate(SystemClock.now()));
    let from = file(servers.folder(), "from", b"text");
    let code = |error: telecine::fault::Error| error.as_fault().unwrap().code;
    assert_eq!(code(store.put(&key, &from).await.unwrap_err()), telecine::fault::Code::ServiceUnavailable);
    assert_eq!(code(store.size(&key).await.unwrap_err()), telecine::fault::Code::ServiceUnavailable);
    assert!(from.exists(), "what was not taken stays");
}
