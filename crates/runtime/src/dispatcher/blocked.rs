//! Runs whose records hold the same lock: one of them is taken over, the others wait for its end.
//!
//! Records that are made by this program never do: a lock goes on to another run when the record of
//! giving it back is durable, and who begins a run respects the locks of those that nobody drives. But a
//! store may be older than that, and a node is worked on by one sequence at a time all the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_engine::Run;
use windlass_model::element::ElementId;
use windlass_model::id::RunId;

use super::Dispatcher;
use crate::seal::RunKey;
use crate::view::{Condition, RunView};

/// A run that was loaded, and cannot go on yet.
#[derive(Debug)]
pub(super) struct Blocked {
    run: Run,
    pub(super) view: Arc<RunView>,
    key: Option<Arc<RunKey>>,
    never_made: BTreeSet<(ElementId, u32)>,
    lock: String,
    holder: Option<RunId>,
}

// === impl Blocked ===

impl Blocked {
    pub(super) fn condition(&self) -> Condition {
        Condition::Blocked { lock: self.lock.clone(), holder: self.holder }
    }
}

impl Dispatcher {
    /// Holds the locks of a run that is not driven here: whoever goes on with it finds it as it was left.
    pub(crate) fn respect(&mut self, mut run: Run) {
        let id = run.id();
        if !self.runs.contains_key(&id) && !self.parked.contains_key(&id) {
            run.hold_locks(&mut self.locks);
        }
    }

    /// Puts a run aside that holds a lock which another has, too.
    pub(super) fn block(
        &mut self,
        run: Run,
        view: RunView,
        key: Option<Arc<RunKey>>,
        never_made: BTreeSet<(ElementId, u32)>,
        lock: String,
    ) {
        let id = run.id();
        self.forget_locks(id);
        let holder = self.locks.holder(&lock).map(|(holder, _)| holder);
        tracing::error!(run = %id, lock, ?holder, "a run waits for the end of another that holds its lock");
        let view = Arc::new(view);
        self.blocked.insert(id, Blocked { run, view, key, never_made, lock, holder });
    }

    /// Tries again to take over those that were put aside.
    pub(super) fn unblock(&mut self) {
        for (_, blocked) in std::mem::take(&mut self.blocked) {
            let Blocked { run, view, key, never_made, .. } = blocked;
            self.adopt(run, RunView::clone(&view), key, never_made);
        }
    }
}
