//! The fold: a run's log, event by event, into what there is to see of the run.
//!
//! It takes events from the first on, in any number of portions: what it knows already it ignores, a
//! gap it refuses. Elements come into being with their first event, so that a million targets that
//! nobody has reached cost nothing, and sequences that have ended well are packed but for the first
//! [`DETAILED`]. It judges nothing: a log that makes no sense gives a view that makes none, and never a panic.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use windlass_model::element::{ElementId, Level, Slot, Work};
use windlass_model::event::{Command, Event, What};
use windlass_model::late::Growing;
use windlass_model::layout::Layout;
use windlass_model::outcome::{Failure, RunStatus, Skip, Status};
use windlass_model::quick::QuickMap;
use windlass_model::time::Time;

use self::packed::Packed;
use crate::order;
use crate::view::{
    ApprovalView, BlockView, Commanded, DETAILED, ElementView, Failing, ForeseenAlike, LockWait, Looked,
    Recovery, RunView, Settled, Signed,
};

mod block;
mod element;
mod foresights;
mod packed;

use self::foresights::Foresights;

/// A run as its log tells it, up to some event.
#[derive(Debug)]
pub struct Fold {
    layout: Growing,
    seq: u64,
    at: Time,
    run: RunView,
    blocks: Vec<BlockView>,
    /// Per block, the sequences that the retried run had done, sorted.
    done: Vec<Vec<u32>>,
    elements: QuickMap<ElementId, ElementView>,
    /// Sequences that have ended well, with everything in them.
    packed: Packed,
    /// How many sequences of the run are kept whole.
    detailed: usize,
    running: BTreeSet<ElementId>,
    asked: BTreeSet<ElementId>,
    held: BTreeSet<ElementId>,
    /// What failed, in the order of the log.
    failing: Vec<ElementId>,
    never_reached: ElementView,
    done_before: ElementView,
    /// What a noop foresaw.
    foresights: Foresights,
}

/// What an event was to the fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was the next one.
    New,
    /// It had been applied before.
    Known,
}

/// An event came before those between it and the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The number of the event that should have come.
    pub expected: u64,
    /// The number of the one that came.
    pub found: u64,
}

// === impl Fold ===

impl Fold {
    /// A run of which nothing is known but what was submitted. Behind the first [`DETAILED`] sequences, those that end
    /// well keep times, states and attempts, as reports need them, in some 20 bytes each.
    #[must_use]
    pub fn new(layout: Arc<Layout>) -> Self {
        Self::detailed(layout, DETAILED)
    }

    /// As [`Self::new`], with every request, response and saved value that the log has. For very many targets that
    /// takes much memory.
    #[must_use]
    pub fn whole(layout: Arc<Layout>) -> Self {
        Self::detailed(layout, usize::MAX)
    }

    /// As [`Self::new`], with so many sequences kept whole that have ended well.
    pub(crate) fn detailed(layout: Arc<Layout>, detailed: usize) -> Self {
        let done: Vec<Vec<u32>> = layout.blocks.iter().map(|def| block::done(def)).collect();
        let blocks = layout.blocks.iter().zip(&done).map(|(def, done)| block::view(def, done)).collect();
        let done_before =
            ElementView { status: Status::Skipped, skip: Some(Skip::DoneBefore), ..ElementView::default() };
        Self {
            layout: Growing::new(layout),
            seq: 0,
            at: Time::ZERO,
            run: RunView::default(),
            blocks,
            done,
            elements: QuickMap::default(),
            packed: Packed::default(),
            detailed,
            running: BTreeSet::new(),
            asked: BTreeSet::new(),
            held: BTreeSet::new(),
            failing: Vec::new(),
            never_reached: ElementView::default(),
            done_before,
            foresights: Foresights::default(),
        }
    }

    /// Applies the next event; one that was applied before changes nothing.
    pub fn apply(&mut self, event: &Event) -> Result<Applied, Gap> {
        let expected = self.seq.saturating_add(1);
        if event.seq < expected {
            return Ok(Applied::Known);
        }
        if event.seq > expected {
            return Err(Gap { expected, found: event.seq });
        }
        self.seq = event.seq;
        self.at = self.at.max(event.at);
        self.fold(&event.what, event.at);
        Ok(Applied::New)
    }

    /// Says how late it is: what goes on is told up to then, and not up to the last event.
    pub fn as_of(&mut self, now: Time) {
        if !self.status().is_terminal() {
            self.at = self.at.max(now);
        }
    }

