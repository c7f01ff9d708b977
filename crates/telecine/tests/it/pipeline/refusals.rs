//! What cannot enter: each video its own code, value and rule, and as few bytes moved as can be.

use telecine::fault::{Code, Fault};
use telecine::ids::{IndexId, TaskId};
use telecine::index::ModelOption::{Conversation, Visual};
use telecine::index::{Index, ModelRef};
use telecine::source::ObjectInfo;
use telecine::transfer::{NewTask, Status};

use super::house::House;
use super::media;

async fn refused(house: &House, task: TaskId) -> Fault {
    let task = house.done(task).await;
    assert_eq!(task.status, Status::Failed, "{task:?}");
    task.fault.expect("a failed task says why")
}

async fn code(house: &House, task: TaskId) -> Code {
    refused(house, task).await.code
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_before_the_video_moves_costs_no_byte_of_it() {
    let house = House::open().await;
    let index = house.index("all", &[Visual, Conversation]).await;
    for key in ["archived.mp4", "large.mp4", "untold.mp4", "mistold.mp4", "denied.mp4"] {
        std::fs::write(house.path(key), vec![7; 100_000]).unwrap();
    }
    std::fs::write(house.path("wrong.srt"), "1\n00:00:xx,000 --> 00:00:02,000\nhello\n").unwrap();
    let archive =
        |info: ObjectInfo| ObjectInfo { is_archived: true, storage_class: "GLACIER".into(), ..info };
    house.bucket.disguise("archived.mp4", archive);
    house.bucket.disguise("large.mp4", |info| ObjectInfo { size_bytes: 3 << 30, ..info });

    let missing = house.submit(index, "missing.mp4").await;
    let archived = house.submit(index, "archived.mp4").await;
    let large = house.submit(index, "large.mp4").await;
    let untold = house.submit_with(index, "untold.mp4", "missing.srt").await;
    let mistold = house.submit_with(index, "mistold.mp4", "wrong.srt").await;

    assert_eq!(code(&house, missing).await, Code::ObjectNotExists);
    let fault = refused(&house, archived).await;
    assert_eq!((fault.code, fault.value.as_deref()), (Code::ObjectArchived, Some("storage class GLACIER")));
    let fault = refused(&house, large).await;
    assert_eq!(fault.code, Code::VideoFilesizeTooLarge);
    assert!(fault.value.unwrap().contains("3221225472"));
    assert_eq!(code(&house, untold).await, Code::TranscriptionNotExists);
    let fault = refused(&house, mistold).await;
    assert_eq!(fault.code, Code::TranscriptionInvalid);
    let value = fault.value.unwrap();
    assert!(value.contains("line 2") && value.contains("wrong.srt"), "{value}");
    for key in ["archived.mp4", "large.mp4", "untold.mp4", "mistold.mp4"] {
        assert_eq!(house.bucket.bytes_of(key), 0, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_file_is_told_by_its_own_code() {
    let house = House::open().await;
    let index = house.index("all", &[Visual, Conversation]).await;
    let seen = house.index("seen", &[Visual]).await;
    media::silent(&house.path("silent.mp4"), "640x360", 5);
    media::silent(&house.path("small.mp4"), "320x180", 5);
    media::silent(&house.path("short.mp4"), "640x360", 2);
    media::silent(&house.path("long.mp4"), "640x360", 30);
    media::cut_off(&house.path("long.mp4"), &house.path("cut.mp4"), 0.5);
    std::fs::write(house.path("text.mp4"), "This is not a video.").unwrap();
    std::fs::write(house.path("empty.mp4"), "").unwrap();
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n";
    std::fs::write(house.path("playlist.mp4"), playlist).unwrap();

    let silent = house.submit(index, "silent.mp4").await;
    let small = house.submit(seen, "small.mp4").await;
    let short = house.submit(seen, "short.mp4").await;
    let cut = house.submit(seen, "cut.mp4").await;
    let text = house.submit(seen, "text.mp4").await;
    let empty = house.submit(seen, "empty.mp4").await;
    let playlist = house.submit(seen, "playlist.mp4").await;

    assert_eq!(code(&house, silent).await, Code::VideoAudioTrackNotExists);
    let fault = refused(&house, small).await;
    assert_eq!((fault.code, fault.value.as_deref()), (Code::VideoResolutionTooLow, Some("320x180 pixels")));
    assert_eq!(code(&house, short).await, Code::VideoDurationTooShort);
    assert_eq!(code(&house, cut).await, Code::VideoFileBroken);
    assert_eq!(code(&house, text).await, Code::UnsupportedFileType);
    assert_eq!(code(&house, empty).await, Code::UnsupportedFileType);
    assert_eq!(code(&house, playlist).await, Code::UnsupportedFileType);
    assert!(house.video(seen, cut.into()).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_that_nobody_knows_needs_captions() {
    let house = House::open().await;
    let index = house.index("all", &[Conversation]).await;
    media::speech(&house.path("speech.mp4"));
    std::fs::write(house.path("de.srt"), "1\n00:00:01,000 --> 00:00:02,000\nGuten Tag\n").unwrap();
    let german = NewTask { language: "de".into(), ..house.new_task(index, "speech.mp4") };
    let fault = refused(&house, house.insert(german.clone()).await).await;
    assert_eq!((fault.code, fault.value.as_deref()), (Code::LanguageNotSupported, Some("de")));
    let told = house.new_task(index, "speech.mp4");
    let captions = Some(telecine::transfer::Transcription::Object(house.object("de.srt")));
    let told = house.insert(NewTask { language: "de".into(), transcription: captions, ..told }).await;
    house.ready(told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_other_models_is_left_alone() {
    let house = House::open().await;
    let like: IndexId = house.index("ours", &[Visual]).await;
    let store = &house.app.store;
    let ours =
        store.index(store.default_workspace(house.app.clock.now()).await.unwrap(), like).await.unwrap();
    let mut models = house.app.engines.models();
    models.see = ModelRef { id: "another".into(), dim: 512 };
    let id = IndexId::generate(house.app.clock.now());
    let theirs = Index { id, name: "theirs".into(), models, ..ours.expect("it is there").index };
    store.insert_index(&theirs).await.unwrap();
    media::silent(&house.path("test.mp4"), "640x360", 5);
    let task = house.submit(id, "test.mp4").await;
    assert_eq!(code(&house, task).await, Code::IndexModelMismatch);
    assert_eq!(house.bucket.bytes_of("test.mp4"), 0);
}
