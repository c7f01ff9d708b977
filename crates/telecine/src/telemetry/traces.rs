//! Traces for an OpenTelemetry collector: spans of requests and of work on tasks, sent as OTLP over HTTP from a bounded
//! queue. Work never waits for it: what does not fit is dropped, and a collector that fails is only counted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use reqwest::header::HeaderMap;
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::config::TelemetryConfig;

/// Spans wait this long for others, to be sent together.
const SEND_EVERY: Duration = Duration::from_secs(2);
/// What a stop waits for the last ones.
const LAST_WITHIN: Duration = Duration::from_secs(3);
/// Of a collector's answer, more is not read.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Whether this process sends traces: otherwise requests need not be prepared for it.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// The sending of spans.
#[derive(Debug)]
pub(super) struct Exporting(SdkTracerProvider);

impl Exporting {
    pub(super) async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(LAST_WITHIN)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// A layer of the subscriber, and what sends its spans.
type Begun<S> = (Box<dyn Layer<S> + Send + Sync>, Exporting);

/// The layer that turns spans into those of OpenTelemetry, and what sends them; nothing without an endpoint.
pub(super) fn begin<S>(config: &TelemetryConfig) -> Result<Option<Begun<S>>, String>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
    let timeout = Duration::from_secs(config.export_timeout_s);
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new(timeout).map_err(|error| error.to_string())?)
        .with_endpoint(traces_url(endpoint))
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(timeout)
        .build()
        .map_err(|error| format!("`telemetry.otlp_endpoint`: {error}"))?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(config.queue_spans)
        .with_max_export_batch_size(config.queue_spans.min(512))
        .with_scheduled_delay(SEND_EVERY)
        .build();
    let service = [
        KeyValue::new("service.name", config.service_name.clone()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
    ];
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio))))
        .with_resource(Resource::builder_empty().with_attributes(service).build())
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("telecine"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // Our own spans, not those of libraries; logs go their own way.
        .with_filter(filter_fn(|told| {
            told.is_span() && *told.level() <= Level::INFO && told.target().starts_with("telecine")
        }));
    IS_ON.store(true, Ordering::Relaxed);
    Ok(Some((Box::new(layer), Exporting(provider))))
}

/// `http://collector:4318` → `http://collector:4318/v1/traces`, as OpenTelemetry has it; a full address stays.
fn traces_url(endpoint: &str) -> String {
    let base = endpoint.trim_end_matches('/');
    if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") }
}

/// Makes the span of a request one of the trace that its client tells of (W3C `traceparent`), if it does.
pub(crate) fn of_request(span: &Span, headers: &HeaderMap, method: &'static str, route: &str) {
    if !IS_ON.load(Ordering::Relaxed) {
        return;
    }
    let parent =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    if parent.span().span_context().is_valid() {
        let _ = span.set_parent(parent);
    }
    span.record("otel.kind", "server");
    span.record("otel.name", format!("{method} {route}"));
    span.set_attribute("http.request.method", method);
    span.set_attribute("http.route", route.to_owned());
}

/// How the request was answered.
pub(crate) fn answered(span: &Span, status: u16) {
    if IS_ON.load(Ordering::Relaxed) {
        span.set_attribute("http.response.status_code", i64::from(status));
        if status >= 500 {
            span.set_status(opentelemetry::trace::Status::error(status.to_string()));
        }
    }
}

/// Why the work of a span came to nothing.
pub(crate) fn failed(span: &Span, why: &str) {
    if IS_ON.load(Ordering::Relaxed) {
        span.set_status(opentelemetry::trace::Status::error(why.to_owned()));
    }
}

/// Sends batches. The SDK calls it from a thread of its own, so that the work is done in the runtime.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
}

impl Collector {
    fn new(timeout: Duration) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("telecine/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(timeout)
            .build()?;
        Ok(Self { client, runtime: tokio::runtime::Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
            let mut answer = client.execute(request).await?;
            let mut body = BytesMut::new();
            while let Some(bytes) = answer.chunk().await?
                && body.len() < MAX_ANSWER_BYTES
            {
                body.extend_from_slice(&bytes);
            }
            let mut told = Response::new(body.freeze());
            *told.status_mut() = answer.status();
            *told.headers_mut() = answer.headers().clone();
            Ok::<_, reqwest::Error>(told)
        });
        let sent = sent.await?;
        let is_taken = sent.as_ref().is_ok_and(|answer| answer.status().is_success());
        let outcome = if is_taken { "taken" } else { "failed" };
        metrics::counter!("telecine_trace_exports_total", "outcome" => outcome).increment(1);
        Ok(sent?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_is_completed_and_a_full_one_stays() {
        for (given, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example.com/team/v1/traces", "https://otel.example.com/team/v1/traces"),
        ] {
            assert_eq!(traces_url(given), url);
        }
    }
}
