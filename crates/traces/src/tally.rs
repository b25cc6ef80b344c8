//! How much was told.

use std::sync::Arc;

use windlass_meter::Count;

/// What was told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Spans that were taken in.
    pub told: u64,
    /// Spans that were refused, or came when too many were on their way.
    pub dropped: u64,
}

/// The counters behind it. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallied {
    pub(crate) told: Arc<Count>,
    pub(crate) dropped: Arc<Count>,
}

// === impl Tallied ===

impl Tallied {
    pub(crate) fn read(&self) -> Tally {
        Tally { told: self.told.get(), dropped: self.dropped.get() }
    }
}
