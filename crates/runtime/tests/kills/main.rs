//! Runs in real processes that are killed at random moments.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the way for a test to fail")]

mod counter;
mod rounds;
