//! The agent: makes attempts on a node for a Windlass that sits elsewhere.
//!
//! ```text
//!   stdin ──▶ Session ──order──▶ Attempt ── the same plugins as Windlass itself has
//!   stdout ◀── Outbox ◀─lines, ends──┘  └──▶ Journal, which outlives the connection
//! ```
//!
//! It is started over a connection and ends with it, unless work is in flight: that goes on, and its
//! output and end are kept in the journal until somebody asks ([`windlass_wire::ToAgent::Attach`]), from
//! whatever connection and process. So an agent needs no daemon, no socket and no address.
//!
//! It knows no plans, no transports and no inventory.

mod attach;
mod attempt;
mod cache;
mod hello;
mod journal;
mod origin;
mod outbox;
mod overlap;
mod pipe;
mod plugins;
mod processes;
mod session;
mod signals;

pub mod program;

pub use self::cache::Cache;
pub use self::session::{Session, SessionEnd};
