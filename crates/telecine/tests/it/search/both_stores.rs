//! What is found does not depend on the store: one frozen corpus in SQLite, searched in memory, and in PostgreSQL, which
//! searches itself. The words that match are the same; so are the nearest vectors where all are looked at, but for those
//! that lie equally far within [`NEAR`]; a graph finds 99 of 100 of them; scores of clips differ by at most [`SCORE`], and 99 of 100
//! of the first ten are the same or as good.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use telecine::ids::{IndexId, VideoId};
use telecine::index::ModelOption::{self, Conversation, TextInVideo, Visual};
use telecine::index::{IndexModels, ModelRef};
use telecine::pipeline::Engines;
use telecine::search::vectors::{InDatabase, Nearest, Shelf, ShelfConfig, Vectors};
use telecine::search::words::Terms;
use telecine::search::{Clip, Confidence, ConversationOption, Items, SearchRequest, Searcher};
use telecine::store::GraphRules;
use telecine::store::postgres::PostgresStore;
use telecine::video::{NewSegment, SegmentKind};

use super::engines::engines;
use super::library::{Library, range, segment};
use super::queries::request;
use super::synthetic::{Random, Topics};
use crate::support::postgres::PostgresDatabase;

/// How far dot products may differ: the database rounds a query to 16 bits, too.
const NEAR: f32 = 0.002;
/// How far scores of clips may differ, of 100.
const SCORE: f32 = 0.5;
/// Scores of 100 that are as good as equal.
const TIE: f32 = 0.5;
const DIM: usize = 64;

/// What is said in the frozen corpus: `{}` are numbers.
const SAID: [&str; 24] = [
    "It was the best of times, it was the worst of times, number {}.",
    "The rocket {} left the launch pad at dawn.",
    "Chop the onions and fry them in olive oil, then add {} tomatoes.",
    "Investors worry about interest rates above {} percent.",
    "Le café de la gare ouvre à {} heures, l'été comme l'hiver.",
    "Où est la bibliothèque ? Au {}, rue de l'Église.",
    "Der Zug nach Köln fährt um {} Uhr von Gleis drei.",
    "Größe und Straße: {} Fußgänger überqueren die Brücke.",
    "El niño comió {} manzanas en la montaña.",
    "¿Qué pasó mañana? Señor, {} veces.",
    "Привет, это новости номер {} из Москвы.",
    "Ёлка и ещё {} деревьев стоят у дома.",
    "今日は東京で{}回目の会議があります。",
    "カメラを{}台買いました。",
    "서울에서 {}번째 회의가 열렸습니다.",
    "北京的天气很好，有{}度。",
    "مرحبا بكم في نشرة الأخبار رقم {}",
    "שלום לכולם, זה פרק {}",
    "नमस्ते, यह समाचार संख्या {} है।",
    "Cảm ơn bạn đã xem tập {} của chúng tôi.",
    "Zażółć gęślą jaźń {} razy, proszę.",
    "Çok güzel! İstanbul'da {} gün kaldık.",
    "Η Ελλάδα κέρδισε {} μετάλλια στους αγώνες.",
    "Breaking 🚨 news #{}: e-mail us at desk@example.com — 24/7!",
];
const SHOWN: [&str; 8] = [
    "an open book on a table",
    "a rocket on the launch pad",
    "a bowl of soup",
    "a lion",
    "a train in a station",
    "a mountain in the snow",
    "people at a conference",
    "a beach at sunset",
];
/// What is looked for by its words.
const WORDS: [&str; 30] = [
    "best of times",
    "\"worst of times\"",
    "rocket launch",
    "onions oil tomatoes",
    "interest rates percent",
    "CAFÉ",
    "cafe gare",
    "\"l'été\"",
    "eglise",
    "köln",
    "koln zug",
    "große",
    "grosse straße",
    "nino montana",
    "señor",
    "новости москвы",
    "елка",
    "еще деревьев",
    "今日は東京で",
    "カメラを",
    "서울에서",
    "北京的天气很好",
    "الأخبار",
    "שלום",
    "समाचार",
    "cam on ban",
    "zazolc gesla jazn",
    "istanbul'da",
    "ελλαδα μεταλλια",
    "e-mail desk@example.com",
];

