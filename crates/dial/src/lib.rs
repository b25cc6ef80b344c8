//! An agent's side of the line: it joins a server once, and then dials in by itself for as long as it lives.
//!
//! ```text
//!   join:  token ─► whom to trust ─► own key ─► certificate ─► Home, on the disk
//!   run:   Home ─► dial ─► Serve ─┬─ open ──▶ a session of windlass-agent, over a stream of its own
//!            ▲                    ├─ two thirds of the certificate's life ──▶ Renew ─► dial anew
//!            └── wait a while ◀───┴─ cut: work goes on, and is found again over the next connection
//! ```
//!
//! What it is told to do comes from the one server whose authority it knows from its token, over the connection that both
//! sides have proved; and it does only what is meant for its own node.
//!
//! It decides nothing about the work, and is no part of the small agent that is placed over SSH.
//!
//! Reading order: [`join`], [`Home`], [`Daemon`]; then `channel.rs`.

mod backoff;
mod channel;
mod daemon;
mod error;
mod facts;
mod home;
mod join;
mod session;
mod tls;
mod upgrade;

pub use self::channel::{Channel, call, connect, program, serve, session};
pub use self::daemon::{Daemon, Options};
pub use self::error::{Error, is_final};
pub use self::home::{Home, Identity};
pub use self::join::{Joining, check, join};
pub use self::session::{Other, Others};
pub use self::tls::{identified, stranger};
pub use self::upgrade::Upgrades;
