//! What can be chosen when a store is opened, and why the defaults are what they are.

use std::time::Instant;

use windlass_store::Clock;
use windlass_store::embedded::HistoryLimits;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time, for leases.
    pub clock: Clock,
    /// How much is kept for watchers that come back.
    pub history: HistoryLimits,
    /// The most transactions that wait for the disk; the next one is refused as busy.
    ///
    /// A flush takes 5 ms on a slow disk, in which 100,000 actions a second queue 500 transactions.
    /// The default is a hundred times that: only a disk that hangs fills it, and then a clear error
    /// is better than memory that grows.
    pub queue_transactions: usize,
    /// The most bytes of keys and values that wait for the disk.
    pub queue_bytes: usize,
    /// The most bytes that share one flush, which bounds how long a flush takes and how much memory
    /// a batch needs. One transaction may be larger.
    pub batch_bytes: usize,
    /// The cache for blocks of tables. What was written lately is in memory anyway.
    pub cache_bytes: u64,
    /// How much is collected in memory before it becomes a table on disk.
    pub memtable_bytes: u64,
    /// Below this much free space transactions are refused as long as they can be refused without
    /// harm: fjall needs room to turn its journal into tables, and when that fails it stops.
    /// Zero turns this off.
    pub reserve_bytes: u64,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: monotonic(),
            history: HistoryLimits::default(),
            queue_transactions: 65_536,
            queue_bytes: 256 * 1024 * 1024,
            batch_bytes: 16 * 1024 * 1024,
            cache_bytes: 4 * 1024 * 1024,
            memtable_bytes: 32 * 1024 * 1024,
            reserve_bytes: 48 * 1024 * 1024,
        }
    }
}

/// The machine's monotonic clock.
fn monotonic() -> Clock {
    let start = Instant::now();
    Clock::new(move || start.elapsed())
}
