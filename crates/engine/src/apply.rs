//! The fold: what each event means for the state. Nothing else changes it.
//!
//! Applying decides nothing and cannot fail; an event that makes no sense here (a damaged or
//! foreign log) changes nothing.

use std::sync::Arc;

use windlass_model::element::{ElementId, Level, Slot, Work};
use windlass_model::event::{CancelCause, Command, Event, Phase, Severity, Wait, What};
use windlass_model::foresight::Would;
use windlass_model::layout::Layout;
use windlass_model::outcome::{Outcome, ReasonKind, RunStatus, Skip};
use windlass_model::plan::OnFailure;
use windlass_model::secret::Secrets;
use windlass_model::time::Time;

use crate::scope;
use crate::state::{
    ActionState, ActionTimer, ActiveSequence, BatchState, BlockState, Index, Made, SequenceStatus, Stage,
    State, Timer, Undoable,
};

mod action;

pub(crate) use self::action::not_done;

/// How long an attempt has to end after it was asked to, before it is killed.
pub(crate) const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

impl State {
    /// Folds one event in.
    pub(crate) fn apply(&mut self, layout: &Layout, secrets: &Secrets, event: &Event) {
        self.seq = event.seq;
        self.last_at = event.at;
        match &event.what {
            What::Submitted { .. } => self.status = RunStatus::Submitted,
            What::ApprovalAwaited { until, .. } => {
                self.status = RunStatus::AwaitingApproval;
                self.approval_until = Some(*until);
                self.timers.0.insert((*until, Timer::Approval));
            }
            What::Approved { by } => self.approvals.push(by.user.clone()),
            What::Rejected { .. } => {}
            What::Started { .. } => {
                self.status = if self.paused { RunStatus::Paused } else { RunStatus::Running };
                self.started = Some(event.at);
                if let Some(until) = self.approval_until {
                    self.timers.0.remove(&(until, Timer::Approval));
                }
                self.batches = layout.batches.iter().map(|_| BatchState::default()).collect();
                let carried = layout.submission.carried.iter();
                let carried = carried.map(|(name, map)| (name.clone(), Arc::new(secrets_in(secrets, map))));
                self.targets = Arc::new(carried.collect());
            }
            What::Phase { level, phase } => self.enter(*level, *phase),
            What::Began(element) => self.began(layout, *element),
            What::Ended { element, outcome } => self.ended(layout, *element, *outcome, event.at),
            What::RoundBegan { element, n } => self.round_began(layout, *element, *n, event.at),
            What::RoundEnded { element, passed, .. } => {
                if let Some(slot) = self.slot_mut(*element) {
                    slot.in_round = false;
                    slot.passed = Some(*passed);
                }
            }
            What::BatchBegan { block, n, size, canary } => {
                self.end_delay(*block);
                if let Some(block) = self.block_at_mut(*block) {
                    block.batch = *n;
                    block.batch_size = *size;
                    (block.batch_begun, block.batch_ended) = (0, 0);
                    block.queue.0.canaries = canary.iter().copied().collect();
                    block.canary.clone_from(canary);
                }
            }
            What::ActionBegan { element, .. } => self.action_began(layout, *element, event.at),
            What::AttemptBegan { element, n } => {
                if let Some(action) = self.actions.get_mut(element) {
                    action.n = *n;
                    action.stage = Stage::InFlight { cancelled: None };
                    action.left_alone_until = None;
                }
                self.set_timer(*element, ActionTimer::Backoff, None);
                let timeout = layout.action(*element).map(|def| event.at + def.timeout);
                self.set_timer(*element, ActionTimer::Timeout, timeout);
            }
            What::AttemptEnded { element, end, .. } => {
                self.set_timer(*element, ActionTimer::Timeout, None);
                self.set_timer(*element, ActionTimer::Grace, None);
                if let Some(action) = self.actions.get_mut(element) {
                    let cancelled = match action.stage {
                        Stage::InFlight { cancelled } => cancelled,
                        _ => None,
                    };
                    // An interruption is nobody's failure and costs no retry.
                    let counts = end.failure.as_ref().is_some_and(|failure| !failure.is_interruption());
                    action.failures = action.failures.saturating_add(u32::from(counts));
                    action.ended = event.at;
                    action.stage = Stage::Judging { end: end.clone(), cancelled };
                }
            }
            What::RetryAfter { element, n, until } => {
                if let Some(action) = self.actions.get_mut(element).filter(|action| action.n == *n) {
                    action.left_alone_until = Some(*until);
                }
            }
            What::Cancelled { element, how, why, .. } => {
                if let Some(action) = self.actions.get_mut(element)
                    && let Stage::InFlight { cancelled } = &mut action.stage
                {
                    *cancelled = Some(match *cancelled {
                        // The first cause stays: it is why the attempt ended.
                        Some((_, first)) => (*how, first),
                        None => (*how, *why),
                    });
                }
                // What a person asked to end may still outlive its timeout.
                if *why != CancelCause::Command || *how == Severity::Kill {
                    self.set_timer(*element, ActionTimer::Timeout, None);
                }
                let escalates = *how == Severity::Term && *why != CancelCause::Command;
                if escalates || *how == Severity::Kill {
                    self.set_timer(*element, ActionTimer::Grace, escalates.then(|| event.at + GRACE));
                }
            }
            What::ActionEnded { element, outcome, failure, saves } => {
                let saves = saves.iter().map(|(name, value)| (name.as_str(), scope::reveal(secrets, value)));
                self.action_ended(layout, secrets, *element, *outcome, failure.as_ref(), saves.collect());
            }
            What::Waiting { element, wait, until } => self.waiting(*element, *wait, *until),
            What::Foreseen { element, foreseen } => {
                if let Some(action) = self.actions.get_mut(element) {
                    action.foreseen = Some(Box::new(foreseen.clone()));
                }
            }
            What::Selected { block, n, targets, part, more } => {
                let made = self.chosen.entry(*block).or_default();
                if *n == 1 {
                    *made = Made::default();
                }
                made.parts.push(part.clone());
                made.targets = made.targets.saturating_add(*targets);
                made.complete = !*more;
                let total = made.targets as usize;
                if let Some(block) = self.block_at_mut(*block).filter(|_| !*more) {
                    block.sequences = vec![SequenceStatus::Pending; total];
                }
            }
            What::LockAwaited { .. } | What::Recovered { .. } | What::Heartbeat => {}
            What::Asked { element, failure } => {
                if let Some(action) = self.actions.get_mut(element) {
                    action.stage = Stage::Asked { failure: failure.clone() };
                }
                self.clear_timers(*element);
            }
            What::Resolved { element, verdict, by } => {
                if let Some(action) = self.actions.get_mut(element)
                    && let Stage::Asked { failure } = &action.stage
                {
                    let (failure, by) = (failure.clone(), by.user.clone());
                    action.stage = Stage::Settled { verdict: *verdict, by, failure };
                }
            }
            What::Commanded { command, .. } => self.commanded(*command),
            What::Caused(reason) => {
                if reason.kind == ReasonKind::Stopped {
                    self.commanded(Command::Stop);
                }
                self.cause = self.cause.take().or_else(|| Some(reason.clone()));
            }
            What::Finished { status } => {
                self.status = *status;
                self.timers.0.clear();
            }
        }
    }

