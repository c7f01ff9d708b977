//! A decoder that was taken over wastes time, memory and output: each is stopped at its limit, the error says at which, no
//! process is left, and the server is as it was.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use telecine_media::{
    AudioPlan, DecodePlan, DecodeSummary, Frame, FramePlan, Limit, Limits, MediaError, MediaTools, Policy,
    Probe, Profile, frame_channel,
};

use crate::limits::{processes_on, wait_until};
use crate::sandbox::{has_walls, hostile_program, hostile_tools, ordering};
use crate::zoo::Zoo;

fn limits() -> Limits {
    Limits {
        probe_cpu_s: 1,
        wall_base_s: 3,
        max_wall_per_media_second: 0.0,
        cpu_base_s: 1,
        cpu_per_media_second: 0.0,
        address_space_bytes: 512 << 20,
        ..Limits::default()
    }
}

/// What of this process a hostile child could spoil.
struct Server {
    descriptors: usize,
    resident_bytes: u64,
}

impl Server {
    fn now() -> Self {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
            resident_bytes: pages * 4_096,
        }
    }

    async fn assert_unharmed(&self, zoo: &Zoo) {
        let program = zoo.path("hostile");
        assert!(wait_until(|| processes_on(&program) == 0).await, "no process is left");
        if std::env::var_os("NEXTEST").is_none() {
            // Other tests run in this process as well.
            return;
        }
        // Descriptors of a child that was just killed are closed a moment later.
        assert!(
            wait_until(|| Self::now().descriptors <= self.descriptors).await,
            "descriptors are left open"
        );
        let grown = Self::now().resident_bytes.saturating_sub(self.resident_bytes);
        assert!(grown < 48 << 20, "grown by {grown} bytes");
    }
}

/// Long enough for a CPU limit of one second, on a machine that does much else.
const LONG_S: u64 = 60;

async fn probe(order: &str, wall_s: u64) -> Result<Probe, MediaError> {
    let zoo = Zoo::new();
    let tools = hostile_tools(&zoo, Limits { probe_wall_s: wall_s, ..limits() }).await;
    let input = ordering(&zoo, order);
    let server = Server::now();
    let began = Instant::now();
    let result = tools.probe(&input).await;
    assert!(began.elapsed() < Duration::from_secs(wall_s + 20), "{order} took {:?}", began.elapsed());
    server.assert_unharmed(&zoo).await;
    result
}

struct Done {
    result: Result<DecodeSummary, MediaError>,
    frames: Vec<Frame>,
    sound_bytes: u64,
}

const MOST_SOUND: u64 = 1 << 20;

async fn decode(order: &str) -> Done {
    let zoo = Zoo::new();
    let tools = hostile_tools(&zoo, limits()).await;
    let input = ordering(&zoo, order);
    let server = Server::now();
    let done = decode_with(&tools, &zoo, &input).await;
    server.assert_unharmed(&zoo).await;
    done
}

async fn decode_with(tools: &MediaTools, zoo: &Zoo, input: &Path) -> Done {
    let probe = tools.probe(input).await.unwrap();
    let out = zoo.path("sound.s16");
    let plan = DecodePlan {
        frames: Some(FramePlan { fps: 1.0, max_side: 16, profile: Profile::Exact }),
        audio: Some(AudioPlan { out: out.clone(), max_bytes: MOST_SOUND }),
    };
    let (sender, mut receiver) = frame_channel(1 << 20);
    let collect = async {
        let mut frames = Vec::new();
        while let Some(frame) = receiver.recv().await {
            frames.push(frame);
        }
        frames
    };
    let (result, frames) = tokio::join!(tools.decode(input, &probe, plan, sender), collect);
    Done { result, frames, sound_bytes: std::fs::metadata(out).map_or(0, |file| file.len()) }
}

