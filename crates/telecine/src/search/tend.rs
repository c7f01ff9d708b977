//! The duty that makes and drops vector indexes in the database; those in memory are made when a query comes.

use std::time::Duration;

use crate::integration::keeper::Duty;

/// A graph over many million vectors takes hours.
pub(crate) const TEND_VECTORS: Duty = Duty {
    name: "tend vector indexes",
    limit: Duration::from_secs(24 * 3_600),
    run: |app, _| Box::pin(async move { app.search.vectors().tend().await }),
};
