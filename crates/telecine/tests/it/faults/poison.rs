//! Bad files among good ones: the good ones become ready, each bad one is told what is wrong with it, and it costs the good
//! ones little.
//!
//! The benchmark runs both side by side: `make bench-poison`, or
//! `cargo nextest run -p telecine --run-ignored only -E 'test(poison)' --no-capture`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bucket::{BUCKET, Bucket, Indexes};
use super::installation::Installation;
use crate::pipeline::media::ffmpeg;

const GOOD: usize = 100;
const BAD: usize = 100;
/// Different films; the others differ from them in a few bytes that no player looks at.
const FILMS: usize = 5;
/// Short for a video, so that what bad files cost weighs much.
const FILM_S: usize = 20;
const PATIENCE: Duration = Duration::from_secs(280);

/// A kind of bad file: its name, the code that is right for it, and what it holds.
struct Kind {
    name: &'static str,
    code: &'static str,
    content: Content,
}

enum Content {
    /// These bytes, with others behind them in each copy.
    Bytes(Vec<u8>),
    /// The same, in an index that listens.
    Heard(Vec<u8>),
    /// A link that leads out of the folder.
    Link,
    /// What nobody may read (but root).
    Locked,
    /// Nothing of that name.
    Nothing,
    /// A file of no bytes.
    Empty,
}

fn kinds(folder: &Path, film: &[u8]) -> Vec<Kind> {
    let kind = |name, code, content| Kind { name, code, content };
    let made = |name: &str, args: &str| {
        let out = folder.join(format!("template-{name}"));
        ffmpeg(&args.split_whitespace().collect::<Vec<_>>(), &out);
        let bytes = fs::read(&out).unwrap();
        fs::remove_file(&out).unwrap();
        bytes
    };
    let picture = |size: &str, seconds: &str| {
        format!(
            "-f lavfi -i testsrc2=s={size}:r=8:d={seconds} -c:v libx264 -preset ultrafast -pix_fmt yuv420p"
        )
    };
    let moov = film.windows(4).rposition(|kind| kind == b"moov").unwrap() - 4;
    let playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    let bomb = "-f lavfi -i color=c=gray:s=8192x5120:r=1:d=5 -frames:v 1 -c:v mjpeg -q:v 31";
    let locked = if is_root(folder) { "unsupported_file_type" } else { "object_access_denied" };
    vec![
        kind("text", "unsupported_file_type", Content::Bytes(b"This is no video. ".repeat(200))),
        kind("playlist", "unsupported_file_type", Content::Bytes(playlist.to_vec())),
        kind("sound", "unsupported_file_type", {
            Content::Bytes(made("sound.m4a", "-f lavfi -i sine=d=6 -c:a aac"))
        }),
        kind("empty", "unsupported_file_type", Content::Empty),
        kind("no-moov", "video_file_broken", Content::Bytes(film[..moov].to_vec())),
        kind("cut", "video_file_broken", Content::Bytes(film[..film.len() / 3].to_vec())),
        kind("short", "video_duration_too_short", {
            Content::Bytes(made("short.mp4", &picture("640x360", "1.5")))
        }),
        kind("long", "video_duration_too_long", Content::Bytes(lasting(film, 3 * 3_600))),
        kind("small", "video_resolution_too_low", {
            Content::Bytes(made("small.mp4", &picture("320x180", "4.5")))
        }),
        kind("large", "video_resolution_too_high", {
            Content::Bytes(made("large.mp4", &picture("4160x2400", "4.5")))
        }),
        kind("bomb", "processing_limit_exceeded", Content::Bytes(made("bomb.avi", bomb))),
        kind("mute", "video_audio_track_not_exists", Content::Heard(film.to_vec())),
        kind("gone", "object_not_exists", Content::Nothing),
        kind("link", "object_not_exists", Content::Link),
        kind("locked", locked, Content::Locked),
    ]
}

