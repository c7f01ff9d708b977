//! One attempt at one task, from the claim to the publication: the stages in their order and the status on the way.
//! What follows from an attempt that stops early is the runner's to decide.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::fetch::{self, Fetched};
use super::stop::Stop;
use super::validate::{self, Admitted};
use super::workshop::Workshop;
use super::{TaskProgress, index, publish, stream, transcription};
use crate::app::App;
use crate::fault::{Code, Fault};
use crate::index::{Index, IndexModels};
use crate::queue::Claim;
use crate::store::TaskChange;
use crate::time::Timestamp;
use crate::transfer::{Event, Stage, Task};

/// One attempt at one task.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) workshop: Arc<Workshop>,
    pub(super) claim: Claim,
    pub(super) task: Task,
    pub(super) index: Index,
    pub(super) cancel: CancellationToken,
}

impl Job {
    /// Takes up what the claim lends.
    pub(super) async fn begin(
        workshop: Arc<Workshop>,
        claim: Claim,
        cancel: CancellationToken,
    ) -> Result<Self, Stop> {
        let store = &workshop.app.store;
        let task = store.claimed_task(&claim).await??;
        // An index that was deleted takes its tasks along: the claim is stale, or will be in a moment.
        let index = store.index(task.workspace, task.index).await?.ok_or(Stop::Stale)?.index;
        check_models(&index.models, &workshop.app.engines.models())?;
        let progress = TaskProgress {
            stage: Stage::Fetch,
            fetched_bytes: 0,
            size_bytes: task.stamp.as_ref().map_or(0, |stamp| stamp.size_bytes),
            indexed_s: 0.0,
            duration_s: task.meta.as_ref().map_or(0.0, |meta| meta.duration_s),
            transfer: task.transfer,
        };
        workshop.app.progress.set(task.id, progress);
        if let Some(transfer) = task.transfer {
            Span::current().record("transfer", tracing::field::display(transfer));
        }
        Ok(Self { workshop, claim, task, index, cancel })
    }

    /// All stages. Each can be repeated: what is on disk already is not done again.
    pub(super) async fn run(&self) -> Result<(), Stop> {
        let captions = transcription::read(self).await?;
        let fetched = self.stage(Stage::Fetch, fetch::fetch(self)).await?;
        let admitted = self.stage(Stage::Validate, validate::validate(self, &fetched, captions)).await?;
        self.admit(&fetched, &admitted).await?;
        let indexed = {
            let _permit = self.workshop.may_decode(&self.cancel).await?;
            self.change(Event::IndexingStarted.into()).await?;
            self.stage(Stage::Index, index::index(self, &fetched, &admitted)).await?
        };
        let (media_s, probe) = (admitted.meta.duration_s, admitted.probe.clone());
        let keeps_stream = self.app().config.streaming.enabled && !self.task.without_stream;
        if keeps_stream {
            self.app().store.begin_stream(self.task.id.into(), self.now()).await?;
        }
        self.stage(Stage::Publish, publish::publish(self, &fetched, admitted, indexed)).await?;
        if keeps_stream {
            stream::keep(&self.workshop, self.task.id.into(), &fetched.file, Some(&probe)).await;
        }
        metrics::counter!("telecine_indexed_media_seconds_total").increment(media_s.round() as u64);
        Ok(())
    }

    async fn admit(&self, fetched: &Fetched, admitted: &Admitted) -> Result<(), Stop> {
        self.progress(|progress| progress.duration_s = admitted.meta.duration_s);
        self.change(TaskChange {
            event: Event::Admitted,
            stamp: fetched.stamp.clone(),
            content_hash: Some(fetched.content_hash.clone()),
            meta: Some(admitted.meta.clone()),
        })
        .await
    }

    async fn stage<T>(&self, stage: Stage, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        self.progress(|progress| progress.stage = stage);
        let started = Instant::now();
        let (name, span) = match stage {
            Stage::Fetch => ("fetch", tracing::info_span!("fetch")),
            Stage::Validate => ("validate", tracing::info_span!("validate")),
            Stage::Index => ("index", tracing::info_span!("index")),
            Stage::Publish => ("publish", tracing::info_span!("publish")),
        };
        let done = work.instrument(span).await;
        metrics::histogram!("telecine_stage_seconds", "stage" => name)
            .record(started.elapsed().as_secs_f64());
        done
    }

    async fn change(&self, change: TaskChange) -> Result<(), Stop> {
        Ok(self.app().store.change_task(&self.claim, &change, self.now()).await??)
    }

    pub(super) fn app(&self) -> &App {
        &self.workshop.app
    }

    pub(super) fn now(&self) -> Timestamp {
        self.app().clock.now()
    }

    pub(super) fn progress(&self, change: impl FnOnce(&mut TaskProgress)) {
        self.app().progress.update(self.task.id, change);
    }

    /// The work, unless the token is cancelled first.
    pub(super) async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stop::Cancelled),
            done = work => Ok(done),
        }
    }

    /// How long to wait for an equal video: longer, the longer it has taken already.
    pub(super) fn patience(&self) -> Duration {
        let waited_s = self.now().since(self.task.created_at).as_secs_f64();
        Duration::from_secs_f64((waited_s / 10.0).clamp(1.0, 15.0))
    }
}

/// Vectors of different models are never mixed. What hears and reads gives text, which is text whoever wrote it.
fn check_models(index: &IndexModels, engines: &IndexModels) -> Result<(), Fault> {
    for (wanted, loaded) in [(&index.see, &engines.see), (&index.words, &engines.words)] {
        if wanted != loaded {
            let value = format!(
                "the index has {} ({} numbers), the server runs {} ({})",
                wanted.id, wanted.dim, loaded.id, loaded.dim
            );
            return Err(Fault::new(Code::IndexModelMismatch).value(value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::ModelRef;

    fn models(see: &str, read: &str) -> IndexModels {
        let model = |id: &str, dim| ModelRef { id: id.into(), dim };
        IndexModels {
            see: model(see, 1000),
            hear: model("ear", 0),
            read: model(read, 0),
            words: model("words", 384),
        }
    }

    #[test]
    fn vectors_of_another_model_are_refused_and_text_of_another_reader_is_not() {
        assert_eq!(check_models(&models("concept", "small"), &models("concept", "tiny")), Ok(()));
        let fault = check_models(&models("concept", "small"), &models("clip", "small")).unwrap_err();
        assert_eq!(fault.code, Code::IndexModelMismatch);
        assert!(fault.value.unwrap().contains("concept"));
    }
}
