//! Folders as sources.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use async_trait::async_trait;
use telecine::source::{FolderSource, Scoped, Source, SourceError, SourceErrorKind};
use tempfile::TempDir;

use super::conformance::{self, Bed, DOT, DOTS, DOUBLE_SLASH, MARKER};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    fn open(&self) -> FolderSource {
        let root = self.0.path();
        FolderSource::open("films", root, &[root.to_owned()]).expect("the folder is below a root")
    }
}

#[async_trait]
impl Bed for Folder {
    async fn put(&self, key: &str, bytes: Vec<u8>) {
        let path = self.0.path().join(key);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        // As everybody should write what others read: aside, then in place.
        let aside = self.0.path().join("aside");
        fs::write(&aside, bytes).expect("a file");
        fs::rename(aside, path).expect("its place");
    }

    async fn delete(&self, key: &str) {
        fs::remove_file(self.0.path().join(key)).expect("the file is there");
    }

    async fn source(&self, key: &str) -> Result<(Arc<dyn Source>, String), SourceError> {
        Ok((Arc::new(self.open()), key.to_owned()))
    }

    async fn stranger(&self) -> Option<Arc<dyn Source>> {
        None
    }

    fn unkept_keys(&self) -> &'static [&'static str] {
        // No file can have such a name.
        &[DOUBLE_SLASH, DOT, DOTS, MARKER]
    }
}

#[tokio::test]
async fn a_folder_conforms() {
    conformance::conforms(&Folder::new()).await;
}

#[tokio::test]
async fn what_is_scoped_to_a_prefix_neither_lists_nor_reads_beside_it() {
    let folder = Folder::new();
    for key in ["2023/old.mp4", "2024/a.mp4", "2024/b/c.mp4", "2024-not.mp4"] {
        folder.put(key, key.as_bytes().to_vec()).await;
    }
    let scoped = Scoped::new(folder.open(), "2024/");
    let keys = async |prefix: &str| -> Vec<String> {
        conformance::list_all(&scoped, prefix, 10).await.into_iter().map(|object| object.key).collect()
    };
    for prefix in ["", "2", "2024/"] {
        assert_eq!(keys(prefix).await, ["2024/a.mp4", "2024/b/c.mp4"], "{prefix:?}");
    }
    assert_eq!(keys("2024/b").await, ["2024/b/c.mp4"]);
    assert_eq!(keys("2023/").await, [""; 0]);
    let after = scoped.list_after("", "2023/", 10).await.expect("a page").objects;
    assert_eq!(after.len(), 2, "{after:?}");
    assert_eq!(scoped.head("2024/a.mp4").await.expect("it is inside").size_bytes, 10);
    for key in ["2023/old.mp4", "2024-not.mp4", "2024", ""] {
        assert_eq!(scoped.head(key).await.map_err(|error| error.kind), Err(SourceErrorKind::Denied), "{key}");
        let read = scoped.read(key, None, 0..1).await.map(drop).map_err(|error| error.kind);
        assert_eq!(read, Err(SourceErrorKind::Denied), "{key}");
    }
}

#[tokio::test]
async fn a_folder_that_was_removed_is_missing_and_not_empty() {
    let folder = Folder::new();
    folder.put("inside/film.mp4", b"film".to_vec()).await;
    let root = folder.0.path().join("inside");
    let source = FolderSource::open("films", &root, &[folder.0.path().to_owned()]).expect("it is there");
    assert_eq!(conformance::list_all(&source, "", 10).await.len(), 1);
    fs::remove_dir_all(&root).expect("it is removed");
    let listed = source.list("", None, 10).await.map(drop).map_err(|error| error.kind);
    assert_eq!(listed, Err(SourceErrorKind::NotFound));
}

