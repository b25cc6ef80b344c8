//! SSH, in this process: one connection per node, many channels.
//!
//! ```text
//!   Resolver ──▶ Settings ──▶ Session::open: resolve ▶ connect ▶ handshake ▶ host key ▶ log in      each with its own deadline
//!                     └── through a jump host: the same, over a channel of that host's Session
//!   Session::exec ──▶ Channel: streams, and how the program ended
//! ```
//!
//! All that is known of russh is known in this module. `resolve.rs` turns what is said of a node into settings,
//! `config.rs` reads the user's `ssh_config`, `known_hosts.rs` judges host keys, `login.rs` tries one credential
//! after the other, `kept.rs` reads for all hosts at once what is the same for all, `streams.rs` tells apart what programs print.

pub mod config;
mod kept;
pub mod known_hosts;
mod login;
mod reach;
mod resolve;
mod session;
mod settings;
mod streams;

pub(crate) use self::reach::Ssh;
pub use self::reach::Target;
pub use self::resolve::Resolver;
pub use self::session::Session;
pub use self::settings::{HostKeys, Key, Login, Settings};
