//! Children end when they should: at a limit, when nobody listens, when they are no longer wanted.

use std::path::Path;
use std::time::Duration;

use telecine_media::{AudioPlan, DecodePlan, Limit, Limits, MediaError, Profile, frame_channel};

use crate::zoo::{Zoo, plan, tools, tools_with};

/// Twenty minutes of video, made by repeating four seconds.
fn long_video(zoo: &Zoo) -> std::path::PathBuf {
    zoo.counted("short.mp4", 4, "", "");
    zoo.make("long.mp4", "-stream_loop 300 -i short.mp4 -c copy")
}

/// Processes whose command line names the file.
pub(crate) fn processes_on(file: &Path) -> usize {
    let name = file.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let names_it = |line: Vec<u8>| String::from_utf8_lossy(&line).contains(name);
    processes.filter(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(names_it)).count()
}

pub(crate) async fn wait_until(mut condition: impl FnMut() -> bool) -> bool {
    for _ in 0..200 {
        if condition() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn a_child_that_takes_too_much_cpu_is_stopped() {
    let zoo = Zoo::new();
    let file = long_video(&zoo);
    let tools = tools_with(Limits { cpu_base_s: 1, cpu_per_media_second: 0.0, ..Limits::default() }).await;
    let probe = tools.probe(&file).await.unwrap();
    let (sender, mut frames) = frame_channel(64 << 20);
    let drain = async { while frames.recv().await.is_some() {} };
    let (result, ()) =
        tokio::join!(tools.decode(&file, &probe, plan(30.0, Profile::Exact, None), sender), drain);
    let error = result.unwrap_err();
    assert!(matches!(error, MediaError::Killed { limit: Limit::Cpu, .. }), "{error:?}");
}

#[tokio::test]
async fn a_child_that_takes_too_long_is_killed() {
    let zoo = Zoo::new();
    let file = long_video(&zoo);
    let limits = Limits { wall_base_s: 0, max_wall_per_media_second: 0.0, ..Limits::default() };
    let tools = tools_with(limits).await;
    let probe = tools.probe(&file).await.unwrap();
    let (sender, _frames) = frame_channel(64 << 20);
    // Sound only: nothing is read while it works, so only the clock can end it.
    let audio = AudioPlan { out: zoo.path("long.s16"), max_bytes: 1 << 30 };
    let sound = DecodePlan { frames: None, audio: Some(audio) };
    let error = tools.decode(&file, &probe, sound, sender).await.unwrap_err();
    assert!(matches!(error, MediaError::Timeout { tool: "ffmpeg", limit_s: 0 }), "{error:?}");
    assert!(wait_until(|| processes_on(&file) == 0).await);
}

#[tokio::test]
async fn a_slow_consumer_does_not_use_up_the_childs_time() {
    let zoo = Zoo::new();
    let file = zoo.counted("slow.mp4", 4, "", "");
    let tools =
        tools_with(Limits { wall_base_s: 4, max_wall_per_media_second: 0.0, ..Limits::default() }).await;
    let probe = tools.probe(&file).await.unwrap();
    let (sender, mut frames) = frame_channel(1 << 10);
    let dawdle = async {
        while frames.recv().await.is_some() {
            tokio::time::sleep(Duration::from_millis(1_100)).await;
        }
    };
    let (result, ()) =
        tokio::join!(tools.decode(&file, &probe, plan(1.0, Profile::Exact, None), sender), dawdle);
    assert_eq!(result.unwrap().frames, 5);
}

#[tokio::test]
async fn a_dropped_decode_takes_its_child_along() {
    let zoo = Zoo::new();
    let file = long_video(&zoo);
    let tools = tools().await;
    let probe = tools.probe(&file).await.unwrap();
    let (sender, _frames) = frame_channel(1 << 10);
    let (at, plan) = (file.clone(), plan(30.0, Profile::Exact, None));
    let task = tokio::spawn(async move { tools.decode(&at, &probe, plan, sender).await });
    assert!(wait_until(|| processes_on(&file) == 1).await, "the child runs");
    task.abort();
    assert!(wait_until(|| processes_on(&file) == 0).await, "the child is gone");
}

#[tokio::test]
async fn a_decode_that_nobody_listens_to_ends() {
    let zoo = Zoo::new();
    let file = zoo.counted("unheard.mp4", 2, "", "");
    let tools = tools().await;
    let probe = tools.probe(&file).await.unwrap();
    let (sender, frames) = frame_channel(1 << 10);
    drop(frames);
    let error = tools.decode(&file, &probe, plan(30.0, Profile::Exact, None), sender).await.unwrap_err();
    assert!(matches!(error, MediaError::ReceiverGone), "{error:?}");
}

#[tokio::test]
async fn sound_is_cut_at_its_limit_and_pictures_go_on() {
    let zoo = Zoo::new();
    let file = zoo.counted("loud.mp4", 4, "", "");
    let tools = tools().await;
    let probe = tools.probe(&file).await.unwrap();
    let (sender, mut frames) = frame_channel(1 << 20);
    let mut plan = plan(1.0, Profile::Exact, None);
    plan.audio = Some(AudioPlan { out: zoo.path("loud.s16"), max_bytes: 32_000 });
    let drain = async { while frames.recv().await.is_some() {} };
    let (summary, ()) = tokio::join!(tools.decode(&file, &probe, plan, sender), drain);
    let summary = summary.unwrap();
    assert!(summary.audio_truncated && summary.audio_samples == 16_000, "{summary:?}");
    assert_eq!(summary.frames, 5);
}