    fn enter(&mut self, level: Level, phase: Phase) {
        if (level, phase) == (Level::Plan, Phase::DeferredBatches) {
            self.closing_good = !self.plan.failing && self.stopping.is_none();
        }
        if let Some(level) = self.level_mut(level) {
            level.phase = phase;
        }
        if let Level::Block(block) = level {
            self.end_delay(block);
        }
    }

    fn end_delay(&mut self, block: u32) {
        if let Some(until) = self.block_at_mut(block).and_then(|state| state.delay_until.take()) {
            self.timers.0.remove(&(until, Timer::Delay(block)));
        }
    }

    fn began(&mut self, layout: &Layout, element: ElementId) {
        match element {
            ElementId::Block(index) => {
                let Some(def) = layout.block(index) else { return };
                let mut block = BlockState { index, ..BlockState::default() };
                block.sequences = vec![SequenceStatus::Pending; def.sequences.len() as usize];
                self.next_block = index;
                self.block = Some(Box::new(block));
            }
            ElementId::Sequence { block, seq } => {
                if let Some(block) = self.block_at_mut(block) {
                    block.set(seq, SequenceStatus::Active);
                    block.batch_begun = block.batch_begun.saturating_add(1);
                    block.active.insert(seq, ActiveSequence::default());
                }
            }
            ElementId::Batch(batch) => {
                if let Some(batch) = self.batches.get_mut(usize::from(batch)) {
                    batch.begun = true;
                }
            }
            ElementId::Slot { .. } => {
                if let Some(slot) = self.slot_mut(element) {
                    slot.begun = true;
                }
            }
            ElementId::Run | ElementId::Work(_) | ElementId::Verify { .. } => {}
        }
    }

