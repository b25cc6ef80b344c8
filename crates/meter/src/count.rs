//! How often something happened.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often something happened.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

// === impl Count ===

impl Count {
    /// It happened.
    pub fn one(&self) {
        self.add(1);
    }

    /// It happened so often.
    pub fn add(&self, times: u64) {
        self.0.fetch_add(times, Ordering::Relaxed);
    }

    /// How often, up to now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
