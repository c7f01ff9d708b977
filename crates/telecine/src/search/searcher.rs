//! The searcher of a server.

/// Searches.
#[derive(Debug)]
pub struct Searcher;
