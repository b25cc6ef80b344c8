//! Counters of a store since it was opened, so that a bench can report flushes and bytes for each
//! unit of work. Reading them costs nothing and blocks nobody.

use windlass_meter::Taken;

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Transactions that were committed.
    pub transactions: u64,
    /// Transactions that were refused because a precondition did not hold.
    pub refused: u64,
    /// Flushes to stable storage that the commits cost.
    pub flushes: u64,
    /// Bytes of keys and values that were written.
    pub bytes_written: u64,
    /// The most transactions that one flush made durable.
    pub largest_batch: u64,
    /// The most bytes that one flush made durable.
    pub largest_batch_bytes: u64,
    /// How long the flushes took.
    pub flushes_took: Taken,
}
