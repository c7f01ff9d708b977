//! HTTP: the contract and our own API over it. The only module that knows a status; no SQL, no rules.

mod around;
mod auth;
mod body;
mod bytes_of;
mod chunk_links;
mod error;
mod events;
pub mod filter;
mod form;
mod idempotency;
mod limits;
mod links;
mod metrics;
mod multipart;
mod openapi;
mod params;
mod path;
mod python_repr;
mod query;
mod range;
mod router;
mod routes;
mod serve;
mod streaming;
mod version;
mod views;

pub use error::{Failure, status};
pub use metrics::recorder;
pub use params::Params;
pub use query::Query;
pub use range::{Wanted, parse_range};
pub use router::{openapi, router};
pub use serve::serve;
pub use version::ApiVersion;
