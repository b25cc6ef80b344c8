//! Who somebody is, and what they may do: tokens, passwords, sessions, roles, and the record of all.
//!
//! ```text
//!   password ─ Passwords ─► Sessions ─┐
//!   token ─ Tokens ─► user ─┐◄────────┘
//!                           ├─ Rights (Cedar: roles, bound by objects) ─► may · may not
//!   verb, resource ─────────┘                                                │
//!                                     Audit: who, what, from where ◄─────────┘
//! ```
//!
//! What nobody allowed is refused. What cannot be evaluated is refused. Roles are policies in the language of Cedar, one
//! file each under `roles/`; who has which where, objects of the kind `RoleBinding` say.
//!
//! [`admission`] asks policies that people wrote whether a run may begin.
//!
//! It knows nothing of HTTP and of runs. Reading order: [`Resource`] and [`Verb`], [`Rights`], [`Tokens`], [`Audit`].

pub mod admission;
mod audit;
mod cedar;
mod password;
mod resource;
mod rights;
mod secret;
mod session;
mod token;

pub use self::audit::{Audit, Broken};
pub use self::password::{PasswordError, Passwords, Tried};
pub use self::resource::Resource;
pub use self::rights::{Ambiguous, People, Principal, Rights};
pub use self::session::{Begun, Seated, Sessions};
pub use self::token::{Issued, Tokens, Wanted};
pub use windlass_contract::{Entry, Noted, Outcome, TokenView, Verb};
