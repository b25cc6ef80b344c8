//! Who may be the agent of a node: the server's own authority, join tokens, certificates, and their end.
//!
//! ```text
//!   token, shown once ─► join ─► certificate 1 ─► renew ─► certificate 2 ─► …        revoke ─► none of them
//!                                     │                        │
//!                                     └──── admit: is this the one that counts? ────┘
//! ```
//!
//! A certificate is known by its fingerprint, which is kept with the node that it was made for; what an authority signed and is
//! not kept here is nobody's. One certificate of a node counts. The next one counts from when it is first used, and then who
//! still uses the one before has copied a key.
//!
//! It speaks to nobody: who asks, and how they are answered, is the hub's business.
//!
//! Reading order: [`Wanted`], [`Enrol`], [`Agent`]; then [`Authority`] and `tls.rs`.

mod agent;
mod authority;
mod enrol;
mod refused;
mod tls;
mod token;

pub use self::authority::{Authority, Issued};
pub use self::enrol::{Admitted, Enrol, Options};
pub use self::refused::{Error, Refused};
pub use self::tls::{Now, server_config};
pub use self::token::{Made, Wanted};
pub use windlass_contract::{Agent, Certificate};
