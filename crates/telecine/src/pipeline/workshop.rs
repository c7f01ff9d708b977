//! What the tasks in hand share: the handles, the permits of each class of work, and which tasks are in hand. Does no
//! work itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use telecine_engines::EngineError;
use tokio::sync::{Notify, OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::cpu;
use super::progress::Permits;
use super::stop::Stop;
use crate::app::App;
use crate::ids::TaskId;
use crate::source::http::Links;

/// One permit of the room for files stands for this many bytes.
const BYTES_PER_PERMIT: u64 = 1 << 20;

/// What the tasks in hand share.
#[derive(Debug)]
pub(super) struct Workshop {
    pub(super) app: Arc<App>,
    fetches: Arc<Semaphore>,
    decodes: Arc<Semaphore>,
    inferences: Arc<Semaphore>,
    /// How many inferences may run at once: there is no use in holding more work ready than that.
    pub(super) inference_limit: usize,
    streams: Arc<Semaphore>,
    room: Arc<Semaphore>,
    room_permits: u32,
    pub(super) in_hand: InHand,
    failures: Mutex<HashMap<TaskId, u32>>,
    links: OnceCell<Links>,
}

impl Workshop {
    /// With the permits that the settings say.
    pub(super) fn new(app: Arc<App>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let config = &app.config.pipeline;
        let inference_limit = config.inferences.unwrap_or(cores).max(1);
        let room_permits = u32::try_from(config.work_bytes / BYTES_PER_PERMIT).unwrap_or(u32::MAX).max(1);
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.max(1)));
        Self {
            fetches: semaphore(config.fetches),
            decodes: semaphore(config.decodes.unwrap_or(cores)),
            inferences: semaphore(inference_limit),
            inference_limit,
            streams: semaphore(app.config.streaming.parallel),
            room: semaphore(room_permits as usize),
            room_permits,
            in_hand: InHand::default(),
            failures: Mutex::default(),
            links: OnceCell::new(),
            app,
        }
    }

    /// Tells the board what bounds the work, for those who run the server.
    pub(super) fn tell_bounds(&self) {
        let (pipeline, streaming) = (&self.app.config.pipeline, &self.app.config.streaming);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let class = |name, free: Option<&Arc<Semaphore>>, limit: usize| Permits {
            name,
            unit: "places",
            worth: 1,
            limit: limit.max(1),
            free: free.cloned(),
        };
        self.app.progress.bounded_by(vec![
            class("tasks", None, pipeline.tasks),
            class("fetch", Some(&self.fetches), pipeline.fetches),
            class("decode", Some(&self.decodes), pipeline.decodes.unwrap_or(cores)),
            class("inferences", Some(&self.inferences), self.inference_limit),
            class("streams", Some(&self.streams), streaming.parallel),
            Permits {
                unit: "bytes",
                worth: BYTES_PER_PERMIT,
                ..class("room", Some(&self.room), self.room_permits as usize)
            },
        ]);
    }

    /// What opens direct links; made when the first is met.
    pub(super) async fn links(&self) -> anyhow::Result<&Links> {
        self.links.get_or_try_init(|| async { Links::new(&self.app.config.urls) }).await
    }

    /// Waits until the task may use network and disk to fetch.
    pub(super) async fn may_fetch(&self, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, Stop> {
        acquire(&self.fetches, 1, cancel).await
    }

    /// Waits until the task may decode and be indexed.
    pub(super) async fn may_decode(&self, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, Stop> {
        acquire(&self.decodes, 1, cancel).await
    }

    /// Waits until a stream may be made.
    pub(super) async fn may_stream(&self) -> anyhow::Result<OwnedSemaphorePermit> {
        Ok(Arc::clone(&self.streams).acquire_owned().await?)
    }

    /// Waits until there is room on the disk for a file of this size; first come, first served. A file larger than
    /// all the room has it to itself.
    pub(super) async fn room_for(
        &self,
        size_bytes: u64,
        cancel: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, Stop> {
        let wanted = u32::try_from(size_bytes.div_ceil(BYTES_PER_PERMIT)).unwrap_or(u32::MAX);
        acquire(&self.room, wanted.clamp(1, self.room_permits), cancel).await
    }

    /// Runs an engine on a thread of its own, under a permit that is kept until it has really ended.
    pub(super) async fn infer<T: Send + 'static>(
        &self,
        stage: &'static str,
        cancel: &CancellationToken,
        work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Stop> {
        let permit = acquire(&self.inferences, 1, cancel).await?;
        let running = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            cpu::measured(stage, work)
        });
        match running.await {
            Ok(done) => Ok(done?),
            Err(error) => Err(Stop::Engine(anyhow::Error::new(error).context(format!("engine `{stage}`")))),
        }
    }

    /// Counts a failure of the task and tells how many there were since this server started.
    pub(super) fn count_failure(&self, task: TaskId) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(task).or_insert(0);
        *count += 1;
        *count
    }

    /// The task is final, or well again.
    pub(super) fn forget_failures(&self, task: TaskId) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
    }
}

async fn acquire(
    permits: &Arc<Semaphore>,
    count: u32,
    cancel: &CancellationToken,
) -> Result<OwnedSemaphorePermit, Stop> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Stop::Cancelled),
        permit = Arc::clone(permits).acquire_many_owned(count) => {
            permit.map_err(|_| Stop::Internal(anyhow::anyhow!("a semaphore was closed")))
        }
    }
}

/// The tasks that this process works on. A task whose lease ran out may be claimed again while its former worker has
/// not noticed yet: both would write into one folder, so that the second waits for the first to end.
#[derive(Debug, Default)]
pub(super) struct InHand {
    tasks: Mutex<HashMap<TaskId, CancellationToken>>,
    left: Notify,
}

/// Held while a task is worked on.
#[derive(Debug)]
pub(super) struct Hand<'a> {
    all: &'a InHand,
    task: TaskId,
}

impl InHand {
    /// Takes the task in hand; a former worker is told to stop and waited for.
    pub(super) async fn take(&self, task: TaskId, cancel: &CancellationToken) -> Hand<'_> {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            {
                let mut tasks = self.lock();
                match tasks.get(&task) {
                    Some(former) => former.cancel(),
                    None => {
                        tasks.insert(task, cancel.clone());
                        return Hand { all: self, task };
                    }
                }
            }
            left.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, CancellationToken>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.task);
        self.all.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::Timestamp;

    #[tokio::test]
    async fn a_second_worker_of_a_task_stops_the_first_and_waits_for_it() {
        let in_hand = Arc::new(InHand::default());
        let task = TaskId::generate(Timestamp::from_millis(0));
        let first = CancellationToken::new();
        let hand = in_hand.take(task, &first).await;
        let second = CancellationToken::new();
        let waiting = in_hand.take(task, &second);
        tokio::pin!(waiting);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut waiting).await.is_err());
        assert!(first.is_cancelled() && !second.is_cancelled());
        drop(hand);
        waiting.await;
    }
}
