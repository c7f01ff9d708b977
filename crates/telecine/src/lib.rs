//! Telecine.
