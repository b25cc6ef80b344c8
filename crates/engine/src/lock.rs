//! Locks: a node is worked on by one sequence of one run at a time.
//!
//! A lock belongs to the record of the run that holds it: it is held from the sequence's `Began` to
//! its `Ended`, and a table of locks is nothing but a fold over the runs that go on. So a finished,
//! stopped or lost owner cannot hold one.
//!
//! ```text
//!            release                    takes it
//!   held ─────────────▶ offered to the ───────────▶ held
//!     │                 first that waits
//!     │ nobody waits         │ has no use for it now: settle, leave
//!     ▼                      ▼
//!   free                offered to the next
//! ```
//!
//! A table and the records are made durable at different times. Where that is so, a lock that is given
//! back stays with its run until the record of that is durable ([`LockTable::behind_records`]).
//!
//! A lock that is given back is offered to whoever has waited longest, and to nobody else: waking all
//! of them for one to win would cost as much as there are, each time. So an offer must not be kept by
//! one that does not take it: it ends with the input that told of it, and when its run goes away.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use windlass_model::element::ElementId;
use windlass_model::id::RunId;

/// Where the engine asks for locks. Shared by all runs of a store.
pub trait Locks {
    /// Takes a lock for a sequence of a run, or says who has it; then the run waits for it.
    fn acquire(&mut self, lock: &str, run: RunId, element: ElementId) -> Result<(), String>;

    /// Takes a lock that the record of a run says it holds. Whoever it was offered to waits on. `false`:
    /// another run has it.
    fn hold(&mut self, lock: &str, run: RunId, element: ElementId) -> bool;

    /// Gives a lock back.
    fn release(&mut self, lock: &str, run: RunId, element: ElementId);

    /// A run has heard that locks are free: those that it has not taken go to the next.
    fn settle(&mut self, run: RunId);

    /// A run waits for nothing any more. What it holds it keeps.
    fn leave(&mut self, run: RunId);
}

/// The locks of all runs that one process drives.
#[derive(Debug, Default)]
pub struct LockTable {
    /// Those that are not free.
    locks: BTreeMap<String, Lock>,
    /// What each run waits for, or is offered.
    waits: BTreeMap<RunId, BTreeSet<String>>,
    freed: Vec<RunId>,
    /// When what is given back goes on to others.
    passing: Passing,
    tickets: u64,
    returned: Vec<Returned>,
}

/// When a lock that is given back goes on to another run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Passing {
    #[default]
    AtOnce,
    WhenDurable,
}

/// A lock that was given back, and may go on to another run when the record of that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    lock: String,
    ticket: u64,
}

#[derive(Debug)]
struct Lock {
    owner: Owner,
    /// Who waits for it, the first in front.
    queue: VecDeque<RunId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Held(RunId, ElementId),
    /// Given back, while the record still says that it is held.
    Returned(RunId, ElementId, u64),
    Offered(RunId),
}

/// Locks that are always free. For a run that is alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLocks;

// === impl LockTable ===

impl LockTable {
    /// A table for runs whose records become durable later than they are made. What a run gives back goes
    /// on to another when the driver says that the record of it is durable, by [`Self::given_back`]. Else
    /// a crash could leave two records that both say they hold a lock.
    #[must_use]
    pub fn behind_records() -> Self {
        Self { passing: Passing::WhenDurable, ..Self::default() }
    }

    /// What was given back since the last call.
    pub fn take_returned(&mut self) -> Vec<Returned> {
        std::mem::take(&mut self.returned)
    }

    /// The record of this is durable.
    pub fn given_back(&mut self, returned: &Returned) {
        let lock = self.locks.get(&returned.lock);
        if lock.is_some_and(
            |lock| matches!(lock.owner, Owner::Returned(.., ticket) if ticket == returned.ticket),
        ) {
            self.pass_on(&returned.lock);
        }
    }

    /// The locks that a run waits for, and who has each.
    pub fn waits_of(&self, run: RunId) -> impl Iterator<Item = (&str, RunId)> {
        self.waits.get(&run).into_iter().flatten().filter_map(|name| {
            let (Owner::Held(holder, _) | Owner::Returned(holder, ..) | Owner::Offered(holder)) =
                self.locks.get(name)?.owner;
            Some((name.as_str(), holder))
        })
    }

    /// The runs that a lock was offered to since the last call, in this order: each must get
    /// [`crate::Input::LockFreed`], or [`Locks::leave`].
    pub fn take_freed(&mut self) -> Vec<RunId> {
        std::mem::take(&mut self.freed)
    }

    /// Who holds a lock.
    #[must_use]
    pub fn holder(&self, lock: &str) -> Option<(RunId, ElementId)> {
        match self.locks.get(lock)?.owner {
            Owner::Held(run, element) | Owner::Returned(run, element, _) => Some((run, element)),
            Owner::Offered(_) => None,
        }
    }

    /// Whether none is held or offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// Forgets a run that is no longer driven here, and what it holds.
    pub fn forget(&mut self, run: RunId) {
        self.leave(run);
        self.give_back(run, |_| true);
    }

