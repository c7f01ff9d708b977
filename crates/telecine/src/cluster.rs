//! What this process is to others that share its database: it tells that it is there, has some duties alone, and ends what
//! one that is gone had in hand. Where the database is this process's alone, nothing of it happens.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::app::App;
use crate::fault::Result;
use crate::files::DataDir;
use crate::ids::{ImportId, TransferId, WorkspaceId};
use crate::integration::keeper::{self, Duty};
use crate::store::{InHand, Process, Store};
use crate::time::Timestamp;
use crate::vault::Vault;

/// How long a process is there without telling so anew, and how often it does.
const LEASE: Duration = Duration::from_secs(60);
const TELL_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked for what others left.
const MEND_EVERY: Duration = Duration::from_secs(10);
/// How many such looks pass until removals of very many rows are looked for that were cut short.
const ROUNDS: u32 = 60;
/// A manifest that has been being received for so long is no longer.
const RECEIVING: Duration = Duration::from_secs(86_400);
const AT_ONCE: u32 = 100;
/// How soon it is tried again to tell the store so.
const LEAVE_AGAIN: Duration = Duration::from_secs(1);
/// A process that is never there.
const NOBODY: &str = "nobody";
/// What tells the key that seals secrets from others.
const SECRETS_KEY: &str = "secrets_key";

/// Tells the others that this process is there.
pub const ALIVE: Duty =
    Duty { name: "tell that this process is there", limit: Duration::from_secs(7 * 86_400), run: tell };
/// Ends what others left.
pub const MEND: Duty =
    Duty { name: "end what other processes left", limit: Duration::from_secs(7 * 86_400), run: mend };

/// This process, as it tells the others.
fn myself(app: &App) -> Process {
    Process {
        id: app.keeper.process().to_owned(),
        role: app.keeper.role().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: app.keeper.started_at(),
    }
}

/// Tells so once; before anything is taken in hand.
///
/// # Errors
/// When the store fails.
pub async fn appear(app: &App) -> Result<()> {
    let now = app.clock.now();
    if app.config.is_shared() {
        app.store.keep_alive(&myself(app), now.after(LEASE), now).await?;
    }
    Ok(())
}

/// What a worker does besides its work, until it stops.
pub async fn run(app: Arc<App>) {
    keeper::keep(app, vec![ALIVE], TELL_EVERY).await;
}

fn tell(app: &Arc<App>, _: Timestamp) -> BoxFuture<'_, Result<()>> {
    async move {
        if !app.config.is_shared() {
            app.stopping.cancelled().await;
            return Ok(());
        }
        loop {
            appear(app).await?;
            tokio::select! {
                () = app.stopping.cancelled() => return app.store.end_process(app.keeper.process()).await,
                () = tokio::time::sleep(TELL_EVERY) => {}
            }
        }
    }
    .boxed()
}

/// Does a duty that one process does at a time, unless it is another's.
///
/// # Errors
/// Those of the work, and of the store.
pub async fn alone(app: &App, duty: &str, work: impl Future<Output = Result<()>>) -> Result<()> {
    if !app.config.is_shared() {
        return work.await;
    }
    let take = async || {
        let now = app.clock.now();
        app.store.take_duty(duty, app.keeper.process(), now.after(LEASE), now).await
    };
    if !take().await? {
        return Ok(());
    }
    let keep = async {
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            if !take().await? {
                return Ok(());
            }
        }
    };
    tokio::select! {
        done = work => done,
        // It became another's: this process was away for a while.
        kept = keep => kept,
    }
}

fn mend(app: &Arc<App>, _: Timestamp) -> BoxFuture<'_, Result<()>> {
    async move {
        if !app.config.is_shared() {
            app.stopping.cancelled().await;
            return Ok(());
        }
        alone(app, MEND.name, async {
            for round in 0_u32.. {
                end_what_was_left(&*app.store, app.clock.now()).await?;
                if round.is_multiple_of(ROUNDS) {
                    app.store.go_on_with_removals().await?;
                    app.store.discard_transfers_begun(app.clock.now().before(RECEIVING)).await?;
                }
                tokio::select! {
                    () = app.stopping.cancelled() => return Ok(()),
                    () = tokio::time::sleep(MEND_EVERY) => {}
                }
            }
            Ok(())
        })
        .await
    }
    .boxed()
}

