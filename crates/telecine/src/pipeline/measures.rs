//! What is counted of claims and of how attempts end.

use std::time::Duration;

use crate::fault::Result;
use crate::queue::Claim;
use crate::transfer::Event;

/// A look for a task.
pub(super) fn claimed(took: Duration, claimed: &Result<Option<Claim>>) {
    let outcome = match claimed {
        Ok(Some(_)) => "claimed",
        Ok(None) => "none",
        Err(_) => "failed",
    };
    metrics::counter!("telecine_claims_total", "outcome" => outcome).increment(1);
    metrics::histogram!("telecine_claim_duration_seconds").record(took);
}

/// What becomes of a task.
pub(super) fn follows(event: &Event) {
    if let Event::Failed(fault) = event {
        metrics::counter!("telecine_task_faults_total", "code" => fault.code.as_str()).increment(1);
    }
}

/// A failure that may pass by itself, or did so too often not to.
pub(super) fn failed(cause: &'static str, is_last: bool) {
    if is_last {
        metrics::counter!("telecine_dead_letters_total", "cause" => cause).increment(1);
    } else {
        metrics::counter!("telecine_task_retries_total", "cause" => cause).increment(1);
    }
}
