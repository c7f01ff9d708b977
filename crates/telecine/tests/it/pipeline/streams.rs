//! Streams of videos: made of what was indexed, told with tasks and videos, played over HTTP by a real player, and gone
//! with the video.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use telecine::config::Config;
use telecine::fault::Code;
use telecine::ids::VideoId;
use telecine::index::ModelOption::Visual;
use telecine::transfer::NewTask;
use telecine::video::{StreamStatus, VideoStream};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::house::{House, quick};
use super::media;
use crate::support::engines::quick_engines;

/// A house whose doors are open.
struct Served {
    house: House,
    url: String,
    key: String,
    client: Client,
}

impl Served {
    async fn open(set: impl FnOnce(&mut Config)) -> Self {
        let mut house = Self::idle(set).await;
        house.house.start();
        house
    }

    async fn idle(set: impl FnOnce(&mut Config)) -> Self {
        let mut config = quick();
        config.streaming.min_free_bytes = 0;
        set(&mut config);
        let engines = tokio::task::spawn_blocking(quick_engines).await.unwrap();
        Self::of(House::furnished(config, None, engines).await).await
    }

    async fn of(house: House) -> Self {
        let app = &house.app;
        let workspace = app.store.default_workspace(app.clock.now()).await.unwrap();
        let (_, key) = telecine::keys::create(&*app.store, &*app.clock, workspace, "player").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = telecine::http::router(Arc::clone(app));
        tokio::spawn(telecine::http::serve(listener, router, CancellationToken::new()));
        Self { house, url, key, client: Client::new() }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("x-api-key", &self.key)
    }

    async fn json(&self, path: &str) -> Value {
        self.ask(Method::GET, path).send().await.unwrap().json().await.unwrap()
    }

    /// Without a key.
    async fn fetch(&self, url: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn stream(&self, video: VideoId) -> Option<VideoStream> {
        self.house.app.store.streams(&[video]).await.unwrap().remove(&video)
    }

    /// The stream when it is made, or not.
    async fn ended(&self, video: VideoId) -> VideoStream {
        self.house.let_go(video.into()).await;
        self.stream(video).await.expect("there is a stream")
    }
}

fn film(out: &Path, seconds: u32, coding: &str) {
    let picture = format!("testsrc2=size=640x360:rate=30:duration={seconds}");
    let sound = format!("sine=frequency=440:duration={seconds}");
    let args = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound, "-shortest"];
    let coding: Vec<&str> = coding.split_whitespace().collect();
    media::ffmpeg(&[&args[..], &coding].concat(), out);
}

const H264: &str = "-c:v libx264 -preset ultrafast -g 60 -c:a aac";

