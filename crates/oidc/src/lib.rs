//! Who somebody is, as a provider of OpenID Connect says.
//!
//! ```text
//!   browser ─ begin ─► the provider's page ─ answer ─► complete ─┐
//!   terminal ─ device ─► a code to type there ─ poll ────────────┤
//!                                                                ▼
//!             ID token ─ keys of the provider, issuer, audience, nonce, times ─► Identity
//! ```
//!
//! What is known of a sign-in that is under way travels with whoever signs in, sealed with a key of this process: nothing is
//! kept for people who never come back. Whether an identity is somebody here is not decided here.
//!
//! It knows no users, no sessions and no rights. Reading order: [`Options`], [`Provider`], [`Identity`].

mod begun;
mod claims;
mod codes;
mod device;
mod error;
mod keys;
mod provider;
mod sealed;
mod verify;

pub use self::begun::{After, Answer, Begun};
pub use self::claims::Identity;
pub use self::codes::{Codes, is_challenge};
pub use self::device::{DeviceBegun, Polled};
pub use self::error::Error;
pub use self::provider::{Options, Provider};
