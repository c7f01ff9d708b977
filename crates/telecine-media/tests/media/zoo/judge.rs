//! Probes and decodes each animal of a class and holds what comes of it against the verdict. All of a class are looked at
//! before it fails, and each failure names its file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use telecine_media::{Frame, Limit, Limits, MediaError, MediaTools, Profile};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

use super::verdict::{Kind, Shows, Side, Verdict};
use super::{Decoded, Watch, Zoo, burst_s, decode_with, making, tools_with};

/// No file may take longer, made or looked at, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);
/// More of them than cores gain nothing.
const AT_ONCE: usize = 2;

/// Ticks per second, denser than frames, so that all of them come.
const TICKS: f64 = 100.0;

/// Tight bounds: hostile files must not need much, and tests must not take long.
pub(crate) fn limits() -> Limits {
    Limits {
        probe_wall_s: 30,
        probe_cpu_s: 5,
        wall_base_s: 30,
        cpu_base_s: 10,
        cap_s: 40,
        ..Limits::default()
    }
}

/// Makes every animal of the class and judges it.
pub(crate) async fn visit(class: &str, expected: Vec<(&'static str, Verdict)>) {
    let mut verdicts: BTreeMap<&str, Verdict> = BTreeMap::new();
    for (name, verdict) in expected {
        assert!(verdicts.insert(name, verdict).is_none(), "{name} is expected twice");
    }
    let zoo = Arc::new(Zoo::new());
    zoo.stock();
    let watch = Watch::on(&zoo.make("secret.ts", "-i base.mp4 -c copy"));
    let tools = tools_with(limits()).await;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut looked = JoinSet::new();
    for &(name, make) in making::class(class) {
        let verdict = verdicts.remove(name).unwrap_or_else(|| panic!("{name} is not expected"));
        let (zoo, tools, room) = (Arc::clone(&zoo), tools.clone(), Arc::clone(&room));
        looked.spawn(async move {
            let _turn = room.acquire_owned().await.unwrap();
            let (home, began) = (Arc::clone(&zoo), Instant::now());
            spawn_blocking(move || make(&home, name)).await.map_err(|error| format!("{name}: {error}"))?;
            let made = began.elapsed();
            let result = look(&tools, &zoo.path(name), &verdict).await;
            if std::env::var_os("TELECINE_ZOO_TIMES").is_some() {
                println!("{name}: made in {made:.1?}, looked at in {:.1?}", began.elapsed() - made);
            }
            result.map_err(|why| format!("{name}: {why}"))
        });
    }
    let results = looked.join_all().await;
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(verdicts.is_empty(), "expected, but not in the zoo: {:?}", verdicts.keys());
    assert!(failures.is_empty(), "{} of {class}:\n{}", failures.len(), failures.join("\n"));
    assert!(!watch.was_opened(), "a file of {class} led to another");
    std::fs::read(zoo.path("secret.ts")).unwrap();
    assert!(watch.was_opened(), "the watch itself works");
}

/// One file.
pub(crate) async fn look(tools: &MediaTools, file: &Path, verdict: &Verdict) -> Result<(), String> {
    let began = Instant::now();
    let seen = decode_with(tools, file, TICKS, Profile::Exact).await;
    let spent = began.elapsed();
    if spent > PATIENCE {
        return Err(format!("it took {spent:?}"));
    }
    let told = match (&seen, verdict) {
        (Ok(decoded), Verdict::Shows(shows)) => hold_against(decoded, shows),
        (Err(error), Verdict::Refused(kinds)) if kind(error).is_some_and(|kind| kinds.contains(&kind)) => {
            Ok(())
        }
        (Err(error), Verdict::Bounded) if kind(error).is_some() => Ok(()),
        (Ok(decoded), Verdict::Bounded) => sane(decoded),
        (Ok(decoded), Verdict::Refused(_)) => Err(format!("it is taken: {:?}", decoded.summary)),
        (Err(error), _) => Err(format!("{error:?}")),
    };
    told.and_then(|()| seen.as_ref().map_or_else(message, |decoded| message_of(&decoded.summary.complaints)))
}

/// The kind of an error that a file can be blamed for.
fn kind(error: &MediaError) -> Option<Kind> {
    Some(match error {
        MediaError::NotMedia { .. } => Kind::NotMedia,
        MediaError::Broken { .. } => Kind::Broken,
        MediaError::FormatNotAllowed { .. } => Kind::NotAllowed,
        MediaError::TooLarge { .. } => Kind::TooLarge,
        MediaError::NoSuchStream { .. } => Kind::NoVideo,
        MediaError::Killed { limit: Limit::Cpu, .. } => Kind::OverCpu,
        MediaError::Killed { limit: Limit::Memory, .. } => Kind::OverMemory,
        MediaError::Timeout { .. } => Kind::OverTime,
        _ => return None,
    })
}

fn message(error: &MediaError) -> Result<(), String> {
    message_of(&error.to_string())
}

/// What users are told is short, and has neither folders of ours nor anything that a terminal would obey.
fn message_of(text: &str) -> Result<(), String> {
    let is_fit = text.chars().count() <= 1_000 && !text.contains(char::is_control) && !text.contains("/tmp/");
    if is_fit { Ok(()) } else { Err(format!("the message is not fit for users: {text:?}")) }
}

/// Times rise, and none of the frames has another size than the first.
fn sane(decoded: &Decoded) -> Result<(), String> {
    let frames = &decoded.frames;
    let rises = frames.is_sorted_by(|a, b| a.pts < b.pts);
    let is_one_size =
        frames.iter().all(|frame| (frame.width, frame.height) == (frames[0].width, frames[0].height));
    let is_whole = frames.iter().all(|frame| frame.rgb.len() == (frame.width * frame.height * 3) as usize);
    if rises && is_one_size && is_whole { Ok(()) } else { Err(format!("frames are odd: {frames:?}")) }
}

fn hold_against(decoded: &Decoded, shows: &Shows) -> Result<(), String> {
    sane(decoded)?;
    let told: Vec<(u32, f64)> = decoded
        .frames
        .iter()
        .map(|frame| (number(frame, shows.first_bar), frame.pts.as_secs_f64()))
        .collect();
    let mut wrong = Vec::new();
    if !shows.frames.contains(&told.len()) {
        wrong.push(format!("{} frames", told.len()));
    }
    let video = decoded.probe.video.as_ref().expect("it was decoded");
    if (video.width, video.height) != shows.size {
        wrong.push(format!("{} x {} pixels", video.width, video.height));
    }
    if decoded.probe.audio.len() != shows.sounds {
        wrong.push(format!("{} sounds", decoded.probe.audio.len()));
    }
    if shows.first_bar != Side::Nowhere {
        wrong.extend(wrong_times(&told, shows));
    }
    let heard = has_burst(&decoded.samples).then(|| burst_s(&decoded.samples));
    let is_right = match (heard, shows.burst_s) {
        (Some(heard), Some(played)) => (heard - played).abs() <= shows.off_s + shows.shift_s + 0.001,
        (heard, played) => heard == played,
    };
    if !is_right {
        wrong.push(format!("a burst heard at {heard:?}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}; {}", wrong.join(", "), excerpt(&told))) }
}

/// Frames that are not where they should be.
fn wrong_times(told: &[(u32, f64)], shows: &Shows) -> Vec<String> {
    let shift_s = match told.first() {
        Some(&(number, at)) if shows.shift_s > 0.0 => {
            (at - (shows.truth)(number)).clamp(-shows.shift_s, shows.shift_s)
        }
        _ => 0.0,
    };
    let mut wrong: Vec<String> = told
        .iter()
        .map(|&(number, at)| (number, at, at - (shows.truth)(number) - shift_s))
        .filter(|(_, _, off)| off.abs() > shows.off_s + 0.000_5)
        .map(|(number, at, off)| format!("frame {number} came at {at:.3}, off by {off:.3}"))
        .collect();
    if wrong.len() <= shows.spoilt {
        return Vec::new();
    }
    if !told.is_sorted_by(|a, b| a.0 < b.0) {
        wrong.push("numbers do not rise".to_owned());
    }
    wrong.truncate(5);
    wrong
}

fn excerpt(told: &[(u32, f64)]) -> String {
    let ends = told.iter().take(6).chain(told.iter().skip(told.len().max(12) - 6));
    ends.map(|(number, at)| format!("{number} at {at:.3}")).collect::<Vec<_>>().join(", ")
}

/// The number that a picture carries, read from the side where its first bar is.
fn number(frame: &Frame, first: Side) -> u32 {
    let along = if matches!(first, Side::Left | Side::Right) { frame.width } else { frame.height };
    (0..8)
        .map(|bit| {
            let bar = if matches!(first, Side::Left | Side::Top) { bit } else { 7 - bit };
            let at = (along * bar + along / 2) / 8;
            let (x, y) = match first {
                Side::Left | Side::Right => (at, frame.height / 2),
                _ => (frame.width / 2, at),
            };
            u32::from(frame.pixel(x, y)[1] > 128) << bit
        })
        .sum()
}

fn has_burst(samples: &[i16]) -> bool {
    samples.iter().any(|sample| sample.unsigned_abs() > 3_000)
}
