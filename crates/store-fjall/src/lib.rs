//! The embedded store: [`windlass_store::Store`] on fjall, for one process on one machine.
//!
//! ```text
//!   commit ──► queue ──► writer thread: check all that is queued ──► one batch, one fdatasync ──┐
//!   get, range ◄──────────────────────── tables ◄───────────────────────────────────────────────┤
//!   watch ◄───────────────────────────── history ◄──────────────────────────────────────────────┘
//! ```
//!
//! There is no timer: what arrives while the disk is busy shares the next flush. Only this crate
//! knows fjall, and only [`journal`] knows how its journal looks inside.
//!
//! ```text
//!   data directory:  LOCK      who has it open
//!                    FORMAT    which version; there as soon as the store was completely created
//!                    UNFLUSHED a flush failed here; the journal must be rewritten before it is used
//!                    db/       fjall's own files; db.new/ while they are created
//! ```

mod copy;
mod create;
mod format;
mod journal;
mod lock;
mod options;
mod queue;
mod room;
mod store;
mod tables;
mod writer;

pub use copy::{Restoring, Snapshot};
pub use format::{FILE as FORMAT_FILE, FORMAT_VERSION};
pub use options::Options;
pub use store::FjallStore;
