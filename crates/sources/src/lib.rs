//! Where inventories come from: files, folders of files, programs that print one.
//!
//! ```text
//! paths ─┬─ file ────────┐
//!        ├─ folder ──────┼─► texts ─ windlass-inventory ─► Inventory
//!        └─ program ─────┘
//! ```
//!
//! It opens, runs and bounds; what the texts mean is for `windlass-inventory`. Blocking: an asynchronous caller gives
//! it a thread of its own.
//!
//! Reading order: [`load()`], then `files.rs` (which of what is in a folder counts) and `program.rs` (how a program is run).

mod files;
mod folder;
mod load;
mod program;

pub use self::folder::Folder;
pub use self::load::{Options, load, load_with};
