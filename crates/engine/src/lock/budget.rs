//! Budgets: at most so many of some nodes are worked on at a time, by all runs together.
//!
//! Whoever works on a node has a seat, whether or not a budget counts that node by now: so one that is
//! made later counts what is at work already. A seat is taken when its sequence begins and given back
//! when it ends, like a lock, and is as little as a lock anything but a fold over the runs.
//!
//! ```text
//!   free seat ──▶ offered to the run that has waited longest ──▶ taken, or passed on
//! ```
//!
//! A run that has got one and wants another one waits behind the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use windlass_model::element::ElementId;
use windlass_model::id::RunId;

use super::Lacking;

/// At most so many of some nodes at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What it is called: no two are called alike.
    pub name: String,
    /// How many may be worked on.
    pub most: u32,
    /// Which nodes it counts.
    pub nodes: BTreeSet<String>,
}

/// What there is of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seats {
    /// How many there are.
    pub most: u32,
    /// How many are taken: after the budget was made smaller, perhaps more than there are.
    pub taken: u32,
    /// How many runs wait for one.
    pub waiting: usize,
}

/// All of them, and who sits where.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    budgets: BTreeMap<String, Table>,
    /// The budgets that count a node.
    of: HashMap<String, Vec<String>>,
    seats: BTreeMap<RunId, BTreeMap<ElementId, Seat>>,
    /// How many sit for each node that is at work: however many they are, a budget counts it once.
    at_work: HashMap<Arc<str>, u32>,
}

#[derive(Debug, Default)]
struct Table {
    most: u32,
    taken: u32,
    /// The runs that a free seat was offered to: to each one at a time.
    offered: BTreeSet<RunId>,
    queue: Queue,
}

/// The runs that wait, the first in front.
#[derive(Debug, Default)]
struct Queue {
    places: BTreeMap<i64, RunId>,
    of: HashMap<RunId, i64>,
    next: i64,
}

#[derive(Debug)]
struct Seat {
    node: Arc<str>,
    /// Given back, while the record still says that it is taken.
    ticket: Option<u64>,
}

/// What of a run's waiting ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// What it was offered and has not taken.
    Offers,
    /// All of it.
    Everything,
}

/// Since when runs have waited.
pub(super) type Since = HashMap<RunId, u64>;

/// Whether a run has waited for longer than another one.
pub(super) fn has_waited_longer(run: RunId, other: RunId, since: &Since) -> bool {
    let at = |of: RunId| since.get(&of).copied().unwrap_or(u64::MAX);
    at(run) < at(other)
}

// === impl Budgets ===

impl Budgets {
    /// The budgets from now on, and the runs that are to try again.
    pub(super) fn set(&mut self, budgets: Vec<Budget>) -> Vec<RunId> {
        let mut before = std::mem::take(&mut self.budgets);
        self.of.clear();
        for Budget { name, most, nodes } in budgets {
            for node in nodes {
                self.of.entry(node).or_default().push(name.clone());
            }
            let Table { offered, queue, .. } = before.remove(&name).unwrap_or_default();
            self.budgets.insert(name, Table { most, taken: 0, offered, queue });
        }
        for node in self.at_work.keys() {
            for name in self.of.get(&**node).into_iter().flatten() {
                if let Some(table) = self.budgets.get_mut(name) {
                    table.taken = table.taken.saturating_add(1);
                }
            }
        }
        // Whoever waited for what is gone: nobody would ever tell them.
        let mut told: Vec<RunId> = before.into_values().flat_map(|mut table| table.queue.take()).collect();
        // A node may have left the budget that it was waited for in.
        for table in self.budgets.values_mut() {
            told.extend(table.queue.take());
        }
        told.extend(self.offer());
        told.sort_unstable();
        told.dedup();
        told
    }

    pub(super) fn seats(&self) -> impl Iterator<Item = (&str, Seats)> {
        self.budgets.iter().map(|(name, table)| {
            let waiting = table.queue.of.len().saturating_add(table.offered.len());
            (name.as_str(), Seats { most: table.most, taken: table.taken, waiting })
        })
    }

