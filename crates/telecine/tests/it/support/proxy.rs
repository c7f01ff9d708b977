//! A way to a server that a test can cut, hold up, slow down and mend.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It arrives after this time.
    Open(Duration),
    /// It neither arrives nor is it refused.
    Silent,
    /// Connections end, and new ones are ended at once.
    Cut,
}

/// A way to one server. It ends with this.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Proxy {
    /// To a server at `host:port`, which need not be there.
    pub(crate) async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let (sender, way) = watch::channel(Way::Open(Duration::ZERO));
        tokio::spawn(accept(listener, server.to_owned(), way));
        Self { address, way: sender }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn cut(&self) {
        self.way.send_replace(Way::Cut);
    }

    pub(crate) fn silence(&self) {
        self.way.send_replace(Way::Silent);
    }

    pub(crate) fn delay(&self, by: Duration) {
        self.way.send_replace(Way::Open(by));
    }

    pub(crate) fn mend(&self) {
        self.delay(Duration::ZERO);
    }
}

/// Ends when the [`Proxy`] is dropped.
async fn accept(listener: TcpListener, server: String, mut way: watch::Receiver<Way>) {
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => accepted,
            changed = way.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let (Ok((client, _)), false) = (client, *way.borrow() == Way::Cut) else { continue };
        let (server, way) = (server.clone(), way.clone());
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(&server).await else { return };
            let _ = client.set_nodelay(true);
            let _ = server.set_nodelay(true);
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            // When one direction ends, the connection does.
            tokio::select! {
                () = pass(from_client, to_server, way.clone()) => {}
                () = pass(from_server, to_client, way) => {}
            }
        });
    }
}

async fn pass(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    mut way: watch::Receiver<Way>,
) {
    let mut buffer = vec![0; 16_384];
    loop {
        let length = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            is_cut = way.wait_for(|way| *way == Way::Cut) => {
                let _ = is_cut;
                return;
            }
        };
        let Ok(now) = way.wait_for(|way| *way != Way::Silent).await.map(|way| *way) else { return };
        match now {
            Way::Cut | Way::Silent => return,
            // The other side heard nothing of the end, either, while the way was silent.
            Way::Open(_) if length == 0 => return,
            Way::Open(delay) => {
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                if to.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
