//! Time as a store sees it: a monotonic distance from some fixed moment, used for the end of leases
//! and for nothing else. It owns no calendar and must not be used for stamps that people read.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A source of monotonic time that a test can replace.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

/// A clock that moves only when it is told to.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

// === impl Clock ===

impl Clock {
    /// A clock that tells what `now` tells, which must never go back.
    #[must_use]
    pub fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

// === impl ManualClock ===

impl ManualClock {
    /// A clock that stands at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::SeqCst);
    }

    /// The handle to give to a store.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let nanos = Arc::clone(&self.0);
        Clock(Arc::new(move || Duration::from_nanos(nanos.load(Ordering::SeqCst))))
    }
}