#[tokio::test]
async fn nothing_outside_of_a_folder_can_be_reached() {
    let outside = TempDir::new().expect("a temporary folder");
    fs::write(outside.path().join("secret.mp4"), "secret").expect("a file");
    let folder = Folder::new();
    let root = folder.0.path();
    fs::create_dir(root.join("inside")).expect("a folder");
    fs::write(root.join("inside/film.mp4"), "film").expect("a file");
    symlink(outside.path(), root.join("link")).expect("a link");
    symlink(outside.path().join("secret.mp4"), root.join("link.mp4")).expect("a link");
    symlink("inside/film.mp4", root.join("to-film.mp4")).expect("a link");
    symlink("inside", root.join("to-inside")).expect("a link");
    let name = outside.path().file_name().and_then(|name| name.to_str()).expect("a name");

    let source = folder.open();
    let listed = conformance::list_all(&source, "", 10).await;
    assert_eq!(
        listed.into_iter().map(|o| o.key).collect::<Vec<_>>(),
        ["inside/film.mp4"],
        "links are left out"
    );
    let absolute = outside.path().join("secret.mp4").display().to_string();
    for key in [
        "link/secret.mp4",
        "link.mp4",
        "to-film.mp4",
        "to-inside/film.mp4",
        &format!("../{name}/secret.mp4"),
        &format!("inside/../../{name}/secret.mp4"),
        "inside/../inside/film.mp4",
        "./inside/film.mp4",
        "inside//film.mp4",
        "/inside/film.mp4",
        &absolute,
        "inside/film.mp4/",
        "inside",
        "",
        ".",
        "..",
        "inside/film.mp4\0",
    ] {
        let head = source.head(key).await.map_err(|error| error.kind);
        assert_eq!(head, Err(SourceErrorKind::NotFound), "{key:?}");
        let read = source.read(key, None, 0..1).await.map(drop).map_err(|error| error.kind);
        assert_eq!(read, Err(SourceErrorKind::NotFound), "{key:?}");
    }
}

#[tokio::test]
async fn only_what_lies_below_a_root_is_opened() {
    let (root, outside) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let roots = [root.path().to_owned()];
    fs::create_dir(root.path().join("films")).expect("a folder");
    fs::write(root.path().join("file"), "").expect("a file");
    symlink(outside.path(), root.path().join("link")).expect("a link");
    let open =
        |path: &std::path::Path| FolderSource::open("films", path, &roots).map(drop).map_err(|e| e.kind);

    assert_eq!(open(&root.path().join("films")), Ok(()));
    assert_eq!(open(root.path()), Ok(()));
    assert_eq!(open(outside.path()), Err(SourceErrorKind::Denied));
    assert_eq!(open(&root.path().join("link")), Err(SourceErrorKind::Denied));
    assert_eq!(open(&root.path().join("..")), Err(SourceErrorKind::Denied));
    assert_eq!(open(&root.path().join("none")), Err(SourceErrorKind::NotFound));
    assert_eq!(open(&root.path().join("file")), Err(SourceErrorKind::NotFound));
    let without = FolderSource::open("films", root.path(), &[]).map(drop).map_err(|e| e.kind);
    assert_eq!(without, Err(SourceErrorKind::Denied), "by default no folder is open");
}

#[tokio::test]
async fn a_file_that_is_written_while_it_is_read_is_noticed() {
    use futures::StreamExt;
    let folder = Folder::new();
    let path = folder.0.path().join("film.mp4");
    fs::write(&path, vec![b'1'; 3_000_000]).expect("a file");
    let source = folder.open();
    let info = source.head("film.mp4").await.expect("it is there");
    let mut body = source.read("film.mp4", Some(&info.etag), 0..info.size_bytes).await.expect("a body");
    assert!(body.next().await.expect("a piece").is_ok());
    // Longer than the grain of the times that file systems keep.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    fs::write(&path, vec![b'2'; 3_000_000]).expect("a file");
    let error = loop {
        match body.next().await.expect("no end before the error") {
            Ok(bytes) => assert!(bytes.iter().all(|byte| *byte == b'1')),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, SourceErrorKind::Changed, "{error}");
}

#[tokio::test]
async fn what_is_no_regular_file_is_left_out() {
    let folder = Folder::new();
    let pipe = folder.0.path().join("pipe.mp4");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there");
    assert!(made.success());
    let source = folder.open();
    assert!(conformance::list_all(&source, "", 10).await.is_empty());
    let opened = tokio::time::timeout(std::time::Duration::from_secs(5), source.head("pipe.mp4")).await;
    let head = opened.expect("no wait for a writer").map_err(|error| error.kind);
    assert_eq!(head, Err(SourceErrorKind::NotFound));
}
