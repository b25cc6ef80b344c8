//! What there is to see of a run: the values that a fold of its log consists of.
//!
//! Plain data with public fields; only [`crate::fold`] writes them.

use std::sync::Arc;

use windlass_model::element::ElementId;
use windlass_model::event::{Author, CancelCause, Command, Phase, Severity, Verdict, Wait};
use windlass_model::foresight::{Foreseen, Would};
use windlass_model::outcome::{Failure, Reason, RunStatus, Skip, Status};
use windlass_model::payload::Payload;
use windlass_model::time::Time;

use crate::recent::Recent;

/// How many rounds of a check slot are kept.
pub const ROUNDS_KEPT: usize = 20;
/// So many sequences of a run are kept with their requests and responses when they have ended well. Of those behind
/// them, times, states and attempts are kept; what failed, goes on or waits is kept whole, wherever it stands.
pub const DETAILED: usize = 2_000;
/// How many batches, delays, commands and the like are kept.
pub const NOTES_KEPT: usize = 256;

/// A history of notes.
pub type Notes<T> = Recent<T, NOTES_KEPT>;

/// The run as a whole.
#[derive(Clone, Debug, Default)]
pub struct RunView {
    /// Where it stands.
    pub status: RunStatus,
    /// The first true cause of its failure or stop.
    pub reason: Option<Reason>,
    /// When it was accepted.
    pub submitted_at: Option<Time>,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it was over.
    pub ended_at: Option<Time>,
    /// Who began it.
    pub started_by: Option<Author>,
    /// Who must agree, and until when.
    pub approval: Option<ApprovalView>,
    /// Who agreed.
    pub approvals: Vec<Signed>,
    /// Who refused.
    pub rejections: Vec<Signed>,
    /// What people told it to do.
    pub commands: Notes<Commanded>,
    /// What people settled.
    pub verdicts: Notes<Settled>,
    /// Which processes took it over from one that died.
    pub recoveries: Notes<Recovery>,
    /// Its phases.
    pub phases: Notes<(Phase, Time)>,
    /// Whether a person's pause is in force.
    pub paused: bool,
    /// The harshest order to end that was given.
    pub ending: Option<Command>,
}

/// What an approval takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApprovalView {
    /// How many people must agree.
    pub quorum: u32,
    /// Until when.
    pub until: Time,
}

/// Somebody agreed or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who, and why.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// A person's command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commanded {
    /// What.
    pub command: Command,
    /// Who, and why.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// A person's verdict on something that waited for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// On what.
    pub element: ElementId,
    /// How.
    pub verdict: Verdict,
    /// Who, and why.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// A process took the run over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Which.
    pub by: String,
    /// When.
    pub at: Time,
}

/// A block's limits and how near it came to them.
#[derive(Clone, Debug, Default)]
pub struct BlockView {
    /// How many sequences it has.
    pub total: u32,
    /// How many of them are active.
    pub active: u32,
    /// The most that ever were.
    pub peak_active: u32,
    /// How many ended well.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// How many were unnecessary, those done before among them.
    pub skipped: u32,
    /// How many a person ended.
    pub stopped: u32,
    /// How many were never begun and are still to do.
    pub not_started: u32,
    /// In a noop: what those that succeeded would have done.
    pub would: WouldCounts,
    /// Its batches, and how many there were.
    pub batches: Notes<BatchView>,
    /// The sequences that were chosen as canaries.
    pub canary: Vec<u32>,
    /// Its phases.
    pub phases: Notes<(Phase, Time)>,
    /// Its delays and soaks.
    pub delays: Notes<Delay>,
    /// When actions of its sequences were tried again.
    pub retries: Notes<Retrying>,
    /// How many of them are at this moment.
    pub(crate) retrying: u32,
}

/// How many things would have changed something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct WouldCounts {
    /// So many would.
    pub change: u32,
    /// So many would not.
    pub nothing: u32,
    /// Of so many that cannot be told.
    pub unknown: u32,
}

/// What some elements of one place in the plan would have done, all of them the same.
#[derive(Clone, Debug)]
pub struct ForeseenAlike {
    /// The first of them.
    pub first: ElementId,
    /// What.
    pub foreseen: Arc<Foreseen>,
    /// How many there are.
    pub count: u32,
    /// The sequences that the first of them are in, where they are in any.
    pub sequences: Vec<u32>,
}

/// How often the checks of one place in the plan were really made in a noop, and what they found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// They passed so many times.
    pub passed: u32,
    /// They did not pass so many times.
    pub not_passed: u32,
    /// They could not be judged so many times.
    pub unknown: u32,
}