/// A store with the corpus, and what searches it.
struct Side {
    library: Library,
    searcher: Searcher,
    names: HashMap<VideoId, String>,
    indexes: Vec<IndexId>,
    _database: Option<PostgresDatabase>,
}

/// What makes the segments of a video anew for each store.
type Segments<'a> = Box<dyn Fn() -> Vec<NewSegment> + 'a>;

/// What is changed in a search.
type Change<'a> = &'a dyn Fn(&mut SearchRequest);

struct Corpus<'a> {
    models: IndexModels,
    /// Videos with their segments, by index.
    videos: Vec<(usize, String, Segments<'a>)>,
    indexes: usize,
}

impl Side {
    async fn sqlite(corpus: &Corpus<'_>, engines: &Engines) -> Self {
        Self::of(Library::new().await, None, corpus, engines).await
    }

    async fn postgres(corpus: &Corpus<'_>, engines: &Engines) -> Self {
        let database = PostgresDatabase::create().await;
        let store = Arc::new(PostgresStore::open(database.url()).await.unwrap());
        let library = Library::with(store, tempfile::tempdir().unwrap()).await;
        Self::of(library, Some(database), corpus, engines).await
    }

    async fn of(
        library: Library,
        database: Option<PostgresDatabase>,
        corpus: &Corpus<'_>,
        engines: &Engines,
    ) -> Self {
        let (mut indexes, mut names) = (Vec::new(), HashMap::new());
        for _ in 0..corpus.indexes {
            indexes.push(library.index("marengo2.6", &ModelOption::ALL, corpus.models.clone()).await);
        }
        for (index, name, segments) in &corpus.videos {
            let video = library.publish(indexes[*index], name, segments()).await;
            names.insert(video, name.clone());
        }
        let (store, clock) = (Arc::clone(&library.store), library.clock.clone());
        let searcher = match &database {
            None => Searcher::new(store, engines.clone(), clock, library.files()),
            Some(_) => Searcher::in_database(store, engines.clone(), clock).unwrap(),
        };
        Self { library, searcher, names, indexes, _database: database }
    }

    /// Videos whose number is a multiple of this.
    fn every(&self, step: usize) -> Vec<VideoId> {
        let number = |name: &str| name.trim_end_matches(".mp4").parse::<usize>().unwrap();
        self.names.iter().filter(|(_, name)| number(name).is_multiple_of(step)).map(|(id, _)| *id).collect()
    }

    async fn clips(
        &self,
        index: usize,
        change: impl Fn(&mut SearchRequest),
        text: &str,
    ) -> Vec<(Place, f32)> {
        let mut request = request(self.indexes[index], text, &ModelOption::ALL);
        request.page_limit = 10;
        change(&mut request);
        let page = self.searcher.search(self.library.workspace, &request).await.unwrap();
        let Items::Clips(clips) = page.items else { panic!("clips") };
        clips.into_iter().map(|clip| (self.place(&clip), clip.score)).collect()
    }

    fn place(&self, clip: &Clip) -> Place {
        (self.names[&clip.video].clone(), format!("{:?}", clip.range))
    }

    /// Rows and scores of the nearest vectors.
    async fn nearest(
        &self,
        kind: SegmentKind,
        query: &Arc<[f32]>,
        among: Option<&[VideoId]>,
        count: usize,
    ) -> Vec<(i64, f32)> {
        nearest(self.searcher.vectors(), self.indexes[0], kind, query, among, count).await
    }
}

async fn nearest(
    vectors: &Vectors,
    index: IndexId,
    kind: SegmentKind,
    query: &Arc<[f32]>,
    among: Option<&[VideoId]>,
    count: usize,
) -> Vec<(i64, f32)> {
    let model = ModelRef { id: "m".into(), dim: query.len() };
    let wanted = Nearest { index, kind, model: &model, query: Arc::clone(query), among, count };
    let (found, _) = vectors.nearest(wanted).await.unwrap();
    found.into_iter().map(|found| (found.row, found.score)).collect()
}

/// A video's name, and when.
type Place = (String, String);

