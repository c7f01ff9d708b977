//! Answers that have nothing to do with what is allowed: no answer, no TLS, not S3, another clock, too many requests.

use super::{Finding, Scene, finding};
use crate::fault::Code;
use crate::integration::fix::{Fix, FixBy};
use crate::integration::{Provider, S3Access};
use crate::source::{SourceError, SourceErrorKind, StoreWords};

/// A finding, if it is one of these.
pub(super) fn finding_of(scene: &Scene<'_>, error: &SourceError, words: &StoreWords) -> Option<Finding> {
    if is_about_time(words) {
        return Some(clock(scene, words));
    }
    match error.kind {
        SourceErrorKind::Throttled => Some(throttled(scene, words)),
        SourceErrorKind::Unavailable => Some(unavailable(scene, words)),
        _ if is_no_s3(words) => Some(not_s3(scene, words)),
        _ => None,
    }
}

/// Requests are signed for a moment; a store whose clock is more than 15 minutes off refuses them.
fn is_about_time(words: &StoreWords) -> bool {
    matches!(words.code.as_deref(), Some("RequestTimeTooSkewed" | "RequestExpired"))
        || words.message.contains("Signature expired")
        || words.message.contains("Signature not yet current")
        || words.message.contains("too far in the future")
}

pub(super) fn clock(scene: &Scene<'_>, words: &StoreWords) -> Finding {
    let cause =
        "This server's clock and the store's are too far apart: requests are refused as too old or too new.";
    let wrong = "the clock of this server's machine, set by NTP";
    let fix = Fix::new(FixBy::Operator, cause, wrong, &scene.again()).commands([
        "timedatectl set-ntp true   # on this server's machine".to_owned(),
        "timedatectl timesync-status".to_owned(),
    ]);
    finding(Code::ClockSkewed, words, fix)
}

fn throttled(scene: &Scene<'_>, words: &StoreWords) -> Finding {
    let cause = "The store asks to go slower: others read the bucket too, or its limits are low.";
    let fix = Fix::new(FixBy::Time, cause, "requests per second of the bucket", &scene.again());
    finding(Code::StoreThrottles, words, fix)
}

fn endpoint<'a>(scene: &'a Scene<'_>) -> Option<(&'a str, FixBy, &'static str)> {
    match &scene.integration.provider {
        Provider::S3(S3Access { endpoint: Some(endpoint), .. }) => {
            Some((&endpoint.url, FixBy::You, "the endpoint_url of the integration"))
        }
        Provider::S3(_) => {
            let url = scene.config.aws.endpoint_url.as_deref()?;
            Some((url, FixBy::Operator, "the setting aws.endpoint_url"))
        }
        Provider::Gcs(access) => {
            Some((access.endpoint.as_deref()?, FixBy::You, "the endpoint_url of the integration"))
        }
        Provider::Azure(access) => {
            Some((access.endpoint.as_deref()?, FixBy::You, "the endpoint_url of the integration"))
        }
        Provider::Folder { .. } | Provider::Urls { .. } => None,
    }
}

fn unavailable(scene: &Scene<'_>, words: &StoreWords) -> Finding {
    if words.status.is_some_and(|status| (200..300).contains(&status)) {
        return not_s3(scene, words);
    }
    let (again, said) = (scene.again(), words.message.to_ascii_lowercase());
    let (place, who, setting) =
        endpoint(scene).unwrap_or(("the store", FixBy::Time, "the network between here and there"));
    let is_tls = ["certificate", "tls", "handshake", "unknownissuer", "notvalidforname"];
    if words.status.is_none() && is_tls.iter().any(|word| said.contains(word)) {
        let cause = format!(
            "No encrypted connection to {place} comes about: its certificate is of an unknown issuer, for another name or \
             out of date, or it speaks no TLS."
        );
        return finding(
            Code::EndpointNoTls,
            words,
            Fix::new(who, cause, format!("{setting}, or the certificate there"), &again),
        );
    }
    if words.status.is_none() {
        let why = match said.as_str() {
            said if said.contains("no public address") => {
                "has an address in a private network, which this server does not ask"
            }
            said if said.contains("dns") || said.contains("lookup") || said.contains("resolve") => {
                "has a name that does not exist"
            }
            said if said.contains("refused") => "refuses connections: nothing listens there",
            said if said.contains("timed out") || said.contains("timeout") => "does not answer in time",
            _ => "cannot be reached",
        };
        let cause = format!("{place} {why}.");
        return finding(Code::EndpointUnreachable, words, Fix::new(who, cause, setting, &again));
    }
    let cause = "The store itself fails at the moment.".to_owned();
    finding(Code::SourceUnavailable, words, Fix::new(FixBy::Time, cause, "the store", &again))
}

/// An answer that S3 never gives: a success that is no XML, or a refusal without a code.
fn is_no_s3(words: &StoreWords) -> bool {
    let Some(status) = words.status else { return false };
    let is_bare = words.code.is_none() && !words.message.is_empty();
    is_bare && matches!(status, 200..=299 | 400 | 404 | 405 | 501)
}

pub(super) fn not_s3(scene: &Scene<'_>, words: &StoreWords) -> Finding {
    let (place, who, setting) =
        endpoint(scene).unwrap_or(("the store", FixBy::Operator, "what stands between here and AWS"));
    let cause = format!(
        "What answers at {place} does not speak S3: perhaps it is a web page, or the console of the store."
    );
    finding(Code::EndpointNotS3, words, Fix::new(who, cause, setting, &scene.again()))
}
