//! `Idempotency-Key`: a POST that was carried out is not carried out again under the same key; its answer is told again.
//! What came to nothing leaves its key free, so that it can be mended and sent again.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use tracing::Instrument;

use super::auth::known_caller;
use super::body::{announced_bytes, read_all};
use super::error::Failure;
use super::params::media_type;
use super::version::ApiVersion;
use crate::app::App;
use crate::cluster::Hold;
use crate::fault::{Code, Fault, Result};
use crate::keys::Caller;
use crate::store::{KeptAnswer, KeyedRequest, Repetition};
use crate::time::Timestamp;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const MAX_KEY_BYTES: usize = 255;
/// How long a key is kept.
const LIFETIME: Duration = Duration::from_hours(24);
/// The largest answer that is kept; larger ones cannot be told again.
const KEPT_BYTES: usize = 1 << 20;
/// How long a repetition waits for the first request to end, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(200);
/// How often it is tried to write down how a request ended while the database is away, and for how long: a day.
const AGAIN: Duration = Duration::from_secs(1);
const TRIES: u32 = 86_400;

/// Marks an answer that tells a secret, which is stored nowhere: it cannot be told again.
#[derive(Debug, Clone, Copy)]
pub(super) struct TellsSecret;

/// Runs a request, unless its key says that it was run.
pub(super) async fn idempotent(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    let Ok(caller) = known_caller(&app, request.method(), request.headers()).await else {
        // The route refuses it in its own words.
        return next.run(request).await;
    };
    match keyed(&app, caller, request).await {
        Ok((request, keyed)) => match once(&app, request, keyed, next).await {
            Ok(response) => response,
            Err(failure) => failure.into_response(),
        },
        Err(failure) => failure.into_response(),
    }
}

/// The request with what its key stands for. A body in JSON belongs to it, as far as it may be held in memory; that of a
/// form does not, for its boundary differs from try to try.
async fn keyed(app: &App, caller: Caller, request: Request) -> Result<(Request, KeyedRequest), Failure> {
    let (parts, body) = request.into_parts();
    let key = key(&parts.headers)?;
    let mut hasher = blake3::Hasher::new();
    // The answer has the shape of the version that it is asked in.
    let version = parts.extensions.get::<ApiVersion>().copied().unwrap_or(ApiVersion::V1_3);
    hasher.update(version.as_str().as_bytes());
    hasher.update(parts.uri.to_string().as_bytes());
    let limit_bytes = app.config.server.max_body_bytes;
    let is_small = announced_bytes(&parts.headers).is_some_and(|bytes| bytes <= limit_bytes);
    let body = if media_type(&parts.headers) == "multipart/form-data" || !is_small {
        body
    } else {
        let bytes = read_all(body, &parts.headers, limit_bytes).await?;
        hasher.update(b"\n").update(&bytes);
        Body::from(bytes)
    };
    let fingerprint = *hasher.finalize().as_bytes();
    Ok((Request::from_parts(parts, body), KeyedRequest { workspace: caller.workspace, key, fingerprint }))
}

fn key(headers: &HeaderMap) -> Result<String, Fault> {
    let given = headers.get(KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_key = (1..=MAX_KEY_BYTES).contains(&given.len()) && given.iter().all(u8::is_ascii_graphic);
    let text = String::from_utf8_lossy(given);
    if is_key {
        return Ok(text.into_owned());
    }
    Err(Fault::parameter("The header Idempotency-Key is malformed.")
        .value(text.chars().take(64).collect::<String>().escape_debug().to_string())
        .rule(format!("1 to {MAX_KEY_BYTES} visible ASCII characters, such as a UUID")))
}

/// What a request with a key makes has this id, also when a crash ended it and it is sent again: so it is found. Twelve
/// bytes of the hash of whose key it is, the key, and when it was first used.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReservedId(pub(super) [u8; 12]);

impl ReservedId {
    fn of(request: &KeyedRequest, begun_at: Timestamp) -> Self {
        let text = format!("{}\n{}\n{begun_at}", request.workspace, request.key);
        let mut id = [0; 12];
        id.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..12]);
        Self(id)
    }
}

