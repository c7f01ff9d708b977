//! Single tasks: what is on disk when they are made, and when they are refused.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use telecine::fault::Code;
use telecine::ids::IndexId;
use telecine::media_store::FolderMedia;
use telecine::time::Clock;
use telecine::transfer::create::{TaskDesk, TaskRequest, TranscriptionInput, VideoInput};
use telecine::transfer::{Status, TaskSource, Transcription};

use super::World;

impl World {
    fn desk(&self) -> TaskDesk {
        TaskDesk {
            store: self.store.clone(),
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            media: Arc::new(FolderMedia::alone(self.files.path())),
            languages: vec!["en".to_owned()],
        }
    }

    fn incoming(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.files.incoming().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn task_of(&self, video: VideoInput) -> TaskRequest {
        TaskRequest {
            index: self.index,
            video,
            transcription: None,
            language: "en".to_owned(),
            user_metadata: None,
            without_stream: false,
        }
    }

    fn upload(&self) -> VideoInput {
        VideoInput::File { path: self.incoming("u1", b"video"), filename: "C:\\films\\pier.mp4".to_owned() }
    }

    fn task_folders(&self) -> usize {
        std::fs::read_dir(self.files.work()).unwrap().count()
    }
}

#[tokio::test]
async fn an_upload_lies_under_its_task_when_the_task_is_there() {
    let world = World::new().await;
    let metadata = serde_json::Map::from_iter([("place".to_owned(), "pier".into())]);
    let request = TaskRequest {
        transcription: Some(TranscriptionInput::File(world.incoming("u2", b"captions"))),
        user_metadata: Some(metadata.clone()),
        ..world.task_of(world.upload())
    };
    let id = world.desk().create(world.workspace, request).await.unwrap();
    let task = world.store.task(world.workspace, id).await.unwrap().unwrap();
    assert_eq!(task.source, TaskSource::Upload { filename: "pier.mp4".to_owned() });
    assert_eq!(task.transcription, Some(Transcription::Upload));
    assert_eq!((task.status, task.user_metadata), (Status::Validating, Some(metadata)));
    assert_eq!(std::fs::read(world.files.upload(id)).unwrap(), b"video");
    assert_eq!(std::fs::read(world.files.uploaded_transcription(id)).unwrap(), b"captions");
    assert_eq!(std::fs::read_dir(world.files.incoming()).unwrap().count(), 0);
    let claim = world.queue.claim(world.clock.now(), Duration::from_secs(60)).await.unwrap();
    assert_eq!(claim.unwrap().task, id);
}

#[tokio::test]
async fn links_are_kept_as_they_are() {
    let world = World::new().await;
    let request = TaskRequest {
        transcription: Some(TranscriptionInput::Url("https://h.test/a.srt".to_owned())),
        ..world.task_of(VideoInput::Url("https://h.test/films/a%20b.mp4?sig=1".to_owned()))
    };
    let id = world.desk().create(world.workspace, request).await.unwrap();
    let task = world.store.task(world.workspace, id).await.unwrap().unwrap();
    assert_eq!(task.source, TaskSource::Url { url: "https://h.test/films/a%20b.mp4?sig=1".to_owned() });
    assert_eq!(task.source.filename(), "a%20b.mp4");
    assert_eq!(task.transcription, Some(Transcription::Url { url: "https://h.test/a.srt".to_owned() }));
    assert_eq!(world.task_folders(), 0, "a link needs no folder yet");
}

#[tokio::test]
async fn what_is_refused_leaves_no_task_and_no_folder() {
    let world = World::new().await;
    let refused = async |request: TaskRequest| {
        let error = world.desk().create(world.workspace, request).await.unwrap_err();
        assert_eq!(world.store.next_due().await.unwrap(), None);
        assert_eq!(world.task_folders(), 0);
        error.as_fault().unwrap().code
    };
    let unknown = IndexId::generate(world.clock.now());
    let request = TaskRequest { index: unknown, ..world.task_of(world.upload()) };
    assert_eq!(refused(request).await, Code::ResourceNotExists);
    let request = TaskRequest { language: "fr".to_owned(), ..world.task_of(world.upload()) };
    assert_eq!(refused(request).await, Code::ParameterInvalid);
    let request = world.task_of(VideoInput::Url("s3://b/k".to_owned()));
    assert_eq!(refused(request).await, Code::ParameterInvalid);
    let path = world.incoming("huge", b"");
    std::fs::File::options().write(true).open(&path).unwrap().set_len((2 << 30) + 1).unwrap();
    let request = world.task_of(VideoInput::File { path, filename: "huge.mp4".to_owned() });
    assert_eq!(refused(request).await, Code::VideoFilesizeTooLarge);
}
