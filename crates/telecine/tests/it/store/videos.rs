//! Videos: lists with filters over what was measured and over the user's own fields.

use serde_json::{Map, Value, json};
use telecine::ids::{IndexId, TaskId, VideoId};
use telecine::store::{MetaTest, Paging, SortBy, VideoFilter, Within};
use telecine::transfer::NewTask;
use telecine::video::SegmentKind;

use super::lab::{FIRST_PAGE, Lab, publication};

super::conformance!(
    videos_are_filtered,
    users_own_fields_are_tested,
    hostile_field_names_are_only_names,
    videos_are_paged_and_sorted,
    users_own_fields_are_replaced,
    a_video_is_found_in_its_index_only,
    what_is_not_there_has_no_parts,
    the_middle_picture_is_that_nearest_to_half_of_the_video,
);

/// A published video with measures and fields of its own.
async fn video(lab: &Lab, index: IndexId, name: &str, width: u32, duration_s: f64, fields: Value) -> VideoId {
    let user_metadata = fields.as_object().cloned();
    let new = NewTask { user_metadata, ..lab.new_task(index, name) };
    lab.store.insert_task(lab.workspace, &new, lab.now()).await.unwrap();
    let claim = lab.claim_of(new.id).await;
    let mut publication = publication(new.id, name);
    (publication.meta.width, publication.meta.duration_s) = (width, duration_s);
    publication.meta.size_bytes = u64::from(width) * 1_000;
    publication.meta.fps = duration_s + 20.0;
    lab.tick();
    lab.publish(&claim, &publication).await;
    new.id.into()
}

async fn found(lab: &Lab, index: IndexId, filter: VideoFilter) -> Vec<VideoId> {
    let listed = lab.store.videos(lab.workspace, index, &filter, FIRST_PAGE).await.unwrap();
    assert_eq!(listed.total, listed.rows.len() as u64, "{filter:?}");
    listed.rows.iter().map(|video| video.id).collect()
}

fn from<T>(min: T) -> Within<T> {
    Within { min: Some(min), max: None }
}

fn up_to<T>(max: T) -> Within<T> {
    Within { min: None, max: Some(max) }
}

async fn videos_are_filtered(lab: &Lab) {
    let index = lab.index("films").await;
    let small = video(lab, index, "small.mp4", 640, 5.0, Value::Null).await;
    let large = video(lab, index, "large.mp4", 1920, 60.0, Value::Null).await;
    let other = video(lab, lab.index("other").await, "small.mp4", 640, 5.0, Value::Null).await;
    let told = lab.store.video(lab.workspace, index, large).await.unwrap().unwrap();
    assert!(told.created_at < told.indexed_at);

    let any = VideoFilter::default;
    for (filter, expected) in [
        (any(), vec![small, large]),
        (VideoFilter { ids: vec![large, other], ..any() }, vec![large]),
        (VideoFilter { filename: Some("small.mp4".to_owned()), ..any() }, vec![small]),
        (VideoFilter { duration_s: from(60.0), ..any() }, vec![large]),
        (VideoFilter { fps: up_to(25.0), ..any() }, vec![small]),
        (VideoFilter { width: up_to(640.0), ..any() }, vec![small]),
        (VideoFilter { height: from(361.0), ..any() }, vec![]),
        (VideoFilter { size_bytes: from(1_000_000.0), ..any() }, vec![large]),
        (VideoFilter { created_at: from(told.created_at), ..any() }, vec![large]),
        (VideoFilter { updated_at: up_to(told.created_at), ..any() }, vec![small]),
        (VideoFilter { indexed_at: from(told.indexed_at), ..any() }, vec![large]),
        (VideoFilter { width: from(641.0), duration_s: up_to(59.0), ..any() }, vec![]),
    ] {
        assert_eq!(found(lab, index, filter.clone()).await, expected, "{filter:?}");
    }
}

async fn users_own_fields_are_tested(lab: &Lab) {
    let index = lab.index("films").await;
    let fields =
        json!({ "title": "Éclair", "year": 2001, "rating": 4.5, "draft": true, "n": "7", "none": null });
    let full = video(lab, index, "full.mp4", 640, 5.0, fields).await;
    video(lab, index, "empty.mp4", 640, 5.0, Value::Null).await;
    let equals = |value: Value| MetaTest::Equals(value);
    let within = |min, max| MetaTest::Within(Within { min, max });
    for (name, test, matches) in [
        ("title", equals(json!("Éclair")), true),
        ("title", equals(json!("éclair")), false),
        ("title", within(Some(0.0), None), false),
        ("year", equals(json!(2001)), true),
        ("year", equals(json!(2001.0)), true),
        ("year", equals(json!("2001")), true),
        ("year", equals(json!("2001.0")), true),
        ("year", equals(json!(2002)), false),
        ("year", within(Some(2001.0), Some(2001.0)), true),
        ("year", within(Some(2001.5), None), false),
        ("year", within(None, None), true),
        ("rating", equals(json!(4.5)), true),
        ("rating", equals(json!("4.5")), true),
        ("draft", equals(json!(true)), true),
        ("draft", equals(json!("true")), true),
        ("draft", equals(json!(false)), false),
        ("draft", equals(json!(1)), false),
        ("n", equals(json!("7")), true),
        ("n", equals(json!(7)), false),
        ("none", equals(Value::Null), true),
        ("title", equals(json!(["Éclair"])), false),
        ("missing", equals(Value::Null), false),
    ] {
        let expected = if matches { vec![full] } else { Vec::new() };
        let filter =
            VideoFilter { user_metadata: vec![(name.to_owned(), test.clone())], ..VideoFilter::default() };
        assert_eq!(found(lab, index, filter).await, expected, "{name}: {test:?}");
    }
    let both = |year| {
        let tests = [("year", json!(year)), ("title", json!("Éclair"))];
        tests.map(|(name, value)| (name.to_owned(), MetaTest::Equals(value))).to_vec()
    };
    for (year, expected) in [(2001, vec![full]), (1999, vec![])] {
        let filter = VideoFilter { user_metadata: both(year), ..VideoFilter::default() };
        assert_eq!(found(lab, index, filter).await, expected);
    }
}

