//! What tests share: servers that they start, stores in which they put things.

pub(crate) mod servers;
