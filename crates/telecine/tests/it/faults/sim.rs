//! A store that speaks S3 and STS, and fails as a test plans it: answers that are refused, cut, slow, wrong or of another
//! version. It counts every request, and every byte that it sends, by object. What a client makes of it is the tests'.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::sim_answers::{Asked, Step, answer, refused};

/// What is asked of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Head,
    Get,
}

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is refused: status line, code.
    Refused(&'static str, &'static str),
    /// The session is over, from now on.
    Expired,
    /// It leads to where it was asked.
    Redirect,
    /// The connection is reset: in the middle of a body, or before a head.
    Reset,
    /// Half of the body that is promised.
    Truncated,
    /// A body longer than the range, and a length to match.
    Longer,
    /// A byte at a time, for as long as anybody listens.
    Trickle,
    /// Another range than was asked for.
    OtherRange,
    /// The whole object, as if no range had been asked for.
    Whole,
    /// No size, or one too large.
    NoSize,
    TooLarge,
    /// Before it, the object is replaced by another one.
    Replaced,
}

/// Which answers go wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    pub(super) on: On,
    pub(super) wrong: Wrong,
    /// Answers that are left alone before.
    pub(super) after: u32,
    /// How many.
    pub(super) times: u32,
}

/// An object and what became of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) content: Vec<u8>,
    /// By what it is replaced.
    pub(super) next: Vec<u8>,
    pub(super) version: u32,
    pub(super) plan: Vec<Planned>,
    /// As some stores do, the condition of a read is not looked at.
    pub(super) ignores_if_match: bool,
    pub(super) tally: Tally,
}

/// What was asked and given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) heads: u32,
    pub(super) gets: u32,
    /// Bytes of bodies, whether they were read or not.
    pub(super) bytes: u64,
}

impl Tally {
    pub(super) fn requests(self) -> u32 {
        self.heads + self.gets
    }
}

impl Object {
    pub(super) fn etag(&self) -> String {
        format!("v{}", self.version)
    }

    /// What is wrong with the next answer, if anything is.
    pub(super) fn draw(&mut self, on: On) -> Option<Wrong> {
        let planned = self.plan.iter_mut().filter(|planned| planned.on == on);
        for planned in planned {
            match planned {
                Planned { after: 1.., .. } => planned.after -= 1,
                Planned { times: 1.., .. } => {
                    planned.times -= u32::from(planned.times != u32::MAX);
                    return Some(planned.wrong);
                }
                _ => {}
            }
        }
        None
    }
}

/// How the bucket is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Listing {
    #[default]
    Right,
    /// No XML, for so many answers.
    Garbage(u32),
    /// The token that is given is the one that was asked with.
    SameToken,
    /// Two pages that lead to one another.
    TwoPages,
    /// The first page again and again, each time with a new token.
    FirstPageAgain,
    /// No key, but always more to come.
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) listing: Listing,
    pub(super) lists: u32,
    /// Sessions that were given, and those that are over.
    pub(super) sessions: u32,
    pub(super) over: BTreeSet<String>,
}

/// The store; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Sim {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Sim {
    pub(super) async fn start(listing: Listing, objects: BTreeMap<String, Object>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { objects, listing, ..State::default() }));
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A client that goes away is the client's business.
                    let _ = serve(stream, &state).await;
                });
            }
        });
        Self { address, state, serving }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic holds it")
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let Some(asked) = read(&mut stream).await? else { return Ok(()) };
    let steps = {
        let mut state = state.lock().expect("no panic holds it");
        match asked.session() {
            Some(session) if state.over.contains(session) => {
                refused("400 Bad Request", "ExpiredToken", &asked)
            }
            _ => answer(&mut state, &asked),
        }
    };
    let count = |bytes: usize| {
        let mut state = state.lock().expect("no panic holds it");
        if let Some(object) = state.objects.get_mut(asked.key()) {
            object.tally.bytes += bytes as u64;
        }
    };
    for step in steps {
        match step {
            Step::Head(head) => stream.write_all(head.as_bytes()).await?,
            Step::Body(bytes) => {
                count(bytes.len());
                stream.write_all(&bytes).await?;
            }
            Step::Trickle(bytes) => {
                for byte in bytes {
                    count(1);
                    stream.write_all(&[byte]).await?;
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
            }
            Step::Reset => {
                // What was sent is to be read before the end is seen.
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
                return stream.set_zero_linger();
            }
        }
    }
    stream.flush().await?;
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut asked = Asked::new(head);
    let length = asked.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    asked.body = String::from_utf8_lossy(&bytes[end..]).into_owned();
    Ok(Some(asked))
}
