//! The API over a real listener: bodies per version, bytes as SDKs send them, refusals, access.

mod access;
mod assets;
mod bodies;
mod codes;
mod combined;
mod connections;
mod contract;
mod deletion;
mod docs;
mod embed;
mod forms;
mod front;
mod idempotency;
mod imports;
mod inventory;
mod isolation;
pub(crate) mod lab;
mod limits;
mod operations;
mod pictures;
mod refusals;
mod search;
mod secrets;
mod transfers;
mod uploads;
mod verification;
mod webhooks;
