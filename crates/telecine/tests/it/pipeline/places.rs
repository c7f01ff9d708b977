//! Videos that do not lie in a bucket: uploads and direct links.

use axum::Router;
use axum::routing::get;
use telecine::fault::Code;
use telecine::index::ModelOption::{Conversation, Visual};
use telecine::transfer::{NewTask, Status, TaskSource, Transcription};
use telecine::video::SegmentKind;

use super::house::{House, quick};
use super::media;

const SRT: &str = "1\n00:00:01,000 --> 00:00:03,000\nA street in the morning\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_with_its_captions_becomes_ready_and_its_folder_goes() {
    let mut house = House::idle(quick()).await;
    let index = house.index("index", &[Conversation]).await;
    let source = TaskSource::Upload { filename: "holiday.mp4".into() };
    let transcription = Some(Transcription::Upload);
    let task = NewTask { source, transcription, ..house.new_task(index, "") };
    let files = house.app.files.clone();
    std::fs::create_dir_all(files.task(task.id)).unwrap();
    media::speech(&house.path("made.mp4"));
    std::fs::rename(house.path("made.mp4"), files.upload(task.id)).unwrap();
    std::fs::write(files.uploaded_transcription(task.id), SRT).unwrap();
    house.start();
    let video = house.ready(house.insert(task).await).await;
    assert_eq!(house.texts(video, SegmentKind::Speech).await, ["A street in the morning"]);
    let video = house.video(index, video).await.expect("it is ready");
    assert_eq!((video.meta.filename.as_str(), video.address.as_str()), ("holiday.mp4", "holiday.mp4"));
    house.let_go(video.id.into()).await;
    assert!(!files.task(video.id.into()).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_of_each_class_of_work_goes_on_is_known() {
    let mut config = quick();
    (config.pipeline.tasks, config.pipeline.fetches, config.pipeline.work_bytes) = (3, 2, 64 << 20);
    let mut house = House::idle(config).await;
    assert_eq!(house.app.progress.classes(), [], "nobody works yet");
    media::silent(&house.path("one.mp4"), "640x360", 30);
    let index = house.index("index", &[Visual]).await;
    house.start();
    let task = house.submit(index, "one.mp4").await;
    house.until(task, |task| task.status == Status::Indexing).await;
    let of = |name: &str| {
        let classes = house.app.progress.classes();
        let class = classes.into_iter().find(|class| class.name == name).expect("it is told");
        (class.in_use, class.limit)
    };
    assert_eq!((of("tasks"), of("fetch").1, of("decode").0), ((1, 3), 2, 1));
    assert!(of("room").0 >= 1 << 20 && of("room").1 == 64 << 20, "{:?}", of("room"));
    house.ready(task).await;
    house.let_go(task).await;
    assert_eq!((of("tasks").0, of("decode").0, of("room").0, of("inferences").0), (0, 0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_failed_stays_for_another_try() {
    let mut house = House::idle(quick()).await;
    let index = house.index("index", &[Visual]).await;
    let source = TaskSource::Upload { filename: "notes.txt".into() };
    let task = NewTask { source, ..house.new_task(index, "") };
    let upload = house.app.files.upload(task.id);
    std::fs::create_dir_all(upload.parent().unwrap()).unwrap();
    std::fs::write(&upload, "not a video").unwrap();
    house.start();
    let task = house.done(house.insert(task).await).await;
    assert_eq!(task.fault.expect("why").code, Code::UnsupportedFileType);
    house.let_go(task.id).await;
    assert!(upload.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_link_is_fetched_with_captions_behind_another() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let mut config = quick();
    config.urls.allow_private_hosts = vec![host.clone()];
    let house = House::with(config).await;
    media::speech(&house.path("speech.mp4"));
    let video = bytes::Bytes::from(std::fs::read(house.path("speech.mp4")).unwrap());
    let site = Router::new()
        .route("/film.mp4", get(move || async move { video.clone() }))
        .route("/film.srt", get(|| async { SRT }));
    tokio::spawn(async move { axum::serve(listener, site).await });

    let index = house.index("index", &[Conversation]).await;
    let link = |path: &str| format!("http://{host}/{path}");
    let linked = |video: &str, captions: &str| NewTask {
        source: TaskSource::Url { url: link(video) },
        transcription: Some(Transcription::Url { url: link(captions) }),
        ..house.new_task(index, "")
    };
    let good = house.insert(linked("film.mp4", "film.srt")).await;
    let untold = house.insert(linked("film.mp4", "missing.srt")).await;
    let missing = house.insert(linked("missing.mp4", "film.srt")).await;
    let video = house.ready(good).await;
    assert_eq!(house.texts(video, SegmentKind::Speech).await, ["A street in the morning"]);
    for (task, code) in [(untold, Code::TranscriptionNotExists), (missing, Code::VideoUrlNotAccessible)] {
        let task = house.done(task).await;
        assert_eq!((task.status, task.fault.expect("why").code), (Status::Failed, code));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_into_the_servers_own_network_is_refused() {
    let house = House::open().await;
    let index = house.index("index", &[Visual]).await;
    let source = TaskSource::Url { url: "http://127.0.0.1:1/film.mp4".into() };
    let task = house.insert(NewTask { source, ..house.new_task(index, "") }).await;
    let task = house.done(task).await;
    assert_eq!(task.fault.expect("why").code, Code::VideoUrlNotAccessible);
}
