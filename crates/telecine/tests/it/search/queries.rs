//! The whole way from a query to pages, over videos of a few segments whose vectors are what the real engines make.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use telecine::fault::{Code, Result};
use telecine::ids::{IndexId, VideoId, WorkspaceId};
use telecine::index::ModelOption::{self, Conversation, TextInVideo, Visual};
use telecine::index::ModelRef;
use telecine::pipeline::Engines;
use telecine::search::{
    Clip, Confidence, ConversationOption, GroupBy, Items, Operator, ResultPage, SearchRequest, Searcher,
    SortOption,
};
use telecine::store::VideoFilter;
use telecine::time::Clock as _;
use telecine::video::{NewSegment, SegmentKind};

use super::delete;
use super::engines::engines;
use super::library::{Library, range, segment};

/// What a client sends when it says nothing else.
pub(crate) fn request(index: IndexId, text: &str, options: &[ModelOption]) -> SearchRequest {
    SearchRequest {
        index,
        wanted: text.into(),
        options: options.iter().copied().collect(),
        operator: Operator::Or,
        conversation: ConversationOption::Semantic,
        threshold: Confidence::Low,
        adjust_confidence_level: 0.5,
        group_by: GroupBy::Clip,
        sort: SortOption::Score,
        page_limit: 10,
        filter: VideoFilter::default(),
    }
}

struct Cinema {
    library: Library,
    engines: Engines,
    index: IndexId,
    dickens: VideoId,
    cooking: VideoId,
    news: VideoId,
}

/// A shot that shows this, for the concept space puts words and pictures into one space.
fn shot(engines: &Engines, start_s: f64, end_s: f64, shows: &[&str]) -> NewSegment {
    let vectors = shows.iter().map(|text| engines.see.embed_text(text).unwrap()).collect();
    segment(SegmentKind::Shot, range(start_s, end_s), "", vectors)
}

fn words(engines: &Engines, kind: SegmentKind, start_s: f64, end_s: f64, text: &str) -> NewSegment {
    segment(kind, range(start_s, end_s), text, engines.words.embed(&[text]).unwrap())
}

impl Cinema {
    async fn open() -> Self {
        let (library, engines) = (Library::new().await, engines());
        let index = library.index("marengo2.6", &ModelOption::ALL, engines.models()).await;
        let (speech, text) = (SegmentKind::Speech, SegmentKind::Text);
        let of = &engines;
        let dickens = vec![
            shot(of, 0.0, 6.0, &["an open book on a table", "a lion"]),
            shot(of, 6.0, 10.0, &["a rocket on the launch pad"]),
            words(of, speech, 1.0, 3.0, "It was the best of times,"),
            words(of, speech, 3.0, 5.0, "it was the worst of times."),
            words(of, text, 7.0, 9.0, "A TALE OF TWO CITIES"),
        ];
        let cooking = vec![
            shot(of, 0.0, 10.0, &["a bowl of soup"]),
            words(of, speech, 2.0, 4.0, "First, chop the onions and fry them in olive oil."),
            words(of, text, 5.0, 6.0, "TOMATO SOUP"),
        ];
        let news = vec![
            shot(of, 0.0, 10.0, &["a rocket on the launch pad"]),
            words(of, speech, 8.0, 10.0, "Investors worry about the best of all interest rates."),
        ];
        let dickens = library.publish(index, "dickens.mp4", dickens).await;
        let cooking = library.publish(index, "cooking.mp4", cooking).await;
        let news = library.publish(index, "news.mp4", news).await;
        Self { library, engines, index, dickens, cooking, news }
    }

    fn searcher(&self) -> Searcher {
        let library = &self.library;
        let (store, clock) = (Arc::clone(&library.store), library.clock.clone());
        Searcher::new(store, self.engines.clone(), clock, library.files())
    }

    fn request(&self, text: &str, options: &[ModelOption]) -> SearchRequest {
        request(self.index, text, options)
    }

    async fn search(&self, request: &SearchRequest) -> Result<ResultPage> {
        self.searcher().search(self.library.workspace, request).await
    }

    async fn clips(&self, request: &SearchRequest) -> Vec<Clip> {
        let Items::Clips(clips) = self.search(request).await.unwrap().items else { panic!("clips") };
        clips
    }

    async fn code(&self, request: &SearchRequest) -> (Code, String) {
        let fault = self.search(request).await.unwrap_err();
        let fault = fault.as_fault().expect("the user's fault");
        (fault.code, fault.sentence())
    }
}

