//! What search reads: words that are the very words, vectors that keep their numbers.

use std::time::Duration;

use telecine::ids::{IndexId, TaskId};
use telecine::store::WordQuery;
use telecine::video::{NewSegment, SegmentKind};

use super::lab::{Lab, publication, segment};

super::conformance!(
    a_phrase_is_the_very_words_in_their_order,
    phrases_are_asked_together_or_each,
    no_query_is_syntax,
    words_are_found_in_their_index_and_kind_only,
    better_matches_come_first,
    vectors_are_walked_by_number_and_numbers_are_not_used_again,
    vectors_are_found_by_their_videos,
    segments_come_in_the_order_of_the_vectors_asked_for,
    results_are_kept_until_their_moment,
);

async fn publish(lab: &Lab, index: IndexId, key: &str, segments: Vec<NewSegment>) -> TaskId {
    let task = lab.task(index, key).await;
    let claim = lab.claim_of(task).await;
    let mut publication = publication(task, key);
    publication.segments = segments;
    lab.publish(&claim, &publication).await;
    task
}

async fn spoken(lab: &Lab, texts: &[&str]) -> IndexId {
    let index = lab.index("films").await;
    let at = |number: usize| i64::try_from(number).unwrap() * 1_000;
    let said =
        texts.iter().enumerate().map(|(number, text)| segment(SegmentKind::Speech, at(number), text, &[]));
    publish(lab, index, "a.mp4", said.collect()).await;
    index
}

async fn find(lab: &Lab, index: IndexId, phrases: &[&str], all: bool) -> Vec<String> {
    let phrases = phrases.iter().map(|phrase| phrase.split(' ').map(str::to_owned).collect()).collect();
    let query = WordQuery { phrases, all };
    let found = lab.store.match_words(index, SegmentKind::Speech, &query, 10).await.unwrap();
    found.into_iter().map(|found| found.segment.text).collect()
}

async fn a_phrase_is_the_very_words_in_their_order(lab: &Lab) {
    let index =
        spoken(lab, &["The quick brown fox", "A crème brûlée, don't you think?", "Quickly browned foxes"])
            .await;
    for (phrase, found) in [
        ("quick brown", true),
        ("QUICK BROWN FOX", true),
        ("brown quick", false),
        ("the fox", false),
        ("quick, brown", true),
        ("qui", false),
        ("foxe", false),
    ] {
        let expected: &[&str] = if found { &["The quick brown fox"] } else { &[] };
        assert_eq!(find(lab, index, &[phrase], true).await, expected, "{phrase}");
    }
    for phrase in ["crème brûlée", "creme brulee", "don't", "don't you"] {
        assert_eq!(find(lab, index, &[phrase], true).await, ["A crème brûlée, don't you think?"], "{phrase}");
    }
}

async fn phrases_are_asked_together_or_each(lab: &Lab) {
    let index = spoken(lab, &["a red car", "a red bus and a blue car", "nothing"]).await;
    assert_eq!(find(lab, index, &["red", "car"], true).await.len(), 2);
    assert_eq!(find(lab, index, &["red bus", "blue car"], true).await, ["a red bus and a blue car"]);
    assert_eq!(find(lab, index, &["red bus", "nothing"], false).await.len(), 2);
    assert_eq!(find(lab, index, &["red bus", "nothing"], true).await.len(), 0);
    assert_eq!(find(lab, index, &["—", "nothing"], true).await, ["nothing"]);
    assert_eq!(find(lab, index, &["—", "?!"], true).await.len(), 0);
}

async fn no_query_is_syntax(lab: &Lab) {
    let index = spoken(lab, &["near and or not text scope", "something else"]).await;
    for hostile in [
        "\"",
        "\"\"",
        "a\" OR \"something",
        "NEAR(something else)",
        "something NOT else",
        "text:something",
        "{scope text}:something",
        "-something",
        "someth*",
        "^something else",
        "something + else(",
        "(((((",
        "'; DROP TABLE words; --",
        "\0",
        "some\0thing",
        "\u{FFFF}",
        "%",
    ] {
        let found = find(lab, index, &[hostile], true).await;
        assert!(found.len() <= 1, "{hostile:?} found {found:?}");
    }
    for (words, expected) in [("AND", 1), ("NOT text", 1), ("text OR scope", 0), ("something NOT else", 0)] {
        assert_eq!(find(lab, index, &[words], true).await.len(), expected, "{words}");
    }
    let very_long = "word ".repeat(20_000);
    assert_eq!(find(lab, index, &[very_long.trim_end()], true).await.len(), 0);
}

async fn words_are_found_in_their_index_and_kind_only(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    publish(lab, films, "a.mp4", vec![segment(SegmentKind::Speech, 0, "exit through the shop", &[])]).await;
    publish(lab, films, "b.mp4", vec![segment(SegmentKind::Text, 0, "EXIT", &[])]).await;
    publish(lab, other, "c.mp4", vec![segment(SegmentKind::Speech, 0, "no exit", &[])]).await;
    let query = WordQuery { phrases: vec![vec!["exit".to_owned()]], all: true };
    for (index, kind, expected) in [
        (films, SegmentKind::Speech, vec!["exit through the shop"]),
        (films, SegmentKind::Text, vec!["EXIT"]),
        (films, SegmentKind::Shot, vec![]),
        (other, SegmentKind::Speech, vec!["no exit"]),
        (other, SegmentKind::Text, vec![]),
    ] {
        let found = lab.store.match_words(index, kind, &query, 10).await.unwrap();
        let texts: Vec<&str> = found.iter().map(|found| found.segment.text.as_str()).collect();
        assert_eq!(texts, expected, "{index} {kind:?}");
    }
    // The names of scopes are no words.
    assert_eq!(find(lab, films, &["space1"], true).await.len(), 0);
}

