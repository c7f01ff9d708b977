//! A folder of small videos, each another: good ones, copies, refused and broken ones; and the manifest that names them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// The name of the integration.
pub(super) const BUCKET: &str = "films";
/// Videos with captions in a file beside them; they come first.
const CAPTIONED: usize = 6;
/// Videos with a track of captions.
const TRACKED: usize = 4;
/// Videos with a tone and no word.
const TONES: usize = 2;
/// Videos before those that only show something.
const WITH_SOUND: usize = CAPTIONED + TRACKED + TONES;
/// Those that are refused or broken, or not there.
const BAD: usize = 6;

/// The manifest's entries that make a task, where a test does not say how many.
pub(super) const TASKS: usize = 43;
/// Copies.
pub(super) const SKIPPED: usize = 3;

/// The indexes that videos enter, by name.
#[derive(Debug, Clone)]
pub(super) struct Indexes {
    /// By what is seen alone.
    pub(super) seen: String,
    /// Also by what is said.
    pub(super) heard: String,
}

#[derive(Debug)]
pub(super) struct Bucket {
    folder: PathBuf,
    tasks: usize,
}

impl Bucket {
    /// Nothing in it.
    pub(super) fn empty(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        Self { folder: folder.to_owned(), tasks: 0 }
    }

    /// Makes all files of so many tasks in a folder.
    pub(super) fn fill(folder: &Path, tasks: usize) -> Self {
        let bucket = Self { tasks, ..Self::empty(folder) };
        for number in 0..bucket.ready() {
            bucket.film(number);
        }
        let silent = [WITH_SOUND, WITH_SOUND + 1];
        for (from, to) in [(silent[0], "copy-0.mp4"), (silent[1], "copy-1.mp4"), (0, "copy-captioned.mp4")] {
            fs::copy(bucket.path(&name(from)), bucket.path(to)).unwrap();
        }
        ffmpeg(&picture("320x180", 1_050, 4.5), &[], &bucket.path("small.mp4"));
        ffmpeg(&picture("640x360", 1_051, 1.5), &[], &bucket.path("short.mp4"));
        ffmpeg(&picture("640x360", 1_052, 4.5), &[], &bucket.path("mute.mp4"));
        fs::write(bucket.path("text.mp4"), "This is no video. ".repeat(200)).unwrap();
        let whole = fs::read(bucket.path(&name(WITH_SOUND + 2))).unwrap();
        fs::write(bucket.path("cut.mp4"), &whole[..whole.len() / 3]).unwrap();
        bucket
    }

    /// The manifest's entries that make a task.
    pub(super) fn tasks(&self) -> usize {
        self.tasks
    }

    /// Those that become videos.
    pub(super) fn ready(&self) -> usize {
        self.tasks - SKIPPED - BAD
    }

    /// What a transfer tells of its tasks when it is over.
    pub(super) fn counts(&self) -> Value {
        json!({
            "validating": 0, "pending": 0, "queued": 0, "indexing": 0,
            "ready": self.ready(), "failed": BAD, "skipped": SKIPPED,
        })
    }

