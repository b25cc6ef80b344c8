//! The state of a run: the fold of its events, and a few indexes derived from it.
//!
//! Only [`crate::apply`] changes the durable part. What is marked as an index may be thrown away
//! and rebuilt; nothing depends on it but speed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use windlass_model::element::{ElementId, Level, Slot};
use windlass_model::event::{AttemptEnd, CancelCause, Command, Phase, Severity};
use windlass_model::foresight::{Foreseen, Would};
use windlass_model::outcome::{Failure, Outcome, Reason, RunStatus};
use windlass_model::payload::Payload;
use windlass_model::quick::QuickMap;
use windlass_model::time::Time;
use windlass_model::{Map, Value};

use crate::lock::Claim;

/// Everything that is true of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) status: RunStatus,
    /// The number of the newest event.
    pub(crate) seq: u64,
    /// When the newest event happened.
    pub(crate) last_at: Time,
    pub(crate) started: Option<Time>,
    pub(crate) paused: bool,
    /// The harshest of stop, cancel and kill so far.
    pub(crate) stopping: Option<Command>,
    pub(crate) approvals: Vec<String>,
    pub(crate) approval_until: Option<Time>,
    pub(crate) cause: Option<Reason>,
    pub(crate) plan: LevelState,
    /// The position of the block that runs, or of the next one.
    pub(crate) next_block: u32,
    pub(crate) block: Option<Box<BlockState>>,
    pub(crate) batches: Vec<BatchState>,
    /// Actions, checks and undos that have begun and not ended.
    pub(crate) actions: QuickMap<ElementId, ActionState>,
    /// What was saved outside sequences.
    #[serde(with = "crate::snapshot::map")]
    pub(crate) store: Arc<Map>,
    /// What sequences saved, by target.
    #[serde(with = "crate::snapshot::maps")]
    pub(crate) targets: Arc<BTreeMap<String, Arc<Map>>>,
    /// When to look again. What is waited for stands where it is waited for.
    #[serde(skip)]
    pub(crate) timers: Index<BTreeSet<(Time, Timer)>>,
    /// Whether the deferred batches are those after good work.
    pub(crate) closing_good: bool,
    /// In a noop: the weightiest of what anything would have done so far.
    pub(crate) foreseen: Option<Would>,
    /// What was chosen for blocks as they began.
    pub(crate) chosen: BTreeMap<u32, Made>,
}

/// A choice of targets as it stands in the log, secrets hidden.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) parts: Vec<Payload>,
    /// How many targets there are in all parts.
    pub(crate) targets: u32,
    /// Whether no part is missing.
    pub(crate) complete: bool,
}

/// What a point in time is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// An attempt has taken its time.
    Timeout(ElementId),
    /// An attempt was asked to end and has not.
    Grace(ElementId),
    /// All attempts together have taken their time.
    Deadline(ElementId),
    /// The next attempt may be made.
    Backoff(ElementId),
    /// A block's delay or soak is over.
    Delay(u32),
    /// The next round of continuous checks is due.
    Round(Level),
    /// Nobody approved in time.
    Approval,
}

/// What the plan and a block have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LevelState {
    pub(crate) phase: Phase,
    pub(crate) slots: [SlotState; 5],
    /// Whether it will not end well.
    pub(crate) failing: bool,
    pub(crate) changed: bool,
    /// In a noop: the weightiest of what it would have done.
    pub(crate) foreseen: Option<Would>,
}

/// A check slot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SlotState {
    pub(crate) begun: bool,
    /// How many rounds have begun.
    pub(crate) rounds: u32,
    /// How many checks of the current round have not ended.
    pub(crate) open: u16,
    pub(crate) in_round: bool,
    /// Whether a check of the current round did not pass.
    pub(crate) spoiled: bool,
    /// How the newest finished round ended.
    pub(crate) passed: Option<bool>,
    pub(crate) began: Time,
    /// When the next round of continuous checks begins.
    #[serde(skip)]
    pub(crate) due: Index<Option<Time>>,
    pub(crate) ended: bool,
}