fn seconds(clip: &Clip) -> (f64, f64) {
    (clip.range.start().as_secs_f64(), clip.range.end().as_secs_f64())
}

#[tokio::test]
async fn what_is_seen_is_found_by_the_best_vector_of_its_shot() {
    let cinema = Cinema::open().await;
    let clips = cinema.clips(&cinema.request("a lion", &[Visual])).await;
    assert_eq!((clips[0].video, seconds(&clips[0])), (cinema.dickens, (0.0, 6.0)));
    assert_eq!((clips[0].rank, clips[0].confidence), (1, Confidence::High));
    assert_eq!(clips[0].matches[0].option, Visual);
    assert_eq!(clips[0].matches[0].text, None);
}

#[tokio::test]
async fn what_is_said_is_found_by_its_meaning_and_told_with_its_words() {
    let cinema = Cinema::open().await;
    let clips = cinema.clips(&cinema.request("a recipe with vegetables", &[Conversation])).await;
    assert_eq!((clips[0].video, seconds(&clips[0])), (cinema.cooking, (2.0, 4.0)));
    assert!(clips[0].matches[0].text.as_deref().unwrap().contains("onions"));
    assert!(clips.iter().all(|clip| clip.matches.iter().all(|found| found.option == Conversation)));
}

#[tokio::test]
async fn cues_that_follow_each_other_are_one_clip() {
    let cinema = Cinema::open().await;
    let clips = cinema.clips(&cinema.request("the best of times the worst of times", &[Conversation])).await;
    assert_eq!((clips[0].video, seconds(&clips[0])), (cinema.dickens, (1.0, 5.0)));
    let text = clips[0].matches[0].text.as_deref();
    assert_eq!(text, Some("It was the best of times, it was the worst of times."));
}