/// Who may read what nobody may.
fn is_root(folder: &Path) -> bool {
    fs::metadata(folder).unwrap().uid() == 0
}

/// The film with headers that say that it lasts so long.
fn lasting(film: &[u8], seconds: u32) -> Vec<u8> {
    let mut bytes = film.to_vec();
    for (kind, scale, duration) in [(b"mvhd", 12, 16), (b"mdhd", 12, 16)] {
        let body = film.windows(4).rposition(|name| name == kind).unwrap() + 4;
        let ticks = u32::from_be_bytes(film[body + scale..body + scale + 4].try_into().unwrap());
        bytes[body + duration..body + duration + 4].copy_from_slice(&(ticks * seconds).to_be_bytes());
    }
    bytes
}

/// Another content that plays the same: a box that players skip.
fn another(bytes: &[u8], number: usize) -> Vec<u8> {
    let mark = (number as u64).to_be_bytes();
    [bytes, &20u32.to_be_bytes(), b"free", &mark, b"mark"].concat()
}

/// What is posted, and the code that each must end with; none for good ones.
struct Load {
    entries: Vec<Value>,
    expected: BTreeMap<String, Option<&'static str>>,
}

impl Load {
    /// Good and bad ones in turns, or the good ones alone.
    fn of(bucket: &Bucket, indexes: &Indexes, films: &[Vec<u8>], poison: &[Kind]) -> Self {
        let mut load = Self { entries: Vec::new(), expected: BTreeMap::new() };
        for number in 0..GOOD.max(BAD) {
            let key = format!("good-{number:03}.mp4");
            fs::write(bucket.path(&key), another(&films[number % FILMS], number)).unwrap();
            load.add(&indexes.seen, &key, None);
            if let Some(kind) = poison.get(number % poison.len().max(1)) {
                let key = format!("{}-{number:03}.mp4", kind.name);
                let is_heard = put(&bucket.path(&key), number, &kind.content);
                load.add(if is_heard { &indexes.heard } else { &indexes.seen }, &key, Some(kind.code));
            }
        }
        load
    }

    fn add(&mut self, index: &str, key: &str, code: Option<&'static str>) {
        let address = format!("folder://{BUCKET}/{key}");
        self.entries.push(json!({ "index_id": index, "object": address, "language": "en" }));
        self.expected.insert(address, code);
    }
}

/// Makes the file, and tells whether it is for the index that listens.
fn put(path: &Path, number: usize, content: &Content) -> bool {
    match content {
        Content::Bytes(bytes) | Content::Heard(bytes) => fs::write(path, another(bytes, number)).unwrap(),
        Content::Empty => fs::write(path, "").unwrap(),
        Content::Nothing => {}
        Content::Link => symlink("/etc/passwd", path).unwrap(),
        Content::Locked => {
            fs::write(path, format!("locked {number}").repeat(100)).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        }
    }
    matches!(content, Content::Heard(_))
}

fn films(folder: &Path) -> Vec<Vec<u8>> {
    let film = |number: usize| {
        let picture = format!(
            "color=c=0x{:06x}:s=640x360:r=24:d={half}[a];testsrc2=s=640x360:r=24:d={half},hue=h={}[b];[a][b]concat",
            (number + 3) * 0x2_1415,
            number * 37,
            half = FILM_S / 2,
        );
        let out = folder.join(format!("film-{number}.mp4"));
        ffmpeg(&["-f", "lavfi", "-i", &picture, "-c:v", "libx264", "-preset", "veryfast", "-an"], &out);
        fs::read(out).unwrap()
    };
    (0..FILMS).map(film).collect()
}