async fn better_matches_come_first(lab: &Lab) {
    let index = spoken(
        lab,
        &["a dog among very many other words in a long sentence", "dog", "no match", "dog dog dog dog dog"],
    )
    .await;
    let query = WordQuery { phrases: vec![vec!["dog".to_owned()]], all: true };
    let found = lab.store.match_words(index, SegmentKind::Speech, &query, 10).await.unwrap();
    let scores: Vec<f32> = found.iter().map(|found| found.score).collect();
    assert_eq!(found.len(), 3);
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[2] > 0.0, "{scores:?}");
    assert_eq!(found[2].segment.text, "a dog among very many other words in a long sentence");
    let best = lab.store.match_words(index, SegmentKind::Speech, &query, 1).await.unwrap();
    assert_eq!(best, found[..1]);
}

async fn vectors_are_walked_by_number_and_numbers_are_not_used_again(lab: &Lab) {
    let index = lab.index("films").await;
    let shots = |number: usize| vec![segment(SegmentKind::Shot, 0, "", &vec![[1.0, 0.0]; number])];
    publish(lab, index, "a.mp4", shots(20)).await;
    let last = publish(lab, index, "b.mp4", shots(3)).await;
    let (count, greatest) = lab.store.vector_extent(index, SegmentKind::Shot).await.unwrap();
    assert_eq!(count, 23);
    let mut walked = Vec::new();
    loop {
        let after = walked.last().copied().unwrap_or_default();
        let some = lab.store.vectors_after(index, SegmentKind::Shot, after, 7).await.unwrap();
        if some.is_empty() {
            break;
        }
        walked.extend(some.iter().map(|row| row.id));
    }
    assert_eq!((walked.len(), walked.last()), (23, Some(&greatest)));
    assert!(walked.is_sorted());

    lab.store.delete_video(lab.workspace, index, last.into()).await.unwrap();
    publish(lab, index, "c.mp4", shots(1)).await;
    let (count, now_greatest) = lab.store.vector_extent(index, SegmentKind::Shot).await.unwrap();
    assert_eq!(count, 21);
    assert!(now_greatest > greatest, "a number is never used again");
}

async fn vectors_are_found_by_their_videos(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let (one, two) = (lab.published(films, "a.mp4").await, lab.published(films, "b.mp4").await);
    let elsewhere = lab.published(other, "a.mp4").await;
    let all: Vec<i64> = lab
        .store
        .vectors_after(films, SegmentKind::Shot, 0, 10)
        .await
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    let of = async |videos: &[TaskId]| {
        let videos: Vec<_> = videos.iter().map(|task| (*task).into()).collect();
        lab.store.vectors_of_videos(films, SegmentKind::Shot, &videos).await.unwrap()
    };
    assert_eq!(of(&[one]).await, all[..2]);
    assert_eq!(of(&[two, one, elsewhere]).await, all);
    assert!(of(&[elsewhere]).await.is_empty());
    assert!(of(&[]).await.is_empty());
}

async fn segments_come_in_the_order_of_the_vectors_asked_for(lab: &Lab) {
    let index = lab.index("films").await;
    let kept = lab.published(index, "a.mp4").await;
    let deleted = lab.published(index, "b.mp4").await;
    let numbers: Vec<i64> = lab
        .store
        .vectors_after(index, SegmentKind::Shot, 0, 10)
        .await
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    lab.store.delete_video(lab.workspace, index, deleted.into()).await.unwrap();
    let asked: Vec<i64> = numbers.iter().rev().copied().chain([999_999]).collect();
    let placed = lab.store.segments_of_vectors(&asked).await.unwrap();
    assert_eq!(placed.iter().map(|(id, ..)| *id).collect::<Vec<_>>(), [numbers[1], numbers[0]]);
    assert!(placed.iter().all(|(.., segment)| segment.video == kept.into()));
}

async fn results_are_kept_until_their_moment(lab: &Lab) {
    let until = lab.now().after(Duration::from_secs(10));
    lab.store.keep_results(lab.workspace, "token", b"page", until, lab.now()).await.unwrap();
    let kept = async |workspace| lab.store.kept_results(workspace, "token", lab.now()).await.unwrap();
    assert_eq!(kept(lab.workspace).await.as_deref(), Some(&b"page"[..]));
    assert_eq!(kept(lab.stranger()).await, None);
    lab.clock.advance(Duration::from_secs(10));
    assert_eq!(kept(lab.workspace).await, None);
    let later = lab.now().after(Duration::from_secs(10));
    lab.store.keep_results(lab.workspace, "token", b"anew", later, lab.now()).await.unwrap();
    assert_eq!(kept(lab.workspace).await.as_deref(), Some(&b"anew"[..]));
}
