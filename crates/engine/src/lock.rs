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
//!
//! Beside its lock, a sequence that works on a node takes a seat in every budget of that node
//! ([`budget`]): all or nothing, so that nobody holds one of them and waits for the other. An offer of
//! one is of no use to who lacks another, and three runs could pass such offers round for ever. So who
//! has waited for longer takes from the others what they were offered and have not taken.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use windlass_model::element::ElementId;
use windlass_model::id::RunId;

mod budget;

use self::budget::Budgets;
pub use self::budget::{Budget, Seats};

/// Where the engine asks for locks. Shared by all runs of a store.
pub trait Locks {
    /// Takes what a sequence of a run needs, or says what it lacks; then the run waits for that.
    fn acquire(&mut self, claim: &Claim, run: RunId, element: ElementId) -> Result<(), Lacking>;

    /// Takes what the record of a run says it holds. Whoever it was offered to waits on. `false`:
    /// another run has the lock.
    fn hold(&mut self, claim: &Claim, run: RunId, element: ElementId) -> bool;

    /// Gives it back.
    fn release(&mut self, claim: &Claim, run: RunId, element: ElementId);

    /// A run has heard that something is free: what it has not taken goes to the next.
    fn settle(&mut self, run: RunId);

    /// A run waits for nothing any more. What it holds it keeps.
    fn leave(&mut self, run: RunId);
}

/// What a sequence takes as long as it works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Its lock.
    pub lock: Option<String>,
    /// The node that it works on.
    pub node: Option<Arc<str>>,
}

/// What a sequence waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The lock, or `budget/` and the name of a budget.
    pub what: String,
    /// Who has it.
    pub holder: String,
}

/// How a lock stands that is not free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockStanding {
    /// The run that has it.
    pub run: RunId,
    /// What has it there; none where it is offered to the run, which has not taken it yet.
    pub element: Option<ElementId>,
    /// The other runs that wait for it, the first in front.
    pub waiting: Vec<RunId>,
}

