//! Sends what is due. Each webhook has few deliveries in hand at once and there are as many hands as all of them need, so
//! that one which is slow or dead holds up no other. At least once: what was sent and not noted is sent again, under the
//! same id.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Attempt, Delivery, DeliveryClaim, DeliveryState, MAX_WEBHOOKS, Webhook, body, pause, sign};
use crate::app::App;
use crate::fault::Result;
use crate::integration::keeper::Duty;
use crate::source::Web;
use crate::time::Timestamp;

/// Deliveries to one webhook at once.
const AT_ONCE: u32 = 2;
/// Deliveries at once over all webhooks.
const HANDS: usize = MAX_WEBHOOKS as usize * AT_ONCE as usize;
/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longer than an attempt can take.
const LEASE: Duration = Duration::from_secs(60);
/// How often it is looked for something to send.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often old deliveries are removed.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// Bytes that are kept of an answer.
const RESPONSE_BYTES: usize = 1_024;

/// Sends what is due, as long as the server runs.
pub const DELIVER: Duty = Duty {
    name: "deliver events to webhooks",
    // Each attempt has a bound of its own.
    limit: Duration::from_secs(7 * 86_400),
    run: |app, _| Box::pin(deliver(app)),
};

async fn deliver(app: &Arc<App>) -> Result<()> {
    let mut tidied: Option<Instant> = None;
    loop {
        deliver_due(app).await?;
        if tidied.is_none_or(|last| last.elapsed() >= TIDY_EVERY) {
            tidy(app).await?;
            tidied = Some(Instant::now());
        }
        tokio::select! {
            () = app.stopping.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Removes deliveries that ended long ago, and all but the last of very many.
async fn tidy(app: &App) -> Result<()> {
    let config = &app.config.webhooks;
    let before = app.clock.now().before(Duration::from_secs(config.keep_s));
    while app.store.forget_deliveries(before, config.keep_deliveries, 1_000).await? > 0 {}
    Ok(())
}

/// Sends until nothing is due.
///
/// # Errors
/// When the store cannot be asked; what goes wrong with one delivery is noted with it.
pub async fn deliver_due(app: &Arc<App>) -> Result<()> {
    let mut hands = JoinSet::new();
    loop {
        while !app.stopping.is_cancelled() && hands.len() < HANDS {
            let claimed = app.store.claim_delivery(app.clock.now(), LEASE, AT_ONCE).await?;
            let Some((claim, webhook, delivery)) = claimed else { break };
            let app = Arc::clone(app);
            hands.spawn(async move { send(&app, claim, &webhook, &delivery).await });
        }
        if hands.is_empty() {
            return Ok(());
        }
        tokio::select! {
            ended = hands.join_next() => if let Some(Err(panic)) = ended {
                tracing::error!(%panic, "sending an event panicked; its lease runs out");
            },
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn send(app: &App, claim: DeliveryClaim, webhook: &Webhook, delivery: &Delivery) {
    let ended = attempt(app, webhook, delivery).await;
    metrics::counter!("telecine_webhook_attempts_total", "state" => ended.state.as_str()).increment(1);
    if let Err(error) = app.store.end_delivery(&claim, &ended, app.clock.now()).await {
        tracing::error!(webhook = %webhook.id, %error, "how an event was answered was not stored; it is sent again");
    }
}

/// Sends once, and says what follows from it.
pub(super) async fn attempt(app: &App, webhook: &Webhook, delivery: &Delivery) -> Attempt {
    let begun = Instant::now();
    let answer = post(app, webhook, delivery).await;
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let now = app.clock.now();
    match answer {
        Ok((status, text)) if (200..300).contains(&status) => Attempt {
            state: DeliveryState::Delivered,
            due_at: None,
            response_status: Some(status),
            response: Some(text),
            error: None,
            took_ms,
        },
        Ok((status, text)) => Attempt {
            response_status: Some(status),
            response: Some(text),
            ..failed(delivery, now, "the receiver did not answer with success (2xx)".to_owned(), took_ms)
        },
        Err(why) => failed(delivery, now, why, took_ms),
    }
}

fn failed(delivery: &Delivery, now: Timestamp, why: String, took_ms: u64) -> Attempt {
    let due_at = pause(delivery.attempts, share()).map(|pause| now.after(pause));
    let state = if due_at.is_some() { DeliveryState::Pending } else { DeliveryState::Dead };
    Attempt { state, due_at, response_status: None, response: None, error: Some(why), took_ms }
}

/// 0 to 1, at random.
fn share() -> f64 {
    let mut byte = [0];
    // Without random numbers, nothing is stretched.
    getrandom::fill(&mut byte).map_or(0.5, |()| f64::from(byte[0]) / 255.0)
}

async fn post(app: &App, webhook: &Webhook, delivery: &Delivery) -> Result<(u16, String), String> {
    let told = |error: crate::fault::Error| error.to_string();
    let secret = app.vault.unseal(&webhook.id.to_string(), &webhook.secret).map_err(told)?;
    let body = body(delivery, webhook.api_version).to_string().into_bytes();
    let (id, seconds) = (delivery.event_id(), app.clock.now().as_millis() / 1_000);
    let signed = sign(&secret, &id, seconds, &body);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("tl-signature", signed.contract),
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signed.standard),
    ];
    let web = Web::for_urls(&app.config.urls).map_err(|error| format!("{error:#}"))?;
    let posting = web.post(&webhook.url, &headers, body, RESPONSE_BYTES);
    match tokio::time::timeout(PATIENCE, posting).await {
        Ok(answered) => answered,
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    }
}
