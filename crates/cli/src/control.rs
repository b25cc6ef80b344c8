//! How a second process talks to the one that drives the runs of a data directory.
//!
//! ```text
//!   windlass runs pause ──▶ <data-dir>/control.sock ──▶ server ──▶ Handle ──▶ runtime
//!     (client)                0600, same user only         │
//!        ◀─────────────────── one line, or a line per event ┘
//! ```
//!
//! One question a connection: a line of JSON with a version, answered by lines of JSON. Lines, connections and waits
//! are bounded, so that nobody can hold the owner up. Nothing is decided here.

mod client;
mod place;
mod protocol;
mod server;

pub(crate) use self::client::{Client, Followed};
pub(crate) use self::protocol::{Answer, Ask, Logs, Row, answer, lost_output};
pub(crate) use self::server::Server;