#[tokio::test]
async fn an_exact_match_has_the_very_words_in_their_order() {
    let cinema = Cinema::open().await;
    let exact = |text| SearchRequest {
        conversation: ConversationOption::ExactMatch,
        ..cinema.request(text, &[Conversation])
    };
    let clips = cinema.clips(&exact("best of times")).await;
    assert_eq!(clips.iter().map(|clip| clip.video).collect::<Vec<_>>(), [cinema.dickens]);
    assert_eq!((seconds(&clips[0]), clips[0].confidence), ((1.0, 3.0), Confidence::High));
    let both = cinema.clips(&exact("the best of")).await;
    assert_eq!(both.iter().map(|clip| clip.video).collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(cinema.clips(&exact("times of best")).await, []);
}

#[tokio::test]
async fn what_is_written_is_found_whatever_its_case() {
    let cinema = Cinema::open().await;
    let clips = cinema.clips(&cinema.request("tale of two cities", &[TextInVideo])).await;
    assert_eq!((clips[0].video, seconds(&clips[0])), (cinema.dickens, (7.0, 9.0)));
    assert_eq!(clips[0].matches[0].text.as_deref(), Some("A TALE OF TWO CITIES"));
    assert_eq!(clips[0].confidence, Confidence::High);
}

#[tokio::test]
async fn any_option_or_all_of_them() {
    let cinema = Cinema::open().await;
    let or = cinema.request("soup with onions", &ModelOption::ALL);
    let clips = cinema.clips(&or).await;
    let best = &clips[0];
    assert_eq!(best.video, cinema.cooking);
    let options: BTreeSet<_> = best.matches.iter().map(|found| found.option).collect();
    assert_eq!(options, BTreeSet::from(ModelOption::ALL), "{best:?}");
    assert!(best.score >= best.matches[0].score);
    let and = SearchRequest { operator: Operator::And, ..or };
    let all = cinema.clips(&and).await;
    assert_eq!(all.iter().map(|clip| clip.video).collect::<Vec<_>>(), [cinema.cooking]);
    let rocket = cinema.request("rocket", &[Visual, TextInVideo]);
    assert!(cinema.clips(&rocket).await.iter().any(|clip| clip.video == cinema.news));
    let written_rocket = SearchRequest { operator: Operator::And, ..rocket };
    assert_eq!(cinema.clips(&written_rocket).await, []);
}

#[tokio::test]
async fn a_threshold_leaves_out_what_is_less_sure() {
    let cinema = Cinema::open().await;
    let mut counts = Vec::new();
    for threshold in [Confidence::ExtremelyLow, Confidence::Low, Confidence::Medium, Confidence::High] {
        let clips = cinema
            .clips(&SearchRequest { threshold, ..cinema.request("a rocket on the launch pad", &[Visual]) })
            .await;
        assert!(clips.iter().all(|clip| clip.confidence >= threshold));
        counts.push(clips.len());
    }
    assert_eq!(counts[0], 4, "every shot");
    assert!(counts.is_sorted_by(|a, b| a >= b) && counts[3] == 2, "{counts:?}");
}

#[tokio::test]
async fn a_filter_says_which_videos_and_the_pool_is_counted_accordingly() {
    let cinema = Cinema::open().await;
    let all = cinema.request("rocket", &[Visual]);
    let page = cinema.search(&all).await.unwrap();
    assert_eq!((page.pool.total_count, page.pool.total_duration_s), (3, 30.0));
    let filter = VideoFilter { filename: Some("news.mp4".into()), ..VideoFilter::default() };
    for options in [&[Visual][..], &[Conversation], &ModelOption::ALL] {
        let only = SearchRequest {
            filter: filter.clone(),
            threshold: Confidence::ExtremelyLow,
            ..cinema.request("the best rocket", options)
        };
        let page = cinema.search(&only).await.unwrap();
        assert_eq!((page.pool.total_count, page.pool.total_duration_s), (1, 10.0));
        let Items::Clips(clips) = page.items else { panic!("clips") };
        assert!(!clips.is_empty() && clips.iter().all(|clip| clip.video == cinema.news), "{clips:?}");
    }
    let nothing = VideoFilter { filename: Some("no.mp4".into()), ..VideoFilter::default() };
    let page = cinema.search(&SearchRequest { filter: nothing, ..all }).await.unwrap();
    assert_eq!((page.pool.total_count, page.total_results), (0, 0));
}

#[tokio::test]
async fn deleted_videos_never_show_up() {
    let cinema = Cinema::open().await;
    let searcher = cinema.searcher();
    let everything = SearchRequest {
        threshold: Confidence::ExtremelyLow,
        ..cinema.request("the best rocket of times", &ModelOption::ALL)
    };
    let videos = async || {
        let page = searcher.search(cinema.library.workspace, &everything).await.unwrap();
        let Items::Clips(clips) = page.items else { panic!("clips") };
        clips.iter().map(|clip| clip.video).collect::<BTreeSet<_>>()
    };
    assert_eq!(videos().await, BTreeSet::from([cinema.dickens, cinema.cooking, cinema.news]));
    delete(&cinema.library, cinema.index, cinema.news).await;
    assert_eq!(videos().await, BTreeSet::from([cinema.dickens, cinema.cooking]));
    delete(&cinema.library, cinema.index, cinema.dickens).await;
    delete(&cinema.library, cinema.index, cinema.cooking).await;
    assert_eq!(videos().await, BTreeSet::new());
}

#[tokio::test]
async fn pages_are_kept_for_an_hour_and_for_nobody_else() {
    let cinema = Cinema::open().await;
    let request = SearchRequest {
        threshold: Confidence::ExtremelyLow,
        page_limit: 3,
        ..cinema.request("a rocket", &ModelOption::ALL)
    };
    let searcher = cinema.searcher();
    let workspace = cinema.library.workspace;
    let first = searcher.search(workspace, &request).await.unwrap();
    assert_eq!(first.prev_page_token, None);
    let token = first.next_page_token.clone().expect("there is a second page");
    // Results stay as they were, whatever comes or goes, and a restart does not lose them.
    delete(&cinema.library, cinema.index, cinema.cooking).await;
    let second = cinema.searcher().page(workspace, &token).await.unwrap();
    let (Items::Clips(one), Items::Clips(two)) = (&first.items, &second.items) else { panic!("clips") };
    assert_eq!((one.len(), one[0].rank, two[0].rank), (3, 1, 4));
    assert_eq!((second.total_results, second.pool), (first.total_results, first.pool));
    let back = second.prev_page_token.expect("the first page");
    assert_eq!(searcher.page(workspace, &back).await.unwrap().items, first.items);

    let expired = |page: Result<ResultPage>| page.unwrap_err().as_fault().unwrap().code;
    let stranger = WorkspaceId::generate(cinema.library.clock.now());
    for (workspace, token) in
        [(stranger, token.as_str()), (workspace, "nonsense"), (workspace, &token.replace("-1", "-99"))]
    {
        assert_eq!(expired(searcher.page(workspace, token).await), Code::SearchPageTokenExpired);
    }
    cinema.library.clock.advance(Duration::from_secs(3_599));
    assert!(searcher.page(workspace, &token).await.is_ok());
    cinema.library.clock.advance(Duration::from_secs(1));
    assert_eq!(expired(searcher.page(workspace, &token).await), Code::SearchPageTokenExpired);
}

#[tokio::test]
async fn videos_are_grouped_with_their_clips() {
    let cinema = Cinema::open().await;
    let request = SearchRequest {
        threshold: Confidence::ExtremelyLow,
        group_by: GroupBy::Video,
        sort: SortOption::ClipCount,
        page_limit: 2,
        ..cinema.request("it was the best of times", &[Visual, Conversation])
    };
    let page = cinema.search(&request).await.unwrap();
    let Items::Videos(videos) = &page.items else { panic!("videos") };
    assert_eq!((videos.len(), page.total_results), (2, 3));
    assert_eq!(videos[0].0, cinema.dickens);
    assert!(videos[0].1.is_sorted_by(|a, b| a.rank < b.rank));
    assert!(page.total_inner_matches.unwrap() >= 4);
    assert!(page.next_page_token.is_some());
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused_with_its_reason() {
    let cinema = Cinema::open().await;
    let library = &cinema.library;
    let models = cinema.engines.models();
    let visual_only = library.index("marengo2.6", &[Visual], models.clone()).await;
    let talker = library.index("pegasus1.1", &[Visual], models.clone()).await;
    let mut others = models;
    others.words = ModelRef { id: "other-words".into(), dim: 3 };
    let other = library.index("marengo2.6", &[Visual, Conversation], others).await;
    let unknown = IndexId::generate(library.clock.now());

    let ok = cinema.request("rocket", &[Visual]);
    let base = &ok;
    let changed = |change: &dyn Fn(&mut SearchRequest)| {
        let mut request = base.clone();
        change(&mut request);
        request
    };
    let cases: [(SearchRequest, Code, &str); 10] = [
        (changed(&|r| r.wanted = " \n".into()), Code::ParameterInvalid, "empty"),
        (
            changed(&|r| r.wanted = "x".repeat(2_001).as_str().into()),
            Code::ParameterInvalid,
            "2000 characters",
        ),
        (changed(&|r| r.options.clear()), Code::ParameterInvalid, "search_options"),
        (changed(&|r| r.page_limit = 51), Code::ParameterInvalid, "page_limit is 51"),
        (changed(&|r| r.adjust_confidence_level = 1.5), Code::ParameterInvalid, "1.5"),
        (changed(&|r| r.sort = SortOption::ClipCount), Code::ParameterInvalid, "group_by"),
        (changed(&|r| r.index = unknown), Code::ResourceNotExists, &unknown.to_string()),
        (changed(&|r| r.index = talker), Code::IndexNotSupportedForSearch, "pegasus1.1"),
        (
            request(visual_only, "rocket", &[Visual, TextInVideo]),
            Code::SearchOptionNotSupported,
            "Found: text_in_video. Rule: this index can be searched by visual.",
        ),
        (request(other, "rocket", &[Conversation]), Code::IndexModelMismatch, "other-words"),
    ];
    for (request, code, tells) in cases {
        let (told, sentence) = cinema.code(&request).await;
        assert_eq!(told, code, "{sentence}");
        assert!(sentence.contains(tells), "{sentence} should tell {tells}");
    }
    let stranger = WorkspaceId::generate(library.clock.now());
    let fault = cinema.searcher().search(stranger, &ok).await.unwrap_err();
    assert_eq!(fault.as_fault().unwrap().code, Code::ResourceNotExists);
    let by_sight = cinema.search(&request(other, "rocket", &[Visual])).await.unwrap();
    assert_eq!(by_sight.total_results, 0, "the model that sees is the same, so it can be asked");
}

#[tokio::test]
async fn a_query_of_signs_alone_finds_by_meaning_or_is_refused_as_exact() {
    let cinema = Cinema::open().await;
    let signs = cinema.request("?!", &[Conversation]);
    assert!(cinema.search(&signs).await.is_ok());
    let exact = SearchRequest { conversation: ConversationOption::ExactMatch, ..signs };
    assert_eq!(cinema.code(&exact).await.0, Code::ParameterInvalid);
}
