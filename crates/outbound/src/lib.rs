//! Asks servers of other people over HTTP: one request, one answer, bounded in time and in size.
//!
//! ```text
//!   request ─► a connection of its own, over TLS for https ─► answer, whole, or why there is none
//! ```
//!
//! It follows no redirections, so that what is sent goes to whom it was meant for. It knows nothing of what is asked.

mod ask;
mod error;

pub use self::ask::{Bounds, Outbound, is_safe};
pub use self::error::Error;