/// The locks of all runs that one process drives.
#[derive(Debug, Default)]
pub struct LockTable {
    budgets: Budgets,
    /// Those that are not free.
    locks: BTreeMap<String, Lock>,
    /// What each run waits for, or is offered.
    waits: BTreeMap<RunId, BTreeSet<String>>,
    /// Since when each run has waited without getting anything.
    since: HashMap<RunId, u64>,
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

/// A lock or a seat that was given back, and may go on to another run when the record of that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    what: Given,
    ticket: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Lock(String),
    Seat(RunId, ElementId),
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
        match &returned.what {
            Given::Seat(run, element) => {
                self.budgets.vacate(*run, *element, Some(returned.ticket));
                self.freed.extend(self.budgets.offer());
            }
            Given::Lock(name) => {
                let is_so = |owner| matches!(owner, Owner::Returned(.., ticket) if ticket == returned.ticket);
                if self.locks.get(name).is_some_and(|lock| is_so(lock.owner)) {
                    self.pass_on(name);
                }
            }
        }
    }

    /// The budgets that there are from now on. What is at work goes on, whatever they say.
    pub fn set_budgets(&mut self, budgets: Vec<Budget>) {
        self.freed.extend(self.budgets.set(budgets));
    }

    /// How many are at work within each budget, and how many runs wait, by name.
    pub fn budgets(&self) -> impl Iterator<Item = (&str, Seats)> {
        self.budgets.seats()
    }

    /// Whom a run waits for: who has the locks that it waits for, and who sits in the budgets.
    pub fn waits_of(&self, run: RunId) -> impl Iterator<Item = (&str, RunId)> {
        let locks = self.waits.get(&run).into_iter().flatten().filter_map(|name| {
            let (Owner::Held(holder, _) | Owner::Returned(holder, ..) | Owner::Offered(holder)) =
                self.locks.get(name)?.owner;
            Some((name.as_str(), holder))
        });
        locks.chain(self.budgets.waits_of(run))
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

    /// How a lock stands; none where it is free.
    #[must_use]
    pub fn standing(&self, lock: &str) -> Option<LockStanding> {
        let Lock { owner, queue } = self.locks.get(lock)?;
        let (run, element) = match *owner {
            Owner::Held(run, element) | Owner::Returned(run, element, _) => (run, Some(element)),
            Owner::Offered(run) => (run, None),
        };
        Some(LockStanding { run, element, waiting: queue.iter().copied().collect() })
    }

    /// Whether none is held or offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.locks.is_empty() && self.budgets.is_empty()
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
        self.budgets.vacate_all(run, &is_meant);
        self.freed.extend(self.budgets.offer());
        let is_meant = |lock: &Lock| matches!(lock.owner, Owner::Held(holder, of) | Owner::Returned(holder, of, _) if holder == run && is_meant(of));
        let held = self.locks.iter().filter(|(_, lock)| is_meant(lock)).map(|(name, _)| name.clone());
        for lock in held.collect::<Vec<_>>() {
            self.pass_on(&lock);
        }
    }

    fn ticket(&mut self, what: Given) -> u64 {
        self.tickets = self.tickets.saturating_add(1);
        self.returned.push(Returned { what, ticket: self.tickets });
        self.tickets
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

    fn take(&mut self, claim: &Claim, run: RunId, element: ElementId) -> Result<(), Lacking> {
        // Nothing is taken before it is known that everything can be.
        if let Some(node) = &claim.node {
            self.budgets.ask(node, run, &self.since)?;
        }
        if let Some(lock) = &claim.lock {
            self.acquire_lock(lock, run, element).map_err(|holder| Lacking { what: lock.clone(), holder })?;
        }
        if let Some(node) = &claim.node {
            self.budgets.sit(node, run, element, &self.since);
        }
        Ok(())
    }

    /// Forgets since when a run has waited, if it waits for nothing.
    fn waited(&mut self, run: RunId) {
        if !self.waits.contains_key(&run) && !self.budgets.waits(run) {
            self.since.remove(&run);
        }
    }

    fn acquire_lock(&mut self, name: &str, run: RunId, element: ElementId) -> Result<(), String> {
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
            Owner::Offered(to) if budget::has_waited_longer(run, to, &self.since) => {
                lock.owner = Owner::Held(run, element);
                lock.queue.retain(|waiting| *waiting != run);
                lock.queue.push_front(to);
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

    fn hold_lock(&mut self, name: &str, run: RunId, element: ElementId) -> bool {
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

    fn release_lock(&mut self, name: &str, run: RunId, element: ElementId) {
        if self.locks.get(name).is_none_or(|lock| lock.owner != Owner::Held(run, element)) {
            return;
        }
        match self.passing {
            Passing::AtOnce => self.pass_on(name),
            Passing::WhenDurable => {
                let ticket = self.ticket(Given::Lock(name.to_owned()));
                if let Some(lock) = self.locks.get_mut(name) {
                    lock.owner = Owner::Returned(run, element, ticket);
                }
            }
        }
    }
}

impl Locks for LockTable {
    fn acquire(&mut self, claim: &Claim, run: RunId, element: ElementId) -> Result<(), Lacking> {
        let taken = self.take(claim, run, element);
        let is_new = !self.since.contains_key(&run);
        // Who has got something waits behind the others for the next.
        if taken.is_ok() != is_new {
            self.tickets = self.tickets.saturating_add(1);
            self.since.insert(run, self.tickets);
        }
        taken
    }

    fn hold(&mut self, claim: &Claim, run: RunId, element: ElementId) -> bool {
        let is_held = claim.lock.as_ref().is_none_or(|lock| self.hold_lock(lock, run, element));
        if let Some(node) = claim.node.as_ref().filter(|_| is_held) {
            self.budgets.sit(node, run, element, &self.since);
        }
        is_held
    }

    fn release(&mut self, claim: &Claim, run: RunId, element: ElementId) {
        if let Some(lock) = &claim.lock {
            self.release_lock(lock, run, element);
        }
        if claim.node.is_none() || !self.budgets.has(run, element) {
            return;
        }
        match self.passing {
            Passing::AtOnce => {
                self.budgets.vacate(run, element, None);
                self.freed.extend(self.budgets.offer());
            }
            Passing::WhenDurable => {
                let ticket = self.ticket(Given::Seat(run, element));
                self.budgets.stand_up(run, element, ticket);
            }
        }
    }

    fn settle(&mut self, run: RunId) {
        if self.budgets.leave(run, budget::Leaving::Offers) {
            self.freed.extend(self.budgets.offer());
        }
        let is_offered =
            |name: &&String| self.locks.get(*name).is_some_and(|lock| lock.owner == Owner::Offered(run));
        let waits = self.waits.get(&run).into_iter().flatten();
        let declined: Vec<String> = waits.filter(is_offered).cloned().collect();
        for name in declined {
            self.no_longer_waits(run, &name);
            self.pass_on(&name);
        }
        self.waited(run);
    }

    fn leave(&mut self, run: RunId) {
        if self.budgets.leave(run, budget::Leaving::Everything) {
            self.freed.extend(self.budgets.offer());
        }
        for name in self.waits.remove(&run).unwrap_or_default() {
            let Some(lock) = self.locks.get_mut(&name) else { continue };
            if lock.owner == Owner::Offered(run) {
                self.pass_on(&name);
            } else {
                lock.queue.retain(|waiting| *waiting != run);
            }
        }
        self.waited(run);
    }
}

// === impl NoLocks ===

impl Locks for NoLocks {
    fn acquire(&mut self, _: &Claim, _: RunId, _: ElementId) -> Result<(), Lacking> {
        Ok(())
    }

    fn hold(&mut self, _: &Claim, _: RunId, _: ElementId) -> bool {
        true
    }

    fn release(&mut self, _: &Claim, _: RunId, _: ElementId) {}

    fn settle(&mut self, _: RunId) {}

    fn leave(&mut self, _: RunId) {}
}

#[cfg(test)]
mod tests;
