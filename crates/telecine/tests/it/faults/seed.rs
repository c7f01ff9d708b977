//! Numbers that a run can be given: the seed that replays it, how many kills, and of how many tasks. Each is printed.

use std::time::Duration;

use telecine::time::{Clock as _, SystemClock};

use super::bucket::TASKS;
use crate::search::synthetic::Random;

fn set<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Of tests that kill: what `TELECINE_KILL_SEED` says, or another each time.
pub(super) fn random() -> Random {
    random_of("TELECINE_KILL_SEED")
}

/// Of tests of other faults: what `TELECINE_FAULT_SEED` says, or another each time.
pub(super) fn random_faults() -> Random {
    random_of("TELECINE_FAULT_SEED")
}

/// What the variable says, or another each time; printed, so that it can be said.
pub(crate) fn random_of(name: &str) -> Random {
    let seed = set(name).unwrap_or_else(|| SystemClock.now().as_millis().cast_unsigned());
    println!("{name}={seed}");
    Random(seed)
}

/// A time between these.
pub(super) fn within(random: &mut Random, from_ms: u64, to_ms: u64) -> Duration {
    Duration::from_millis(from_ms + random.next() % (to_ms - from_ms))
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