/// One batch of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchView {
    /// Its number, from 1.
    pub n: u32,
    /// How many sequences it has.
    pub size: u32,
    /// How many of them have ended.
    pub ended: u32,
    /// How many of those failed.
    pub failed: u32,
    /// Whether it is the canary batch.
    pub canary: bool,
    /// When it began.
    pub began_at: Time,
    /// When its last sequence ended.
    pub ended_at: Option<Time>,
}

/// A delay or soak of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Which.
    pub wait: Wait,
    /// From when.
    pub from: Time,
    /// Until when at the most.
    pub until: Time,
    /// When it was over.
    pub ended_at: Option<Time>,
}

/// A stretch of time in which actions of a block had failed and were tried again: each from its first failure to its
/// end, the waits between its attempts with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retrying {
    /// How many actions.
    pub actions: u32,
    /// When the first of them had failed.
    pub began_at: Time,
    /// When the last of them had ended.
    pub ended_at: Option<Time>,
}

/// One element: what has happened to it.
#[derive(Clone, Debug, Default)]
pub struct ElementView {
    /// Where it stands.
    pub status: Status,
    /// Why it was unnecessary.
    pub skip: Option<Skip>,
    /// Whether it, or anything in it, changed something.
    pub changed: bool,
    /// In a noop: whether it, or anything in it, would have changed something.
    pub would: Option<Would>,
    /// Whether its requests, responses and what it saved were left out, because there are very many like it.
    pub abridged: bool,
    pub(crate) listed: bool,
    /// When it began (first, if it began more than once).
    pub started_at: Option<Time>,
    /// When it ended (last).
    pub ended_at: Option<Time>,
    /// Its attempts; of a check, those of its latest round.
    pub attempts: Vec<AttemptView>,
    /// Its request; none when it is the plan's own text or sensitive.
    pub request: Option<Payload>,
    /// In a noop: what it would have done.
    pub foreseen: Option<Arc<Foreseen>>,
    pub(crate) details: Option<Box<Details>>,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct AttemptView {
    /// Its number, from 1.
    pub n: u32,
    /// Whether it changed anything.
    pub changed: bool,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// What the plugin answered.
    pub response: Option<Payload>,
    /// Why it failed.
    pub failure: Option<Box<Failure>>,
}

/// What only some elements have.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What it saved.
    pub saves: Vec<(String, Payload)>,
    /// How its attempts were told to end.
    pub cancels: Recent<Cancel, ROUNDS_KEPT>,
    /// What it waits for.
    pub wait: Option<Waiting>,
    /// What a person must settle.
    pub asked: Option<Failure>,
    /// The lock that it waits for.
    pub lock: Option<LockWait>,
    /// The rounds of a check slot.
    pub rounds: Recent<Round, ROUNDS_KEPT>,
    /// The last of them that failed.
    pub last_failed: Option<Round>,
    /// Whether it has failed and is tried again.
    pub(crate) retrying: bool,
}

/// An attempt was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Which attempt.
    pub n: u32,
    /// How harshly.
    pub how: Severity,
    /// Why.
    pub why: CancelCause,
    /// When.
    pub at: Time,
}

/// A wait that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// For what.
    pub wait: Wait,
    /// Until when.
    pub until: Time,
}

/// A wait for another run's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockWait {
    /// The lock.
    pub lock: String,
    /// Who holds it.
    pub holder: String,
    /// Since when it is waited for.
    pub since: Time,
}

/// One round of a check slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Its number, from 1.
    pub n: u32,
    /// When it began.
    pub began_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Whether every check passed; `None` while it goes on.
    pub passed: Option<bool>,
}

/// A failure and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Failing<'a> {
    /// The element that failed.
    pub element: ElementId,
    /// Why.
    pub failure: Option<&'a Failure>,
}

// === impl ElementView ===

impl ElementView {
    /// What only some elements have.
    #[must_use]
    pub fn details(&self) -> Option<&Details> {
        self.details.as_deref()
    }

    /// Why it failed: its own failure, else that of its last attempt.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        let own = self.details().and_then(|details| details.failure.as_ref());
        own.or_else(|| self.attempts.last()?.failure.as_deref())
    }

    /// What it waits for.
    #[must_use]
    pub fn wait(&self) -> Option<Waiting> {
        self.details()?.wait
    }

    /// What a person must settle.
    #[must_use]
    pub fn asked(&self) -> Option<&Failure> {
        self.details()?.asked.as_ref()
    }

    /// The lock that it waits for.
    #[must_use]
    pub fn lock(&self) -> Option<&LockWait> {
        self.details()?.lock.as_ref()
    }

    pub(crate) fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}
