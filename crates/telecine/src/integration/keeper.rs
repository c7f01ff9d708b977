//! The keeper: the server's background work on integrations, as duties that are asked again and again whether there is
//! something to do. Knows when they are asked and what becomes of a duty that fails, panics or hangs; not what they do.
//!
//! The rows of the database are the truth: a duty may be cut short at any await, asked twice, and asked by two servers
//! at once, and must do no harm then.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::{deletion, queue, schedule};
use crate::app::App;
use crate::asset;
use crate::cluster;
use crate::fault::Result;
use crate::orphans;
use crate::time::Timestamp;
use crate::webhook;

/// How often duties are asked.
const EVERY: Duration = Duration::from_secs(15);
/// How long a duty at work may take to give back what it holds when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// A piece of background work. It is never asked while it is still at work.
#[derive(Debug, Clone, Copy)]
pub struct Duty {
    /// What the log calls it, such as `re-check integrations`.
    pub name: &'static str,
    /// How long it may take; then it is cut short and asked again later.
    pub limit: Duration,
    /// Does what is due at this moment.
    pub run: for<'a> fn(&'a Arc<App>, Timestamp) -> BoxFuture<'a, Result<()>>,
}

const RECHECK: Duty = Duty {
    name: "re-check integrations",
    limit: Duration::from_secs(600),
    run: |app, _| {
        Box::pin(cluster::alone(app, RECHECK.name, async move { super::recheck(app).await.map(drop) }))
    },
};

/// What a server does in the background. Duties do not wait for each other.
fn duties() -> Vec<Duty> {
    vec![
        cluster::ALIVE,
        cluster::MEND,
        RECHECK,
        deletion::FORGET,
        schedule::GO_ON,
        schedule::SYNCHRONIZE_DUE,
        queue::READ_QUEUES,
        asset::GO_ON,
        webhook::DELIVER,
        orphans::REMOVE,
        crate::search::tend::TEND_VECTORS,
    ]
}

/// Wakes the keeper; part of [`App`].
#[derive(Debug)]
pub struct Keeper {
    bell: watch::Sender<()>,
    process: String,
    role: &'static str,
    started_at: Timestamp,
}

impl Default for Keeper {
    fn default() -> Self {
        Self::of("all", Timestamp::from_millis(0))
    }
}

impl Keeper {
    /// That of a process in this role, which began at this moment.
    pub fn of(role: &'static str, started_at: Timestamp) -> Self {
        let process = uuid::Uuid::new_v4().simple().to_string();
        Self { bell: watch::Sender::new(()), process, role, started_at }
    }

    /// What the process is called among those that share the database; another name after each start.
    pub fn process(&self) -> &str {
        &self.process
    }

    /// What it does.
    pub fn role(&self) -> &'static str {
        self.role
    }

    /// When it began.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Has all duties asked at once; those at work are asked again when they are done.
    pub fn wake(&self) {
        self.bell.send_replace(());
    }
}

/// Does the duties of a server until it stops.
pub async fn run(app: Arc<App>) {
    keep(app, duties(), EVERY).await;
}

/// Asks each duty now, then this often and whenever the keeper is woken, until the server stops. Duties that are at work
/// then have a moment to give back what they hold, and are cut short.
pub async fn keep(app: Arc<App>, duties: Vec<Duty>, every: Duration) {
    let mut all = JoinSet::new();
    for duty in duties {
        all.spawn(keep_one(Arc::clone(&app), duty, every));
    }
    while all.join_next().await.is_some() {}
    app.stopping.cancelled().await;
}

async fn keep_one(app: Arc<App>, duty: Duty, every: Duration) {
    let mut bell = app.keeper.bell.subscribe();
    let mut trouble = None;
    loop {
        bell.mark_unchanged();
        let mut work = std::pin::pin!(attempt(&app, duty));
        let ended = tokio::select! {
            () = app.stopping.cancelled() => {
                let _ = tokio::time::timeout(FAREWELL, work).await;
                return;
            }
            ended = &mut work => ended,
        };
        trouble = tell(duty, trouble, ended);
        tokio::select! {
            () = app.stopping.cancelled() => return,
            // It lives in the app, so this is never an error.
            _ = bell.changed() => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Asks once. In a task of its own, so that a panic is an error like others.
async fn attempt(app: &Arc<App>, duty: Duty) -> Result<(), String> {
    let app = Arc::clone(app);
    let work = AbortOnDropHandle::new(tokio::spawn(async move { (duty.run)(&app, app.clock.now()).await }));
    match tokio::time::timeout(duty.limit, work).await {
        Ok(Ok(done)) => done.map_err(|error| format!("{error:#}")),
        Ok(Err(panic)) => Err(panic.to_string()),
        Err(_) => Err(format!("not done after {} seconds", duty.limit.as_secs_f64())),
    }
}

/// Logs what is new: a trouble that stays is not told every time.
fn tell(duty: Duty, before: Option<String>, ended: Result<(), String>) -> Option<String> {
    match ended {
        Ok(()) => {
            if before.is_some() {
                tracing::info!(duty = duty.name, "background work that had failed is done again");
            }
            None
        }
        Err(error) => {
            if before.as_ref() != Some(&error) {
                tracing::warn!(duty = duty.name, error, "background work failed and will be tried again");
            }
            Some(error)
        }
    }
}
