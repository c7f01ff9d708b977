//! Settings of traces.

use serde::{Deserialize, Serialize};

/// Traces for an OpenTelemetry collector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Base URL of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318` (default: no traces). Headers that it
    /// wants are read from OTEL_EXPORTER_OTLP_HEADERS.
    pub otlp_endpoint: Option<String>,
    /// What this service is called in traces (default `telecine`).
    pub service_name: String,
    /// Share of traces that are sent, 0 to 1 (default 1). Requests that bring a `traceparent` are decided by it.
    pub sample_ratio: f64,
    /// Spans that wait to be sent (default 2048); more are dropped: work never waits for a collector.
    pub queue_spans: usize,
    /// Seconds for sending some of them (default 10).
    pub export_timeout_s: u64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            service_name: "telecine".to_owned(),
            sample_ratio: 1.0,
            queue_spans: 2048,
            export_timeout_s: 10,
        }
    }
}
