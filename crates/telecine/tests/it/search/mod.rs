//! Search: vector indexes, and the whole way from a query to pages.

mod synthetic;
mod vectors;
