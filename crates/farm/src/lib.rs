//! A farm of hosts to try things on: real sshds on loopback addresses of this machine, each with keys and a home of its own.
//!
//! ```text
//!   Farm ── one directory: the user's keys, known_hosts, ssh_config
//!     └── Host ── one sshd on 127.0.X.Y: its host key, its home, its log; its own network and processes, where it is to have some
//!   SlowLine ── a line to one that takes its time
//! ```
//!
//! The tests of several crates and `cargo xtask fleet` use it. Nothing of Windlass is known here.

mod farm;
mod host;
mod keys;
mod line;
mod net;

pub use self::farm::Farm;
pub use self::host::{Host, Kind, Own, SSHD, Setup, Stay, is_possible};
pub use self::keys::free_port;
pub use self::line::SlowLine;
pub use self::net::Net;