    /// Whether nobody sits, and nobody is offered anything.
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty() && self.budgets.values().all(|table| table.offered.is_empty())
    }

    /// Whether a run may sit down for a node; if not, it waits from now on for the first budget that is in the way.
    pub(super) fn ask(&mut self, node: &str, run: RunId, since: &Since) -> Result<(), Lacking> {
        if self.at_work.contains_key(node) {
            return Ok(());
        }
        for name in self.of.get(node).into_iter().flatten() {
            let Some(table) = self.budgets.get_mut(name) else { continue };
            let is_next = table.offered.contains(&run)
                || table.queue.of.is_empty() && table.free() > 0
                || table.offered.iter().any(|to| has_waited_longer(run, *to, since));
            if !is_next {
                table.queue.push(run);
                return Err(Lacking { what: format!("budget/{name}"), holder: table.holder() });
            }
        }
        Ok(())
    }

    /// Sits down, whether or not there is room.
    pub(super) fn sit(&mut self, node: &Arc<str>, run: RunId, element: ElementId, since: &Since) {
        // One that has been given back and is taken again goes on.
        if let Some(own) = self.seats.get_mut(&run).and_then(|seats| seats.get_mut(&element)) {
            own.ticket = None;
            return;
        }
        let seat = Seat { node: Arc::clone(node), ticket: None };
        self.seats.entry(run).or_default().insert(element, seat);
        if let Some(count) = self.at_work.get_mut(node) {
            *count = count.saturating_add(1);
            return;
        }
        self.at_work.insert(Arc::clone(node), 1);
        for name in self.of.get(&**node).into_iter().flatten() {
            let Some(table) = self.budgets.get_mut(name) else { continue };
            if !table.offered.remove(&run)
                && table.free() == 0
                && let Some(last) = table.last_offered(since)
            {
                table.offered.remove(&last);
                table.queue.push_front(last);
            }
            table.taken = table.taken.saturating_add(1);
        }
    }

    /// Whether a sequence has a seat that it has not given back.
    pub(super) fn has(&self, run: RunId, element: ElementId) -> bool {
        self.seat(run, element).is_some_and(|seat| seat.ticket.is_none())
    }

    fn seat(&self, run: RunId, element: ElementId) -> Option<&Seat> {
        self.seats.get(&run)?.get(&element)
    }

    /// It is over, and its record is not durable yet.
    pub(super) fn stand_up(&mut self, run: RunId, element: ElementId, ticket: u64) {
        if let Some(seat) = self.seats.get_mut(&run).and_then(|seats| seats.get_mut(&element)) {
            seat.ticket = Some(ticket);
        }
    }

    /// A seat is free: the one of this ticket, where that is asked for.
    pub(super) fn vacate(&mut self, run: RunId, element: ElementId, ticket: Option<u64>) {
        let Some(seats) = self.seats.get_mut(&run) else { return };
        if ticket.is_some() && seats.get(&element).is_none_or(|seat| seat.ticket != ticket) {
            return;
        }
        let Some(seat) = seats.remove(&element) else { return };
        if seats.is_empty() {
            self.seats.remove(&run);
        }
        if let Some(count) = self.at_work.get_mut(&seat.node)
            && *count > 1
        {
            *count = count.saturating_sub(1);
            return;
        }
        self.at_work.remove(&seat.node);
        for name in self.of.get(&*seat.node).into_iter().flatten() {
            if let Some(table) = self.budgets.get_mut(name) {
                table.taken = table.taken.saturating_sub(1);
            }
        }
    }

    /// The seats of a run's sequences are free.
    pub(super) fn vacate_all(&mut self, run: RunId, is_meant: &impl Fn(ElementId) -> bool) {
        let sits = self.seats.get(&run).into_iter().flat_map(BTreeMap::keys).copied();
        for element in sits.filter(|element| is_meant(*element)).collect::<Vec<_>>() {
            self.vacate(run, element, None);
        }
    }

    /// Offers what is free, and returns whom to tell.
    pub(super) fn offer(&mut self) -> Vec<RunId> {
        let mut told = Vec::new();
        for table in self.budgets.values_mut() {
            while table.free() > 0
                && let Some(next) = table.queue.pop()
            {
                table.offered.insert(next);
                told.push(next);
            }
        }
        told
    }

    /// A run does not wait any more; whether it had been offered anything.
    pub(super) fn leave(&mut self, run: RunId, what: Leaving) -> bool {
        let mut had = false;
        for table in self.budgets.values_mut() {
            had |= table.offered.remove(&run);
            if what == Leaving::Everything {
                table.queue.remove(run);
            }
        }
        had
    }

    /// Whether a run waits for a seat, or is offered one.
    pub(super) fn waits(&self, run: RunId) -> bool {
        self.budgets.values().any(|table| table.queue.of.contains_key(&run) || table.offered.contains(&run))
    }

    /// Who sits where a run waits.
    pub(super) fn waits_of(&self, run: RunId) -> impl Iterator<Item = (&str, RunId)> {
        let waits = self.budgets.iter().filter(move |(_, table)| table.queue.of.contains_key(&run));
        waits.flat_map(|(name, _)| {
            let counts = |seat: &Seat| self.of.get(&*seat.node).is_some_and(|all| all.contains(name));
            let sits = self.seats.iter().filter(move |(_, seats)| seats.values().any(counts));
            sits.map(move |(holder, _)| (name.as_str(), *holder))
        })
    }
}

// === impl Table ===

impl Table {
    fn free(&self) -> u32 {
        let offered = u32::try_from(self.offered.len()).unwrap_or(u32::MAX);
        self.most.saturating_sub(self.taken).saturating_sub(offered)
    }

    /// Who has waited the least of those that seats are offered to.
    fn last_offered(&self, since: &Since) -> Option<RunId> {
        self.offered.iter().copied().max_by_key(|to| since.get(to).copied().unwrap_or(u64::MAX))
    }

    fn holder(&self) -> String {
        format!("{} of {} at work", self.taken, self.most)
    }
}

// === impl Queue ===

impl Queue {
    fn push(&mut self, run: RunId) {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.of.entry(run) {
            self.places.insert(self.next, run);
            entry.insert(self.next);
            self.next = self.next.saturating_add(1);
        }
    }

    fn push_front(&mut self, run: RunId) {
        self.remove(run);
        let first = self.places.first_key_value().map_or(self.next, |(place, _)| *place);
        self.places.insert(first.saturating_sub(1), run);
        self.of.insert(run, first.saturating_sub(1));
    }

    fn pop(&mut self) -> Option<RunId> {
        let (_, run) = self.places.pop_first()?;
        self.of.remove(&run);
        Some(run)
    }

    fn remove(&mut self, run: RunId) {
        if let Some(place) = self.of.remove(&run) {
            self.places.remove(&place);
        }
    }

    fn take(&mut self) -> impl Iterator<Item = RunId> + use<> {
        self.of.clear();
        std::mem::take(&mut self.places).into_values()
    }
}
