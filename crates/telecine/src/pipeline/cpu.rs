//! CPU time of the calling thread, so that metrics can say what bounds the work on a busy machine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Does the work and records its CPU seconds under the stage.
pub(super) fn measured<T>(stage: &'static str, work: impl FnOnce() -> T) -> T {
    let before = of_this_thread();
    let done = work();
    let spent = of_this_thread().saturating_sub(before);
    metrics::histogram!("telecine_cpu_seconds", "stage" => stage).record(spent.as_secs_f64());
    done
}

fn of_this_thread() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    Duration::from_secs(part(spent.tv_sec)) + Duration::from_nanos(part(spent.tv_nsec))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn work_costs_cpu_time_and_sleep_does_not() {
        let start = of_this_thread();
        std::thread::sleep(Duration::from_millis(30));
        let slept = of_this_thread() - start;
        let busy = Instant::now();
        while busy.elapsed() < Duration::from_millis(60) {
            std::hint::spin_loop();
        }
        let worked = of_this_thread() - start - slept;
        assert!(slept < Duration::from_millis(15) && worked > slept, "{slept:?} {worked:?}");
    }
}