fn tool(name: &str, args: &[&str]) -> Vec<u8> {
    let done = Command::new(name).args(["-v", "error"]).args(args).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

async fn told(name: &'static str, args: Vec<String>) -> String {
    let run = move || tool(name, &args.iter().map(String::as_str).collect::<Vec<_>>());
    String::from_utf8(tokio::task::spawn_blocking(run).await.unwrap()).unwrap()
}

async fn first_picture(input: &str) -> Vec<u8> {
    let args: Vec<String> =
        ["-i", input, "-frames:v", "1", "-f", "rawvideo", "-"].map(str::to_owned).to_vec();
    let run = move || tool("ffmpeg", &args.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_plays_the_stream_of_a_video_and_sees_and_hears_what_is_in_the_file() {
    let served = Served::open(|_| ()).await;
    let house = &served.house;
    let index = house.index("films", &[Visual]).await;
    film(&house.path("pier.mp4"), 14, H264);
    let video = house.ready(house.submit(index, "pier.mp4").await).await;
    assert_eq!(served.ended(video).await.fault, None);

    let task = served.json(&format!("/v1.2/tasks/{video}")).await;
    let shown = served.json(&format!("/v1.3/indexes/{index}/videos/{video}")).await;
    let listed = served.json("/tasks").await;
    for hls in [&task["hls"], &shown["hls"], &listed["data"][0]["hls"]] {
        assert_eq!(hls["status"], "COMPLETE", "{hls}");
        assert!(hls["video_url"].as_str().unwrap().ends_with("/index.m3u8") && hls["updated_at"].is_string());
    }
    let link = task["hls"]["video_url"].as_str().unwrap();
    let entries = "stream=codec_name:format=duration";
    let probe = ["-show_entries", entries, "-of", "default=nw=1:nk=1", link].map(str::to_owned).to_vec();
    let probed = told("ffprobe", probe).await;
    let lines: Vec<&str> = probed.lines().collect();
    assert!(lines.contains(&"h264") && lines.contains(&"aac"), "{probed}");
    let duration_s: f64 = lines.last().unwrap().parse().unwrap();
    assert!((duration_s - 14.0).abs() <= 1.0 / 30.0, "{duration_s}");
    let source = house.path("pier.mp4");
    assert_eq!(first_picture(link).await, first_picture(source.to_str().unwrap()).await);
    let counted = [
        "-count_packets",
        "-select_streams",
        "v",
        "-show_entries",
        "stream=nb_read_packets",
        "-of",
        "csv=p=0",
    ];
    let counted = counted.into_iter().chain([link]).map(str::to_owned).collect();
    let packets = told("ffprobe", counted).await;
    assert_eq!(packets.split_whitespace().next().unwrap().trim_end_matches(','), "420");
}

#[tokio::test(flavor = "multi_thread")]
async fn playlists_and_segments_are_served_in_ranges_to_pages_of_any_origin_while_the_link_works() {
    let served = Served::open(|_| ()).await;
    let house = &served.house;
    let index = house.index("films", &[Visual]).await;
    film(&house.path("pier.mp4"), 6, H264);
    let video = house.ready(house.submit(index, "pier.mp4").await).await;
    served.ended(video).await;
    let task = served.json(&format!("/tasks/{video}")).await;
    let link = task["hls"]["video_url"].as_str().unwrap().to_owned();

    let playlist = served.fetch(&link, &[]).await;
    assert_eq!(header(playlist.headers(), "content-type"), "application/vnd.apple.mpegurl");
    assert_eq!(header(playlist.headers(), "access-control-allow-origin"), "*");
    assert!(header(playlist.headers(), "cache-control").starts_with("private, max-age="));
    let text = playlist.text().await.unwrap();
    assert!(text.starts_with("#EXTM3U\n") && text.contains("\nstream.mp4\n"), "{text}");

    let file = link.replace("index.m3u8", "stream.mp4");
    let whole = served.fetch(&file, &[]).await;
    assert_eq!((whole.status().as_u16(), header(whole.headers(), "accept-ranges")), (200, "bytes"));
    assert_eq!(header(whole.headers(), "content-type"), "video/mp4");
    let etag = header(whole.headers(), "etag").to_owned();
    let whole = whole.bytes().await.unwrap();
    let last = whole.len() - 1;
    for (range, from, to) in [
        ("bytes=0-", 0, last),
        ("bytes=0-1", 0, 1),
        ("bytes=100-199", 100, 199),
        ("bytes=-10", last - 9, last),
        ("bytes=1000-999999999", 1000, last),
    ] {
        let part = served.fetch(&file, &[("range", range), ("origin", "https://player.test")]).await;
        assert_eq!(part.status(), 206, "{range}");
        let expected = format!("bytes {from}-{to}/{}", whole.len());
        assert_eq!(header(part.headers(), "content-range"), expected);
        assert_eq!(header(part.headers(), "content-length"), (to - from + 1).to_string());
        assert!(header(part.headers(), "access-control-expose-headers").contains("content-range"));
        assert_eq!(part.bytes().await.unwrap(), whole[from..=to], "{range}");
    }
    let past = served.fetch(&file, &[("range", "bytes=999999999-")]).await;
    assert_eq!(
        (past.status().as_u16(), header(past.headers(), "content-range")),
        (416, &*format!("bytes */{}", whole.len()))
    );
    assert_eq!(past.json::<Value>().await.unwrap()["code"], "range_not_satisfiable");
    let same = served.fetch(&file, &[("range", "bytes=0-1"), ("if-range", &etag)]).await;
    assert_eq!(same.status(), 206);
    let other = served.fetch(&file, &[("range", "bytes=0-1"), ("if-range", "\"other\"")]).await;
    assert_eq!(other.status(), 200);
    let known = served.fetch(&file, &[("if-none-match", &etag)]).await;
    assert_eq!(known.status(), 304);
    let head = served.client.head(&file).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), header(head.headers(), "content-length")),
        (200, &*whole.len().to_string())
    );
    assert!(head.bytes().await.unwrap().is_empty());
    let asked = served.client.request(Method::OPTIONS, &file).header("origin", "https://player.test").send();
    let asked = asked.await.unwrap();
    assert_eq!(asked.status(), 204);
    assert!(header(asked.headers(), "access-control-allow-headers").contains("range"));

    let elsewhere = served.ask(Method::GET, "/tasks").send().await.unwrap();
    assert_eq!(
        header(elsewhere.headers(), "access-control-allow-origin"),
        "",
        "only signed links are for all pages"
    );
    let other_video = link.replace(&video.to_string(), "65f0c1d2e3a4b5c6d7e8f901");
    for wrong in [
        link.replace("index.m3u8", "..%2Findex.m3u8"),
        link.replace("index.m3u8", "other.mp4"),
        link.replace("streams/", "streams/x"),
        link.replacen('-', "0-", 1),
        other_video,
    ] {
        let answer = served.fetch(&wrong, &[]).await;
        assert!(matches!(answer.status().as_u16(), 400 | 404), "{wrong}: {}", answer.status());
        assert_eq!(header(answer.headers(), "access-control-allow-origin"), "*");
    }

    let gone = served.ask(Method::DELETE, &format!("/indexes/{index}/videos/{video}")).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(served.fetch(&file, &[]).await.status(), 404);
    assert!(!house.app.files.stream(video).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_not_kept_where_nobody_wants_it_or_there_is_no_room() {
    let served = Served::open(|config| config.streaming.min_free_bytes = u64::MAX).await;
    let house = &served.house;
    let index = house.index("films", &[Visual]).await;
    film(&house.path("pier.mp4"), 5, H264);
    let video = house.ready(house.submit(index, "pier.mp4").await).await;
    let ended = served.ended(video).await;
    assert_eq!(ended.status, StreamStatus::Canceled);
    assert_eq!(ended.fault.unwrap().code, Code::StreamStorageLow);
    let shown = served.json(&format!("/indexes/{index}/videos/{video}")).await;
    assert_eq!(shown["hls"]["status"], "CANCELED");
    assert_eq!(shown["hls"]["error"]["code"], "stream_storage_low");
    assert_eq!(shown["hls"].get("video_url"), None);

    let other = house.index("others", &[Visual]).await;
    let unwanted = house.insert(NewTask { without_stream: true, ..house.new_task(other, "pier.mp4") }).await;
    let video = house.ready(unwanted).await;
    house.let_go(unwanted).await;
    assert_eq!(served.stream(video).await, None);
    assert_eq!(served.json(&format!("/indexes/{other}/videos/{video}")).await.get("hls"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_browsers_do_not_play_is_encoded_anew_or_told_not_to_be() {
    for (reencode, expected) in [(true, StreamStatus::Complete), (false, StreamStatus::Canceled)] {
        let served = Served::open(|config| config.streaming.reencode = reencode).await;
        let house = &served.house;
        let index = house.index("films", &[Visual]).await;
        film(&house.path("old.avi"), 5, "-c:v mpeg4 -c:a mp2");
        let video = house.ready(house.submit(index, "old.avi").await).await;
        let ended = served.ended(video).await;
        assert_eq!(ended.status, expected, "{ended:?}");
        assert_eq!(ended.fault.map(|fault| fault.code), (!reencode).then_some(Code::StreamNotPossible));
        assert_eq!(house.app.files.stream(video).exists(), reencode);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_a_crash_cut_short_is_made_at_the_next_start() {
    // A video of which no stream was made yet; its file is still here, as a crash leaves it.
    let served = Served::open(|config| config.streaming.enabled = false).await;
    let house = &served.house;
    let index = house.index("films", &[Visual]).await;
    film(&house.path("pier.mp4"), 5, H264);
    let task = house.submit(index, "pier.mp4").await;
    let video = house.ready(task).await;
    house.let_go(task).await;
    let (app, stray) = (&house.app, VideoId::generate(house.app.clock.now()));
    app.store.begin_stream(video, app.clock.now()).await.unwrap();
    app.store.begin_stream(stray, app.clock.now()).await.unwrap();
    std::fs::create_dir_all(app.files.task(task)).unwrap();
    std::fs::copy(house.path("pier.mp4"), app.files.fetched(task)).unwrap();
    std::fs::create_dir_all(app.files.stream(stray)).unwrap();

    let mut house = served.house.after_a_crash().await;
    assert_eq!(house.app.store.unfinished_streams().await.unwrap(), [video], "one of no video is forgotten");
    assert!(!house.app.files.stream(stray).exists(), "and what lies of it removed");
    house.start();
    let folder = house.app.files.stream(video);
    for _ in 0..600 {
        if house.app.store.unfinished_streams().await.unwrap().is_empty()
            && !house.app.files.task(task).exists()
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(house.app.store.streams(&[video]).await.unwrap()[&video].status, StreamStatus::Complete);
    assert!(folder.join("index.m3u8").exists() && folder.join("stream.mp4").exists());
    assert!(!house.app.files.task(task).exists(), "its work is over");

    let workspace = house.app.store.default_workspace(house.app.clock.now()).await.unwrap();
    house.app.store.delete_index(workspace, index).await.unwrap();
    telecine::pipeline::remove_stray_streams(&*house.app.media_store, &*house.app.store).await.unwrap();
    assert!(!folder.exists(), "streams go with their index");
}
