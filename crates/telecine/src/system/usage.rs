//! The disk of the data folder, and what takes its room. Adding up what very many videos take is done now and then, not
//! while somebody waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::fault::Result;
use crate::time::Timestamp;

/// How long sums are good.
const FRESH: Duration = Duration::from_secs(60);
/// How long somebody waits for them.
const PATIENCE: Duration = Duration::from_millis(50);

/// The disk that the data folder is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Disk {
    /// The data folder.
    pub data_dir: String,
    /// Of the disk.
    pub total_bytes: u64,
    /// Of the disk, for this server.
    pub free_bytes: u64,
    /// The database.
    pub database_bytes: u64,
    /// Streams of videos; nothing while it is added up for the first time.
    pub streams_bytes: Option<u64>,
    /// Files of assets; nothing while it is added up for the first time.
    pub assets_bytes: Option<u64>,
    /// When the bytes of streams and assets were added up.
    pub added_up_at: Option<Timestamp>,
}

/// What streams and assets take, as it was added up last.
#[derive(Debug, Default)]
pub struct Usage(Arc<Mutex<Sums>>);

#[derive(Debug, Default)]
struct Sums {
    /// When it was begun to add up.
    begun: Option<Instant>,
    streams_bytes: Option<u64>,
    assets_bytes: Option<u64>,
    at: Option<Timestamp>,
}

impl Usage {
    /// The disk now.
    pub(super) async fn disk(&self, app: &App, database_bytes: u64) -> Result<Disk> {
        let disk = rustix::fs::statvfs(app.files.path()).context("asking how much of the disk is free")?;
        self.refresh(app).await;
        let sums = self.lock();
        Ok(Disk {
            data_dir: app.files.path().display().to_string(),
            total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            database_bytes,
            streams_bytes: sums.streams_bytes,
            assets_bytes: sums.assets_bytes,
            added_up_at: sums.at,
        })
    }

    /// Adds up anew what is old, and waits a little for it.
    async fn refresh(&self, app: &App) {
        {
            let mut sums = self.lock();
            if sums.begun.is_some_and(|begun| begun.elapsed() < FRESH) {
                return;
            }
            sums.begun = Some(Instant::now());
        }
        let (sums, store, now) = (Arc::clone(&self.0), Arc::clone(&app.store), app.clock.now());
        let adding = tokio::spawn(async move {
            match store.media_bytes().await {
                Ok((streams, assets)) => {
                    let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                    (sums.streams_bytes, sums.assets_bytes) = (Some(streams), Some(assets));
                    sums.at = Some(now);
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "what media take could not be added up");
                }
            }
        });
        // It goes on when nobody waits any more.
        let _ = tokio::time::timeout(PATIENCE, adding).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
