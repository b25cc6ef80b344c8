//! Objects under version control: plans, nodes, variables, people, and what they may do.
//!
//! ```text
//!  what a person wrote ─ Draft ─ schema, checks, references ─┐
//!                                                            ▼
//!        create · apply · patch · delete ── one transaction ── store ──► watch: created, updated, deleted
//!                                                            │
//!        get · list · revisions · diff ◄─────────────────────┘
//! ```
//!
//! A kind is one declaration ([`Kind`]): its schema, scope, validation, references and what of it is secret. Storage,
//! versions, watching, and everything that the services above derive, follow from it.
//!
//! Versions are revisions of the store, so that the versions of all objects have one order, and a watch can begin at any
//! of them. It knows nothing of people's rights, of HTTP, and of runs.
//!
//! Reading order: [`Object`], [`Kind`] and [`kinds`], [`Objects`].

mod apply;
mod change;
mod diff;
mod draft;
mod error;
mod keys;
mod kind;
pub mod kinds;
mod list;
mod objects;
mod record;
mod seal;
mod selector;
mod watch;

pub use self::change::{Author, Write};
pub use self::diff::diff;
pub use self::error::Error;
pub use self::kind::{Kind, Reference, Scope, Surroundings};
pub use self::list::{Listed, Query};
pub use self::objects::{Objects, Options, Patch, Revision, Revisions};
pub use self::seal::{COVER, Seal};
pub use self::selector::Selector;
pub use self::watch::ObjectWatch;
pub use windlass_contract::{Applied, Changed, Difference, Metadata, Name, Object, What};
