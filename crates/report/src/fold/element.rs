//! The fold of what happens to single elements: begin, attempts, rounds, waits, end.

use windlass_model::element::{ElementId, Slot, Work};
use windlass_model::event::{AttemptEnd, CancelCause, Severity, Wait};
use windlass_model::outcome::{Failure, Outcome, Status};
use windlass_model::payload::Payload;
use windlass_model::time::Time;

use super::{Fold, can_fail, sequence_of};
use crate::order;
use crate::view::{AttemptView, Cancel, ElementView, LockWait, Round, Waiting};

impl Fold {
    pub(super) fn began(&mut self, element: ElementId, at: Time) {
        let before = self.set_running(element, at);
        if let ElementId::Sequence { block, seq } = element {
            self.sequence_began(block, seq, before);
        }
    }

    pub(super) fn ended(&mut self, element: ElementId, outcome: Outcome, at: Time) {
        let before = self.set_ended(element, outcome, at);
        match element {
            ElementId::Sequence { block, seq } => {
                self.sequence_ended(block, seq, before, outcome, at);
                self.pack(block, seq, outcome);
            }
            ElementId::Block(block) => self.block_ended(block, at),
            _ => {}
        }
    }

    pub(super) fn round_began(&mut self, slot: ElementId, n: u32, at: Time) {
        let view = self.view(slot);
        view.started_at.get_or_insert(at);
        let details = view.details_mut();
        details.wait = None;
        details.rounds.push(Round { n, began_at: at, ended_at: None, passed: None });
        if view.status == Status::Pending {
            view.status = Status::Running;
            self.running.insert(slot);
        }
    }

    pub(super) fn round_ended(&mut self, slot: ElementId, n: u32, passed: bool, at: Time) {
        let details = self.view(slot).details_mut();
        let Some(round) = details.rounds.last_mut().filter(|round| round.n == n) else { return };
        (round.ended_at, round.passed) = (Some(at), Some(passed));
        if !passed {
            details.last_failed = Some(*round);
        }
    }

    pub(super) fn action_began(&mut self, element: ElementId, request: Option<&Payload>, at: Time) {
        self.set_running(element, at);
        if let Some((block, seq)) = element.work().and_then(Work::sequence) {
            // An undo takes the lock of its sequence again.
            self.held.remove(&ElementId::Sequence { block, seq });
        }
        let view = self.view(element);
        view.request = request.cloned();
        if starts_over(element) {
            view.attempts.clear();
        }
        if let Some(details) = &mut view.details {
            details.failure = None;
        }
    }

    pub(super) fn attempt_began(&mut self, element: ElementId, n: u32, at: Time) {
        self.set_running(element, at);
        if n > 1 {
            self.retrying(element, at);
        }
        let attempts = &mut self.view(element).attempts;
        if attempts.is_empty() {
            // Most actions have one attempt; a vector's usual first step is four.
            attempts.reserve_exact(1);
        }
        let (changed, ended_at, response, failure) = (false, None, None, None);
        attempts.push(AttemptView { n, changed, started_at: at, ended_at, response, failure });
    }

    pub(super) fn attempt_ended(&mut self, element: ElementId, n: u32, end: &AttemptEnd, at: Time) {
        let view = self.view(element);
        let Some(attempt) = view.attempts.last_mut().filter(|attempt| attempt.n == n) else { return };
        attempt.ended_at = Some(at);
        attempt.changed = end.changed;
        attempt.response = end.response.clone();
        attempt.failure = end.failure.clone().map(Box::new);
        if end.changed {
            self.set_changed(element);
        }
    }

    pub(super) fn action_ended(
        &mut self,
        element: ElementId,
        outcome: Outcome,
        failure: Option<&Failure>,
        saves: &[(String, Payload)],
        at: Time,
    ) {
        self.set_ended(element, outcome, at);
        if self.is_noop() {
            self.foresee(element, outcome);
        }
        let tried = self.view(element).details.as_mut();
        if tried.is_some_and(|details| std::mem::take(&mut details.retrying))
            && let Some((block, _)) = element.work().and_then(Work::sequence)
        {
            self.retry_ended(block, at);
        }
        let view = self.view(element);
        if failure.is_some() || !saves.is_empty() {
            let details = view.details_mut();
            details.failure = failure.cloned();
            details.saves = saves.to_vec();
        }
        if outcome == Outcome::Failed && !view.listed && can_fail(element) {
            view.listed = true;
            self.failing.push(element);
        }
    }

    pub(super) fn waiting(&mut self, element: ElementId, wait: Wait, until: Time, at: Time) {
        self.view(element).details_mut().wait = Some(Waiting { wait, until });
        if wait == Wait::Backoff {
            self.retrying(element, at);
        }
        if let (ElementId::Block(block), Wait::Entrance | Wait::Exit | Wait::Soak) = (element, wait) {
            self.delayed(block, wait, until, at);
        }
    }