    fn ended(&mut self, layout: &Layout, element: ElementId, outcome: Outcome, at: Time) {
        match element {
            ElementId::Block(index) => {
                self.end_delay(index);
                if self.block_at(index).is_some() {
                    let block = self.block.take();
                    let level = block.map(|block| block.level).unwrap_or_default();
                    for slot in &level.slots {
                        if let Some(due) = slot.due.0 {
                            self.timers.0.remove(&(due, Timer::Round(Level::Block(index))));
                        }
                    }
                }
                self.next_block = index.saturating_add(1);
                self.plan.failing |= outcome == Outcome::Failed;
                self.plan.changed |= outcome == Outcome::CHANGED;
                self.plan.foreseen = weightier(self.plan.foreseen, outcome);
            }
            ElementId::Sequence { block, seq } => self.sequence_ended(layout, block, seq, outcome, at),
            ElementId::Slot { level, slot } => {
                let mut due = None;
                if let Some(slot) = self.slot_mut(element) {
                    slot.ended = true;
                    due = slot.due.0.take();
                }
                if let Some(due) = due.filter(|_| slot == Slot::Continuous) {
                    self.timers.0.remove(&(due, Timer::Round(level)));
                }
            }
            ElementId::Batch(index) => {
                if let Some(batch) = self.batches.get_mut(usize::from(index)) {
                    batch.ended = true;
                }
                let fails = layout.batches.get(usize::from(index)).is_some_and(|def| def.fail_plan);
                self.plan.failing |= fails && outcome == Outcome::Failed;
            }
            ElementId::Run | ElementId::Work(_) | ElementId::Verify { .. } => {}
        }
    }

