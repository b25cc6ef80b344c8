//! Many calls over one connection, each with a flow of its own: what HTTP/2 is to gRPC elsewhere. A connection over which
//! nothing is said keeps some hundred bytes, where HTTP/2 keeps 28 KB.
//!
//! ```text
//!   0      1        5        8
//!   ├──────┼────────┼────────┼─ ─ ─ ─ ─
//!   │ kind │ call   │ length │ payload         numbers begin with their highest byte
//!
//!   who calls ── Begin(path, fields) Data … End ──────▶ who answers
//!             ◀── Answer(fields) Data … End(fields) ───
//! ```
//!
//! The End of who answers is the end of a call; that of who calls says only that no more is asked. Stop ends a call at once,
//! from either side. Of each call, [`WINDOW`] bytes may be on their way in each direction before whoever reads has taken them;
//! Room says how many more may come. Who is silent for a while is asked by Ping, and says Pong.
//!
//! Reading order: `frame`, `call`, `connection`, `handle`.

mod arriving;
mod call;
mod connection;
mod frame;
mod handle;

pub use self::arriving::Arriving;
pub use self::connection::{Ended, Trunk, TrunkOptions};
pub use self::frame::{Field, Head};
pub use self::handle::Calls;

/// How much of a call may be on its way in one direction.
pub(crate) const WINDOW: u32 = 256 << 10;

#[cfg(test)]
mod tests;