/// The block that runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct BlockState {
    pub(crate) index: u32,
    pub(crate) level: LevelState,
    #[serde(with = "crate::snapshot::statuses")]
    pub(crate) sequences: Vec<SequenceStatus>,
    pub(crate) active: BTreeMap<u32, ActiveSequence>,
    pub(crate) failed: u32,
    pub(crate) ended: u32,
    /// The batch that runs, from 1; 0 before the first.
    pub(crate) batch: u32,
    pub(crate) batch_size: u32,
    pub(crate) batch_begun: u32,
    pub(crate) batch_ended: u32,
    pub(crate) batch_ended_at: Time,
    /// How many rounds of continuous checks had begun when the batch ended.
    pub(crate) batch_rounds: u32,
    /// The members of the canary batch while it runs.
    pub(crate) canary: Vec<u32>,
    /// The end of the delay or soak that runs.
    pub(crate) delay_until: Option<Time>,
    /// The batch after which the soak was begun.
    pub(crate) soaked: u32,
    /// What can be taken back, where the block does that.
    pub(crate) undoable: BTreeMap<u32, Undoable>,
    pub(crate) undoing: BTreeMap<u32, Undoing>,
    /// Whether this process has asked for its targets.
    #[serde(skip)]
    pub(crate) asked: Index<bool>,
    #[serde(skip)]
    pub(crate) queue: Index<Queue>,
}

/// Where the next sequence comes from. An index: rebuilt from the statuses of the sequences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    /// Sequences before this have been looked at.
    pub(crate) cursor: u32,
    /// Sequences that were looked at and could not start, by what holds them up.
    pub(crate) held: BTreeMap<String, VecDeque<u32>>,
    /// What may no longer hold anything up.
    pub(crate) freed: BTreeSet<String>,
    /// Active sequences per label and value.
    pub(crate) per: BTreeMap<String, u32>,
    /// Canaries that have not been looked at.
    pub(crate) canaries: VecDeque<u32>,
    /// Sequences of which it was said that they wait for a lock.
    pub(crate) announced: BTreeSet<u32>,
}

/// Where a sequence stands, in a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SequenceStatus {
    #[default]
    Pending,
    Active,
    Over,
}

/// A sequence that has begun and not ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActiveSequence {
    /// The action that runs, or the next one.
    pub(crate) action: u16,
    /// Whether that action has begun.
    pub(crate) busy: bool,
    /// How the action ended that ends the sequence.
    pub(crate) verdict: Option<Outcome>,
    pub(crate) failure: Option<(ElementId, Failure)>,
    pub(crate) changed: bool,
    pub(crate) foreseen: Option<Would>,
    #[serde(with = "crate::snapshot::map")]
    pub(crate) store: Arc<Map>,
    #[serde(with = "crate::snapshot::map")]
    pub(crate) steps: Arc<Map>,
    /// Actions that succeeded and have an undo.
    pub(crate) undoable: Vec<u16>,
    /// What it holds.
    #[serde(skip)]
    pub(crate) claim: Index<Option<Claim>>,
}

/// What a finished sequence left to be taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Undoable {
    /// The last is undone first.
    pub(crate) actions: Vec<u16>,
    #[serde(with = "crate::snapshot::map")]
    pub(crate) store: Arc<Map>,
    #[serde(with = "crate::snapshot::map")]
    pub(crate) steps: Arc<Map>,
}

/// A sequence that is being taken back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Undoing {
    /// Whether an undo of it runs.
    pub(crate) busy: bool,
    #[serde(skip)]
    pub(crate) claim: Index<Option<Claim>>,
}

/// A deferred batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct BatchState {
    pub(crate) begun: bool,
    pub(crate) ended: bool,
    /// The action that runs, or the next one.
    pub(crate) action: u16,
    pub(crate) busy: bool,
    pub(crate) verdict: Option<Outcome>,
    pub(crate) failure: Option<(ElementId, Failure)>,
    pub(crate) changed: bool,
    pub(crate) foreseen: Option<Would>,
}

