//! The agents that have dialled in, where the server and its runs find them.
//!
//! ```text
//!   port ── TLS of the own authority ──▶ Hub::serve ─┬─ Join · Renew ──▶ Enrol
//!                                                    ├─ Serve ──▶ who is here ──▶ the status of nodes
//!                                                    └─ Session ──▶ a stream ─┐
//!   runs ── Fleet ── Ways ── Dialled::reach ── "open a session" ──▶ agent ────┘
//! ```
//!
//! One connection of an agent has one `Serve` call, which says that it is here, and a `Session` call for each stream of work.
//! One agent of a node is served, never two: who comes second is told so, unless the first does not answer any more.
//!
//! It knows nothing of what is said in a session, and decides nothing about who may be an agent.
//!
//! Reading order: [`Hub`], [`Options`]; then `connection.rs`, `control.rs`, `reach.rs`, `status.rs`.

mod connection;
mod control;
mod hub;
mod join;
mod present;
mod probe;
mod program;
mod reach;
mod refusal;
mod session;
mod status;
mod view;

pub use self::hub::{Counts, Hub, Options, Parts};
