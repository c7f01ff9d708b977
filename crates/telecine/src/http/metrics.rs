//! Metrics: the recorder of this process, what is counted of requests, and the page that Prometheus reads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const REQUESTS: &str = "telecine_http_requests_total";
const DURATION: &str = "telecine_http_request_duration_seconds";
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Requests between two tidyings of what was observed; otherwise it would grow until somebody reads the page.
const TIDY_EVERY: u64 = 1024;

/// The recorder of this process; the first call installs it. Whoever counts something before that counts it for nobody.
pub fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS)
            .expect("there are buckets");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; the metrics page stays empty");
        }
        metrics::describe_counter!(REQUESTS, "Requests that were answered.");
        metrics::describe_histogram!(DURATION, metrics::Unit::Seconds, "Time until an answer began.");
        handle
    })
}

/// Counts a request that was answered.
pub(super) fn answered(route: &str, method: &str, status: u16, took: Duration) {
    static ANSWERED: AtomicU64 = AtomicU64::new(0);
    let labels = [("route", route.to_owned()), ("method", method.to_owned()), ("status", status.to_string())];
    metrics::counter!(REQUESTS, &labels).increment(1);
    metrics::histogram!(DURATION, &labels[..2]).record(took.as_secs_f64());
    if ANSWERED.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
        recorder().run_upkeep();
    }
}
