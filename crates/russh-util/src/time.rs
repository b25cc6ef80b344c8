//! The time.

pub use std::time::Instant;
