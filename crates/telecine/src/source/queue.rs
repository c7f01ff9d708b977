//! Queues to which buckets tell their changes: the seam, and SQS behind it. Knows no message's meaning.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use futures::future::join_all;

use super::SourceError;
use super::aws::failure;

/// Messages that SQS gives at once.
const BATCH: i32 = 10;
/// How long a message that was given is hidden from others: until it is written down.
const HIDDEN_S: i32 = 60;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// For logs.
    pub id: String,
    /// What it is deleted by.
    pub receipt: String,
    /// What it says.
    pub body: String,
}

/// A queue of messages, each of which comes again until it is deleted.
#[async_trait]
pub trait ChangeQueue: Send + Sync + fmt::Debug {
    /// Some messages; waits this long for the first one, at most 20 s.
    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, SourceError>;
    /// Deletes messages that were received together.
    async fn delete(&self, messages: &[Message]) -> Result<(), SourceError>;
}

/// A queue of SQS.
pub(super) struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    pub(super) fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }
}

impl fmt::Debug for SqsQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqsQueue").field(&self.url).finish()
    }
}

#[async_trait]
impl ChangeQueue for SqsQueue {
    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, SourceError> {
        let wait_s = i32::try_from(wait.as_secs().min(20)).unwrap_or(20);
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(BATCH)
            .visibility_timeout(HIDDEN_S)
            .wait_time_seconds(wait_s);
        let answer = request.send().await.map_err(|error| failure("RECEIVE", self.url.clone(), &error))?;
        let messages = answer.messages.unwrap_or_default().into_iter().map(|message| Message {
            id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
        });
        Ok(messages.collect())
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), SourceError> {
        // One by one: what a policy calls `sqs:DeleteMessage` is not everywhere taken for the deletion of many.
        let deletions = messages.iter().map(|message| async {
            let request = self.client.delete_message().queue_url(&self.url).receipt_handle(&message.receipt);
            request.send().await.map_err(|error| failure("DELETE", self.url.clone(), &error))
        });
        // What was not deleted comes again, and is known then.
        for deleted in join_all(deletions).await {
            deleted?;
        }
        Ok(())
    }
}
