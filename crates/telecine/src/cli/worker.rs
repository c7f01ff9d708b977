//! `telecine worker`: work on videos alone, beside servers that share a database with it. Tells how it is at an address of
//! its own, and answers nothing else.

use std::sync::Arc;

use clap::Args;

use super::failure::{Failure, Outcome};
use super::process::{self, Part, StopSignals};
use super::settings::{DataArgs, DatabaseArgs, FileArgs, ModelsDirArgs, SetArgs, SharedArgs};
use super::show::say;
use crate::app::{App, Role};
use crate::config::load;
use crate::{cluster, embedding, http, pipeline, telemetry};

#[derive(Debug, Args)]
pub(super) struct WorkerArgs {
    /// Address for /healthz, /readyz and /metrics [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    models: ModelsDirArgs,
    #[command(flatten)]
    set: SetArgs,
}

/// Runs the command.
pub(super) async fn run(args: WorkerArgs) -> Outcome {
    let mut flags = args.file.flags();
    args.data.add_to(&mut flags);
    args.database.add_to(&mut flags);
    args.shared.add_to(&mut flags);
    args.models.add_to(&mut flags);
    flags.set("--listen", "worker.listen", args.listen);
    args.set.add_to(&mut flags)?;
    let config = load(&flags)?;
    if !config.is_shared() {
        return Err(Failure::Usage(
            "a worker needs a database that it shares with a server; name it with --database or TELECINE_DATABASE \
             (`telecine serve` alone works on videos, too)"
                .to_owned(),
        ));
    }
    let telemetry = telemetry::init(&config).map_err(Failure::Usage)?;

    let mut stop = StopSignals::new()?;
    let listener = process::listen(config.worker.listen).await?;
    let app = tokio::select! {
        app = App::open(config, Role::Worker) => app?,
        () = stop.wait() => return Ok(()),
    };
    let address = listener.local_addr()?;
    say!("Telecine {} works; its health is at http://{address}/readyz", env!("CARGO_PKG_VERSION"));
    tracing::info!(%address, data_dir = %app.files.path().display(), "the worker is ready");
    let answering = http::serve(listener, http::operations(Arc::clone(&app)), app.stopping.clone());
    let mut parts = work(&app);
    parts.push(Part::new("others are no longer told of this process", cluster::run(Arc::clone(&app))));
    parts.push(Part::fallible("how it is can no longer be asked", async {
        answering.await.map_err(|error| error.to_string())
    }));
    let ended = process::run(&app, parts, stop).await;
    telemetry.end().await;
    ended
}

/// The work on videos.
pub(super) fn work(app: &Arc<App>) -> Vec<Part> {
    vec![
        Part::new("tasks are no longer worked on", pipeline::run(Arc::clone(app))),
        Part::new("videos are no longer embedded", embedding::run(Arc::clone(app))),
    ]
}