    /// Gives back what a run holds for sequences that have not begun after all.
    pub fn not_begun(&mut self, run: RunId, sequences: &BTreeSet<ElementId>) {
        self.give_back(run, |element| sequences.contains(&element));
    }

    fn give_back(&mut self, run: RunId, is_meant: impl Fn(ElementId) -> bool) {
        let is_meant = |lock: &Lock| matches!(lock.owner, Owner::Held(holder, of) | Owner::Returned(holder, of, _) if holder == run && is_meant(of));
        let held = self.locks.iter().filter(|(_, lock)| is_meant(lock)).map(|(name, _)| name.clone());
        for lock in held.collect::<Vec<_>>() {
            self.pass_on(&lock);
        }
    }

    /// Offers a lock to the first that waits for it; it is free if nobody does.
    fn pass_on(&mut self, name: &str) {
        let Some(lock) = self.locks.get_mut(name) else { return };
        match lock.queue.pop_front() {
            Some(next) => {
                lock.owner = Owner::Offered(next);
                self.freed.push(next);
            }
            None => {
                self.locks.remove(name);
            }
        }
    }

    fn no_longer_waits(&mut self, run: RunId, name: &str) {
        if let Some(waits) = self.waits.get_mut(&run) {
            waits.remove(name);
            if waits.is_empty() {
                self.waits.remove(&run);
            }
        }
    }
}

impl Locks for LockTable {
    fn acquire(&mut self, name: &str, run: RunId, element: ElementId) -> Result<(), String> {
        let Some(lock) = self.locks.get_mut(name) else {
            let lock = Lock { owner: Owner::Held(run, element), queue: VecDeque::new() };
            self.locks.insert(name.to_owned(), lock);
            return Ok(());
        };
        match lock.owner {
            Owner::Held(holder, of) if (holder, of) == (run, element) => Ok(()),
            // It tries again by itself when it has given it back.
            Owner::Held(holder, _) if holder == run => Err("this run".to_owned()),
            Owner::Offered(to) if to == run => {
                lock.owner = Owner::Held(run, element);
                self.no_longer_waits(run, name);
                Ok(())
            }
            // Its own record is made in order, whatever is durable; but others may have waited for longer.
            Owner::Returned(holder, ..) if holder == run && lock.queue.is_empty() => {
                lock.owner = Owner::Held(run, element);
                Ok(())
            }
            Owner::Held(other, _) | Owner::Returned(other, ..) | Owner::Offered(other) => {
                if self.waits.entry(run).or_default().insert(name.to_owned()) {
                    lock.queue.push_back(run);
                }
                Err(format!("run {other}"))
            }
        }
    }

    fn hold(&mut self, name: &str, run: RunId, element: ElementId) -> bool {
        let owner = Owner::Held(run, element);
        let Some(lock) = self.locks.get_mut(name) else {
            self.locks.insert(name.to_owned(), Lock { owner, queue: VecDeque::new() });
            return true;
        };
        match lock.owner {
            Owner::Held(holder, _) | Owner::Returned(holder, ..) if holder != run => return false,
            Owner::Held(..) | Owner::Returned(..) => lock.owner = owner,
            Owner::Offered(to) => {
                lock.owner = owner;
                if to == run {
                    self.no_longer_waits(run, name);
                } else {
                    lock.queue.push_front(to);
                }
            }
        }
        true
    }

    fn release(&mut self, name: &str, run: RunId, element: ElementId) {
        let Some(lock) = self.locks.get_mut(name).filter(|lock| lock.owner == Owner::Held(run, element))
        else {
            return;
        };
        match self.passing {
            Passing::AtOnce => self.pass_on(name),
            Passing::WhenDurable => {
                self.tickets = self.tickets.saturating_add(1);
                lock.owner = Owner::Returned(run, element, self.tickets);
                self.returned.push(Returned { lock: name.to_owned(), ticket: self.tickets });
            }
        }
    }

    fn settle(&mut self, run: RunId) {
        let Some(waits) = self.waits.get(&run) else { return };
        let is_offered =
            |name: &&String| self.locks.get(*name).is_some_and(|lock| lock.owner == Owner::Offered(run));
        let declined: Vec<String> = waits.iter().filter(is_offered).cloned().collect();
        for name in declined {
            self.no_longer_waits(run, &name);
            self.pass_on(&name);
        }
    }

    fn leave(&mut self, run: RunId) {
        for name in self.waits.remove(&run).unwrap_or_default() {
            let Some(lock) = self.locks.get_mut(&name) else { continue };
            if lock.owner == Owner::Offered(run) {
                self.pass_on(&name);
            } else {
                lock.queue.retain(|waiting| *waiting != run);
            }
        }
    }
}

// === impl NoLocks ===

impl Locks for NoLocks {
    fn acquire(&mut self, _: &str, _: RunId, _: ElementId) -> Result<(), String> {
        Ok(())
    }

    fn hold(&mut self, _: &str, _: RunId, _: ElementId) -> bool {
        true
    }

    fn release(&mut self, _: &str, _: RunId, _: ElementId) {}

    fn settle(&mut self, _: RunId) {}

    fn leave(&mut self, _: RunId) {}
}

#[cfg(test)]
mod tests;
