//! CPU time of the calling thread, so that metrics can say what bounds the work on a busy machine. Linux tells it in
//! `/proc`; elsewhere the wall clock stands in.

use std::time::{Duration, Instant};

/// Does the work and records its CPU seconds under the stage.
pub(super) fn measured<T>(stage: &'static str, work: impl FnOnce() -> T) -> T {
    let (wall, before) = (Instant::now(), of_this_thread());
    let done = work();
    let spent = match (before, of_this_thread()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => wall.elapsed(),
    };
    metrics::histogram!("telecine_cpu_seconds", "stage" => stage).record(spent.as_secs_f64());
    done
}

/// The first field of `schedstat`: nanoseconds on a CPU.
fn of_this_thread() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_cpu_time_and_sleep_does_not() {
        let Some(start) = of_this_thread() else { return };
        std::thread::sleep(Duration::from_millis(30));
        let slept = of_this_thread().unwrap() - start;
        let busy = Instant::now();
        while busy.elapsed() < Duration::from_millis(60) {
            std::hint::spin_loop();
        }
        let worked = of_this_thread().unwrap() - start - slept;
        assert!(slept < Duration::from_millis(15) && worked > slept, "{slept:?} {worked:?}");
    }
}
