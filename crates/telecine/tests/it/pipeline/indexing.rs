//! What becomes of good videos: text that is seen, speech that is heard, captions that come along.

use telecine::index::ModelOption::{Conversation, TextInVideo, Visual};
use telecine::time::MediaTime;
use telecine::video::SegmentKind;

use super::house::House;
use super::media;

const SRT: &str = "1\n00:00:01,000 --> 00:00:03,000\nA street in the morning\n\n\
                   2\n00:00:04,500 --> 00:00:06,000\nCyclists wait\nfor the light\n";
const CUES: [&str; 2] = ["A street in the morning", "Cyclists wait for the light"];

#[tokio::test(flavor = "multi_thread")]
async fn a_trailer_becomes_ready_with_its_captions_word_by_word() {
    let house = House::open().await;
    media::captioned_trailer(&house.path("trailer.mp4"));
    let index = house.index("films", &[Visual, TextInVideo]).await;
    let task = house.submit(index, "trailer.mp4").await;
    let video = house.ready(task).await;

    let texts = house.segments(video, SegmentKind::Text).await;
    for caption in
        ["An unlucky bird", "A (slightly overweight) bunny", "And three rodent pests", "Revenge is coming..."]
    {
        let found: Vec<_> = texts.iter().filter(|segment| segment.text == caption).collect();
        let [segment] = &found[..] else { panic!("`{caption}` is one of {texts:#?}") };
        assert!(segment.range.duration() >= MediaTime::from_millis(1_000), "{segment:?}");
    }

    let shots = house.segments(video, SegmentKind::Shot).await;
    assert!((4..=12).contains(&shots.len()), "{shots:#?}");
    assert!(shots.windows(2).all(|pair| pair[0].range.end() == pair[1].range.start()), "{shots:#?}");
    assert_eq!(house.texts(video, SegmentKind::Speech).await, [""; 0], "nobody asks for what is said");

    let (_, first) =
        house.app.store.thumbnail(video, Some(MediaTime::ZERO)).await.unwrap().expect("a picture");
    assert!(first.starts_with(&[0xff, 0xd8]) && first.len() < 64 << 10, "a small JPEG");
    let (vectors, _) = house.app.store.vector_extent(index, SegmentKind::Shot).await.unwrap();
    assert!((shots.len() as u64..=8 * shots.len() as u64).contains(&vectors), "{vectors}");
    let (vectors, _) = house.app.store.vector_extent(index, SegmentKind::Text).await.unwrap();
    assert_eq!(vectors, texts.len() as u64);

    let task = house.task(task).await;
    let meta = task.meta.expect("measured");
    assert_eq!((meta.width, meta.height, meta.filename.as_str()), (1280, 720, "trailer.mp4"));
    assert!((12.0..14.5).contains(&meta.duration_s), "{meta:?}");
    let hash = blake3::hash(&std::fs::read(house.path("trailer.mp4")).unwrap()).to_hex().to_string();
    assert_eq!(task.content_hash.as_deref(), Some(hash.as_str()));
    house.let_go(task.id).await;
    assert!(!house.app.files.task(task.id).exists(), "the work folder is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_comes_from_captions_given_else_from_a_text_track_else_from_the_sound() {
    let house = House::open().await;
    std::fs::write(house.path("captions.srt"), SRT).unwrap();
    media::speech(&house.path("speech.mp4"));
    media::with_text_track(
        &house.path("speech.mp4"),
        &house.path("captions.srt"),
        &house.path("tracked.mp4"),
    );
    let [heard, given, tracked] = [
        house.index("heard", &[Conversation]).await,
        house.index("given", &[Conversation]).await,
        house.index("tracked", &[Conversation]).await,
    ];
    let heard = house.submit(heard, "speech.mp4").await;
    let given = house.submit_with(given, "speech.mp4", "captions.srt").await;
    let tracked = house.submit(tracked, "tracked.mp4").await;

    let said = house.segments(house.ready(heard).await, SegmentKind::Speech).await;
    let whole = said.iter().map(|s| s.text.to_lowercase()).collect::<Vec<_>>().join(" ");
    for words in ["best of times", "worst of times", "age of wisdom"] {
        assert!(whole.contains(words), "`{words}` is heard in: {whole}");
    }
    assert!(said.iter().all(|s| s.range.end() <= MediaTime::from_millis(12_100)), "{said:#?}");

    let given = house.segments(house.ready(given).await, SegmentKind::Speech).await;
    assert_eq!(given.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), CUES);
    assert_eq!(given[0].range.start(), MediaTime::from_millis(1_000));
    assert_eq!(given[1].range.end(), MediaTime::from_millis(6_000));

    assert_eq!(house.texts(house.ready(tracked).await, SegmentKind::Speech).await, CUES);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_an_index_asks_for_is_made() {
    let house = House::open().await;
    media::silent(&house.path("test.mp4"), "640x360", 5);
    let index = house.index("text", &[TextInVideo]).await;
    let video = house.ready(house.submit(index, "test.mp4").await).await;
    assert_eq!(house.segments(video, SegmentKind::Shot).await, []);
    assert_eq!(house.segments(video, SegmentKind::Speech).await, []);
    assert!(house.app.store.thumbnail(video, None).await.unwrap().is_some(), "pictures are always there");
}