async fn hostile_field_names_are_only_names(lab: &Lab) {
    let index = lab.index("films").await;
    let names = [
        "a\"b",
        "$.a",
        "a.b",
        "a[0]",
        "",
        "'; DROP TABLE video; --",
        "ключ",
        "\u{1F3AC}",
        "a\\b",
        "tab\there",
    ];
    let fields: Map<String, Value> =
        names.iter().enumerate().map(|(number, name)| ((*name).to_owned(), json!(number))).collect();
    let id = video(lab, index, "a.mp4", 640, 5.0, Value::Object(fields)).await;
    for (number, name) in names.iter().enumerate() {
        for (value, expected) in [(number, vec![id]), (number + 1, vec![])] {
            let test = ((*name).to_owned(), MetaTest::Equals(json!(value)));
            let filter = VideoFilter { user_metadata: vec![test], ..VideoFilter::default() };
            assert_eq!(found(lab, index, filter).await, expected, "{name:?} = {value}");
        }
    }
}

async fn videos_are_paged_and_sorted(lab: &Lab) {
    let index = lab.index("films").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(video(lab, index, name, 640, 5.0, Value::Null).await);
    }
    lab.tick();
    lab.store.set_user_metadata(lab.workspace, index, ids[0], &Map::new(), lab.now()).await.unwrap();
    for (page, sort_by, descending, expected) in [
        (1, SortBy::CreatedAt, false, vec![ids[0], ids[1]]),
        (2, SortBy::CreatedAt, false, vec![ids[2]]),
        (3, SortBy::CreatedAt, false, vec![]),
        (1, SortBy::CreatedAt, true, vec![ids[2], ids[1]]),
        (1, SortBy::UpdatedAt, true, vec![ids[0], ids[2]]),
    ] {
        let paging = Paging { page, limit: 2, sort_by, descending };
        let listed = lab.store.videos(lab.workspace, index, &VideoFilter::default(), paging).await.unwrap();
        assert_eq!(listed.rows.iter().map(|video| video.id).collect::<Vec<_>>(), expected, "{paging:?}");
        assert_eq!(listed.total, 3);
    }
}

async fn users_own_fields_are_replaced(lab: &Lab) {
    let index = lab.index("films").await;
    let id = video(lab, index, "a.mp4", 640, 5.0, json!({ "a": 1, "b": 2 })).await;
    let fields = json!({ "c": { "deep": [1, 2, "three"] } }).as_object().cloned().unwrap();
    let set = |workspace, id| lab.store.set_user_metadata(workspace, index, id, &fields, lab.now());
    lab.tick();
    assert!(set(lab.workspace, id).await.unwrap());
    let told = lab.store.video(lab.workspace, index, id).await.unwrap().unwrap();
    assert_eq!((told.user_metadata, told.updated_at), (fields.clone(), lab.now()));
    assert!(!set(lab.stranger(), id).await.unwrap());
    assert!(!set(lab.workspace, TaskId::generate(lab.now()).into()).await.unwrap());
}

async fn a_video_is_found_in_its_index_only(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let id = lab.published(films, "a.mp4").await.into();
    assert_eq!(lab.store.video(lab.workspace, other, id).await.unwrap(), None);
    assert!(!lab.store.delete_video(lab.workspace, other, id).await.unwrap());
    assert!(lab.store.video(lab.workspace, films, id).await.unwrap().is_some());
}

async fn what_is_not_there_has_no_parts(lab: &Lab) {
    let unknown: VideoId = TaskId::generate(lab.now()).into();
    assert_eq!(lab.store.thumbnail(unknown, None).await.unwrap(), None);
    for kind in SegmentKind::ALL {
        assert_eq!(lab.store.segments(unknown, kind).await.unwrap(), []);
    }
}

async fn the_middle_picture_is_that_nearest_to_half_of_the_video(lab: &Lab) {
    let index = lab.index("films").await;
    // Both have pictures at 0.5 and at 6 seconds.
    let long = video(lab, index, "long.mp4", 640, 12.0, json!({})).await;
    let short = video(lab, index, "short.mp4", 641, 2.0, json!({})).await;
    let found = lab.store.middle_pictures(&[long, short]).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[&long].as_millis(), found[&short].as_millis()), (6_000, 500));
    assert!(lab.store.middle_pictures(&[]).await.unwrap().is_empty());
}
