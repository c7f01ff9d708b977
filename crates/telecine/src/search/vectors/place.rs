//! Where vectors are searched: in this process's memory, or in the database.

use super::{Distribution, InDatabase, Nearest, Neighbour, Shelf, ShelfStats};
use crate::fault::Result;
use crate::ids::IndexId;
use crate::index::ModelRef;
use crate::video::SegmentKind;

/// What searches vectors.
#[derive(Debug)]
pub enum Vectors {
    /// Indexes in memory, derived from the store's rows.
    Memory(Shelf),
    /// The database.
    Database(InDatabase),
}

impl Vectors {
    /// The nearest vectors among all that the store has now, and what the query scores by chance.
    ///
    /// # Errors
    /// The store's, and those of files of indexes.
    pub async fn nearest(&self, wanted: Nearest<'_>) -> Result<(Vec<Neighbour>, Distribution)> {
        match self {
            Self::Memory(shelf) => shelf.nearest(wanted).await,
            Self::Database(database) => database.nearest(&wanted).await,
        }
    }

    /// These rows are no longer in the store.
    ///
    /// # Errors
    /// Those of an index in memory.
    pub async fn forget(&self, index: IndexId, kind: SegmentKind, rows: Vec<i64>) -> Result<()> {
        match self {
            Self::Memory(shelf) => shelf.forget(index, kind, rows).await,
            Self::Database(_) => Ok(()),
        }
    }

    /// Loads what was saved, so that the first queries need not wait.
    ///
    /// # Errors
    /// The store's, and those of files of indexes.
    pub async fn warm(&self, models: impl Fn(SegmentKind) -> ModelRef) -> Result<()> {
        match self {
            Self::Memory(shelf) => shelf.warm(models).await,
            Self::Database(_) => Ok(()),
        }
    }

    /// Saves what must not be made anew: for the end of the process.
    ///
    /// # Errors
    /// Those of files of indexes.
    pub async fn close(&self) -> Result<()> {
        match self {
            Self::Memory(shelf) => shelf.close().await,
            Self::Database(_) => Ok(()),
        }
    }

    /// What is in memory now.
    pub fn stats(&self) -> ShelfStats {
        match self {
            Self::Memory(shelf) => shelf.stats(),
            Self::Database(_) => ShelfStats::default(),
        }
    }

    /// Work that is due in the background.
    ///
    /// # Errors
    /// The database's.
    pub async fn tend(&self) -> Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Database(database) => database.tend().await,
        }
    }
}