    /// The states that a report of such a transfer has, and how often.
    pub(super) fn states(&self) -> BTreeMap<&'static str, usize> {
        BTreeMap::from([("failed", BAD), ("ready", self.ready()), ("skipped", SKIPPED)])
    }

    /// A video of two pictures, with sound and words where its number says so.
    fn film(&self, number: usize) {
        let file = self.path(&name(number));
        let pictures = picture("640x360", number, 4.3 + (number % 7) as f64 / 10.0);
        if number >= WITH_SOUND {
            return ffmpeg(&pictures, &[], &file);
        }
        let tone = ["-f".into(), "lavfi".into(), "-i".into(), format!("sine=f={}:d=4", 200 + 20 * number)];
        if number >= CAPTIONED + TRACKED {
            return ffmpeg(&pictures, &tone, &file);
        }
        let captions = self.path(&format!("{number}.srt"));
        fs::write(&captions, srt(number)).unwrap();
        if number < CAPTIONED {
            return ffmpeg(&pictures, &tone, &file);
        }
        let track = ["-i".into(), captions.to_str().unwrap().to_owned(), "-c:s".into(), "mov_text".into()];
        ffmpeg(&pictures, &[tone.as_slice(), &track].concat(), &file);
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// BLAKE3 of the file at an address, in hex; the address itself where there is no file.
    pub(super) fn content(&self, address: &str) -> String {
        let key = address.strip_prefix(&format!("folder://{BUCKET}/")).expect("an address of the bucket");
        fs::read(self.path(key)).map_or_else(|_| address.to_owned(), |bytes| blake3::hash(&bytes).to_string())
    }

    /// What is posted: every file once, one of them twice, one that is not there, and captions that are not there.
    pub(super) fn manifest(&self, indexes: &Indexes) -> Vec<u8> {
        let seen = |key: &str| entry(&indexes.seen, key);
        let heard = |key: &str| entry(&indexes.heard, key);
        let with_captions = |mut entry: Value, captions: &str| {
            entry["transcription"] = address(captions).into();
            entry
        };
        let mut entries: Vec<Value> = (0..self.ready())
            .map(|number| match number {
                0..CAPTIONED => with_captions(heard(&name(number)), &format!("{number}.srt")),
                CAPTIONED..WITH_SOUND => heard(&name(number)),
                _ => seen(&name(number)),
            })
            .collect();
        entries.extend(["copy-0.mp4", "copy-1.mp4"].map(seen));
        entries.push(with_captions(heard("copy-captioned.mp4"), "0.srt"));
        entries.extend(["small.mp4", "short.mp4", "text.mp4", "cut.mp4", "gone.mp4"].map(seen));
        entries.push(heard("mute.mp4"));
        entries.push(seen(&name(WITH_SOUND + 3)));
        serde_json::to_vec(&entries).unwrap()
    }
}

/// A manifest of so many objects, none of which is there.
pub(super) fn manifest_of_nothing(index: &str, salt: u64, entries: u64) -> Vec<u8> {
    let entries: Vec<Value> = (0..entries).map(|i| entry(index, &format!("{salt}/{i}.mp4"))).collect();
    serde_json::to_vec(&entries).unwrap()
}

/// Words that only the captions of this video have.
pub(super) fn said_in(number: usize) -> String {
    format!("harbour light number {number}")
}

/// The numbers of the videos with captions.
pub(super) fn spoken() -> std::ops::Range<usize> {
    0..CAPTIONED + TRACKED
}

fn name(number: usize) -> String {
    format!("film-{number:03}.mp4")
}

fn address(key: &str) -> String {
    format!("folder://{BUCKET}/{key}")
}

fn entry(index: &str, key: &str) -> Value {
    json!({ "index_id": index, "object": address(key), "language": "en" })
}

fn srt(number: usize) -> String {
    let words = said_in(number);
    format!("1\n00:00:00,500 --> 00:00:02,000\nThe {words}\n\n2\n00:00:02,500 --> 00:00:04,000\nshines\n")
}

/// A plain colour for two seconds, then a test picture: two shots.
fn picture(size: &str, number: usize, seconds: f64) -> Vec<String> {
    let colour = number * 0x3_1415 % 0x100_0000;
    let plain = format!("color=c=0x{colour:06x}:s={size}:r=8:d=2[a]");
    let test = format!("testsrc2=s={size}:r=8:d={},hue=h={}[b]", seconds - 1.0, number * 17);
    let both = format!("{plain};{test};[a][b]concat,trim=duration={seconds}");
    ["-f", "lavfi", "-i", &both].map(str::to_owned).to_vec()
}

fn ffmpeg(pictures: &[String], more: &[String], file: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(pictures)
        .args(more)
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"])
        .arg(file)
        .output()
        .expect("ffmpeg is installed");
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
}
