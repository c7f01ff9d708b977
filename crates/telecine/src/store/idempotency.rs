//! Requests that clients may send again under a key of their own.

use async_trait::async_trait;

use crate::fault::Result;
use crate::ids::WorkspaceId;
use crate::time::Timestamp;

/// A request with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The key that the client chose.
    pub key: String,
    /// BLAKE3 of what was asked.
    pub fingerprint: [u8; 32],
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repetition {
    /// It is this request's to be carried out: the first time, or again, because a crash ended it. The key was first
    /// taken at this moment.
    Begin(Timestamp),
    /// The same request is carried out at this moment.
    InProgress,
    /// The same request was carried out.
    Done(KeptAnswer),
    /// The key belongs to another request.
    Other,
}

/// How a request was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status, as a number.
    pub status: u16,
    /// JSON; empty for none; nothing when it was too large to keep.
    pub body: Option<Vec<u8>>,
}

/// Keys of requests.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Takes the key for this request, or tells what it stands for. Keys from before `forgotten` are forgotten.
    async fn take_request_key(
        &self,
        request: &KeyedRequest,
        now: Timestamp,
        forgotten: Timestamp,
    ) -> Result<Repetition>;
    /// Keeps the answer to a request that was carried out.
    async fn keep_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<()>;
    /// Forgets the key of a request that came to nothing.
    async fn release_request_key(&self, request: &KeyedRequest) -> Result<()>;
    /// Takes note that all requests that are carried out were ended: for a start after a crash. They may be begun again.
    async fn lose_requests(&self) -> Result<()>;
}
