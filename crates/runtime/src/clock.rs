//! Time and chance from outside. Nothing else in the house reads a clock or draws a number.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::Uuid;
use windlass_model::id::{GroupId, RunId};
use windlass_model::time::Time;

/// Where the time comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Time + Send + Sync>);

// === impl Clock ===

impl Clock {
    /// The machine's time, read once and counted on from there.
    ///
    /// So a wall clock that is set back or forward while we run neither stops timeouts nor fires
    /// them; the next process sees the new time.
    #[must_use]
    pub fn system() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let (began, start) = (Time::ZERO + since_epoch, Instant::now());
        Self::new(move || began + start.elapsed())
    }

    /// The machine's time as it is at the moment, even where somebody has just set it.
    #[must_use]
    pub fn wall() -> Self {
        Self::new(|| Time::ZERO + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
    }

    /// A clock of one's own, for tests.
    pub fn new(now: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Time {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// The id of a new run: given to whoever takes it in, asking again after a lost answer submits no second one.
#[must_use]
pub fn new_run() -> RunId {
    RunId(Uuid::now_v7())
}

/// A new group.
pub(crate) fn new_group() -> GroupId {
    GroupId(Uuid::now_v7())
}

/// What random choices of a run are made from.
pub(crate) fn new_seed() -> u64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    high ^ low.rotate_left(17)
}

/// Bytes that nobody can guess; `None` where the system has none to give.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok().map(|()| bytes)
}
