//! A server: one process with its store, its runs, its objects, and its API on a port.
//!
//! ```text
//!   Options ─► Server::open ─┬─ FjallStore ─┬─ Runtime (goes on with every unfinished run)
//!                            │              └─ Objects · Rights · Tokens · Audit
//!                            └─ listens: HTTP, or TLS where there is a certificate ─► windlass-api
//!                                        TLS of agents, on the same port           ─► windlass-hub
//! ```
//!
//! While it begins, it says that it lives and is not ready, and lets all else wait. When it ends, it takes no more requests
//! first, then gives the runs time to come to a place from which they go on, and then closes the store. A store that has
//! stopped ends it.
//!
//! It decides nothing about runs and rights. Reading order: [`Options`], [`Server`].

mod agents;
mod backup;
mod begun;
mod clocks;
mod entrance;
mod error;
mod first;
mod granted;
mod host;
mod late;
mod listen;
mod metrics;
mod noted;
mod oidc;
mod operating;
mod retention;
mod seal;
mod serve;
mod server;

pub use windlass_traces::{Error as TracesError, Options as Traces};

pub use windlass_console::is_here as has_console;

pub use self::agents::{AgentToken, agent_token};
pub use self::backup::{
    BACKUP_VERSION, BackupError, BackupHead, BackupSum, BackupWanted, Maker, check, restore,
};
pub use self::error::Error;
pub use self::first::{FIRST_USER, First, has_user, issue};
pub use self::listen::Tls;
pub use self::metrics::metrics_reference;
pub use self::oidc::Oidc;
pub use self::operating::Operating;
pub use self::retention::Retention;
pub use self::serve::Connections;
pub use self::server::{Options, Server};
pub use windlass_api::Limits;
pub use windlass_api::document as api_document;
