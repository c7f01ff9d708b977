//! What settings must be beyond their types. Says so before anything is opened.

use std::fmt::Display;

use super::load::ConfigError;
use super::{Config, SeeAdapter, WriterKind};

/// Refuses settings with which nothing would work.
///
/// # Errors
/// Names the setting, its value and the rule.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Config { server, aws, engines, pipeline, assets, streaming, writer, telemetry, .. } = config;
    let counts = [
        ("streaming.parallel", Some(streaming.parallel as u64)),
        ("streaming.link_lifetime_s", Some(streaming.link_lifetime_s)),
        ("streaming.max_bytes", Some(streaming.max_bytes)),
        ("pipeline.tasks", Some(pipeline.tasks as u64)),
        ("pipeline.fetches", Some(pipeline.fetches as u64)),
        ("pipeline.decodes", pipeline.decodes.map(|n| n as u64)),
        ("pipeline.inferences", pipeline.inferences.map(|n| n as u64)),
        ("pipeline.ranges_in_flight", Some(pipeline.ranges_in_flight as u64)),
        ("pipeline.range_bytes", Some(pipeline.range_bytes)),
        ("pipeline.max_attempts", Some(u64::from(pipeline.max_attempts))),
        ("assets.tasks", Some(assets.tasks as u64)),
        ("assets.chunk_bytes", Some(assets.chunk_bytes)),
        ("engines.sessions", engines.sessions.map(|n| n as u64)),
        ("writer.threads", writer.threads.map(u64::from)),
        ("writer.processes", Some(writer.processes as u64)),
        ("writer.requests", Some(writer.requests as u64)),
        ("writer.max_waiting", Some(writer.max_waiting as u64)),
        ("writer.timeout_s", Some(writer.timeout_s)),
        ("writer.load_timeout_s", Some(writer.load_timeout_s)),
        ("telemetry.queue_spans", Some(telemetry.queue_spans as u64)),
        ("telemetry.export_timeout_s", Some(telemetry.export_timeout_s)),
    ];
    if let Some((key, _)) = counts.into_iter().find(|(_, value)| *value == Some(0)) {
        return refuse(key, &0, "it must be at least 1");
    }
    if pipeline.lease_s < 5 {
        return refuse("pipeline.lease_s", &pipeline.lease_s, "it must be at least 5 seconds");
    }
    if !(pipeline.frames_per_second > 0.0 && pipeline.frames_per_second <= 30.0) {
        let rule = "it must be more than 0 and at most 30";
        return refuse("pipeline.frames_per_second", &pipeline.frames_per_second, rule);
    }
    if !(0.0..=1.0).contains(&telemetry.sample_ratio) {
        return refuse("telemetry.sample_ratio", &telemetry.sample_ratio, "it must be 0 to 1");
    }
    if !(1_024..=1_048_576).contains(&writer.context_tokens) {
        return refuse("writer.context_tokens", &writer.context_tokens, "it must be 1024 to 1048576");
    }
    if writer.kind == Some(WriterKind::Openai) && (writer.endpoint_url.is_none() || writer.model.is_none()) {
        return refuse("writer.kind", &"openai", "`writer.endpoint_url` and `writer.model` must be set");
    }
    super::shared::check(config)?;
    super::queue::check(config)?;
    super::search::check(config)?;
    let urls = [
        ("media_store.endpoint_url", &config.media_store.endpoint_url),
        ("server.public_url", &server.public_url),
        ("aws.endpoint_url", &aws.endpoint_url),
        ("writer.endpoint_url", &writer.endpoint_url),
        ("telemetry.otlp_endpoint", &telemetry.otlp_endpoint),
    ];
    for (key, value) in urls {
        if let Some(value) = value
            && !is_base_url(value)
        {
            return refuse(key, value, "it must be a URL such as https://films.example.com");
        }
    }
    if engines.see == SeeAdapter::Clip && engines.clip_dir.is_none() {
        return refuse("engines.see", &"clip", "`engines.clip_dir` must name the folder of the CLIP model");
    }
    Ok(())
}

/// A setting that cannot be.
pub(super) fn refuse(key: &str, value: &dyn Display, rule: &str) -> Result<(), ConfigError> {
    Err(ConfigError::BadValue {
        origin: "settings".to_owned(),
        key: key.to_owned(),
        value: value.to_string(),
        rule: rule.to_owned(),
    })
}

fn is_base_url(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none())
}