/// An action, check or undo that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActionState {
    pub(crate) stage: Stage,
    /// The number of the newest attempt.
    pub(crate) n: u32,
    /// How many attempts count against the retries.
    pub(crate) failures: u32,
    /// When the newest attempt ended: from then on is waited for the next one.
    pub(crate) ended: Time,
    /// Before when whoever it spoke to does not want to hear of it again.
    pub(crate) left_alone_until: Option<Time>,
    pub(crate) timers: [Option<Time>; 4],
    /// In a noop: what it would have done.
    pub(crate) foreseen: Option<Box<Foreseen>>,
    /// The request in clear. An index: rendered again after a restart.
    #[serde(skip)]
    pub(crate) request: Index<Option<Arc<Value>>>,
}

/// Something derived, which may be thrown away: equal to any other, because it is no part of the fold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index<T>(pub(crate) T);

/// What an action is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// About to be verified or attempted.
    Ready,
    /// Its `verify` or `verifyAfter` checks run.
    Verifying { open: u16, spoiled: Option<Failure>, after: Option<AttemptEnd> },
    /// An attempt runs.
    InFlight { cancelled: Option<(Severity, CancelCause)> },
    /// An attempt has ended and nothing was decided yet.
    Judging { end: AttemptEnd, cancelled: Option<(Severity, CancelCause)> },
    /// It waits for the next attempt.
    Backoff,
    /// It waits for a person.
    Asked { failure: Failure },
    /// A person settled it.
    Settled { verdict: windlass_model::event::Verdict, by: String, failure: Failure },
}

// === impl LevelState ===

impl LevelState {
    pub(crate) fn slot(&self, slot: Slot) -> &SlotState {
        slot.of(&self.slots)
    }

    pub(crate) fn slot_mut(&mut self, slot: Slot) -> &mut SlotState {
        slot.of_mut(&mut self.slots)
    }
}

// === impl State ===

impl State {
    /// The state of a level; `None` for a block that does not run.
    pub(crate) fn level(&self, level: Level) -> Option<&LevelState> {
        match level {
            Level::Plan => Some(&self.plan),
            Level::Block(block) => Some(&self.block_at(block)?.level),
        }
    }

    pub(crate) fn level_mut(&mut self, level: Level) -> Option<&mut LevelState> {
        match level {
            Level::Plan => Some(&mut self.plan),
            Level::Block(block) => Some(&mut self.block_at_mut(block)?.level),
        }
    }

    /// The block that runs, if it is this one.
    pub(crate) fn block_at(&self, block: u32) -> Option<&BlockState> {
        self.block.as_deref().filter(|state| state.index == block)
    }

    pub(crate) fn block_at_mut(&mut self, block: u32) -> Option<&mut BlockState> {
        self.block.as_deref_mut().filter(|state| state.index == block)
    }

    /// Whether nothing new may start.
    pub(crate) fn held_back(&self) -> bool {
        self.paused || self.stopping.is_some()
    }

    /// Sets, moves or clears one of an action's timers.
    pub(crate) fn set_timer(&mut self, element: ElementId, which: ActionTimer, at: Option<Time>) {
        let Some(action) = self.actions.get_mut(&element) else { return };
        let [timeout, grace, deadline, backoff] = &mut action.timers;
        let (place, timer) = match which {
            ActionTimer::Timeout => (timeout, Timer::Timeout(element)),
            ActionTimer::Grace => (grace, Timer::Grace(element)),
            ActionTimer::Deadline => (deadline, Timer::Deadline(element)),
            ActionTimer::Backoff => (backoff, Timer::Backoff(element)),
        };
        if let Some(before) = std::mem::replace(place, at) {
            self.timers.0.remove(&(before, timer));
        }
        if let Some(at) = at {
            self.timers.0.insert((at, timer));
        }
    }
}

/// Which of an action's timers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ActionTimer {
    Timeout,
    Grace,
    Deadline,
    Backoff,
}

// === impl Index ===

impl<T> PartialEq for Index<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
