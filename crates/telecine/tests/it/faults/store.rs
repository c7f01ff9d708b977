//! Videos come from a store that fails in every way that stores do: each ends as it should, with the right bytes, and the
//! store is not asked more than so many times for more than so many bytes.
//!
//! Where faults are drawn, they come from a seed that is printed; `TELECINE_FAULT_SEED` plays them again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use telecine::config::Config;
use telecine::fault::Code;
use telecine::ids::WorkspaceId;
use telecine::index::ModelOption::Visual;
use telecine::integration::{Integration, IntegrationStatus, Provider, Role};
use telecine::source::listing::{ListOptions, list_all};
use telecine::source::{Opener, RetryPolicy, Source, SourceErrorKind, Sources};
use telecine::time::{Clock, SystemClock, Timestamp};
use telecine::transfer::{Status, Task};

use super::sim::{Listing, Object, On, Planned, Sim, Wrong};
use crate::pipeline::house::{House, quick};
use crate::pipeline::media;
use crate::search::synthetic::Random;
use crate::support::engines::quick_engines;
use crate::support::vaults::vault;

const HASTY: RetryPolicy = RetryPolicy {
    attempts: 3,
    attempts_of_range: 8,
    base: Duration::from_millis(2),
    longest: Duration::from_millis(10),
    total: Duration::from_secs(20),
    window: Duration::from_millis(500),
    least_bytes: 2000,
};
/// Four ranges of the 64 KiB that [`quick`] asks for at once.
const SIZE: usize = 200_000;
const ALWAYS: u32 = u32::MAX;
const INTERNAL: Wrong = Wrong::Refused("500 Internal Server Error", "InternalError");
const SLOW_DOWN: Wrong = Wrong::Refused("503 Slow Down", "SlowDown");
const FORBIDDEN: Wrong = Wrong::Refused("403 Forbidden", "AccessDenied");
const MISSING: Wrong = Wrong::Refused("404 Not Found", "NoSuchKey");
const CHANGED: Wrong = Wrong::Refused("412 Precondition Failed", "PreconditionFailed");

/// Each look at it is three seconds later: sessions grow old enough to be blamed.
#[derive(Debug)]
struct Hurried(Timestamp, AtomicU64);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        self.0.after(Duration::from_secs(3 * self.1.fetch_add(1, Ordering::Relaxed)))
    }
}

/// The bucket, as a server opens it: sessions of a role, counted and tried again.
async fn open(sim: &Sim, clock: Arc<dyn Clock>) -> Arc<dyn Source> {
    let mut config = Config::default();
    config.aws.endpoint_url = Some(sim.url());
    let opener = Opener::new(&config, vault(), clock).credentials("base-key", "secret").retry(HASTY);
    let now = SystemClock.now();
    let role = Role {
        account_id: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:role/TelecineIntegrationRole".to_owned(),
        external_id: "the-external-id".to_owned(),
    };
    let integration = Integration {
        region: Some("eu-west-1".to_owned()),
        status: IntegrationStatus::Active,
        ..Integration::new(WorkspaceId::generate(now), Provider::aws_role(role), "films", now)
    };
    opener.open(&integration).await.expect("a source")
}

async fn house(source: Arc<dyn Source>) -> House {
    let mut config = quick();
    config.pipeline.max_attempts = 3;
    config.streaming.enabled = false;
    let mut house = House::furnished(config, Some(source), quick_engines()).await;
    house.start();
    house
}

