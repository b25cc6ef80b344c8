//! How an attempt learns that it shall end: asked first (TERM), then made to (KILL).
//!
//! ```text
//!   runtime ── CancelSource::trigger(Term | Kill) ──▶ Cancel::requested() ── plugin
//! ```
//!
//! Every attempt gets one, and nearly none is ever triggered; so making one is a single small
//! allocation, and a call that cannot be cancelled ([`Cancel::never`]) has none at all.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;
use windlass_model::event::Severity;

/// The attempt's end of a cancellation. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Option<Arc<Shared>>);

/// The runtime's end of a cancellation. Dropping it cancels nothing.
#[derive(Clone, Debug, Default)]
pub struct CancelSource(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// 0 while nobody asked, then the severity's number.
    level: AtomicU8,
    changed: Notify,
}

const TERM: u8 = 1;
const KILL: u8 = 2;

fn number(severity: Severity) -> u8 {
    match severity {
        Severity::Term => TERM,
        Severity::Kill => KILL,
    }
}

// === impl CancelSource ===

impl CancelSource {
    /// A source that has not been triggered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle for an attempt.
    #[must_use]
    pub fn cancel(&self) -> Cancel {
        Cancel(Some(Arc::clone(&self.0)))
    }

    /// Asks for the end. Harsher than before takes effect; milder or the same does nothing.
    pub fn trigger(&self, severity: Severity) {
        let level = number(severity);
        if self.0.level.fetch_max(level, Ordering::AcqRel) < level {
            self.0.changed.notify_waiters();
        }
    }
}

// === impl Cancel ===

impl Cancel {
    /// A cancellation that never comes.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// How harshly the end was asked for, if it was.
    #[must_use]
    pub fn level(&self) -> Option<Severity> {
        match self.0.as_ref()?.level.load(Ordering::Acquire) {
            0 => None,
            TERM => Some(Severity::Term),
            _ => Some(Severity::Kill),
        }
    }

    /// Waits until the end is asked for; at once when it was already.
    pub async fn requested(&self) -> Severity {
        self.reached(Severity::Term).await
    }

    /// Waits until the end is asked for at least this harshly.
    pub async fn reached(&self, least: Severity) -> Severity {
        let Some(shared) = &self.0 else { return std::future::pending().await };
        loop {
            let mut changed = pin!(shared.changed.notified());
            // Listening must begin before looking, or a trigger between the two would be missed.
            changed.as_mut().enable();
            if let Some(level) = self.level().filter(|level| *level >= least) {
                return level;
            }
            changed.await;
        }
    }
}
