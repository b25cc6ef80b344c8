//! Locks: a node is worked on by one sequence of one run at a time.
//!
//! A lock belongs to the record of the run that holds it: it is held from the sequence's `Began` to
//! its `Ended`, and a table of locks is nothing but a fold over the runs that go on. So a finished,
//! stopped or lost owner cannot hold one.

use std::collections::{BTreeMap, BTreeSet};

use windlass_model::element::ElementId;
use windlass_model::id::RunId;

/// Where the engine asks for locks. Shared by all runs of a store.
pub trait Locks {
    /// Takes a lock for a sequence of a run, or says who has it.
    fn acquire(&mut self, lock: &str, run: RunId, element: ElementId) -> Result<(), String>;

    /// Gives a lock back.
    fn release(&mut self, lock: &str, run: RunId, element: ElementId);
}

/// The locks of all runs that one process drives.
#[derive(Debug, Default)]
pub struct LockTable {
    held: BTreeMap<String, (RunId, ElementId)>,
    waiting: BTreeMap<String, BTreeSet<RunId>>,
    freed: BTreeSet<RunId>,
}

/// Locks that are always free. For a run that is alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLocks;

// === impl LockTable ===

impl LockTable {
    /// The runs that waited for a lock that has become free since the last call: each must get
    /// [`crate::Input::LockFreed`].
    pub fn take_freed(&mut self) -> BTreeSet<RunId> {
        std::mem::take(&mut self.freed)
    }

    /// Who holds a lock.
    #[must_use]
    pub fn holder(&self, lock: &str) -> Option<(RunId, ElementId)> {
        self.held.get(lock).copied()
    }

    /// How many locks are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Forgets a run that is no longer driven here.
    pub fn forget(&mut self, run: RunId) {
        let held: Vec<(String, ElementId)> = self
            .held
            .iter()
            .filter(|(_, (holder, _))| *holder == run)
            .map(|(lock, (_, element))| (lock.clone(), *element))
            .collect();
        for (lock, element) in held {
            self.release(&lock, run, element);
        }
        for waiting in self.waiting.values_mut() {
            waiting.remove(&run);
        }
    }
}

impl Locks for LockTable {
    fn acquire(&mut self, lock: &str, run: RunId, element: ElementId) -> Result<(), String> {
        match self.held.get(lock) {
            Some(holder) if *holder == (run, element) => Ok(()),
            Some((holder, _)) => {
                let holder = *holder;
                if holder != run {
                    self.waiting.entry(lock.to_owned()).or_default().insert(run);
                }
                Err(if holder == run { "this run".to_owned() } else { format!("run {holder}") })
            }
            None => {
                self.held.insert(lock.to_owned(), (run, element));
                Ok(())
            }
        }
    }

    fn release(&mut self, lock: &str, run: RunId, element: ElementId) {
        if self.held.get(lock) == Some(&(run, element)) {
            self.held.remove(lock);
            if let Some(waiting) = self.waiting.remove(lock) {
                self.freed.extend(waiting);
            }
        }
    }
}

// === impl NoLocks ===

impl Locks for NoLocks {
    fn acquire(&mut self, _: &str, _: RunId, _: ElementId) -> Result<(), String> {
        Ok(())
    }

    fn release(&mut self, _: &str, _: RunId, _: ElementId) {}
}
