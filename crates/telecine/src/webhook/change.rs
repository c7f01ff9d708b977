//! Making webhooks and changing them. A secret is told once, when it is made; here it is kept sealed.

use serde_json::json;
use url::Url;

use super::deliver::attempt;
use super::sign::new_secret;
use super::{Delivery, DeliveryState, EventKind, MAX_WEBHOOKS, PayloadVersion, Webhook, absent};
use crate::app::App;
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{DeliveryId, WebhookId, WorkspaceId};
use crate::source::may_be_told;
use crate::vault::Secret;

/// Most characters of a description.
const DESCRIPTION_LENGTH: usize = 200;
/// Most characters of a URL.
const URL_LENGTH: usize = 2_000;

/// What a webhook is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWebhook {
    /// Where events are sent.
    pub url: String,
    /// Which; the usual ones when none are named.
    pub events: Vec<EventKind>,
    /// In which shape.
    pub api_version: PayloadVersion,
    /// For people.
    pub description: String,
}

/// What is changed of a webhook; nothing else of it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WebhookChange {
    /// Where events are sent.
    pub url: Option<String>,
    /// Which.
    pub events: Option<Vec<EventKind>>,
    /// In which shape.
    pub api_version: Option<PayloadVersion>,
    /// For people.
    pub description: Option<String>,
    /// Whether it is told anything.
    pub is_enabled: Option<bool>,
}

/// Makes a webhook and its secret, which cannot be had again.
///
/// # Errors
/// `parameter_invalid`, `usage_limit_exceeded`.
pub async fn create(app: &App, workspace: WorkspaceId, new: NewWebhook) -> Result<(Webhook, Secret)> {
    let number = app.store.webhooks(workspace).await?.len() as u64;
    if number >= MAX_WEBHOOKS {
        return Err(Fault::because(Code::UsageLimitExceeded, "There are too many webhooks.")
            .value(number.to_string())
            .rule(format!("at most {MAX_WEBHOOKS} in a workspace"))
            .remedy("Delete one that is needed no more.")
            .into());
    }
    let now = app.clock.now();
    let (id, secret) = (WebhookId::generate(now), new_secret());
    let webhook = Webhook {
        id,
        workspace,
        url: check_url(app, &new.url)?,
        events: check_events(new.events)?,
        api_version: new.api_version,
        description: check_description(new.description)?,
        is_enabled: true,
        secret: app.vault.seal(&id.to_string(), &secret)?,
        created_at: now,
        updated_at: now,
    };
    app.store.insert_webhook(&webhook).await?;
    Ok((webhook, secret))
}

/// Changes a webhook.
///
/// # Errors
/// `resource_not_exists`, `parameter_invalid`.
pub async fn change(
    app: &App,
    workspace: WorkspaceId,
    id: WebhookId,
    change: WebhookChange,
) -> Result<Webhook> {
    let mut webhook = find(app, workspace, id).await?;
    let WebhookChange { url, events, api_version, description, is_enabled } = change;
    if let Some(url) = url {
        webhook.url = check_url(app, &url)?;
    }
    if let Some(events) = events {
        webhook.events = check_events(events)?;
    }
    if let Some(description) = description {
        webhook.description = check_description(description)?;
    }
    webhook.api_version = api_version.unwrap_or(webhook.api_version);
    webhook.is_enabled = is_enabled.unwrap_or(webhook.is_enabled);
    store(app, webhook).await
}

/// Gives a webhook another secret; the one before signs nothing any more.
///
/// # Errors
/// `resource_not_exists`.
pub async fn rotate(app: &App, workspace: WorkspaceId, id: WebhookId) -> Result<(Webhook, Secret)> {
    let mut webhook = find(app, workspace, id).await?;
    let secret = new_secret();
    webhook.secret = app.vault.seal(&id.to_string(), &secret)?;
    Ok((store(app, webhook).await?, secret))
}

/// Sends an event at once that says nothing but that it is a test; what became of it.
///
/// # Errors
/// `resource_not_exists`.
pub async fn send_test(app: &App, workspace: WorkspaceId, id: WebhookId) -> Result<Delivery> {
    let webhook = find(app, workspace, id).await?;
    let now = app.clock.now();
    let delivery = Delivery {
        id: DeliveryId::generate(now),
        webhook: id,
        event: EventKind::WebhookTest,
        data: json!({ "message": "This is a test of the webhook." }),
        state: DeliveryState::Pending,
        attempts: 0,
        due_at: Some(now),
        response_status: None,
        response: None,
        error: None,
        took_ms: None,
        created_at: now,
        updated_at: now,
    };
    let mut ended = attempt(app, &webhook, &delivery).await;
    // A test is not repeated: whoever asked for it sees how it went.
    if ended.state == DeliveryState::Pending {
        (ended.state, ended.due_at) = (DeliveryState::Dead, None);
    }
    let sent = Delivery {
        state: ended.state,
        due_at: None,
        attempts: 1,
        response_status: ended.response_status,
        response: ended.response,
        error: ended.error,
        took_ms: Some(ended.took_ms),
        updated_at: app.clock.now(),
        ..delivery
    };
    app.store.insert_delivery(&sent).await?;
    Ok(sent)
}

async fn find(app: &App, workspace: WorkspaceId, id: WebhookId) -> Result<Webhook> {
    Ok(app.store.webhook(workspace, id).await?.ok_or_else(|| absent(id))?)
}

async fn store(app: &App, mut webhook: Webhook) -> Result<Webhook> {
    webhook.updated_at = app.clock.now();
    if app.store.update_webhook(&webhook).await? {
        app.keeper.wake();
        return Ok(webhook);
    }
    Err(Error::from(absent(webhook.id)))
}

/// A URL that may be told: encrypted and public, unless the operator allows the host.
fn check_url(app: &App, text: &str) -> Result<String, Fault> {
    let text = text.trim();
    let refuse = |why: &str| {
        Fault::parameter(format!("The url of the webhook is not one that can be told: {why}."))
            .value(text.chars().take(120).collect::<String>())
            .rule("an https address of a public host, without user and password")
            .remedy("Hosts of closed networks are allowed by the operator in urls.allow_private_hosts.")
    };
    if text.len() > URL_LENGTH {
        return Err(refuse("it is too long"));
    }
    let url = Url::parse(text).map_err(|_| refuse("it is no URL"))?;
    may_be_told(&app.config.urls, &url).map_err(refuse)?;
    Ok(text.to_owned())
}

fn check_events(mut events: Vec<EventKind>) -> Result<Vec<EventKind>, Fault> {
    events.sort_unstable();
    events.dedup();
    if events.contains(&EventKind::WebhookTest) {
        let fault = Fault::parameter("Tests are sent to every webhook; they are not asked for.");
        return Err(fault.value(EventKind::WebhookTest.as_str()));
    }
    if events.is_empty() {
        events = EventKind::ALL.iter().copied().filter(|event| event.is_usual()).collect();
    }
    Ok(events)
}

fn check_description(text: String) -> Result<String, Fault> {
    if text.chars().count() > DESCRIPTION_LENGTH || text.contains(char::is_control) {
        return Err(Fault::parameter("The description of a webhook must be a text that people can read.")
            .rule(format!("at most {DESCRIPTION_LENGTH} characters, none of them control characters")));
    }
    Ok(text)
}
