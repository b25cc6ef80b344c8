//! A node without an agent: programs can be run there, and no more.

use std::sync::Arc;

use crate::exec::Exec;

/// A place where no agent runs, and why.
#[derive(Clone)]
pub struct Bare {
    pub(crate) exec: Arc<dyn Exec>,
    pub(crate) why: String,
}

// === impl Bare ===

impl Bare {
    /// Whether there is still a way there.
    pub(crate) fn is_alive(&self) -> bool {
        self.exec.is_alive()
    }

    /// Why no agent runs there.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl std::fmt::Debug for Bare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bare").field("why", &self.why).finish_non_exhaustive()
    }
}