#[tokio::test]
async fn one_that_sleeps_is_given_up_on() {
    for order in ["sleep", "deaf-and-dumb"] {
        let error = probe(order, 2).await.unwrap_err();
        assert!(matches!(error, MediaError::Timeout { tool: "ffprobe", limit_s: 2 }), "{order}: {error:?}");
    }
    let error = decode("doze").await.result.unwrap_err();
    assert!(matches!(error, MediaError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn one_that_computes_without_end_is_stopped() {
    let error = probe("spin", LONG_S).await.unwrap_err();
    assert!(matches!(error, MediaError::Killed { limit: Limit::Cpu, .. }), "{error:?}");
}

#[tokio::test]
async fn one_that_takes_all_memory_gets_no_more_than_its_limit() {
    let error = probe("memory", LONG_S).await.unwrap_err();
    assert!(matches!(error, MediaError::Killed { limit: Limit::Memory, .. }), "{error:?}");
}

#[tokio::test]
async fn one_that_talks_without_end_is_not_listened_to() {
    let error = probe("stdout", LONG_S).await.unwrap_err();
    assert!(matches!(error, MediaError::TooLarge { .. }), "{error:?}");
    let error = probe("stderr", LONG_S).await.unwrap_err();
    let is_bound = matches!(error, MediaError::Killed { limit: Limit::Cpu, .. } | MediaError::Timeout { .. });
    assert!(is_bound && error.to_string().len() < 1_000, "{error:?}");
}

#[tokio::test]
async fn one_that_answers_nonsense_is_not_believed() {
    let error = probe("deep", LONG_S).await.unwrap_err();
    assert!(matches!(error, MediaError::Broken { .. }), "{error:?}");
    let error = probe("crash", LONG_S).await.unwrap_err();
    assert!(matches!(error, MediaError::NotMedia { .. } | MediaError::Broken { .. }), "{error:?}");
    let error = probe("escape", LONG_S).await.unwrap_err().to_string();
    assert!(error.contains("owned") && !error.contains(char::is_control), "{error:?}");
}

#[tokio::test]
async fn frames_without_end_are_stopped_by_the_limits() {
    let done = decode("frames").await;
    let error = done.result.unwrap_err();
    let is_bound = matches!(error, MediaError::Killed { limit: Limit::Cpu, .. } | MediaError::Timeout { .. });
    assert!(is_bound, "{error:?}");
    let done = decode("same-time").await;
    assert!(done.result.is_err() && done.frames.len() <= 2, "{} frames", done.frames.len());
}

#[tokio::test]
async fn pixels_without_times_and_times_without_pixels_end_at_the_clock() {
    for order in ["no-times", "no-pixels", "endless-line"] {
        let error = decode(order).await.result.unwrap_err();
        let is_bound =
            matches!(error, MediaError::Killed { limit: Limit::Cpu, .. } | MediaError::Timeout { .. });
        assert!(is_bound, "{order}: {error:?}");
    }
}

#[tokio::test]
async fn times_that_go_back_are_not_passed_on() {
    let done = decode("backwards").await;
    assert!(done.frames.len() >= 2 && done.frames.is_sorted_by(|a, b| a.pts < b.pts), "{:?}", done.frames);
}

#[tokio::test]
async fn a_file_that_is_filled_ends_at_its_limit() {
    let done = decode("sound").await;
    let error = done.result.unwrap_err();
    assert!(matches!(error, MediaError::Killed { limit: Limit::Output, .. }), "{error:?}");
    assert_eq!(done.sound_bytes, MOST_SOUND);
}

/// Only a user other than root has a limit of threads, so root's test runs the child as nobody.
#[test]
fn a_bomb_of_threads_ends_at_its_limit() {
    if !has_walls() {
        return;
    }
    const BOMB: usize = 20_000;
    let zoo = Zoo::new();
    let program = hostile_program(&zoo);
    let input = ordering(&zoo, &format!("threads {BOMB}"));
    let policy = Policy {
        program: program.clone(),
        read: vec![input.clone()],
        inherit: Vec::new(),
        cpu_s: 10,
        address_space_bytes: 4 << 30,
        file_bytes: 0,
        open_files: 64,
    };
    let mut command = Command::new(program);
    command.args(["-show_entries", "x", "-i"]).arg(input);
    if zoo.make_public() {
        command.uid(65_534).gid(65_534);
    }
    policy.confine(&mut command).unwrap();
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.split("threads=").nth(1).and_then(|rest| rest.split('"').next()?.parse::<usize>().ok());
    let count = count.unwrap_or_else(|| panic!("{output:?}"));
    assert!((100..BOMB / 2).contains(&count), "{count} threads were started");
}

const ORPHANED: &str = "TELECINE_TEST_ORPHANED_FOLDER";

/// Not a test by itself: a server that will be killed while its child sleeps.
#[tokio::test]
#[ignore = "run as a child by the test below"]
async fn doomed_server() {
    let Some(folder) = std::env::var_os(ORPHANED) else { return };
    let program = Path::new(&folder).join("hostile");
    let config = telecine_media::MediaConfig {
        ffmpeg: Some(program.clone()),
        ffprobe: Some(program),
        ..telecine_media::MediaConfig::default()
    };
    let tools = MediaTools::discover(config).await.unwrap();
    let _ = tools.probe(&Path::new(&folder).join("input")).await;
}

#[tokio::test]
async fn a_child_does_not_outlive_a_server_that_is_killed() {
    let zoo = Zoo::new();
    let program = hostile_program(&zoo);
    ordering(&zoo, "deaf-and-dumb");
    let mut server = Command::new(std::env::current_exe().unwrap());
    server.args(["--ignored", "--exact", "sandbox_bounds::doomed_server", "--test-threads=1"]);
    let mut server = server.env(ORPHANED, zoo.path("")).spawn().unwrap();
    let input = zoo.path("input");
    assert!(wait_until(|| processes_on(&input) == 1).await, "the child runs");
    let child = std::fs::read_dir("/proc").unwrap().flatten().find(|entry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(input.to_str().unwrap()))
    });
    let score = std::fs::read_to_string(child.unwrap().path().join("oom_score_adj")).unwrap();
    assert_eq!(score.trim(), "1000", "when memory runs out, it goes first");
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(wait_until(|| processes_on(&program) == 0).await, "it went with its server");
}
