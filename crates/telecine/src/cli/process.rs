//! What long-running commands share: signals, listening, and parts that run side by side until one ends or all are asked to
//! stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select_all;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use super::failure::{Failure, Outcome};
use crate::app::App;

/// A part of a process that runs until the process stops.
pub(super) struct Part {
    /// What is wrong when it ends by itself, such as `tasks are no longer worked on`.
    pub(super) loss: &'static str,
    /// Its work.
    pub(super) work: JoinHandle<Result<(), String>>,
}

impl Part {
    /// A part that cannot fail.
    pub(super) fn new(loss: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::fallible(loss, async move {
            work.await;
            Ok(())
        })
    }

    /// A part that may.
    pub(super) fn fallible(
        loss: &'static str,
        work: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> Self {
        Self { loss, work: tokio::spawn(work) }
    }
}

pub(super) async fn listen(address: SocketAddr) -> Outcome<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    let hint = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "\n  Another server may be running there; choose another address with --listen."
        }
        std::io::ErrorKind::PermissionDenied => {
            "\n  Ports below 1024 need rights; choose another with --listen."
        }
        _ => "",
    };
    Failure::local(format!("cannot listen on {address}: {error}{hint}"))
}

/// Runs until a signal asks to stop or a part ends by itself, and then stops the others within the grace.
pub(super) async fn run(app: &Arc<App>, parts: Vec<Part>, mut stop: StopSignals) -> Outcome {
    let (losses, mut works): (Vec<_>, Vec<_>) = parts.into_iter().map(|part| (part.loss, part.work)).unzip();
    let ended = tokio::select! {
        () = stop.wait() => None,
        (ended, at, _) = select_all(&mut works) => Some(format!("{}: {ended:?}", losses[at])),
    };
    app.stopping.cancel();
    if let Some(problem) = ended {
        return Err(Failure::local(problem));
    }
    tracing::info!("stopping: requests are finished and tasks given back; a second signal ends at once");
    let grace = Duration::from_secs(app.config.server.shutdown_grace_s);
    let all = async {
        for work in works {
            let _ = work.await;
        }
        if let Err(error) = app.search.close().await {
            tracing::warn!(%error, "the vector indexes are not saved; they are built again when needed");
        }
    };
    tokio::select! {
        ended = tokio::time::timeout(grace, all) => match ended {
            Ok(()) => tracing::info!("stopped"),
            Err(_) => tracing::warn!(grace_s = grace.as_secs(), "stopped, though not all was finished in time"),
        },
        () = stop.wait() => {
            tracing::warn!("ended at once");
            return Err(Failure::Interrupted);
        }
    }
    Ok(())
}

/// SIGTERM and SIGINT.
pub(super) struct StopSignals {
    term: Signal,
    int: Signal,
}

impl StopSignals {
    pub(super) fn new() -> Outcome<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}
