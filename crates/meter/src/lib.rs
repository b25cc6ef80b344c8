//! Counts how often things happen, and how long they take, at a price that nobody notices: an addition each.
//!
//! What is counted belongs to whoever counts; what it is called outside, and who is told, to whoever asks. It reads no clock
//! and writes nothing down.

mod count;
mod durations;

pub use self::count::Count;
pub use self::durations::{BOUNDS, Durations, Taken};
