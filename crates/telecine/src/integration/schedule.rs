//! Synchronizations that nobody waits for: those that a server left when it ended, and those that are due.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::keeper::Duty;
use super::service::go_on_with;
use crate::app::App;
use crate::fault::Result;
use crate::time::Timestamp;

/// Goes on with synchronizations on which nobody works.
pub(super) const GO_ON: Duty =
    Duty { name: "go on with synchronizations", limit: Duration::from_secs(60), run: go_on };

fn go_on(app: &Arc<App>, now: Timestamp) -> BoxFuture<'_, Result<()>> {
    async move {
        for run in app.store.idle_syncs(now).await? {
            go_on_with(app, run.id);
        }
        Ok(())
    }
    .boxed()
}
