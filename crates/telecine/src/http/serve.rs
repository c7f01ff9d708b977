//! Connections: taken until the server stops, each with a deadline for the head of its next request, and given time to
//! finish what they are at.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long a connection may be idle, or take for the head of a request; longer than clients wait between two polls.
const HEAD_WITHIN: Duration = Duration::from_secs(75);
/// How long no connection is taken when the machine has no more to give.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves requests until `stopping` is cancelled, then until the last one is answered.
///
/// # Errors
/// When the listener is of no use any more.
pub async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) -> io::Result<()> {
    serve_within(listener, router, stopping, HEAD_WITHIN).await
}

async fn serve_within(
    listener: TcpListener,
    router: Router,
    stopping: CancellationToken,
    head_within: Duration,
) -> io::Result<()> {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, router.clone(), stopping.clone(), head_within));
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

/// Whether the client gave up before it was taken.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, router: Router, stopping: CancellationToken, head_within: Duration) {
    // Without it small answers wait for each other; a socket that refuses it works all the same.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(
        router.map_request(|request: axum::http::Request<_>| -> Request { request.map(Body::new) }),
    );
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_within);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(head_within);
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stopping.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn start(
        head_within: Duration,
    ) -> (String, CancellationToken, tokio::task::JoinHandle<io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let slow = get(|| async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            "done"
        });
        let router = Router::new().route("/slow", slow);
        let stopping = CancellationToken::new();
        let serving = tokio::spawn(serve_within(listener, router, stopping.clone(), head_within));
        (address, stopping, serving)
    }

    async fn all_of(stream: &mut TcpStream) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_head_is_not_waited_for() {
        let (address, _, _) = start(Duration::from_millis(50)).await;
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        let closed = tokio::time::timeout(Duration::from_secs(20), all_of(&mut stream)).await;
        assert!(!closed.expect("the server closes").contains("done"));
    }

    #[tokio::test]
    async fn a_stop_lets_requests_end_and_takes_no_more() {
        let (address, stopping, serving) = start(HEAD_WITHIN).await;
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stopping.cancel();
        assert!(all_of(&mut stream).await.ends_with("done"));
        serving.await.unwrap().unwrap();
        assert!(TcpStream::connect(&address).await.is_err(), "nobody listens any more");
    }
}
