//! Metrics: the recorder of this process, what is counted of requests, and the page that Prometheus reads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::telemetry::measures::{self, Kind};
use crate::time::{Clock as _, SystemClock};

const REQUESTS: &str = "telecine_http_requests_total";
const DURATION: &str = "telecine_http_request_duration_seconds";
/// Requests between two tidyings of what was observed; otherwise it would grow until somebody reads the page.
const TIDY_EVERY: u64 = 1024;

/// The recorder of this process; the first call installs it. Whoever counts something before that counts it for nobody.
pub fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        // Buckets, not quantiles: only they can be added up over servers.
        let builder = measures::ALL.iter().fold(PrometheusBuilder::new(), |builder, measure| {
            let buckets: &[f64] = match measure.kind {
                Kind::Short => &measures::SHORT_S,
                Kind::Long => &measures::LONG_S,
                Kind::Counter | Kind::Gauge => return builder,
            };
            let named = Matcher::Full(measure.name.to_owned());
            builder.set_buckets_for_metric(named, buckets).expect("there are buckets")
        });
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; the metrics page stays empty");
        }
        measures::describe();
        metrics::gauge!("process_start_time_seconds").set(SystemClock.now().as_millis() as f64 / 1e3);
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
