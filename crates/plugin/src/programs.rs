//! Which programs an attempt runs, told to whoever must find them again should this process be killed.
//!
//! It is not asked for anything: a plugin that runs no programs needs to know nothing of it.

use std::fmt;
use std::sync::Arc;

/// Hears of programs as they begin. Must not block for long.
pub trait ProgramSink: Send + Sync {
    /// A program runs, with everything that it starts in the process group that it leads.
    fn begun(&self, group: u32);

    /// It has ended, and what it may have left in the background is left alone.
    fn ended(&self, group: u32);
}

/// A cheap handle on a [`ProgramSink`]; the default one tells nobody.
#[derive(Clone, Default)]
pub struct Programs(Option<Arc<dyn ProgramSink>>);

// === impl Programs ===

impl Programs {
    /// Programs that somebody hears of.
    #[must_use]
    pub fn to(sink: Arc<dyn ProgramSink>) -> Self {
        Self(Some(sink))
    }

    /// A program runs, and leads a process group.
    pub fn begun(&self, group: u32) {
        if let Some(sink) = &self.0 {
            sink.begun(group);
        }
    }

    /// Nobody waits for it any more.
    pub fn ended(&self, group: u32) {
        if let Some(sink) = &self.0 {
            sink.ended(group);
        }
    }
}

impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_none() { "Programs(untold)" } else { "Programs" })
    }
}
