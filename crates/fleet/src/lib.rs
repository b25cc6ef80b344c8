//! How an action reaches the node that it works on.
//!
//! ```text
//!   runtime ── Call ──▶ Remote (one per plugin) ──▶ Fleet ──▶ Peer ══ frames ══▶ agent on the node
//!                          │                          └──▶ Ways: ssh, container, this machine, agents that dialled in
//!                          └── no node, or a node that is this machine ──▶ the plugin itself
//! ```
//!
//! [`Remote`] stands in the registry in the place of a plugin that works on its node; nobody above it
//! knows that there are transports, and no plugin does. [`Fleet`] keeps connections: one per node,
//! opened when it is first needed, a bounded number of them at once, warm for the actions that follow.
//! [`Ways`] makes them as the node's settings say: it finds an [`Exec`] there, and starts an agent on it.
//!
//! Reading order: [`Remote`], [`Fleet`], [`Peer`]; then [`Ways`], `place.rs`, `elevate.rs` and `ssh.rs`.

mod agents;
mod bare;
mod beside;
pub mod connect;
mod container;
mod dialled;
mod elevate;
mod exec;
pub mod fleet;
mod here;
mod led_to;
mod local;
pub mod peer;
mod place;
pub mod remote;
mod secrets;
pub mod ssh;
mod ways;

pub use agents::Agents;
pub use bare::Bare;
pub use connect::{Connect, Connection, Destination, Reached};
pub use dialled::Dialled;
pub use elevate::{Become, Method};
pub use exec::{Channel, Exec, Exit, Terminal};
pub use fleet::{Fleet, Gate, Link, Unneeded};
pub use here::Here;
pub use led_to::{InDirectory, LedTo, Nowhere};
pub use local::Child;
pub use peer::{Cut, Peer};
pub use remote::{Remote, over};
pub use secrets::{Declared, FromEnvironment};
pub use ways::{Ways, is_here};