/// Ends what processes had in hand that are no longer there. How much.
///
/// # Errors
/// When the store fails; what is left is ended the next time.
pub async fn end_what_was_left(store: &dyn Store, now: Timestamp) -> Result<u64> {
    let mut ended = 0;
    loop {
        let left = store.left_in_hand(now, AT_ONCE).await?;
        for (kind, id, process) in &left {
            match kind {
                InHand::Request => {
                    let (workspace, key) = halves(id)?;
                    store.lose_request(workspace, key).await?;
                }
                InHand::Import => {
                    let (import, transfer) = halves::<ImportId>(id)?;
                    let transfer: TransferId = transfer.parse().context("a transfer in hand")?;
                    store.discard_transfer(transfer).await?;
                    store.discard_import(import).await?;
                }
            }
            store.let_go(*kind, id, process).await?;
            ended += 1;
        }
        if left.len() < AT_ONCE as usize {
            break;
        }
    }
    if ended > 0 {
        tracing::info!(ended, "what a process had in hand that is gone was ended");
    }
    Ok(ended)
}

fn halves<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    id: &str,
) -> Result<(T, &str)> {
    let (first, second) = id.split_once('/').context("something in hand without two ids")?;
    Ok((first.parse::<T>().context("something in hand of an unknown id")?, second))
}

/// What this process has in hand that others end when it is gone.
#[derive(Debug, Clone)]
pub struct Hold {
    kind: InHand,
    id: String,
}

impl Hold {
    /// Of a request with a key.
    pub fn request(workspace: WorkspaceId, key: &str) -> Self {
        Self { kind: InHand::Request, id: format!("{workspace}/{key}") }
    }

    /// Of an import that is being prepared.
    pub fn import(import: ImportId, transfer: TransferId) -> Self {
        Self { kind: InHand::Import, id: format!("{import}/{transfer}") }
    }

    /// Takes note of it; before what it is about is begun.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take(&self, app: &App) -> Result<()> {
        if app.config.is_shared() {
            app.store.take_in_hand(self.kind, &self.id, app.keeper.process()).await?;
        }
        Ok(())
    }

    /// It is over, however it ended. Where that cannot be written down, others look after it once this process is gone.
    pub async fn let_go(&self, app: &App) {
        if let Err(error) = self.try_to_let_go(app).await {
            tracing::warn!(error = format!("{error:#}"), "what was in hand could not be let go");
        }
    }

    /// The same.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn try_to_let_go(&self, app: &App) -> Result<()> {
        match app.config.is_shared() {
            true => app.store.let_go(self.kind, &self.id, app.keeper.process()).await,
            false => Ok(()),
        }
    }

    /// [`Self::leave`], as soon as the store can be told.
    pub fn leave_when_possible(self, app: &Arc<App>) {
        let app = Arc::clone(app);
        tokio::spawn(async move {
            while let Err(error) = self.leave(&app).await {
                tracing::debug!(
                    error = format!("{error:#}"),
                    id = self.id,
                    "what was in hand cannot be left yet"
                );
                tokio::select! {
                    () = app.stopping.cancelled() => return,
                    () = tokio::time::sleep(LEAVE_AGAIN) => {}
                }
            }
        });
    }

    /// Has it ended like what processes left that are gone, because it is not known whether it was begun: at once, or as soon
    /// as nobody else has it in hand.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn leave(&self, app: &App) -> Result<()> {
        if app.config.is_shared() {
            app.store.take_in_hand(self.kind, &self.id, NOBODY).await?;
            self.try_to_let_go(app).await?;
            end_what_was_left(&*app.store, app.clock.now()).await?;
        }
        Ok(())
    }
}

/// The vault of an installation: processes that share a database must have the same key, and only the first makes one.
///
/// # Errors
/// When the key is missing or another than the installation's, with what to do.
pub async fn open_vault(store: &dyn Store, file: &std::path::Path, files: &DataDir) -> Result<Vault> {
    let known = store.known_fact(SECRETS_KEY).await?;
    let shown = file.display();
    let how = format!(
        "copy the file from the server that made it ({} in its data folder) to {shown}, or name it with \
         secrets.key_file",
        files.secrets_key().file_name().and_then(|name| name.to_str()).unwrap_or("secrets.key")
    );
    if known.is_some() && !file.exists() {
        return Err(anyhow::anyhow!("the key of this installation's secrets is not here; {how}").into());
    }
    let vault = Vault::open(file)?;
    let mark = vault.mark();
    if store.fact(SECRETS_KEY, &mark).await? != mark {
        return Err(anyhow::anyhow!("{shown} is not the key of this installation's secrets; {how}").into());
    }
    Ok(vault)
}