/// Both lists are the same, but for what lies as near as the last ones within the tolerance.
#[track_caller]
fn assert_same(a: &[(i64, f32)], b: &[(i64, f32)]) {
    assert_eq!(a.len(), b.len());
    let (first, second): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (a.iter().copied().collect(), b.iter().copied().collect());
    let Some((_, last)) = a.last() else { return };
    for (one, other) in [(&first, &second), (&second, &first)] {
        for (row, score) in one {
            match other.get(row) {
                Some(told) => assert!((told - score).abs() < NEAR, "row {row}: {score} and {told}"),
                None => assert!((score - last).abs() < NEAR, "row {row} is missing: {score}, last {last}"),
            }
        }
    }
}

fn recall(truth: &[(i64, f32)], found: &[(i64, f32)]) -> f64 {
    let rows: BTreeSet<i64> = found.iter().map(|(row, _)| *row).collect();
    truth.iter().filter(|(row, _)| rows.contains(row)).count() as f64 / truth.len().max(1) as f64
}

/// 4,800 vectors in one index, without a graph and with one.
#[tokio::test]
async fn the_nearest_vectors_are_the_same_on_both_stores() {
    let model = |id: &str, dim| ModelRef { id: id.into(), dim };
    let models = IndexModels {
        see: model("m", DIM),
        hear: model("h", 0),
        read: model("r", 0),
        words: model("m", DIM),
    };
    let mut random = Random(5);
    let topics = Topics::new(&mut random, 200, DIM, 0.7);
    let vectors: Vec<Vec<Vec<f32>>> = (0..120)
        .map(|video| (0..40).map(|i| topics.vector(&mut random, video * 2 + i / 20)).collect())
        .collect();
    let videos = vectors.iter().enumerate().map(|(video, vectors)| {
        let segments = move || {
            let one = |(at, vector): (usize, &Vec<f32>)| {
                let place = range(at as f64 * 0.2, at as f64 * 0.2 + 0.2);
                segment(SegmentKind::Shot, place, "", vec![vector.clone()])
            };
            vectors.iter().enumerate().map(one).collect::<Vec<_>>()
        };
        (0, format!("{video}.mp4"), Box::new(segments) as Segments<'_>)
    });
    let corpus = Corpus { models, videos: videos.collect(), indexes: 1 };
    let engines = engines();
    let (sqlite, postgres) = (Side::sqlite(&corpus, &engines).await, Side::postgres(&corpus, &engines).await);
    let queries: Vec<Arc<[f32]>> =
        (0..200).map(|topic| Arc::from(topics.vector(&mut random, topic))).collect();
    let kind = SegmentKind::Shot;
    let (tenth, same_tenth) = (sqlite.every(10), postgres.every(10));
    let mut truths = Vec::new();
    for query in &queries {
        let truth = sqlite.nearest(kind, query, None, 10).await;
        assert_same(&truth, &postgres.nearest(kind, query, None, 10).await);
        let filtered = sqlite.nearest(kind, query, Some(&tenth), 10).await;
        assert_same(&filtered, &postgres.nearest(kind, query, Some(&same_tenth), 10).await);
        assert_eq!(filtered.len(), 10);
        truths.push((truth, filtered));
    }
    assert!(sqlite.nearest(kind, &queries[0], Some(&[]), 10).await.is_empty());
    assert!(postgres.nearest(kind, &queries[0], Some(&[]), 10).await.is_empty());

    // What a query scores by chance is told by the same sample.
    let by_chance = async |side: &Side| {
        let model = ModelRef { id: "m".into(), dim: DIM };
        let query = Arc::clone(&queries[0]);
        let wanted = Nearest { index: side.indexes[0], kind, model: &model, query, among: None, count: 1 };
        side.searcher.vectors().nearest(wanted).await.unwrap().1
    };
    let (one, other) = (by_chance(&sqlite).await, by_chance(&postgres).await);
    assert_eq!(one.count, other.count);
    assert!((one.mean - other.mean).abs() < NEAR && (one.deviation - other.deviation).abs() < NEAR);

    let graphs = postgres.library.store.nearest().expect("it searches vectors");
    let rules = GraphRules { min_rows: 1_000, max_build_bytes: 64 << 20 };
    assert_eq!(graphs.tend_graphs(rules).await.unwrap().made, 1);
    let stats = graphs.nearest_stats().await.unwrap();
    assert!(stats.graphs == 1 && stats.bytes > 100_000 && !stats.is_building, "{stats:?}");
    assert_eq!(graphs.tend_graphs(rules).await.unwrap(), Default::default(), "nothing is left to do");
    let store = Arc::clone(&sqlite.library.store);
    let config = ShelfConfig { min_graph_rows: 1_000, ..ShelfConfig::default() };
    let shelf = Shelf::new(store, sqlite.library.files(), config);
    let _ = shelf
        .nearest(Nearest {
            index: sqlite.indexes[0],
            kind,
            model: &corpus.models.see,
            query: Arc::clone(&queries[0]),
            among: None,
            count: 1,
        })
        .await;
    for _ in 0..600 {
        if !shelf.stats().is_building && shelf.stats().waiting_rows == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(shelf.stats().waiting_rows, 0, "all are in the graph in memory");
    let memory = Vectors::Memory(shelf);
    let (mut in_database, mut in_memory, mut filtered) = (0.0, 0.0, 0.0);
    for (query, (truth, among_tenth)) in queries.iter().zip(&truths) {
        in_database += recall(truth, &postgres.nearest(kind, query, None, 10).await);
        filtered += recall(among_tenth, &postgres.nearest(kind, query, Some(&same_tenth), 10).await);
        in_memory += recall(truth, &nearest(&memory, sqlite.indexes[0], kind, query, None, 10).await);
    }
    let of = |sum: f64| sum / queries.len() as f64;
    let told = format!(
        "recall@10: database {:.3}, memory {:.3}, filtered {:.3}",
        of(in_database),
        of(in_memory),
        of(filtered)
    );
    println!("{told}");
    assert!(of(in_database) >= 0.99 && of(filtered) >= 0.99, "{told}");

    // Another process's publication is found at once, and a deleted video's vectors are not.
    let other = InDatabase::new(Arc::clone(&postgres.library.store)).unwrap();
    let other = Vectors::Database(other);
    let new = segment(kind, range(0.0, 1.0), "", vec![queries[7].to_vec()]);
    let video = postgres.library.publish(postgres.indexes[0], "new.mp4", vec![new]).await;
    let found = nearest(&other, postgres.indexes[0], kind, &queries[7], None, 1).await;
    assert!(found[0].1 > 0.99, "{found:?}");
    super::delete(&postgres.library, postgres.indexes[0], video).await;
    let found = nearest(&other, postgres.indexes[0], kind, &queries[7], None, 1).await;
    assert!(found[0].1 < 0.99, "{found:?}");

    // Graphs go with their index.
    let library = &postgres.library;
    assert!(library.store.delete_index(library.workspace, postgres.indexes[0]).await.unwrap());
    assert_eq!(graphs.tend_graphs(rules).await.unwrap().dropped, 1);
    assert_eq!(graphs.nearest_stats().await.unwrap().graphs, 0);
}

/// 2,880 segments in three indexes: what is said and written in many languages, and what is seen.
#[tokio::test]
async fn searches_find_the_same_on_both_stores() {
    let engines = engines();
    let said: Vec<String> = SAID.iter().map(|text| text.replace("{}", "7")).collect();
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    let meant = engines.words.embed(&said).unwrap();
    let seen: Vec<Vec<f32>> = SHOWN.iter().map(|text| engines.see.embed_text(text).unwrap()).collect();
    let noise = |vector: &[f32], seed: u64| -> Vec<f32> {
        let off = Random(seed).unit(vector.len());
        let sum: Vec<f32> = vector.iter().zip(off).map(|(value, off)| value + 0.4 * off).collect();
        let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
        sum.into_iter().map(|value| value / norm).collect()
    };
    let (meant, seen, noise) = (&meant, &seen, &noise);
    let videos = (0..96).map(|video: usize| {
        let segments = move || {
            (0..10)
                .flat_map(|at| {
                    let seed = (video * 10 + at) as u64;
                    let place = range(at as f64, at as f64 + 1.0);
                    let (text, shown) =
                        (Random(seed).next() as usize % SAID.len(), (video + at) % SHOWN.len());
                    let number = (seed * 37 % 500).to_string();
                    let line = SAID[(text + 5) % SAID.len()].to_uppercase().replace("{}", &number);
                    [
                        segment(SegmentKind::Shot, place, "", vec![noise(&seen[shown], seed)]),
                        segment(
                            SegmentKind::Speech,
                            place,
                            &SAID[text].replace("{}", &number),
                            vec![noise(&meant[text], seed + 10_000)],
                        ),
                        segment(
                            SegmentKind::Text,
                            place,
                            &line,
                            vec![noise(&meant[(text + 5) % SAID.len()], seed + 20_000)],
                        ),
                    ]
                })
                .collect()
        };
        (video % 3, format!("{video}.mp4"), Box::new(segments) as Segments<'_>)
    });
    let corpus = Corpus { models: engines.models(), videos: videos.collect(), indexes: 3 };
    let (sqlite, postgres) = (Side::sqlite(&corpus, &engines).await, Side::postgres(&corpus, &engines).await);

    for text in WORDS.iter().copied().chain(["7", "a", "of the", "🚨", "nothing-of-this-kind", "24 7"]) {
        for (terms, all) in [(Terms::of(text), true), (Terms::of(text), false), (Terms::exact(text), true)] {
            let Some(terms) = terms else { continue };
            for index in 0..3 {
                for kind in [SegmentKind::Speech, SegmentKind::Text] {
                    let found = async |side: &Side| {
                        let query = terms.query(all);
                        let found =
                            side.library.store.match_words(side.indexes[index], kind, &query, 10_000).await;
                        let place = |found: &telecine::store::Found| {
                            (side.names[&found.segment.video].clone(), format!("{:?}", found.segment.range))
                        };
                        found.unwrap().iter().map(place).collect::<BTreeSet<Place>>()
                    };
                    assert_eq!(found(&sqlite).await, found(&postgres).await, "{text:?}, all: {all}");
                }
            }
        }
    }

    let exact = |request: &mut SearchRequest| {
        request.conversation = ConversationOption::ExactMatch;
        request.options = BTreeSet::from([Conversation]);
    };
    let visual = |request: &mut SearchRequest| request.options = BTreeSet::from([Visual]);
    let written = |request: &mut SearchRequest| request.options = BTreeSet::from([TextInVideo]);
    let filtered = |request: &mut SearchRequest| {
        request.filter.filename = Some("30.mp4".into());
        request.threshold = Confidence::ExtremelyLow;
    };
    let changes: [(&str, Change<'_>); 5] = [
        ("all", &|_| {}),
        ("exact", &exact),
        ("visual", &visual),
        ("written", &written),
        ("one video", &filtered),
    ];
    let (mut queries, mut same, mut furthest) = (0, 0.0, 0.0_f32);
    for text in WORDS.iter().chain(&SHOWN).copied() {
        for (what, change) in &changes {
            let (a, b) = (sqlite.clips(0, change, text).await, postgres.clips(0, change, text).await);
            assert_eq!(a.len(), b.len(), "{what} {text:?}: {a:?}\n{b:?}");
            let other: HashMap<&Place, f32> = b.iter().map(|(place, score)| (place, *score)).collect();
            let common: Vec<f32> =
                a.iter().filter_map(|(place, score)| Some((other.get(place)? - score).abs())).collect();
            // Which of many equally good ones are the first ten is told by ids, which are different.
            let last = b.last().map_or(0.0, |(_, score)| *score);
            let tied =
                a.iter().filter(|(place, score)| !other.contains_key(place) && (score - last).abs() < TIE);
            furthest = common.iter().copied().fold(furthest, f32::max);
            for ((_, one), (_, other)) in a.iter().zip(&b) {
                furthest = furthest.max((one - other).abs());
            }
            queries += 1;
            same += if a.is_empty() { 1.0 } else { (common.len() + tied.count()) as f64 / a.len() as f64 };
        }
    }
    let share = same / f64::from(queries);
    println!(
        "{queries} searches: {share:.4} of the first ten clips are the same or as good, scores differ by {furthest:.2} at most"
    );
    assert!(furthest <= SCORE, "scores differ by {furthest}");
    assert!(share >= 0.99, "{share} of the clips are the same");
}
