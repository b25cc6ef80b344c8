//! How an action reaches the node that it works on.
//!
//! ```text
//!   runtime ── Call ──▶ Remote (one per plugin) ──▶ Fleet ──▶ Peer ══ frames ══▶ agent on the node
//!                          │                          └──▶ Connect: ssh, container, this machine
//!                          └── no node, or a node that is this machine ──▶ the plugin itself
//! ```
//!
//! [`Remote`] stands in the registry in the place of a plugin that works on its node; nobody above it
//! knows that there are transports, and no plugin does. [`Fleet`] keeps connections: one per node,
//! opened when it is first needed, a bounded number of them at once, warm for the actions that follow.
//!
//! Reading order: [`Remote`], [`Fleet`], [`Peer`]; then one module per transport.

mod beside;
pub mod connect;
pub mod fleet;
pub mod peer;
pub mod process;
pub mod remote;
pub mod ssh;

pub use connect::{Connect, Connection, Destination};
pub use fleet::{Fleet, Gate};
pub use peer::{Cut, Peer};
pub use process::Program;
pub use remote::{Remote, over};
