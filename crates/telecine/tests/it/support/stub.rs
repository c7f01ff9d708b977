//! A server that says what a test tells it to, byte for byte, and remembers what it was asked: for answers that no real
//! server gives on demand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is said to one request. The connection is closed behind it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    bytes: Vec<u8>,
    then_silent: Option<Duration>,
    rest: Vec<u8>,
}

impl Reply {
    /// An answer with a body; its length is told.
    pub(crate) fn new(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        Self::cut(status, headers, body.as_ref(), body.as_ref().len())
    }

    /// An answer that tells of a longer body than it has.
    pub(crate) fn cut(status: &str, headers: &[(&str, &str)], body: &[u8], told_length: usize) -> Self {
        let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {told_length}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Self { bytes: [head.as_bytes(), body].concat(), ..Self::default() }
    }

    /// An answer of S3 that refuses.
    pub(crate) fn s3_error(status: &str, code: &str, extra: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>About {code}.</Message>\
             {extra}<RequestId>REQUEST42</RequestId><HostId>host</HostId></Error>"
        );
        Self::new(status, &[("content-type", "application/xml"), ("x-amz-request-id", "REQUEST42")], body)
    }

    /// The answer to HEAD in place of this one: all but the body.
    pub(crate) fn head_of(reply: &Self) -> Self {
        let end = reply
            .bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .map_or(reply.bytes.len(), |at| at + 4);
        Self { bytes: reply.bytes[..end].to_vec(), ..Self::default() }
    }

    /// Bytes as they are.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), ..Self::default() }
    }

    /// Says nothing for a while, then the rest.
    pub(crate) fn then(self, silent: Duration, rest: &[u8]) -> Self {
        Self { then_silent: Some(silent), rest: rest.to_owned(), ..self }
    }
}

/// A request as it came: its head as text, its body.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Answers until it is dropped.
#[derive(Debug)]
pub(crate) struct Stub {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

impl Stub {
    /// Answers each request by what the function says to it; it is told how many came before.
    pub(crate) async fn start(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), asked.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (answer.clone(), log.clone());
                tokio::spawn(async move {
                    // A client that goes away is the client's business.
                    let _ = serve(stream, &*answer, &log).await;
                });
            }
        });
        Self { address, asked, serving }
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic holds it").clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(usize, &Asked) -> Reply + Send + Sync),
    log: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut asked = Asked { head, body: String::new() };
    let length: usize = asked.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    asked.body = String::from_utf8_lossy(&bytes[head_end..]).into_owned();
    let before = {
        let mut log = log.lock().expect("no panic holds it");
        log.push(asked.clone());
        log.len() - 1
    };
    let reply = answer(before, &asked);
    stream.write_all(&reply.bytes).await?;
    stream.flush().await?;
    if let Some(silent) = reply.then_silent {
        tokio::time::sleep(silent).await;
        stream.write_all(&reply.rest).await?;
    }
    stream.shutdown().await
}
