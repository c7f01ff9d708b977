//! Files that are refused: what is told of each, as the API tells it.

use telecine::fault::Code;
use telecine::index::ModelOption::Visual;
use telecine::transfer::{NewTask, Status, TaskSource, Transcription};

use super::house::{House, quick};
use super::media;
use crate::support::engines::quick_engines;

fn pictures(source: &str) -> Vec<String> {
    let coding = ["-c:v", "libx264", "-preset", "ultrafast"];
    ["-f", "lavfi", "-i", source].into_iter().chain(coding).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_and_durations_outside_the_rules_have_a_code_each_with_what_was_measured() {
    let engines = tokio::task::spawn_blocking(quick_engines).await.unwrap();
    let mut house = House::furnished(quick(), None, engines).await;
    house.start();
    let index = house.index("films", &[Visual]).await;
    let table = [
        ("low.mp4", "color=s=640x358:r=1:d=5", Code::VideoResolutionTooLow, "640x358 pixels"),
        ("high.mp4", "color=s=4096x2304:r=1:d=5", Code::VideoResolutionTooHigh, "4096x2304 pixels"),
        ("short.mp4", "color=s=640x360:r=10:d=3", Code::VideoDurationTooShort, "3.00 s"),
        ("long.mp4", "color=s=640x360:r=1/60:d=7260", Code::VideoDurationTooLong, "7260.00 s"),
    ];
    for (name, source, code, value) in table {
        let args = pictures(source);
        media::ffmpeg(&args.iter().map(String::as_str).collect::<Vec<_>>(), &house.path(name));
        let task = house.done(house.submit(index, name).await).await;
        let fault = task.fault.expect("it says why");
        assert_eq!((task.status, fault.code), (Status::Failed, code), "{name}: {fault}");
        assert_eq!(fault.value.as_deref(), Some(value), "{name}");
        assert!(fault.rule.is_some() && fault.remedy.is_some(), "{name}: {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_to_pages_and_to_captions_that_may_not_be_read_are_told() {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let page = axum::response::Html("<html><body>A page that shows a video.</body></html>");
    let site = Router::new()
        .route("/watch", get(move || async move { page }))
        .route("/closed.srt", get(|| async { StatusCode::FORBIDDEN }));
    tokio::spawn(async move { axum::serve(listener, site).await });
    let mut config = quick();
    config.urls.allow_private_hosts = vec![host.clone()];
    let engines = tokio::task::spawn_blocking(quick_engines).await.unwrap();
    let mut house = House::furnished(config, None, engines).await;
    house.start();
    let index = house.index("films", &[Visual]).await;
    let link = |path: &str| format!("http://{host}{path}");
    let source = TaskSource::Url { url: link("/watch") };
    let page = house.insert(NewTask { source, ..house.new_task(index, "") }).await;
    let fault = house.done(page).await.fault.expect("why");
    assert_eq!(fault.code, Code::UnsupportedFileType);
    assert!(fault.remedy.unwrap().contains("not to a page"));
    let transcription = Some(Transcription::Url { url: link("/closed.srt") });
    let source = TaskSource::Url { url: link("/film.mp4") };
    let captions = house.insert(NewTask { source, transcription, ..house.new_task(index, "") }).await;
    assert_eq!(house.done(captions).await.fault.expect("why").code, Code::TranscriptionNotAccessible);
}
