//! Publish: everything that indexing made becomes visible at once, under the claim's fence.

use super::fetch::Fetched;
use super::index::Indexed;
use super::job::Job;
use super::stop::Stop;
use super::validate::Admitted;
use crate::video::Publication;

/// Hands everything to the store in one transaction.
pub(super) async fn publish(
    job: &Job,
    fetched: &Fetched,
    admitted: Admitted,
    indexed: Indexed,
) -> Result<(), Stop> {
    if job.cancel.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    let publication = Publication {
        task: job.task.id,
        content_hash: fetched.content_hash.clone(),
        meta: admitted.meta,
        segments: indexed.segments,
        thumbnails: indexed.thumbnails,
    };
    Ok(job.app().store.publish(&job.claim, &publication, job.now()).await??)
}
