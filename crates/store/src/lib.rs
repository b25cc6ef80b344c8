//! The durable store of Windlass, as a trait.
//!
//! It is small on purpose: versioned get, ordered range, transactions with preconditions, watch from
//! a revision, leases with fencing tokens. What a run means is not known here: keys and values are
//! bytes.
//!
//! ```text
//!    commit(txn) ──► queue ──► check ──► one flush ──► visible to get, range, watch ──► resolved
//!                    (call order is commit order)
//! ```
//!
//! Every implementation passes one conformance suite; [`memory::MemoryStore`] is the one that
//! needs no disk, and [`embedded`] holds the parts that stores inside one process share.

mod clock;
mod entry;
mod error;
mod lease;
mod range;
mod stats;
mod store;
mod txn;
mod watch;

#[cfg(feature = "test-support")]
pub mod conformance;
pub mod embedded;
#[cfg(feature = "test-support")]
pub mod faulty;
pub mod memory;

pub use clock::{Clock, ManualClock};
pub use entry::{Change, Entry, Revision};
pub use error::{Class, StoreError};
pub use lease::LeaseToken;
pub use range::{Order, Range};
pub use stats::StoreStats;
pub use store::{BoxFuture, Store};
pub use txn::{MAX_KEY_BYTES, MAX_TXN_BYTES, MAX_VALUE_BYTES, Op, Precondition, Txn};
pub use watch::{Watch, WatchSource};
