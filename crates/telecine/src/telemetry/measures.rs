//! The catalogue of metrics: what each counts, and which series are there from the start, so that a rate does not begin with
//! a gap. Each is counted where it happens.

use metrics::Unit;

/// Seconds of requests, searches and claims.
pub(crate) const SHORT_S: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Seconds of stages, whose work is minutes to hours.
pub(crate) const LONG_S: [f64; 11] =
    [0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10_800.0, 43_200.0];

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    /// With the buckets of [`SHORT_S`] or [`LONG_S`].
    Short,
    Long,
}

/// A metric.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) about: &'static str,
    /// The label by whose values it is told apart from the start, and these.
    from_start: (&'static str, &'static [&'static str]),
}

const fn measure(kind: Kind, name: &'static str, about: &'static str) -> Measure {
    Measure { name, kind, about, from_start: ("", &[]) }
}

const fn by(measure: Measure, label: &'static str, values: &'static [&'static str]) -> Measure {
    Measure { from_start: (label, values), ..measure }
}

const CAUSES: &[&str] = &["store", "engine", "server"];
const TOOLS: &str = "Child processes (ffmpeg, ffprobe) that ended, by tool and outcome: ok, failed (the file's fault), limit \
    (time, memory, output), timeout, not_started.";

/// All of them.
#[rustfmt::skip]
pub(crate) const ALL: &[Measure] = {
    use Kind::{Counter, Gauge, Long, Short};
    &[
        measure(Counter, "telecine_http_requests_total", "Requests that were answered, by route, method and status."),
        measure(Short, "telecine_http_request_duration_seconds", "Time until an answer began, by route and method."),
        by(measure(Short, "telecine_search_duration_seconds", "Searches, by outcome: found, refused (the request's fault), failed."),
            "outcome", &["found"]),
        by(measure(Counter, "telecine_tasks_total", "Attempts at tasks that ended, by outcome."),
            "outcome", &["ready", "skipped", "refused", "failed", "waiting", "released", "stale"]),
        measure(Counter, "telecine_task_faults_total", "Tasks that failed for good, by the code that users are told."),
        by(measure(Counter, "telecine_queue_offers_total", "Tasks that were put into the stream, by class: single, bulk."),
            "class", &["single", "bulk"]),
        by(measure(Counter, "telecine_queue_offers_lost_total", "Tasks that the stream lost, and that were offered anew."), "", &[""]),
        by(measure(Counter, "telecine_queue_stale_messages_total", "Messages of the stream whose task was not to be had (any more)."), "", &[""]),
        by(measure(Counter, "telecine_queue_straight_claims_total", "Tasks claimed from the table because NATS was away."), "", &[""]),
        by(measure(Counter, "telecine_task_retries_total", "Tasks that were put back to be tried again, by what failed."),
            "cause", CAUSES),
        by(measure(Counter, "telecine_dead_letters_total", "Tasks given up after pipeline.max_attempts tries, by what failed; they can be retried by hand."),
            "cause", CAUSES),
        by(measure(Counter, "telecine_claims_total", "Looks for a task to work on, by outcome: claimed, none, failed."),
            "outcome", &["claimed", "none", "failed"]),
        measure(Short, "telecine_claim_duration_seconds", "Time that a look for a task takes."),
        by(measure(Counter, "telecine_lease_losses_total", "Claims that were lost while their task was worked on: it was cancelled, or another worker has it."), "", &[""]),
        measure(Long, "telecine_stage_seconds", "Time of each stage of a task."),
        measure(Long, "telecine_cpu_seconds", "CPU time of kinds of work within stages."),
        by(measure(Counter, "telecine_fetched_bytes_total", "Bytes of videos that were brought here."), "", &[""]),
        by(measure(Counter, "telecine_indexed_media_seconds_total", "Seconds of video that became searchable."), "", &[""]),
        measure(Counter, "telecine_source_requests_total", "Requests to stores, by operation, kind of store and outcome."),
        measure(Counter, "telecine_source_bytes_total", "Bytes that stores gave, by kind of store."),
        measure(Counter, "telecine_child_processes_total", TOOLS),
        by(measure(Counter, "telecine_webhook_attempts_total", "Deliveries to users' servers, by what came of them."), "state", &["delivered", "pending", "dead"]),
        by(measure(Counter, "telecine_trace_exports_total", "Batches of spans sent to the collector, by outcome."), "outcome", &["taken", "failed"]),
        measure(Gauge, "telecine_database_up", "1 while the database answers."),
        measure(Gauge, "telecine_database_bytes", "Size of the database."),
        measure(Gauge, "telecine_database_connections", "Connections to the database, by pool and state (in_use, idle)."),
        measure(Gauge, "telecine_database_connection_limit", "Connections to the database that there may be, by pool; this process."),
        measure(Gauge, "telecine_queue_tasks", "Tasks that are not final, by status; all workspaces. Each process tells the same."),
        measure(Gauge, "telecine_queue_in_hand", "Of them, those that a worker has."),
        measure(Gauge, "telecine_queue_paused", "Of them, those of paused transfers."),
        measure(Gauge, "telecine_queue_oldest_seconds", "How long the task that waits longest could have been begun; 0 when none waits."),
        measure(Gauge, "telecine_open_transfers", "Transfers that are not over."),
        measure(Gauge, "telecine_work_in_use", "Places taken, by class of work; this process."),
        measure(Gauge, "telecine_work_limit", "Places that there are, by class of work; this process."),
        measure(Gauge, "telecine_disk_free_bytes", "Free room on the disk of the data folder."),
        measure(Gauge, "telecine_disk_total_bytes", "Size of the disk of the data folder."),
        measure(Gauge, "telecine_vectors", "Vectors in the indexes in memory."),
        measure(Gauge, "telecine_vector_bytes", "Memory of the vector indexes."),
        measure(Gauge, "telecine_build_info", "1; the version is a label."),
        measure(Gauge, "process_resident_memory_bytes", "Memory of this process."),
        measure(Gauge, "process_open_fds", "Open files of this process."),
        measure(Gauge, "process_start_time_seconds", "When this process began, in seconds since 1970."),
    ]
};

/// Tells the recorder what each metric is, and begins those that are there from the start.
pub(crate) fn describe() {
    for Measure { name, kind, about, from_start: (label, values) } in ALL {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *about),
            Kind::Gauge => metrics::describe_gauge!(*name, *about),
            Kind::Short | Kind::Long => metrics::describe_histogram!(*name, Unit::Seconds, *about),
        }
        for value in *values {
            let labels =
                if label.is_empty() { Vec::new() } else { vec![metrics::Label::new(*label, *value)] };
            match kind {
                Kind::Counter => metrics::counter!(*name, labels).increment(0),
                Kind::Gauge => metrics::gauge!(*name, labels).set(0.0),
                Kind::Short | Kind::Long => drop(metrics::histogram!(*name, labels)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Names in the macros of the sources of the workspace's crates.
    fn named_in(folder: &Path, names: &mut std::collections::BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named_in(&path, names);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let quoted = text.split('"').skip(1).step_by(2);
                let is_name = |word: &&str| {
                    word.starts_with("telecine_")
                        && ["_total", "_seconds", "_bytes"].iter().any(|end| word.ends_with(end))
                };
                names.extend(quoted.filter(is_name).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_metric_that_is_counted_somewhere_is_in_the_catalogue_once() {
        let mut names = std::collections::BTreeSet::new();
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for name in ["telecine/src", "telecine-media/src"] {
            named_in(&crates.join(name), &mut names);
        }
        assert!(names.len() > 15, "{names:?}");
        for name in names {
            assert_eq!(ALL.iter().filter(|measure| measure.name == name).count(), 1, "{name}");
        }
    }
}
