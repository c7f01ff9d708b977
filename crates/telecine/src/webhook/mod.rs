//! Webhooks: events are told to users' own servers, at least once each. What is kept of a webhook and of each delivery, and
//! what may be done with them. Knows neither HTTP routes nor SQL.

mod change;
mod deliver;
mod payload;
mod schedule;
mod sign;

pub use change::{NewWebhook, WebhookChange, change, create, rotate, send_test};
pub use deliver::{DELIVER, deliver_due};
pub use payload::body;
pub use schedule::{TRIES, pause};
pub use sign::{Signatures, sign};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::fault::{Code, Fault};
use crate::ids::{DeliveryId, WebhookId, WorkspaceId};
use crate::time::Timestamp;
use crate::vault::Sealed;

/// Webhooks of a workspace.
pub const MAX_WEBHOOKS: u64 = 16;

macro_rules! events {
    ($($variant:ident $name:literal $is_usual:literal;)*) => {
        /// What webhooks are told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant is explained by its name")]
        pub enum EventKind { $($variant,)* }

        impl EventKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the store, the API and payloads.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether a webhook is told it that names no events.
            pub const fn is_usual(self) -> bool {
                match self { $(Self::$variant => $is_usual,)* }
            }
        }
    };
}

events! {
    IndexTaskReady "index.task.ready" true;
    IndexTaskFailed "index.task.failed" true;
    AnalyzeTaskReady "analyze.task.ready" true;
    AnalyzeTaskFailed "analyze.task.failed" true;
    TransferCompleted "transfer.completed" false;
    WebhookTest "webhook.test" false;
}

impl EventKind {
    /// The event of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == name)
    }
}

/// Which shape payloads have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum PayloadVersion {
    /// `engine`, `index_options`.
    #[serde(rename = "v1.1")]
    V1_1,
    /// `engines`, and `models` in the names of options of v1.2.
    #[serde(rename = "v1.2")]
    V1_2,
    /// `models`.
    #[serde(rename = "v1.3")]
    V1_3,
}

impl PayloadVersion {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "v1.1",
            Self::V1_2 => "v1.2",
            Self::V1_3 => "v1.3",
        }
    }

    /// The version of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::V1_1, Self::V1_2, Self::V1_3].into_iter().find(|version| version.as_str() == name)
    }
}

/// Where events are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Where to.
    pub url: String,
    /// What it is told.
    pub events: Vec<EventKind>,
    /// In which shape.
    pub api_version: PayloadVersion,
    /// For people.
    pub description: String,
    /// Whether it is told anything.
    pub is_enabled: bool,
    /// What payloads are signed with, sealed.
    pub secret: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is sent, or will be again.
    Pending,
    /// It was answered with success.
    Delivered,
    /// It was tried often enough; it can be replayed.
    Dead,
}

impl DeliveryState {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead].into_iter().find(|state| state.as_str() == name)
    }
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Where to.
    pub webhook: WebhookId,
    /// What happened.
    pub event: EventKind,
    /// What was true then.
    pub data: Value,
    /// Where it stands.
    pub state: DeliveryState,
    /// Times that it was sent.
    pub attempts: u32,
    /// When it is sent next.
    pub due_at: Option<Timestamp>,
    /// How the last attempt was answered.
    pub response_status: Option<u16>,
    /// The beginning of that answer.
    pub response: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// How long the last attempt took.
    pub took_ms: Option<u64>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it was last sent, or asked for.
    pub updated_at: Timestamp,
}

impl Delivery {
    /// What receivers tell repetitions apart by: the same in every attempt.
    pub fn event_id(&self) -> String {
        format!("whe_{}", self.id)
    }
}

/// A delivery lent to a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryClaim {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Grows with every claim; writes carry it.
    pub fence: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What follows from it.
    pub state: DeliveryState,
    /// When it is sent again, while it is pending.
    pub due_at: Option<Timestamp>,
    /// How it was answered.
    pub response_status: Option<u16>,
    /// The beginning of that answer.
    pub response: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// How long it took.
    pub took_ms: u64,
}

/// A webhook that is not there.
pub fn absent(id: WebhookId) -> Fault {
    Fault::because(Code::ResourceNotExists, "There is no such webhook.").value(id.to_string())
}
