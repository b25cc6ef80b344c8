//! A farm of hosts to try things on: real sshds on loopback addresses of this machine, each with keys and a home of its own.
//!
//! ```text
//!   Farm ── one directory: the user's keys, known_hosts, ssh_config, an inventory
//!     └── Host ── one sshd on 127.0.X.Y: its host key, its home, its log
//! ```
//!
//! The tests of several crates and `cargo xtask fleet` use it. Nothing of Windlass is known here.

mod farm;
mod host;
mod keys;

pub use self::farm::Farm;
pub use self::host::{Host, Kind, Setup, Stay};
pub use self::keys::free_port;

/// Where sshd is.
pub const SSHD: &str = "/usr/sbin/sshd";

/// Whether hosts can be had on this machine.
#[must_use]
pub fn is_possible() -> bool {
    std::path::Path::new(SSHD).exists()
}