    /// What was submitted, compiled, with the targets that were chosen since.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        self.layout.layout()
    }

    /// The number of the last event applied; zero before the first. Resume from the one after it.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The time of the last event applied, or what [`Self::as_of`] was told.
    #[must_use]
    pub fn at(&self) -> Time {
        self.at
    }

    /// The run as a whole.
    #[must_use]
    pub fn run(&self) -> &RunView {
        &self.run
    }

    /// Where the run stands.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        self.run.status
    }

    /// The failure behind the run's reason, as its element recorded it.
    #[must_use]
    pub fn cause(&self) -> Option<&Failure> {
        // What has failed is never packed.
        self.elements.get(&self.run.reason.as_ref()?.element)?.failure()
    }

    /// The blocks in order.
    #[must_use]
    pub fn blocks(&self) -> &[BlockView] {
        &self.blocks
    }

    /// An element, reached or not.
    #[must_use]
    pub fn element(&self, element: ElementId) -> Cow<'_, ElementView> {
        self.begun(element).unwrap_or_else(|| match sequence_of(element) {
            Some((block, seq)) if self.is_done_before(block, seq) => Cow::Borrowed(&self.done_before),
            _ => Cow::Borrowed(&self.never_reached),
        })
    }

    /// An element of which the log has told something.
    #[must_use]
    pub fn begun(&self, element: ElementId) -> Option<Cow<'_, ElementView>> {
        if let Some(view) = self.elements.get(&element) {
            return Some(Cow::Borrowed(view));
        }
        self.packed.part(self.layout.layout(), sequence_of(element)?, element).map(Cow::Owned)
    }

    /// Every element of which the log has told something, in no order.
    pub fn reached(&self) -> impl Iterator<Item = (ElementId, Cow<'_, ElementView>)> {
        let whole = self.elements.iter().map(|(element, view)| (*element, Cow::Borrowed(view)));
        let packed = self.packed.sequences();
        let packed = packed.flat_map(|(block, seq)| self.packed.parts(self.layout.layout(), block, seq));
        whole.chain(packed.map(|(element, view)| (element, Cow::Owned(view))))
    }

    /// Every element to be listed, in plan order: verifying checks and undos only once they have begun.
    pub fn elements(&self) -> impl Iterator<Item = (ElementId, Cow<'_, ElementView>)> {
        order::elements(self.layout()).filter_map(|element| self.listed(element))
    }

    /// As [`Self::elements`], of one sequence: itself, then what is in it.
    pub fn sequence(&self, block: u32, seq: u32) -> impl Iterator<Item = (ElementId, Cow<'_, ElementView>)> {
        order::sequence_of(self.layout.layout(), block, seq).filter_map(|element| self.listed(element))
    }

    /// What is running now, in the order of ids.
    pub fn running(&self) -> impl Iterator<Item = (ElementId, &ElementView)> {
        self.running.iter().filter_map(|element| Some((*element, self.elements.get(element)?)))
    }

    /// What waits for a person.
    pub fn asked(&self) -> impl Iterator<Item = (ElementId, &ElementView)> {
        self.asked.iter().filter_map(|element| Some((*element, self.elements.get(element)?)))
    }

    /// What cannot begin before somebody gives a lock back.
    pub fn held(&self) -> impl Iterator<Item = (ElementId, &LockWait)> {
        self.held.iter().filter_map(|element| Some((*element, self.elements.get(element)?.lock()?)))
    }

    /// Everything that failed and did not recover, in the order of the log, the first cause among it.
    ///
    /// That a bypass or `verify` check does not pass is no failure.
    pub fn failing(&self) -> impl Iterator<Item = Failing<'_>> {
        self.failing.iter().filter_map(|element| {
            let view = self.elements.get(element)?;
            (view.status == Status::Failed).then(|| Failing { element: *element, failure: view.failure() })
        })
    }

    /// What elements would have done in a noop, alike ones together, in the order of the log.
    #[must_use]
    pub fn foreseen(&self) -> &[ForeseenAlike] {
        self.foresights.alike()
    }

    /// The checks that a noop really made, and what they found: the first of each place in the plan.
    pub fn looked(&self) -> impl Iterator<Item = (ElementId, Looked)> {
        self.foresights.looked()
    }

    /// Whether the run only looks.
    #[must_use]
    pub fn is_noop(&self) -> bool {
        self.layout().submission.noop
    }

    fn listed(&self, element: ElementId) -> Option<(ElementId, Cow<'_, ElementView>)> {
        match element {
            ElementId::Verify { .. } | ElementId::Work(Work::Undo { .. }) => {
                self.begun(element).map(|view| (element, view))
            }
            _ => Some((element, self.element(element))),
        }
    }

    fn is_done_before(&self, block: u32, seq: u32) -> bool {
        self.done.get(block as usize).is_some_and(|done| done.binary_search(&seq).is_ok())
    }

    fn fold(&mut self, what: &What, at: Time) {
        match what {
            What::Submitted { .. } => self.run.submitted_at = Some(at),
            What::ApprovalAwaited { quorum, until } => {
                self.run.status = RunStatus::AwaitingApproval;
                self.run.approval = Some(ApprovalView { quorum: *quorum, until: *until });
            }
            What::Approved { by } => self.run.approvals.push(Signed { by: by.clone(), at }),
            What::Rejected { by } => self.run.rejections.push(Signed { by: by.clone(), at }),
            What::Started { by } => {
                self.run.status = if self.run.paused { RunStatus::Paused } else { RunStatus::Running };
                self.run.started_at = Some(at);
                self.run.started_by = Some(by.clone());
            }
            What::Phase { level: Level::Plan, phase } => self.run.phases.push((*phase, at)),
            What::Phase { level: Level::Block(block), phase } => self.phase(*block, *phase, at),
            What::Began(element) => self.began(*element, at),
            What::Ended { element, outcome } => self.ended(*element, *outcome, at),
            What::RoundBegan { element, n } => self.round_began(*element, *n, at),
            What::RoundEnded { element, n, passed } => self.round_ended(*element, *n, *passed, at),
            What::BatchBegan { block, n, size, canary } => self.batch_began(*block, *n, *size, canary, at),
            What::ActionBegan { element, request } => self.action_began(*element, request.as_ref(), at),
            What::AttemptBegan { element, n } => self.attempt_began(*element, *n, at),
            What::AttemptEnded { element, n, end } => self.attempt_ended(*element, *n, end, at),
            What::ActionEnded { element, outcome, failure, saves } => {
                self.action_ended(*element, *outcome, failure.as_ref(), saves, at);
            }
            What::Waiting { element, wait, until } => self.waiting(*element, *wait, *until, at),
            What::LockAwaited { element, lock, holder } => self.lock_awaited(*element, lock, holder, at),
            What::Cancelled { element, n, how, why } => self.cancelled(*element, *n, *how, *why, at),
            What::Asked { element, failure } => self.asked_for(*element, failure),
            What::Resolved { element, verdict, by } => {
                self.settled(*element);
                let (element, verdict, by) = (*element, *verdict, by.clone());
                self.run.verdicts.push(Settled { element, verdict, by, at });
            }
            What::Commanded { command, by } => {
                self.commanded(*command);
                self.run.commands.push(Commanded { command: *command, by: by.clone(), at });
            }
            What::Caused(reason) => {
                self.run.reason.get_or_insert_with(|| reason.clone());
            }
            What::Recovered { by } => self.run.recoveries.push(Recovery { by: by.clone(), at }),
            What::Selected { .. } => self.selected(what),
            // How long is waited because of it, the wait behind it says.
            What::Heartbeat | What::RetryAfter { .. } => {}
            What::Foreseen { element, foreseen } => self.foreseen_of(*element, foreseen),
            What::Finished { status } => {
                self.run.status = *status;
                self.run.ended_at = Some(at);
                self.run.paused = false;
            }
        }
    }

    fn commanded(&mut self, command: Command) {
        match command {
            Command::Pause => {
                self.run.paused = true;
                if self.run.status == RunStatus::Running {
                    self.run.status = RunStatus::Paused;
                }
            }
            Command::Resume | Command::Stop | Command::Cancel | Command::Kill => {
                self.run.paused = false;
                if self.run.status == RunStatus::Paused {
                    self.run.status = RunStatus::Running;
                }
            }
        }
        let harshness = |command| match command {
            Command::Pause | Command::Resume => 0,
            Command::Stop => 1,
            Command::Cancel => 2,
            Command::Kill => 3,
        };
        if harshness(command) > self.run.ending.map_or(0, harshness) {
            self.run.ending = Some(command);
        }
    }
}

/// The sequence that an element is, or is a part of.
fn sequence_of(element: ElementId) -> Option<(u32, u32)> {
    match element {
        ElementId::Sequence { block, seq } => Some((block, seq)),
        ElementId::Work(work) | ElementId::Verify { of: work, .. } => work.sequence(),
        _ => None,
    }
}

/// Whether the end of this element counts among the failures, if it is a bad one.
pub(crate) fn can_fail(element: ElementId) -> bool {
    !matches!(element, ElementId::Verify { .. } | ElementId::Work(Work::Check { slot: Slot::Bypass, .. }))
}

// === impl Gap ===

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} is missing: the log goes on with event {}", self.expected, self.found)
    }
}

impl std::error::Error for Gap {}

#[cfg(test)]
mod tests;
