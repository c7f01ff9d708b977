//! The background work on assets: what is due is claimed, brought here, hashed, measured, and becomes ready or failed. A
//! claim is a lease with a fence; a restart at any point goes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::fetch::{blocking, fetch};
use super::limits::check_size;
use super::measure::measure;
use super::{Asset, AssetClaim, AssetEnd, Measured, Origin, upload};
use crate::app::App;
use crate::fault::{Code, Error, Fault, Result};
use crate::integration::keeper::Duty;
use crate::media_store::{self, MediaKey};
use crate::pipeline::fetch::prefix::hash_file;
use crate::time::Timestamp;

/// How long a worker has an asset before it must say that it is still there.
const LEASE: Duration = Duration::from_secs(60);
/// How often it is looked for more to do, while there is a free hand.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Works on what is due, and ends uploads that were given up.
pub const GO_ON: Duty = Duty {
    name: "work on assets",
    // Each asset has bounds of its own.
    limit: Duration::from_secs(7 * 86_400),
    run: |app, _| Box::pin(work_on_due(app)),
};

/// Why work on an asset ended before it was ready.
#[derive(Debug)]
pub(super) enum Stop {
    /// It cannot be used.
    Fault(Box<Fault>),
    /// It may work later; told when there were enough tries.
    Later(Box<Fault>),
    /// This machine failed.
    Internal(anyhow::Error),
}

impl Stop {
    pub(super) fn of(what: &'static str) -> Self {
        Self::Internal(anyhow::anyhow!(what))
    }

    /// The store of media failed while a file was read.
    pub(super) fn later(key: &MediaKey, error: &std::io::Error) -> Self {
        tracing::warn!(file = key.path(), %error, "the store of media failed");
        Self::Later(Box::new(Fault::new(Code::ServiceUnavailable)))
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) if fault.code == Code::ServiceUnavailable => Self::Later(fault),
            Error::Fault(fault) => Self::Fault(fault),
            Error::Internal(error) => Self::Internal(error),
        }
    }
}

/// Works on assets until none is due.
///
/// # Errors
/// When the store cannot be asked; a failure of one asset is told with it.
pub async fn work_on_due(app: &Arc<App>) -> Result<()> {
    super::tidy_uploads(app).await?;
    let mut hands = JoinSet::new();
    loop {
        while !app.stopping.is_cancelled() && hands.len() < app.config.assets.tasks.max(1) {
            let Some((claim, asset)) = app.store.claim_asset(app.clock.now(), LEASE).await? else { break };
            let app = Arc::clone(app);
            hands.spawn(async move { attempt(&app, claim, asset).await });
        }
        if hands.is_empty() {
            return Ok(());
        }
        tokio::select! {
            ended = hands.join_next() => if let Some(Err(panic)) = ended {
                tracing::error!(%panic, "the work on an asset panicked; its lease runs out");
            },
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn attempt(app: &Arc<App>, claim: AssetClaim, asset: Asset) {
    let cancel = app.stopping.child_token();
    let keeping = keep(Arc::clone(app), claim, cancel.clone());
    let _keeper = AbortOnDropHandle::new(tokio::spawn(keeping));
    let worked = tokio::select! {
        biased;
        () = cancel.cancelled() => None,
        worked = work(app, &claim, &asset, &cancel) => Some(worked),
    };
    cancel.cancel();
    let end = match worked {
        None => AssetEnd::Released,
        Some(worked) => end_of(app, &asset, worked),
    };
    let now = app.clock.now();
    match app.store.end_asset_claim(&claim, &end, now).await {
        // Of what failed, or was deleted meanwhile, the file is needed no more.
        Ok(_) => super::remove::clear(app, &asset, matches!(end, AssetEnd::Ready(_))).await,
        Err(error) => {
            tracing::error!(asset = %asset.id, %error, "how the work on an asset ended was not stored")
        }
    }
}

/// Extends the lease; cancels the work when it is lost.
async fn keep(app: Arc<App>, claim: AssetClaim, cancel: CancellationToken) {
    let mut held_until = app.clock.now().after(LEASE);
    loop {
        tokio::time::sleep(LEASE / 12).await;
        let now = app.clock.now();
        match app.store.extend_asset_claim(&claim, now.after(LEASE)).await {
            Ok(true) => held_until = now.after(LEASE),
            // The database may be busy; the work goes on for as long as nobody else can have it.
            Err(error) if now < held_until => tracing::warn!(asset = %claim.asset, %error, "a lease waits"),
            Ok(false) | Err(_) => return cancel.cancel(),
        }
    }
}

async fn work(
    app: &Arc<App>,
    claim: &AssetClaim,
    asset: &Asset,
    cancel: &CancellationToken,
) -> Result<Measured, Stop> {
    let key = MediaKey::Asset(asset.id);
    let own = app.media_store.own(&key);
    if own.is_none() {
        tokio::fs::create_dir_all(app.files.asset(asset.id)).await.map_err(anyhow::Error::from)?;
    }
    let mut file = own.clone().unwrap_or_else(|| app.files.asset_file(asset.id));
    let content_hash = match &asset.origin {
        Origin::Url { .. } | Origin::Connector(_) => fetch(app, asset, &file, cancel).await?,
        Origin::Multipart { upload } => upload::assemble(app, *upload, &file, cancel).await?,
        Origin::Direct => {
            let lies = media_store::bring(&*app.media_store, &key, &file).await?;
            file = lies.ok_or_else(|| Stop::of("the file of an asset is not there"))?;
            let (file, cancel) = (file.clone(), cancel.clone());
            let hashed = blocking(move || {
                let mut hasher = blake3::Hasher::new();
                hash_file(&mut std::fs::File::open(file)?, &mut hasher, &cancel)?;
                Ok(hasher.finalize().to_hex().to_string())
            });
            hashed.await?
        }
    };
    let measured = measure(&app.media, &file, &asset.filename, content_hash).await?;
    check_size(&app.config.assets, &asset.origin, Some(measured.kind), measured.size_bytes)?;
    if own.is_none() && asset.origin != Origin::Direct {
        // Whoever lost it to another must not put another file there.
        let now = app.clock.now();
        if !app.store.extend_asset_claim(claim, now.after(LEASE)).await? {
            return Err(Stop::of("the work on an asset went to another"));
        }
        app.media_store.put(&key, &file).await?;
    }
    Ok(measured)
}

/// What becomes of the asset.
fn end_of(app: &App, asset: &Asset, worked: Result<Measured, Stop>) -> AssetEnd {
    let fault = match worked {
        Ok(measured) => return AssetEnd::Ready(Box::new(measured)),
        Err(Stop::Fault(fault)) => return AssetEnd::Failed(fault),
        Err(Stop::Later(fault)) => fault,
        Err(Stop::Internal(error)) => {
            tracing::error!(asset = %asset.id, error = format!("{error:#}"), "the work on an asset failed");
            Box::new(Fault::new(Code::InternalServerError))
        }
    };
    let config = &app.config.pipeline;
    // What is ours and away is waited for.
    if asset.attempts >= config.max_attempts && fault.code != Code::ServiceUnavailable {
        return AssetEnd::Failed(fault);
    }
    AssetEnd::Postponed(again_at(app.clock.now(), config.retry_base_s, asset.attempts))
}

fn again_at(now: Timestamp, base_s: u64, attempts: u32) -> Timestamp {
    let doubled = 2u64.saturating_pow(attempts.saturating_sub(1)).saturating_mul(base_s);
    now.after(Duration::from_secs(doubled).min(LONGEST_PAUSE))
}
