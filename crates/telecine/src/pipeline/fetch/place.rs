//! Where bytes come from, and what its failures mean for the task. Reads no video.

use std::sync::Arc;

use super::range::Wanted;
use crate::fault::{Code, Fault};
use crate::integration::Integration;
use crate::pipeline::job::Job;
use crate::pipeline::stop::Stop;
use crate::source::{ObjectInfo, Source, SourceError, SourceErrorKind};
use crate::transfer::{ObjectRef, TaskSource, object_fault, transcription_fault};

/// What lies there, which decides how its absence is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum Bearer {
    /// A video in a connected bucket.
    Object,
    /// A video behind a direct link.
    Url,
    /// Captions, wherever they are.
    Transcription,
}

impl Bearer {
    /// What a store's failure means: what may pass by itself is tried again, the rest is a fault.
    pub(in crate::pipeline) fn stop(self, error: SourceError) -> Stop {
        if error.kind.is_transient() {
            return Stop::Unavailable(error);
        }
        let fault = match (self, error.kind) {
            (Self::Object, _) | (Self::Url, SourceErrorKind::Changed) => object_fault(&error),
            (Self::Url, _) => {
                Fault::new(Code::VideoUrlNotAccessible).value(format!("{}: {}", error.address, error.detail))
            }
            (Self::Transcription, _) => transcription_fault(&error),
        };
        fault.into()
    }
}

/// A key of a source.
#[derive(Debug, Clone)]
pub(in crate::pipeline) struct Place {
    pub(super) source: Arc<dyn Source>,
    pub(super) key: String,
    bearer: Bearer,
}

impl Place {
    /// Where the task's video lies; not for uploads.
    pub(super) async fn of_video(job: &Job) -> Result<Self, Stop> {
        match &job.task.source {
            TaskSource::Object(object) => Self::of_object(job, object, Bearer::Object).await,
            TaskSource::Url { url } => Self::of_url(job, url, Bearer::Url).await,
            TaskSource::Upload { filename } => {
                Err(Stop::Internal(anyhow::anyhow!("the upload `{filename}` is at no place")))
            }
        }
    }

    /// An object of a connected bucket.
    pub(in crate::pipeline) async fn of_object(
        job: &Job,
        object: &ObjectRef,
        bearer: Bearer,
    ) -> Result<Self, Stop> {
        let integration = job.app().store.integration_by_id(object.integration).await?;
        let usable = |it: &Integration| {
            it.workspace == job.task.workspace && it.bucket == object.bucket && it.status.is_usable()
        };
        let Some(integration) = integration.filter(usable) else {
            let known = job.app().store.known_integration(job.task.workspace, object.integration).await?;
            let is_deleted = known.is_some_and(|integration| integration.deleted_at.is_some());
            let code = if is_deleted { Code::IntegrationDeleted } else { Code::IntegrationNotActive };
            return Err(Fault::new(code).value(object.address()).into());
        };
        let opened = job.unless_cancelled(job.app().sources.open(&integration)).await?;
        let source = opened.map_err(|error| bearer.stop(error))?;
        Ok(Self { source, key: object.key.clone(), bearer })
    }

    /// The file behind a direct link.
    pub(in crate::pipeline) async fn of_url(job: &Job, url: &str, bearer: Bearer) -> Result<Self, Stop> {
        let links = job.workshop.links().await?;
        let source = job.unless_cancelled(links.open(url)).await?.map_err(|error| bearer.stop(error))?;
        Ok(Self { source, key: String::new(), bearer })
    }

    /// What the store says about it.
    pub(in crate::pipeline) async fn head(&self) -> Result<ObjectInfo, SourceError> {
        self.source.head(&self.key).await
    }

    /// All of its bytes; for small files.
    pub(in crate::pipeline) async fn read_all(&self, info: &ObjectInfo) -> Result<Vec<u8>, SourceError> {
        Ok(self.version(&info.etag).read(0..info.size_bytes).await?.concat())
    }

    /// What is read when it is to be this version.
    pub(super) fn version(&self, etag: &str) -> Wanted {
        let etag = Some(etag.to_owned()).filter(|etag| !etag.is_empty());
        Wanted { source: self.source.clone(), key: self.key.clone(), etag }
    }

    /// For people.
    pub(in crate::pipeline) fn address(&self) -> String {
        self.source.address(&self.key)
    }

    /// What the store's failure means for the task.
    pub(in crate::pipeline) fn stop(&self, error: SourceError) -> Stop {
        self.bearer.stop(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bearer: Bearer, kind: SourceErrorKind) -> Option<Code> {
        let (operation, address, detail) = ("HEAD", String::from("s3://b/k"), String::from("no"));
        match bearer.stop(SourceError { kind, operation, address, detail }) {
            Stop::Fault(fault) => Some(fault.code),
            _ => None,
        }
    }

    #[test]
    fn the_same_failure_is_told_by_what_was_wanted() {
        let missing = SourceErrorKind::NotFound;
        assert_eq!(told(Bearer::Object, missing), Some(Code::ObjectNotExists));
        assert_eq!(told(Bearer::Url, missing), Some(Code::VideoUrlNotAccessible));
        assert_eq!(told(Bearer::Transcription, missing), Some(Code::TranscriptionNotExists));
    }

    #[test]
    fn what_may_pass_is_no_fault() {
        for bearer in [Bearer::Object, Bearer::Url, Bearer::Transcription] {
            assert_eq!(told(bearer, SourceErrorKind::Throttled), None);
            assert_eq!(told(bearer, SourceErrorKind::Unavailable), None);
        }
    }
}
