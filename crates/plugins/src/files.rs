//! Modules about files, and what they stand on.
//!
//! ```text
//!   file · line · replace · section ──▶ Change ──▶ Fresh ──▶ Entry        one file, replaced at once
//!   directory · archive ──────────────▶ Tree ────▶ Fresh ──▶ Entry        many files below a directory
//!   link · absent · fetch ─────────────────────────────────▶ Entry
//!   file, where no agent runs ─▶ bare::Change ──▶ scripts of a shell
//! ```
//!
//! A module looks first; what it would do is worked out from what it saw, the same for a look and for the
//! deed. Names are reached through a descriptor of the directory that they lie in, and a link in the last
//! place is never followed unless a request says so.

pub mod absent;
pub mod archive;
pub mod directory;
pub mod fetch;
pub mod file;
pub mod line;
pub mod link;
pub mod mode;
pub mod owner;
pub mod replace;
pub mod section;

pub(crate) mod answer;
pub(crate) mod attributes;
pub(crate) mod bare;
pub(crate) mod blocking;
pub(crate) mod change;
pub(crate) mod edit;
pub(crate) mod entry;
pub(crate) mod fresh;
pub(crate) mod glob;
pub(crate) mod removal;
pub(crate) mod replacement;
pub(crate) mod spread;
pub(crate) mod tree;
pub(crate) mod trouble;
pub(crate) mod writing;
