//! Numbers that a run can be given: the seed that replays it, how many kills, and of how many tasks. Each is printed.

use telecine::time::{Clock as _, SystemClock};

use super::bucket::TASKS;
use crate::search::synthetic::Random;

fn set<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// What `TELECINE_KILL_SEED` says, or another each time.
pub(super) fn random() -> Random {
    let seed = set("TELECINE_KILL_SEED").unwrap_or_else(|| SystemClock.now().as_millis().cast_unsigned());
    println!("TELECINE_KILL_SEED={seed}");
    Random(seed)
}

/// What `TELECINE_KILLS` and `TELECINE_KILL_TASKS` say.
pub(super) fn kills_and_tasks(kills: usize) -> (usize, usize) {
    let kills = set("TELECINE_KILLS").unwrap_or(kills);
    let tasks = set("TELECINE_KILL_TASKS").unwrap_or(TASKS);
    println!("TELECINE_KILLS={kills} TELECINE_KILL_TASKS={tasks}");
    (kills, tasks)
}

/// 0 to 1.
pub(super) fn share(random: &mut Random) -> f64 {
    (random.next() >> 11) as f64 / (1u64 << 53) as f64
}
