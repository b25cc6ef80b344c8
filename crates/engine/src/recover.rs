//! Recovery: a process takes over a run whose own process died.
//!
//! What had ended stays ended. What was in flight is, in this order: found again, repeated if that
//! is safe, looked up, verified, and else settled as the plan says. It is never assumed to have
//! worked, and never silently run twice.

use std::collections::BTreeSet;
use std::time::Duration;

use windlass_model::element::{ElementId, Level, Side, Slot, Work};
use windlass_model::event::{AttemptEnd, Author, CancelCause, Command, Phase, Severity, What};
use windlass_model::fact::{PluginKind, Recovery};
use windlass_model::layout::ActionDef;
use windlass_model::outcome::{Failure, Outcome, Reason, ReasonKind, RunStatus};
use windlass_model::plan::OnInterrupt;
use windlass_model::span::Span;

use crate::command::said;
use crate::input::Effect;
use crate::run::Turn;
use crate::state::{BlockState, Stage};

impl Turn<'_> {
    /// Takes the run over.
    pub(crate) fn recover(
        &mut self,
        by: String,
        limit: Option<Duration>,
        never_made: &BTreeSet<(ElementId, u32)>,
    ) {
        let silent = self.now.since(self.state.last_at);
        if matches!(self.state.status, RunStatus::Submitted | RunStatus::AwaitingApproval) {
            return;
        }
        self.emit(What::Recovered { by });
        // Where nothing was begun, as behind an approval that nobody heard, nothing is half done either.
        let limit = match self.state.plan.phase {
            Phase::Idle => self.env.start_within,
            _ => limit,
        };
        // A paused run waits for a person, who may take their time.
        if let Some(limit) = limit.filter(|limit| silent > *limit && !self.state.paused) {
            return self.abandon(silent, limit);
        }
        self.take_locks();
        let flying = self.state.actions.iter().filter_map(|(element, action)| match action.stage {
            Stage::InFlight { cancelled } => Some((*element, action.n, cancelled)),
            _ => None,
        });
        let mut flying: Vec<_> = flying.collect();
        flying.sort_unstable_by_key(|(element, ..)| *element);
        for (element, n, cancelled) in flying {
            if cancelled.is_none() && never_made.contains(&(element, n)) {
                self.make_at_last(element, n);
            } else {
                self.interrupted(element, n, cancelled);
            }
        }
        let mut verified: Vec<Work> = Vec::new();
        for (element, action) in &self.state.actions {
            if let (ElementId::Work(of), Stage::Verifying { .. }) = (element, &action.stage) {
                verified.push(*of);
            }
        }
        verified.sort_unstable();
        for of in verified {
            self.resume_verification(of);
        }
        self.take_everything_on();
        for level in [Some(Level::Plan), self.state.block.as_deref().map(|block| Level::Block(block.index))] {
            for slot in level.into_iter().flat_map(|level| Slot::ALL.map(|slot| (level, slot))) {
                self.resume_round(slot.0, slot.1);
            }
        }
    }

    /// An interrupted attempt could not be found again.
    pub(crate) fn lost(&mut self, element: ElementId, n: u32) {
        if self.is_flying(element, n) {
            self.not_found(element, n);
        }
    }

    /// Whether an interrupted attempt had done its work.
    pub(crate) fn known(&mut self, element: ElementId, n: u32, done: Option<bool>) {
        if !self.is_flying(element, n) {
            return;
        }
        match done {
            Some(true) => {
                let end = AttemptEnd { response: None, changed: true, failure: None };
                self.emit(What::AttemptEnded { element, n, end });
                self.go_on_with(element);
            }
            Some(false) => self.repeat(element, n),
            None => self.unknown(element, n),
        }
    }

    fn interrupted(&mut self, element: ElementId, n: u32, cancelled: Option<(Severity, CancelCause)>) {
        let Some(def) = self.layout.action(element) else { return };
        if cancelled.is_some() {
            // It was being ended; now it has ended.
            let failure = match cancelled {
                Some((_, CancelCause::Timeout)) => {
                    let timeout = Span(def.timeout);
                    Failure::new(Failure::TIMEOUT, format!("took longer than its timeout of {timeout}"))
                }
                Some((_, CancelCause::Deadline)) => {
                    let given = Span(def.deadline.unwrap_or_default());
                    let message = format!("took longer than the deadline of {given} for all its attempts");
                    Failure::permanent(Failure::DEADLINE, message)
                }
                _ => Failure::new(Failure::CANCELLED, "was told to end when Windlass died"),
            };
            self.emit(What::AttemptEnded { element, n, end: AttemptEnd::failed(failure) });
            return self.go_on_with(element);
        }
        let safe = def.facts.kind == PluginKind::Check || self.is_noop();
        if safe {
            self.repeat(element, n);
        } else if def.facts.outlives || def.facts.recovery == Recovery::Reattachable {
            self.inquire(element, n, Effect::Reattach);
        } else {
            self.not_found(element, n);
        }
    }

    /// Nothing of an interrupted attempt goes on anywhere: what its plugin promises counts.
    fn not_found(&mut self, element: ElementId, n: u32) {
        let Some(def) = self.layout.action(element) else { return };
        match def.facts.recovery {
            Recovery::Idempotent => self.repeat(element, n),
            Recovery::Verifiable => self.inquire(element, n, Effect::Inquire),
            Recovery::Reattachable | Recovery::Neither => self.unknown(element, n),
        }
    }

    /// Makes an attempt of which only the record was made. It begins anew, with all of its time.
    fn make_at_last(&mut self, element: ElementId, n: u32) {
        let message = "a write failed before this was to begin; it was not made";
        let failure = Failure::new(Failure::NOT_MADE, message);
        self.emit(What::AttemptEnded { element, n, end: AttemptEnd::failed(failure) });
        self.go_on_with(element);
    }

    fn inquire(&mut self, element: ElementId, n: u32, effect: impl FnOnce(crate::AttemptCall) -> Effect) {
        match self.call(element) {
            Ok(call) => self.out.effects.push(effect(call)),
            Err(_) => self.unknown(element, n),
        }
    }

    /// Ends an interrupted attempt and makes another, which does not count against the retries.
    fn repeat(&mut self, element: ElementId, n: u32) {
        self.close_interrupted(element, n);
        // What was in flight is brought to its end, paused or not, stopping or not.
        self.attempt_now(element);
    }

    /// Nobody knows what an interrupted attempt has done.
    fn unknown(&mut self, element: ElementId, n: u32) {
        self.close_interrupted(element, n);
        self.after_interruption(element, interruption());
    }

    /// Goes on with an action of which an attempt was interrupted for good.
    pub(crate) fn after_interruption(&mut self, element: ElementId, failure: Failure) {
        let Some(def) = self.layout.action(element) else { return };
        let safe = self.is_safe(def);
        match (element, def.action.on_interrupt.unwrap_or_default()) {
            _ if safe => self.attempt_now(element),
            (ElementId::Work(of), _) if !def.verify.is_empty() && self.state.stopping.is_none() => {
                self.verify(of, Side::Before, def.verify.len());
            }
            (_, OnInterrupt::Rerun) => self.attempt_now(element),
            (_, OnInterrupt::Fail) => self.fail_action(element, failure),
            (_, OnInterrupt::Ask) => self.emit(What::Asked { element, failure }),
        }
    }

    /// Whether doing it again is safe, whatever became of it.
    fn is_safe(&self, def: &ActionDef) -> bool {
        let looks = def.facts.kind == PluginKind::Check || self.is_noop();
        looks || def.facts.recovery == Recovery::Idempotent
    }

    /// Whether it may be done again when nobody knows what became of it.
    pub(crate) fn is_repeatable(&self, def: &ActionDef) -> bool {
        self.is_safe(def) || def.action.on_interrupt == Some(OnInterrupt::Rerun)
    }

    fn close_interrupted(&mut self, element: ElementId, n: u32) {
        self.emit(What::AttemptEnded { element, n, end: AttemptEnd::failed(interruption()) });
    }

    fn is_flying(&self, element: ElementId, n: u32) -> bool {
        let action = self.state.actions.get(&element);
        action.is_some_and(|action| action.n == n && matches!(action.stage, Stage::InFlight { .. }))
    }

    /// A log may end anywhere: also between a round's beginning and that of its last check.
    fn resume_round(&mut self, level: Level, slot: Slot) {
        let Some(state) = self.slot(level, slot).filter(|state| state.in_round) else { return };
        let running = self.state.actions.keys().filter(|element| {
            matches!(element, ElementId::Work(Work::Check { level: l, slot: s, .. }) if (*l, *s) == (level, slot))
        });
        let running: Vec<ElementId> = running.copied().collect();
        let count = self.layout.checks(level).map_or(0, |checks| checks.slot(slot).len());
        let missing = usize::from(state.open).saturating_sub(running.len());
        // Checks begin in order, so it is the last ones that never began.
        for index in count.saturating_sub(missing)..count {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            self.begin_action(Work::Check { level, slot, index }.into());
        }
        self.go_on_with_round(level, slot);
    }

    /// The same for the checks that verify an action.
    fn resume_verification(&mut self, of: Work) {
        let action = self.state.actions.get(&ElementId::Work(of));
        let Some(Stage::Verifying { open, after, .. }) = action.map(|action| &action.stage) else { return };
        let Some(def) = self.layout.work(of) else { return };
        let (side, count) = match after {
            None => (Side::Before, def.verify.len()),
            Some(_) => (Side::After, def.after.len()),
        };
        let indexes = 0..u16::try_from(count).unwrap_or(u16::MAX);
        let element = |index| ElementId::Verify { of, side, index };
        let running =
            indexes.clone().filter(|index| self.state.actions.contains_key(&element(*index))).count();
        let missing = usize::from(*open).saturating_sub(running);
        for index in indexes.skip(count.saturating_sub(missing)) {
            self.begin_action(element(index));
        }
    }

    /// Asks for the locks that this run's record says it holds, and for nothing else; returns those that
    /// another run has.
    pub(crate) fn hold_locks(&mut self) -> Vec<String> {
        let mut refused = Vec::new();
        let Some(state) = self.state.block.as_deref() else { return refused };
        let block = state.index;
        for seq in self.at_work(state) {
            if let Some(claim) = self.claim(block, seq) {
                let element = ElementId::Sequence { block, seq };
                if !self.locks.hold(&claim, self.layout.submission.run, element) {
                    refused.extend(claim.lock);
                }
            }
        }
        refused
    }

    /// The sequences that are worked on: those that are active, and those that are being taken back. In a
    /// run that is being stopped nothing more is taken back than what has begun.
    fn at_work(&self, state: &BlockState) -> Vec<u32> {
        let stopping = self.state.stopping.is_some();
        let undoing = state.undoing.iter().filter(|(_, undoing)| undoing.busy || !stopping);
        state.active.keys().chain(undoing.map(|(seq, _)| seq)).copied().collect()
    }

    /// The locks that this run's record says it holds.
    fn take_locks(&mut self) {
        let Some(state) = self.state.block.as_deref() else { return };
        let block = state.index;
        for seq in self.at_work(state) {
            let claim = self.claim(block, seq);
            if let Some(claim) = &claim {
                // Nobody else can have it: every other run's record was written under this lock.
                let element = ElementId::Sequence { block, seq };
                self.locks.hold(claim, self.layout.submission.run, element);
            }
            let keys = self.per_keys(block, seq);
            let Some(state) = self.state.block_at_mut(block) else { continue };
            if let Some(undoing) = state.undoing.get_mut(&seq) {
                undoing.claim.0 = claim;
            } else if let Some(sequence) = state.active.get_mut(&seq) {
                sequence.claim.0 = claim;
                for (key, _) in keys {
                    let count = state.queue.0.per.entry(key).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// Ends a run that was silent for too long, every part of it.
    fn abandon(&mut self, silent: Duration, limit: Duration) {
        let message = format!(
            "nothing was heard of the run for {}, longer than the recovery limit of {}; it is not resumed",
            Span(Duration::from_secs(silent.as_secs())),
            Span(limit)
        );
        self.close_work(Outcome::Failed);
        self.caused(Reason { kind: ReasonKind::Interrupted, element: ElementId::Run, message });
        self.close_levels(Outcome::Failed);
    }

    /// A person gives up a run that nobody can drive: it ends where it stands, and nothing more is done
    /// for it, not even deferred work.
    pub(crate) fn give_up(&mut self, by: Author) {
        let begun = !matches!(self.state.status, RunStatus::Submitted | RunStatus::AwaitingApproval);
        let message = said("given up", &by);
        self.caused(Reason { kind: ReasonKind::Stopped, element: ElementId::Run, message });
        self.emit(What::Commanded { command: Command::Kill, by });
        if !begun {
            return self.finish();
        }
        self.close_work(Outcome::Stopped);
        self.close_levels(Outcome::Stopped);
    }

    /// Ends every action that has begun. What was in flight has failed: nobody knows what it has done.
    fn close_work(&mut self, outcome: Outcome) {
        let mut actions: Vec<(ElementId, u32, bool)> = Vec::new();
        for (element, action) in &self.state.actions {
            actions.push((*element, action.n, matches!(action.stage, Stage::InFlight { .. })));
        }
        // What verifies an action ends before it.
        actions.sort_unstable_by_key(|(element, ..)| (matches!(element, ElementId::Work(_)), *element));
        for (element, n, flying) in actions {
            let outcome = if flying { Outcome::Failed } else { outcome };
            if flying {
                self.close_interrupted(element, n);
            }
            let failure = (outcome == Outcome::Failed).then(interruption);
            self.emit(What::ActionEnded { element, outcome, failure, saves: Vec::new() });
        }
    }

    /// Ends everything else that has begun, and the run.
    fn close_levels(&mut self, outcome: Outcome) {
        if let Some(state) = self.state.block.as_deref() {
            let (block, active) = (state.index, state.active.keys().copied().collect::<Vec<_>>());
            for seq in active {
                self.emit(What::Ended { element: ElementId::Sequence { block, seq }, outcome });
            }
            self.close_slots(Level::Block(block));
            self.emit(What::Ended { element: ElementId::Block(block), outcome });
        }
        let batches = (0_u16..).zip(&self.state.batches).filter(|(_, batch)| batch.begun && !batch.ended);
        let batches: Vec<u16> = batches.map(|(batch, _)| batch).collect();
        for batch in batches {
            self.emit(What::Ended { element: ElementId::Batch(batch), outcome });
        }
        self.close_slots(Level::Plan);
        self.finish();
    }

    fn close_slots(&mut self, level: Level) {
        for slot in Slot::ALL {
            let Some(state) = self.slot(level, slot).filter(|state| state.begun && !state.ended) else {
                continue;
            };
            let (n, in_round) = (state.rounds, state.in_round);
            let element = ElementId::Slot { level, slot };
            if in_round {
                self.emit(What::RoundEnded { element, n, passed: false });
            }
            let passed = self.slot(level, slot).is_some_and(|state| state.passed == Some(true));
            let outcome = if passed { Outcome::UNCHANGED } else { Outcome::Failed };
            self.emit(What::Ended { element, outcome });
        }
    }
}

fn interruption() -> Failure {
    let message = "Windlass died while this was running; whether it was done is not known";
    Failure::permanent(Failure::INTERRUPTED, message)
}