    fn sequence_ended(&mut self, layout: &Layout, index: u32, seq: u32, outcome: Outcome, at: Time) {
        let Some(def) = layout.block(index) else { return };
        let Some(block) = self.block_at_mut(index) else { return };
        block.set(seq, SequenceStatus::Over);
        block.ended = block.ended.saturating_add(1);
        if outcome == Outcome::Skipped(Skip::DoneBefore) {
            return;
        }
        block.batch_ended = block.batch_ended.saturating_add(1);
        block.batch_ended_at = at;
        block.batch_rounds = block.level.slot(Slot::Continuous).rounds;
        block.level.changed |= outcome == Outcome::CHANGED;
        block.level.foreseen = weightier(block.level.foreseen, outcome);
        if outcome == Outcome::Failed {
            block.failed = block.failed.saturating_add(1);
            let crossed = def.failures.is_some_and(|most| block.failed > most);
            block.level.failing |= crossed || !block.canary.is_empty();
        }
        let Some(sequence) = block.active.remove(&seq) else { return };
        if def.on_failure == OnFailure::Undo && !sequence.undoable.is_empty() {
            let (actions, store, steps) = (sequence.undoable, sequence.store.clone(), sequence.steps);
            block.undoable.insert(seq, Undoable { actions, store, steps });
        }
        if !sequence.store.is_empty()
            && let Some(name) = def.sequences.name(seq)
        {
            let targets = Arc::make_mut(&mut self.targets);
            let saved = targets.entry(name.to_owned()).or_default();
            let saved = Arc::make_mut(saved);
            saved.extend(sequence.store.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }

    fn round_began(&mut self, layout: &Layout, element: ElementId, n: u32, at: Time) {
        let ElementId::Slot { level, slot } = element else { return };
        let Some(checks) = layout.checks(level) else { return };
        let open = u16::try_from(checks.slot(slot).len()).unwrap_or(u16::MAX);
        let due = (slot == Slot::Continuous).then(|| at + checks.every);
        let mut before = None;
        if let Some(state) = self.slot_mut(element) {
            state.rounds = n;
            state.open = open;
            state.in_round = true;
            state.spoiled = false;
            state.began = at;
            before = std::mem::replace(&mut state.due.0, due);
        }
        if let Some(before) = before {
            self.timers.0.remove(&(before, Timer::Round(level)));
        }
        if let Some(due) = due {
            self.timers.0.insert((due, Timer::Round(level)));
        }
    }

    fn action_began(&mut self, layout: &Layout, element: ElementId, at: Time) {
        let state = ActionState {
            stage: Stage::Ready,
            n: 0,
            failures: 0,
            ended: at,
            left_alone_until: None,
            timers: [None; 4],
            foreseen: None,
            request: Index::default(),
        };
        self.actions.insert(element, state);
        let deadline = layout.action(element).and_then(|def| def.deadline);
        self.set_timer(element, ActionTimer::Deadline, deadline.map(|span| at + span));
        match element {
            ElementId::Work(Work::Action { block, seq, .. }) => {
                if let Some(sequence) = self.sequence_mut(block, seq) {
                    sequence.busy = true;
                }
            }
            ElementId::Work(Work::Undo { block, seq, .. }) => {
                if let Some(block) = self.block_at_mut(block) {
                    block.undoing.entry(seq).or_default().busy = true;
                }
            }
            ElementId::Work(Work::Deferred { batch, .. }) => {
                if let Some(batch) = self.batches.get_mut(usize::from(batch)) {
                    batch.busy = true;
                }
            }
            ElementId::Verify { of, index, .. } => {
                // The first of the verifying checks puts the action into its stage.
                let Some(def) = layout.work(of) else { return };
                let after =
                    matches!(element, ElementId::Verify { side: windlass_model::element::Side::After, .. });
                let count = if after { def.after.len() } else { def.verify.len() };
                if let Some(action) = self.actions.get_mut(&ElementId::Work(of)).filter(|_| index == 0) {
                    let end = match &action.stage {
                        Stage::Judging { end, .. } if after => Some(end.clone()),
                        _ => None,
                    };
                    let open = u16::try_from(count).unwrap_or(u16::MAX);
                    action.stage = Stage::Verifying { open, spoiled: None, after: end };
                }
            }
            _ => {}
        }
    }

    fn waiting(&mut self, element: ElementId, wait: Wait, until: Time) {
        match (element, wait) {
            (_, Wait::Backoff) => {
                if let Some(action) = self.actions.get_mut(&element) {
                    action.stage = Stage::Backoff;
                }
                self.set_timer(element, ActionTimer::Backoff, Some(until));
            }
            (ElementId::Block(index), Wait::Entrance | Wait::Exit | Wait::Soak) => {
                if let Some(block) = self.block_at_mut(index) {
                    block.delay_until = Some(until);
                    if wait == Wait::Soak {
                        block.soaked = block.batch;
                    }
                }
                self.timers.0.insert((until, Timer::Delay(index)));
            }
            _ => {}
        }
    }

    fn commanded(&mut self, command: Command) {
        match command {
            Command::Pause => {
                self.paused = true;
                if self.status == RunStatus::Running {
                    self.status = RunStatus::Paused;
                }
            }
            Command::Resume => {
                self.paused = false;
                if self.status == RunStatus::Paused {
                    self.status = RunStatus::Running;
                }
            }
            Command::Stop | Command::Cancel | Command::Kill => {
                self.paused = false;
                if self.status == RunStatus::Paused {
                    self.status = RunStatus::Running;
                }
                let rank = |command: Option<Command>| match command {
                    None | Some(Command::Pause | Command::Resume) => 0,
                    Some(Command::Stop) => 1,
                    Some(Command::Cancel) => 2,
                    Some(Command::Kill) => 3,
                };
                if rank(self.stopping) < rank(Some(command)) {
                    self.stopping = Some(command);
                }
            }
        }
    }

    fn slot_mut(&mut self, element: ElementId) -> Option<&mut crate::state::SlotState> {
        match element {
            ElementId::Slot { level, slot } => Some(self.level_mut(level)?.slot_mut(slot)),
            _ => None,
        }
    }

    pub(crate) fn sequence_mut(&mut self, block: u32, seq: u32) -> Option<&mut ActiveSequence> {
        self.block_at_mut(block)?.active.get_mut(&seq)
    }

    pub(crate) fn clear_timers(&mut self, element: ElementId) {
        for which in [ActionTimer::Timeout, ActionTimer::Grace, ActionTimer::Deadline, ActionTimer::Backoff] {
            self.set_timer(element, which, None);
        }
    }
}

impl BlockState {
    fn set(&mut self, seq: u32, status: SequenceStatus) {
        if let Some(place) = self.sequences.get_mut(seq as usize) {
            *place = status;
        }
    }
}

/// The weightier of what was foreseen so far and of how something ended.
fn weightier(before: Option<Would>, outcome: Outcome) -> Option<Would> {
    match outcome {
        Outcome::Foreseen(would) => before.max(Some(would)),
        _ => before,
    }
}

fn secrets_in(secrets: &Secrets, map: &windlass_model::Map) -> windlass_model::Map {
    map.iter().map(|(key, value)| (key.clone(), secrets.reveal_value(value))).collect()
}
