//! SSH, in this process: one connection per node, many channels.
//!
//! ```text
//!   Settings ──▶ Session::open: resolve ▶ connect ▶ handshake ▶ host key ▶ log in      each with its own deadline
//!                     └── through a jump host: the same, over a channel of that host's Session
//!   Session::exec ──▶ Channel: a stream, and how the program ended
//! ```
//!
//! All that is known of russh is known in this module. `config.rs` reads the user's `ssh_config`,
//! `known_hosts.rs` judges host keys, `login.rs` tries one credential after the other.

pub mod config;
pub mod known_hosts;
mod login;
mod place;
mod reach;
mod session;
mod settings;

pub use self::place::{Agents, Binary};
pub use self::reach::{Become, Method, Ssh, Target};
pub use self::session::{Channel, Exit, Session};
pub use self::settings::{HostKeys, Key, Login, Settings};
