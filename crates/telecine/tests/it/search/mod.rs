//! Search: vector indexes, and the whole way from a query to pages.

mod engines;
mod library;
mod photos;
mod queries;
mod shelf;
pub(crate) mod synthetic;
mod vectors;