/// How long it took until all good ones were ready, of a transfer that ended as it must.
async fn carry_out(home: &Path, films: &[Vec<u8>], poison: &[Kind]) -> Duration {
    let bucket = Bucket::empty(&home.join("films"));
    let installation = Installation::new(&home.join("home"), &bucket.path(""));
    let server = installation.start().await;
    let indexes = server.furnish(&bucket).await;
    let load = Load::of(&bucket, &indexes, films, poison);
    let began = Instant::now();
    let transfer = server.submit(serde_json::to_vec(&load.entries).unwrap()).await.expect("acknowledged");
    let mut ready_after = None;
    let status = loop {
        let status = server.transfer(&transfer).await;
        if status["counts"]["ready"] == GOOD {
            ready_after.get_or_insert_with(|| began.elapsed());
        }
        if status["is_finished"] == true {
            break status;
        }
        assert!(began.elapsed() < PATIENCE, "stuck: {status}\n{}", installation.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let bad = load.entries.len() - GOOD;
    let counts = json!({
        "validating": 0, "pending": 0, "queued": 0, "indexing": 0, "ready": GOOD, "failed": bad, "skipped": 0,
    });
    let report = server.report(&transfer).await;
    let mut told = BTreeMap::new();
    for task in &report {
        let code = task["error"]["code"].as_str();
        let object = task["object"].as_str().unwrap().to_owned();
        assert_eq!(task["status"], if code.is_some() { "failed" } else { "ready" }, "{task}");
        assert_eq!(task["attempts"], 1, "nothing that cannot be mended is tried again: {task}");
        for field in ["message", "remedy"] {
            let is_told = |error: &Value| error[field].as_str().is_some_and(|text| !text.is_empty());
            assert!(code.is_none() || is_told(&task["error"]), "{field} of {task}");
        }
        told.insert(object, code);
    }
    let wrong: Vec<_> =
        load.expected.iter().filter(|(object, code)| told.get(*object) != Some(*code)).collect();
    let got: Vec<_> = wrong.iter().map(|(object, _)| told.get(*object)).collect();
    assert!(wrong.is_empty(), "expected {wrong:?}, got {got:?}");
    assert_eq!((&status["counts"], report.len()), (&counts, load.entries.len()));
    server.kill().await;
    ready_after.expect("all good ones were ready")
}

#[tokio::test]
async fn heavy_a_hundred_bad_files_among_two_hundred_each_get_their_own_code_and_the_good_ones_are_ready() {
    let folder = tempfile::tempdir().unwrap();
    let films = films(folder.path());
    let poison = kinds(folder.path(), &films[0]);
    let took = carry_out(&folder.path().join("poisoned"), &films, &poison).await;
    println!("{GOOD} good ones among {BAD} bad ones: ready after {:.1} s", took.as_secs_f64());
}

#[tokio::test]
#[ignore = "a benchmark: it needs a machine that does nothing else"]
async fn heavy_poison_costs_the_good_ones_less_than_a_tenth_of_their_throughput() {
    const ROUNDS: usize = 2;
    let folder = tempfile::tempdir().unwrap();
    let films = films(folder.path());
    let poison = kinds(folder.path(), &films[0]);
    let (mut clean_s, mut poisoned_s) = (0.0, 0.0);
    println!(
        "| Round | {GOOD} good ones alone | the same among {BAD} bad ones | Throughput of the good ones |"
    );
    println!("|---:|---:|---:|---:|");
    let row = |name: &str, clean: f64, poisoned: f64| {
        println!("| {name} | {clean:.1} s | {poisoned:.1} s | {:.0} % |", 100.0 * clean / poisoned);
    };
    for round in 1..=ROUNDS {
        let home = |name: &str| folder.path().join(format!("{name}-{round}"));
        let clean = carry_out(&home("clean"), &films, &[]).await.as_secs_f64();
        let poisoned = carry_out(&home("poisoned"), &films, &poison).await.as_secs_f64();
        row(&round.to_string(), clean, poisoned);
        (clean_s, poisoned_s) = (clean_s + clean, poisoned_s + poisoned);
    }
    row("all", clean_s, poisoned_s);
    assert!(
        clean_s / poisoned_s >= 0.9,
        "the good ones reached {:.2} of their throughput",
        clean_s / poisoned_s
    );
}
