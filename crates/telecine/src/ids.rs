//! Ids: 24 lowercase hex digits, as the contract has them (a 4-byte time, 5 random bytes, a 3-byte counter, after
//! BSON's ObjectId). One type per noun, so that a video's id is never taken for an index's.

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// A text that is not 24 lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not an id; ids have 24 lowercase hex digits")]
pub struct MalformedId {
    /// What was given, cut to a readable length.
    pub given: String,
}

/// Twelve bytes that grow with time within a process, and differ between processes.
fn generate(now: Timestamp) -> [u8; 12] {
    static PROCESS: OnceLock<[u8; 9]> = OnceLock::new();
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let random = PROCESS.get_or_init(|| {
        let mut bytes = [0; 9];
        getrandom::fill(&mut bytes).expect("the system has random numbers");
        bytes
    });
    let start = u32::from_be_bytes([0, random[5], random[6], random[7]]);
    let count = start.wrapping_add(COUNTER.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    let seconds = u32::try_from(now.as_millis() / 1_000).unwrap_or(0).to_be_bytes();
    let mut id = [0; 12];
    id[..4].copy_from_slice(&seconds);
    id[4..9].copy_from_slice(&random[..5]);
    id[9..].copy_from_slice(&count[1..]);
    id
}

fn parse(text: &str) -> Result<[u8; 12], MalformedId> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let malformed = || MalformedId { given: text.chars().take(64).collect() };
    let bytes = text.as_bytes();
    if bytes.len() != 24 {
        return Err(malformed());
    }
    let mut id = [0; 12];
    for (byte, pair) in id.iter_mut().zip(bytes.as_chunks::<2>().0) {
        let (high, low) = digit(pair[0]).zip(digit(pair[1])).ok_or_else(malformed)?;
        *byte = high << 4 | low;
    }
    Ok(id)
}

/// A million ids are written in a second or so: not by way of `{:02x}`.
fn digit(value: u8) -> char {
    char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}$", example = "65f0c1d2e3a4b5c6d7e8f901")]
        pub struct $name([u8; 12]);

        impl $name {
            /// A new id; later ones of one process are greater (within the wrap of a counter of 16 million).
            pub fn generate(now: Timestamp) -> Self {
                Self(generate(now))
            }

            /// The id of these bytes: for what must have the same id whenever it is made.
            pub const fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| {
                    f.write_char(digit(byte >> 4))?;
                    f.write_char(digit(byte & 15))
                })
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;
            fn from_str(text: &str) -> Result<Self, MalformedId> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = MalformedId;
            fn try_from(text: String) -> Result<Self, MalformedId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// A workspace: what a key opens. Every row has one.
    WorkspaceId;
    /// An API key (not the secret itself).
    KeyId;
    /// An index.
    IndexId;
    /// A task: one video on its way into an index.
    TaskId;
    /// A video in an index. The same digits as the task that made it, as the contract has it.
    VideoId;
    /// A transfer: the tasks of one manifest.
    TransferId;
    /// An integration: a connected bucket.
    IntegrationId;
    /// A synchronization: one listing of a bucket into its inventory.
    SyncId;
    /// An embedding task: a video whose vectors are wanted, and no index.
    EmbedTaskId;
    /// An analysis that is worked on in the background.
    AnalysisId;
    /// A batch of analyses.
    BatchId;
    /// An import: the videos of an integration on their way into an index.
    ImportId;
    /// An asset: a file that was brought here apart from any index.
    AssetId;
    /// An upload of an asset in chunks.
    UploadId;
    /// An import of objects as assets.
    AssetImportId;
    /// A webhook: where events are sent.
    WebhookId;
    /// One event on its way to one webhook.
    DeliveryId;
}

impl From<TaskId> for VideoId {
    fn from(id: TaskId) -> Self {
        Self(id.0)
    }
}

impl From<VideoId> for TaskId {
    fn from(id: VideoId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_survives_its_text(bytes: [u8; 12]) {
            let id = IndexId(bytes);
            prop_assert_eq!(id.to_string().parse::<IndexId>().unwrap(), id);
        }

        #[test]
        fn what_is_not_an_id_is_refused(text in "\\PC{0,30}") {
            let is_id = text.len() == 24 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            prop_assert_eq!(text.parse::<TaskId>().is_ok(), is_id);
        }
    }

    #[test]
    fn ids_differ_and_grow() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let ids: Vec<TaskId> = (0..1000).map(|_| TaskId::generate(now)).collect();
        assert!(ids.windows(2).filter(|pair| pair[0] < pair[1]).count() >= 998, "at most one wrap");
    }
}