async fn once(
    app: &Arc<App>,
    mut request: Request,
    keyed: KeyedRequest,
    next: Next,
) -> Result<Response, Failure> {
    let begun = std::time::Instant::now();
    let hold = Hold::request(keyed.workspace, &keyed.key);
    loop {
        let now = app.clock.now();
        hold.take(app).await?;
        let taken = app.store.take_request_key(&keyed, now, now.before(LIFETIME)).await;
        if taken.is_err() {
            // It may be ours without our knowing.
            write_down(app, &hold, Ending::Unknown, &keyed).await;
        }
        match taken? {
            Repetition::Begin(at) => {
                request.extensions_mut().insert(ReservedId::of(&keyed, at));
                break;
            }
            Repetition::Done(answer) => {
                hold.let_go(app).await;
                return told_again(answer);
            }
            Repetition::Other => {
                hold.let_go(app).await;
                return Err(Fault::new(Code::IdempotencyKeyReused).value(keyed.key).into());
            }
            Repetition::InProgress if begun.elapsed() < PATIENCE => {
                // It may be held by a process that is gone; others see that only when nobody else holds it.
                hold.let_go(app).await;
                tokio::time::sleep(LOOK).await;
            }
            Repetition::InProgress => {
                hold.let_go(app).await;
                return Err(Fault::new(Code::IdempotencyKeyInProgress).value(keyed.key).into());
            }
        }
    }
    // Carried on when the client goes away: only so is it known how it ended.
    let app = Arc::clone(app);
    let running = async move {
        let (ending, response) = ending_of(next.run(request).await).await;
        write_down(&app, &hold, ending, &keyed).await;
        response
    };
    let settled = tokio::spawn(running.in_current_span()).await;
    settled.unwrap_or_else(|error| Err(anyhow::anyhow!("a request with a key ended: {error}").into()))
}

/// What becomes of a key.
#[derive(Debug, Clone)]
enum Ending {
    /// It was carried out.
    Done(KeptAnswer),
    /// Nothing came of it: the key is free.
    Free,
    /// It may have been carried out although this was not answered. Sent again, it makes what it would have made.
    Lost,
    /// It is not even known whether it was begun.
    Unknown,
}

/// What follows from an answer, and the answer.
async fn ending_of(response: Response) -> (Ending, Result<Response, Failure>) {
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let can_be_kept = kind.is_none_or(|kind| kind == b"application/json");
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        return (Ending::Lost, Ok(response));
    }
    if !response.status().is_success() || !can_be_kept {
        return (Ending::Free, Ok(response));
    }
    if response.extensions().get::<TellsSecret>().is_some() {
        let unkept = KeptAnswer { status: response.status().as_u16(), body: None };
        return (Ending::Done(unkept), Ok(response));
    }
    let (parts, body) = response.into_parts();
    let mut stream = body.into_data_stream().fuse();
    let (mut parts_of_body, mut bytes) = (Vec::<Bytes>::new(), 0);
    while bytes <= KEPT_BYTES
        && let Some(part) = stream.next().await
    {
        let Ok(part) = part else {
            return (Ending::Free, Err(anyhow::anyhow!("an answer was cut off").into()));
        };
        bytes += part.len();
        parts_of_body.push(part);
    }
    let is_whole = bytes <= KEPT_BYTES;
    let kept = KeptAnswer { status: parts.status.as_u16(), body: is_whole.then(|| parts_of_body.concat()) };
    let read = futures::stream::iter(parts_of_body.into_iter().map(Ok));
    (Ending::Done(kept), Ok(Response::from_parts(parts, Body::from_stream(read.chain(stream)))))
}

/// Writes down what becomes of a key; while the database is away, nobody waits for it.
async fn write_down(app: &Arc<App>, hold: &Hold, ending: Ending, keyed: &KeyedRequest) {
    if app.store.presence().is_there() {
        match try_to_write_down(app, hold, &ending, keyed).await {
            Ok(()) => return,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "how a request with a key ended will be written down later");
            }
        }
    }
    let (app, hold, keyed) = (Arc::clone(app), hold.clone(), keyed.clone());
    let ending = match ending {
        // It may have been written down although we were not told, and the key be in use again.
        Ending::Free | Ending::Lost if app.config.is_shared() => Ending::Unknown,
        ending => ending,
    };
    tokio::spawn(async move {
        for _ in 0..TRIES {
            tokio::select! {
                () = app.stopping.cancelled() => return,
                () = tokio::time::sleep(AGAIN) => {}
            }
            if app.store.presence().is_there()
                && try_to_write_down(&app, &hold, &ending, &keyed).await.is_ok()
            {
                return;
            }
        }
        tracing::error!(
            "how a request with a key ended could not be written down: it counts as begun for a day"
        );
    });
}

async fn try_to_write_down(app: &App, hold: &Hold, ending: &Ending, keyed: &KeyedRequest) -> Result<()> {
    match ending {
        Ending::Done(answer) => app.store.keep_answer(keyed, answer).await?,
        Ending::Free => app.store.release_request_key(keyed).await?,
        Ending::Lost => app.store.lose_request(keyed.workspace, &keyed.key).await?,
        Ending::Unknown => return hold.leave(app).await,
    }
    hold.try_to_let_go(app).await
}

fn told_again(answer: KeptAnswer) -> Result<Response, Failure> {
    let KeptAnswer { status, body } = answer;
    let Some(body) = body else {
        let message =
            "This request was carried out; its answer is not kept, for it tells a secret or is too large.";
        let fault = Fault::because(Code::IdempotencyKeyReused, message);
        return Err(fault.remedy("See what it made; if a secret was lost, make another.").into());
    };
    let status = StatusCode::from_u16(status).map_err(anyhow::Error::from)?;
    let replayed = [(REPLAYED, HeaderValue::from_static("true"))];
    if body.is_empty() {
        return Ok((status, replayed).into_response());
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((status, kind, replayed, body).into_response())
}