/// A small video.
fn film(folder: &Path) -> Vec<u8> {
    let path = folder.join("film.mp4");
    let source = "testsrc2=size=640x360:rate=2:duration=5";
    media::ffmpeg(
        &["-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "45"],
        &path,
    );
    std::fs::read(path).expect("it was made")
}

/// The video with so many bytes, which no other number has: a box that players pass over.
fn numbered(film: &[u8], size: usize, number: u64) -> Vec<u8> {
    let free = size - film.len();
    let mut random = Random(number);
    let mut bytes = [film, &u32::try_from(free).unwrap().to_be_bytes(), b"free"].concat();
    while bytes.len() < size {
        bytes.extend(random.next().to_be_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn hash(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

/// How a task ended, in a word.
fn end_of(task: &Task) -> String {
    task.fault
        .as_ref()
        .map_or_else(|| task.status.as_str().to_owned(), |fault| fault.code.as_str().to_owned())
}

struct Case {
    name: &'static str,
    plan: Vec<Planned>,
    ends: Result<(), Code>,
    /// The most requests, and of the object's size the most bytes.
    requests: u32,
    times_size: f64,
}

fn case(name: &'static str, plan: &[(On, Wrong, u32)], ends: Result<(), Code>, bounds: (u32, f64)) -> Case {
    let plan = plan.iter().map(|&(on, wrong, times)| Planned { on, wrong, after: 0, times }).collect();
    Case { name, plan, ends, requests: bounds.0, times_size: bounds.1 }
}

/// A clean transfer takes five requests. A task is tried three times, a range three times, too.
fn cases() -> Vec<Case> {
    use Code::*;
    use On::{Get, Head};
    let mut cases = vec![
        case("nothing is wrong", &[], Ok(()), (5, 1.0)),
        case("403 to the head", &[(Head, FORBIDDEN, ALWAYS)], Err(ObjectAccessDenied), (1, 0.0)),
        case("403 to reads", &[(Get, FORBIDDEN, ALWAYS)], Err(ObjectAccessDenied), (5, 0.0)),
        case("404 to the head", &[(Head, MISSING, ALWAYS)], Err(ObjectNotExists), (1, 0.0)),
        case("404 to reads: deleted meanwhile", &[(Get, MISSING, ALWAYS)], Err(ObjectNotExists), (5, 0.0)),
        case("412 once", &[(Get, CHANGED, 1)], Ok(()), (10, 2.0)),
        case("412 always", &[(Get, CHANGED, ALWAYS)], Err(ObjectChanged), (10, 0.0)),
        case("500 twice", &[(Get, INTERNAL, 2)], Ok(()), (7, 1.0)),
        case("500 to the head, twice", &[(Head, INTERNAL, 2)], Ok(()), (7, 1.0)),
        case("500 always", &[(Get, INTERNAL, ALWAYS)], Err(SourceUnavailable), (39, 0.0)),
        case("503 SlowDown twice", &[(Get, SLOW_DOWN, 2)], Ok(()), (7, 1.0)),
        case("503 SlowDown always", &[(Head, SLOW_DOWN, ALWAYS)], Err(SourceUnavailable), (9, 0.0)),
        case("bodies cut in the middle", &[(Get, Wrong::Truncated, 2)], Ok(()), (7, 1.0)),
        case("bodies cut for ever", &[(Get, Wrong::Truncated, ALWAYS)], Err(SourceUnavailable), (99, 3.0)),
        case("a body longer than the range", &[(Get, Wrong::Longer, 1)], Ok(()), (6, 1.4)),
        case("a byte now and then", &[(Get, Wrong::Trickle, 1)], Ok(()), (6, 1.01)),
        case(
            "a byte now and then, for ever",
            &[(Get, Wrong::Trickle, ALWAYS)],
            Err(SourceUnavailable),
            (39, 0.01),
        ),
        case("reset before the head", &[(Head, Wrong::Reset, 1)], Ok(()), (6, 1.0)),
        case("reset within bodies", &[(Get, Wrong::Reset, 2)], Ok(()), (7, 1.0)),
        case("a redirect to itself", &[(Head, Wrong::Redirect, ALWAYS)], Err(BucketElsewhere), (1, 0.0)),
        case(
            "reads redirected to themselves",
            &[(Get, Wrong::Redirect, ALWAYS)],
            Err(BucketElsewhere),
            (5, 0.0),
        ),
        case("another range, once", &[(Get, Wrong::OtherRange, 1)], Ok(()), (6, 1.4)),
        // None of these bytes is taken: what counts is what the store sends before it sees that nobody reads.
        case(
            "another range, always",
            &[(Get, Wrong::OtherRange, ALWAYS)],
            Err(SourceUnavailable),
            (39, 12.0),
        ),
        case("no ranges at all", &[(Get, Wrong::Whole, ALWAYS)], Err(EndpointNotS3), (5, 4.0)),
        case("a head without a size", &[(Head, Wrong::NoSize, 1)], Ok(()), (6, 1.0)),
        case("a head with a wrong size, once", &[(Head, Wrong::TooLarge, 1)], Ok(()), (10, 2.0)),
        case("a head with a wrong size", &[(Head, Wrong::TooLarge, ALWAYS)], Err(ObjectChanged), (10, 2.0)),
    ];
    for name in ["replaced in the middle", "replaced, by a store that ignores If-Match"] {
        let replaced = Planned { on: Get, wrong: Wrong::Replaced, after: 2, times: 1 };
        cases.push(Case { plan: vec![replaced], ..case(name, &[], Ok(()), (10, 2.0)) });
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_store_ends_as_it_should_and_makes_no_storm() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let cases = cases();
    let objects = (0..).zip(&cases).map(|(number, case)| {
        let object = Object {
            content: numbered(&film, SIZE, number),
            next: numbered(&film, SIZE - 7, 1000 + number),
            plan: case.plan.clone(),
            ignores_if_match: case.name.contains("ignores If-Match"),
            ..Object::default()
        };
        (format!("{number:02}.mp4"), object)
    });
    let sim = Sim::start(Listing::Right, objects.collect()).await;
    let house = house(open(&sim, Arc::new(SystemClock)).await).await;
    let index = house.index("index", &[Visual]).await;
    let mut tasks = Vec::new();
    for number in 0..cases.len() {
        tasks.push(house.submit(index, &format!("{number:02}.mp4")).await);
    }
    println!("{:<44} {:<22} {:>8} {:>12}", "fault", "end", "requests", "bytes/size");
    for ((number, case), id) in (0..).zip(&cases).zip(tasks) {
        let task = house.done(id).await;
        let object = sim.state().objects[&format!("{number:02}.mp4")].clone();
        let (tally, times) = (object.tally, object.tally.bytes as f64 / SIZE as f64);
        println!("{:<44} {:<22} {:>8} {times:>12.2}", case.name, end_of(&task), tally.requests());
        let code = task.fault.as_ref().map_or(Ok(()), |fault| Err(fault.code));
        assert_eq!(code, case.ends, "{}: {:?}", case.name, task.fault);
        assert!(tally.requests() <= case.requests, "{}: {tally:?}", case.name);
        assert!(times <= case.times_size, "{}: {times:.2} times its size", case.name);
        if case.ends.is_ok() {
            assert_eq!(
                task.content_hash,
                Some(hash(&object.content)),
                "{}: the bytes are the store's",
                case.name
            );
        }
    }
    assert_eq!(sim.state().sessions, 1, "none of this is the session's fault");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_in_the_middle_is_renewed_for_all_who_read_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let objects = (0..12_u64).map(|number| {
        let (on, after) = if number % 2 == 0 { (On::Get, 1) } else { (On::Head, 0) };
        let times = u32::from(number % 3 == 0);
        let plan = vec![Planned { on, wrong: Wrong::Expired, after, times }];
        (
            format!("{number:02}.mp4"),
            Object { content: numbered(&film, SIZE, number), plan, ..Object::default() },
        )
    });
    let sim = Sim::start(Listing::Right, objects.collect()).await;
    let clock = Hurried(SystemClock.now(), AtomicU64::new(0));
    let house = house(open(&sim, Arc::new(clock)).await).await;
    let index = house.index("index", &[Visual]).await;
    let mut tasks = Vec::new();
    for number in 0..12 {
        tasks.push(house.submit(index, &format!("{number:02}.mp4")).await);
    }
    for id in tasks {
        house.ready(id).await;
    }
    let state = sim.state();
    let requests: u32 = state.objects.values().map(|object| object.tally.requests()).sum();
    println!("{} sessions, {requests} requests for 12 objects (60 when nothing is wrong)", state.sessions);
    assert!(state.over.len() >= 2 && state.sessions as usize <= state.over.len() + 3, "{:?}", state.over);
    assert!(requests <= 60 + 30, "{requests}");
}

/// What may happen to any object and passes.
const PASSING: [(On, Wrong); 13] = [
    (On::Head, INTERNAL),
    (On::Head, SLOW_DOWN),
    (On::Head, Wrong::Reset),
    (On::Head, Wrong::NoSize),
    (On::Head, Wrong::Expired),
    (On::Get, INTERNAL),
    (On::Get, SLOW_DOWN),
    (On::Get, Wrong::Truncated),
    (On::Get, Wrong::Longer),
    (On::Get, Wrong::Trickle),
    (On::Get, Wrong::Reset),
    (On::Get, Wrong::OtherRange),
    (On::Get, Wrong::Expired),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_over_a_store_that_fails_at_random_gives_every_good_video_and_makes_no_storm() {
    const OBJECTS: u64 = 40;
    let seed = std::env::var("TELECINE_FAULT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| SystemClock.now().as_millis().cast_unsigned());
    println!("TELECINE_FAULT_SEED={seed}");
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let mut objects = BTreeMap::new();
    let mut bad = BTreeMap::new();
    for number in 0..OBJECTS {
        let key = format!("{number:02}.mp4");
        let faults = random.next() % 4;
        let mut plan: Vec<Planned> = (0..faults)
            .map(|_| {
                let (on, wrong) = PASSING[(random.next() % PASSING.len() as u64) as usize];
                let after = if on == On::Get { (random.next() % 4) as u32 } else { 0 };
                Planned { on, wrong, after, times: 1 }
            })
            .collect();
        if random.next().is_multiple_of(6) {
            let (wrong, code) = [(FORBIDDEN, Code::ObjectAccessDenied), (MISSING, Code::ObjectNotExists)]
                [(random.next() % 2) as usize];
            plan.push(Planned { on: On::Get, wrong, after: 0, times: ALWAYS });
            bad.insert(key.clone(), code);
        }
        let size = film.len() + 1_000 + (random.next() % 300_000) as usize;
        objects.insert(key, Object { content: numbered(&film, size, number), plan, ..Object::default() });
    }
    let planned = objects.clone();
    let sim = Sim::start(Listing::Right, objects).await;
    let clock = Hurried(SystemClock.now(), AtomicU64::new(0));
    let house = house(open(&sim, Arc::new(clock)).await).await;
    let index = house.index("index", &[Visual]).await;
    let new: Vec<_> = planned.keys().map(|key| house.new_task(index, key)).collect();
    house.transfer(&new).await;
    let (mut asked, mut least, mut sent, mut size) = (0, 0, 0, 0);
    println!(
        "{:<8} {:<22} {:>7} {:>8} {:>8} {:>10}",
        "object", "end", "faults", "requests", "least", "bytes/size"
    );
    for (key, new) in planned.keys().zip(&new) {
        let task = house.done(new.id).await;
        let (object, before) = (sim.state().objects[key].clone(), &planned[key]);
        let (tally, whole) = (object.tally, object.content.len() as u64);
        let faults = before.plan.iter().filter(|planned| planned.times == 1).count() as u32;
        let ranges = whole.div_ceil(64 << 10) as u32;
        let times = tally.bytes as f64 / whole as f64;
        println!(
            "{key:<8} {:<22} {faults:>7} {:>8} {:>8} {times:>10.2}",
            end_of(&task),
            tally.requests(),
            1 + ranges
        );
        match bad.get(key) {
            Some(code) => assert_eq!(
                task.fault.as_ref().map(|fault| fault.code),
                Some(*code),
                "{key}: {:?}",
                task.fault
            ),
            None => {
                assert_eq!(task.status, Status::Ready, "{key}: {:?} {:?}", task.fault, before.plan);
                assert_eq!(
                    task.content_hash,
                    Some(hash(&object.content)),
                    "{key}: the bytes are the store's"
                );
            }
        }
        // A session that ends is the end of what others have on their way, too.
        assert!(tally.requests() <= 2 * (1 + ranges) + 4 * faults + 8, "{key}: {tally:?} {:?}", before.plan);
        assert!(tally.bytes <= 2 * whole + u64::from(faults) * (64 << 10), "{key}: {tally:?}");
        (asked, least) = (asked + tally.requests(), least + 1 + ranges);
        (sent, size) = (sent + tally.bytes, size + whole);
    }
    println!("{asked} requests, {least} without a fault; {:.2} times the bytes", sent as f64 / size as f64);
    assert!(asked <= 2 * least && sent <= 2 * size, "{asked} {least} {sent} {size}");
}

#[tokio::test]
async fn listings_that_make_no_sense_or_have_no_end_are_given_up_soon() {
    let objects = || (0..6).map(|number| (format!("{number}.mp4"), Object::default())).collect();
    // The most pages; how many keys, where the listing comes to its end.
    for (listing, most, keys) in [
        (Listing::Right, 4, Some(6)),
        (Listing::Garbage(2), 6, Some(6)),
        (Listing::Garbage(ALWAYS), 3, None),
        (Listing::SameToken, 4, None),
        (Listing::TwoPages, 12, None),
        (Listing::FirstPageAgain, 8, None),
        (Listing::Nothing, 1001, None),
    ] {
        let sim = Sim::start(listing, objects()).await;
        let source = open(&sim, Arc::new(SystemClock)).await;
        let (out, mut batches) = tokio::sync::mpsc::channel(16);
        let reading = tokio::spawn(async move { while batches.recv().await.is_some() {} });
        let listed = list_all(source, ListOptions::below(""), out).await;
        reading.await.expect("it is read");
        let pages = sim.state().lists;
        println!("{:<20} {pages:>5} pages  {listed:?}", format!("{listing:?}"));
        assert!(pages <= most, "{listing:?}: {pages} pages");
        match keys {
            Some(keys) => assert_eq!(listed.expect("it is listed").objects, keys, "{listing:?}"),
            None => assert_eq!(
                listed.expect_err("it has no end").kind,
                SourceErrorKind::Unavailable,
                "{listing:?}"
            ),
        }
    }
}