    pub(super) fn lock_awaited(&mut self, element: ElementId, lock: &str, holder: &str, at: Time) {
        let lock = LockWait { lock: lock.to_owned(), holder: holder.to_owned(), since: at };
        self.view(element).details_mut().lock = Some(lock);
        self.held.insert(element);
    }

    pub(super) fn cancelled(
        &mut self,
        element: ElementId,
        n: u32,
        how: Severity,
        why: CancelCause,
        at: Time,
    ) {
        self.view(element).details_mut().cancels.push(Cancel { n, how, why, at });
    }

    pub(super) fn asked_for(&mut self, element: ElementId, failure: &Failure) {
        self.view(element).details_mut().asked = Some(failure.clone());
        self.asked.insert(element);
    }

    pub(super) fn settled(&mut self, element: ElementId) {
        self.asked.remove(&element);
        if let Some(details) = &mut self.view(element).details {
            details.asked = None;
        }
    }

    /// An action has failed and is tried again.
    fn retrying(&mut self, element: ElementId, at: Time) {
        if let ElementId::Work(work) = element
            && let Some((block, _)) = work.sequence()
            && !std::mem::replace(&mut self.view(element).details_mut().retrying, true)
        {
            self.retry_began(block, at);
        }
    }

    fn view(&mut self, element: ElementId) -> &mut ElementView {
        if let Some((block, seq)) = sequence_of(element)
            && self.packed.holds(block, seq)
        {
            // Something more happens to it, an undo perhaps.
            self.elements.extend(self.packed.take(self.layout.layout(), block, seq));
        }
        self.elements.entry(element).or_default()
    }

    /// Makes a sequence small that ended well, unless it is among the first.
    fn pack(&mut self, block: u32, seq: u32, outcome: Outcome) {
        let is_good = matches!(outcome, Outcome::Succeeded { .. } | Outcome::Skipped(_));
        let exists = self.blocks.get(block as usize).is_some_and(|block| seq < block.total);
        let earlier = self.blocks.iter().take(block as usize).map(|block| block.total as usize);
        let position = earlier.fold(seq as usize, usize::saturating_add);
        if !is_good || !exists || position < self.detailed {
            return;
        }
        let parts: Vec<_> = order::sequence_of(self.layout.layout(), block, seq)
            .map(|element| (element, self.elements.get(&element)))
            .collect();
        if self.packed.put(block, seq, &parts) {
            let parts: Vec<ElementId> = parts.into_iter().map(|(element, _)| element).collect();
            parts.iter().for_each(|element| {
                self.elements.remove(element);
            });
        }
    }

    /// Marks as running; gives the status before.
    fn set_running(&mut self, element: ElementId, at: Time) -> Status {
        let view = self.view(element);
        let before = std::mem::replace(&mut view.status, Status::Running);
        view.started_at.get_or_insert(at);
        view.ended_at = None;
        view.skip = None;
        if let Some(details) = &mut view.details {
            (details.wait, details.lock) = (None, None);
        }
        if before != Status::Running {
            self.running.insert(element);
        }
        self.held.remove(&element);
        before
    }

    /// Marks as ended; gives the status before.
    fn set_ended(&mut self, element: ElementId, outcome: Outcome, at: Time) -> Status {
        let view = self.view(element);
        let before = std::mem::replace(&mut view.status, outcome.status());
        view.ended_at = Some(at);
        if let Outcome::Skipped(skip) = outcome {
            view.skip = Some(skip);
        }
        if let Outcome::Foreseen(would) = outcome {
            view.would = Some(would);
        }
        let mut asked = false;
        if let Some(details) = &mut view.details {
            (details.wait, details.lock) = (None, None);
            asked = details.asked.take().is_some();
        }
        if before == Status::Running {
            self.running.remove(&element);
        }
        self.held.remove(&element);
        if asked {
            self.asked.remove(&element);
        }
        if outcome == Outcome::CHANGED {
            self.set_changed(element);
        }
        before
    }

    /// What an action changed, its sequence and block have changed.
    fn set_changed(&mut self, element: ElementId) {
        self.view(element).changed = true;
        match element {
            ElementId::Work(Work::Action { block, seq, .. } | Work::Undo { block, seq, .. }) => {
                self.view(ElementId::Sequence { block, seq }).changed = true;
                self.view(ElementId::Block(block)).changed = true;
            }
            ElementId::Sequence { block, .. } => self.view(ElementId::Block(block)).changed = true,
            ElementId::Work(Work::Deferred { batch, .. }) => {
                self.view(ElementId::Batch(batch)).changed = true;
            }
            _ => {}
        }
    }
}

/// Whether only the latest of many goes of this element is kept.
fn starts_over(element: ElementId) -> bool {
    matches!(element, ElementId::Work(Work::Check { slot: Slot::Continuous, .. }) | ElementId::Verify { .. })
}
