//! The log of a run: numbered events, of which the run's state is the fold.
//!
//! Nothing edits a log and nothing about a run is true that its log does not say. The order of the
//! variants is their number on disk: add at the end, never move, never reuse.

use serde::{Deserialize, Serialize};

use crate::element::{ElementId, Level};
use crate::foresight::Foreseen;
use crate::outcome::{Failure, Outcome, Reason, RunStatus};
use crate::payload::Payload;
use crate::submission::Digest;
use crate::time::Time;

mod redact;

/// One entry of a run's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// The run was accepted. Always the first event.
    Submitted {
        /// Who submitted it.
        user: String,
        /// What an approval would be bound to.
        digest: Digest,
        /// How many targets were frozen in all.
        targets: u32,
        /// What random choices are made from.
        seed: u64,
    },
    /// The run must be approved before it begins.
    ApprovalAwaited {
        /// By how many people.
        quorum: u32,
        /// Until when.
        until: Time,
    },
    /// Somebody agreed.
    Approved {
        /// Who, and why.
        by: Author,
    },
    /// Somebody refused.
    Rejected {
        /// Who, and why.
        by: Author,
    },
    /// The run began.
    Started {
        /// Who began it.
        by: Author,
    },
    /// The run or a block entered a phase.
    Phase {
        /// Whose phase.
        level: Level,
        /// Which.
        phase: Phase,
    },
    /// A block, sequence, check slot or deferred batch began.
    Began(ElementId),
    /// A block, sequence, check slot or deferred batch ended.
    Ended {
        /// Which.
        element: ElementId,
        /// How.
        outcome: Outcome,
    },
    /// One round of a check slot began.
    RoundBegan {
        /// The slot.
        element: ElementId,
        /// The round's number, from 1.
        n: u32,
    },
    /// One round of a check slot ended.
    RoundEnded {
        /// The slot.
        element: ElementId,
        /// The round's number.
        n: u32,
        /// Whether every check passed.
        passed: bool,
    },
    /// A batch of a block began.
    BatchBegan {
        /// The block.
        block: u32,
        /// The batch's number, from 1.
        n: u32,
        /// How many sequences it has.
        size: u32,
        /// The sequences that were chosen as canaries, where it is the canary batch.
        canary: Vec<u32>,
    },
    /// An action, check or undo began.
    ActionBegan {
        /// Which.
        element: ElementId,
        /// Its request with secrets redacted; none when it is the plan's own text or sensitive.
        request: Option<Payload>,
    },
    /// An attempt is about to be made.
    AttemptBegan {
        /// Of what.
        element: ElementId,
        /// Its number, from 1.
        n: u32,
    },
    /// An attempt has ended; nothing of it is running any more.
    AttemptEnded {
        /// Of what.
        element: ElementId,
        /// Its number.
        n: u32,
        /// How.
        end: AttemptEnd,
    },
    /// An action, check or undo ended.
    ActionEnded {
        /// Which.
        element: ElementId,
        /// How.
        outcome: Outcome,
        /// Why it failed.
        failure: Option<Failure>,
        /// What it saved, secrets as tokens.
        saves: Vec<(String, Payload)>,
    },
    /// A wait began.
    Waiting {
        /// What waits.
        element: ElementId,
        /// For what.
        wait: Wait,
        /// Until when.
        until: Time,
    },
    /// A sequence waits for a lock that another run holds.
    LockAwaited {
        /// The sequence.
        element: ElementId,
        /// The lock.
        lock: String,
        /// Who holds it.
        holder: String,
    },
    /// An attempt was told to end.
    Cancelled {
        /// Of what.
        element: ElementId,
        /// Its number.
        n: u32,
        /// How harshly.
        how: Severity,
        /// Why.
        why: CancelCause,
    },
    /// Something waits for a person to settle it.
    Asked {
        /// What.
        element: ElementId,
        /// What is not known or went wrong.
        failure: Failure,
    },
    /// A person settled it.
    Resolved {
        /// What.
        element: ElementId,
        /// How.
        verdict: Verdict,
        /// Who, and why.
        by: Author,
    },
    /// A person commanded.
    Commanded {
        /// What.
        command: Command,
        /// Who, and why.
        by: Author,
    },
    /// The first true cause of a failure or stop became known.
    Caused(Reason),
    /// A process took the run over from one that died.
    Recovered {
        /// Which.
        by: String,
    },
    /// Nothing happened for a long time, and the run is alive.
    Heartbeat,
    /// The run is over. Always the last event.
    Finished {
        /// How.
        status: RunStatus,
    },
    /// In a run that only looks: what an action would have done.
    Foreseen {
        /// Which.
        element: ElementId,
        /// What.
        foreseen: Foreseen,
    },
    /// Whoever an attempt spoke to wants to be left alone. Said right before the attempt's end, so that
    /// no log that has the end lacks it.
    RetryAfter {
        /// Of what.
        element: ElementId,
        /// Its number.
        n: u32,
        /// Until when.
        until: Time,
    },
    /// Targets of a block that are chosen when it begins were chosen. From then on they are frozen.
    Selected {
        /// The block.
        block: u32,
        /// The number of this part of the choice, from 1.
        n: u32,
        /// How many targets are in it.
        targets: u32,
        /// What it is: see [`crate::late::Chosen`].
        part: Payload,
        /// Whether more parts follow. A choice of which parts are missing is none, and is made again.
        more: bool,
    },
}

/// The phases of a run or block, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Not begun.
    #[default]
    Idle,
    /// The wait before a block.
    EntranceDelay,
    /// Bypass checks.
    Bypass,
    /// Pre checks, and a first round of the continuous ones.
    Gate,
    /// The work itself.
    Work,
    /// Work is over; what is still in flight ends.
    Drain,
    /// The continuous checks end.
    LoopDrain,
    /// Post checks.
    Post,
    /// What succeeded is taken back.
    Undo,
    /// Deferred batches.
    DeferredBatches,
    /// Deferred checks.
    DeferredChecks,
    /// The wait after a successful block.
    ExitDelay,
    /// Over.
    Done,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// What the plugin answered, secrets redacted. Absent: nothing, or sensitive.
    pub response: Option<Payload>,
    /// Whether anything was changed.
    pub changed: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wait {
    /// The delay before a block.
    Entrance,
    /// The delay after a block.
    Exit,
    /// The wait between batches.
    Soak,
    /// The wait before the next attempt.
    Backoff,
    /// The next round of continuous checks.
    Round,
}

/// How harshly an attempt is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// It is asked to end.
    Term,
    /// It is ended.
    Kill,
}

/// Why an attempt was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CancelCause {
    /// It took longer than its timeout.
    Timeout,
    /// The action's deadline passed.
    Deadline,
    /// A person said so.
    Command,
}

/// What a person can tell a run to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// Start nothing new until resumed.
    Pause,
    /// Go on.
    Resume,
    /// Start nothing new; let attempts in flight end.
    Stop,
    /// As stop; attempts in flight get TERM.
    Cancel,
    /// As stop; attempts in flight get KILL.
    Kill,
}

/// How a person settles what waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It was done.
    Done,
    /// It was not, and shall count as failed.
    Failed,
    /// Run it again.
    Again,
}

/// Who did something to a run, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Who.
    pub user: String,
    /// Why, in their own words.
    pub why: String,
}

// === impl Author ===

impl Author {
    /// Somebody, without a reason.
    pub fn new(user: impl Into<String>) -> Self {
        Self { user: user.into(), why: String::new() }
    }
}

// === impl AttemptEnd ===

impl AttemptEnd {
    /// A good end that changed nothing and has nothing to say.
    pub const GOOD: Self = Self { response: None, changed: false, failure: None };

    /// A bad end.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self { response: None, changed: false, failure: Some(failure) }
    }
}

// === impl What ===

impl What {
    /// The event's kind, as it stands in `--output events`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::ApprovalAwaited { .. } => "approvalAwaited",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Started { .. } => "started",
            Self::Phase { .. } => "phase",
            Self::Began(_) => "began",
            Self::Ended { .. } => "ended",
            Self::RoundBegan { .. } => "roundBegan",
            Self::RoundEnded { .. } => "roundEnded",
            Self::BatchBegan { .. } => "batchBegan",
            Self::ActionBegan { .. } => "actionBegan",
            Self::AttemptBegan { .. } => "attemptBegan",
            Self::AttemptEnded { .. } => "attemptEnded",
            Self::ActionEnded { .. } => "actionEnded",
            Self::Waiting { .. } => "waiting",
            Self::LockAwaited { .. } => "lockAwaited",
            Self::Cancelled { .. } => "cancelled",
            Self::Asked { .. } => "asked",
            Self::Resolved { .. } => "resolved",
            Self::Commanded { .. } => "commanded",
            Self::Caused(_) => "caused",
            Self::Recovered { .. } => "recovered",
            Self::Heartbeat => "heartbeat",
            Self::Finished { .. } => "finished",
            Self::Foreseen { .. } => "foreseen",
            Self::RetryAfter { .. } => "retryAfter",
            Self::Selected { .. } => "selected",
        }
    }

    /// The element that it is about.
    #[must_use]
    pub fn element(&self) -> ElementId {
        match self {
            Self::Phase { level, .. } => level.element(),
            Self::Began(element)
            | Self::Ended { element, .. }
            | Self::RoundBegan { element, .. }
            | Self::RoundEnded { element, .. }
            | Self::ActionBegan { element, .. }
            | Self::AttemptBegan { element, .. }
            | Self::AttemptEnded { element, .. }
            | Self::ActionEnded { element, .. }
            | Self::Waiting { element, .. }
            | Self::LockAwaited { element, .. }
            | Self::Cancelled { element, .. }
            | Self::RetryAfter { element, .. }
            | Self::Asked { element, .. }
            | Self::Foreseen { element, .. }
            | Self::Resolved { element, .. } => *element,
            Self::BatchBegan { block, .. } | Self::Selected { block, .. } => ElementId::Block(*block),
            Self::Caused(reason) => reason.element,
            Self::Submitted { .. }
            | Self::ApprovalAwaited { .. }
            | Self::Approved { .. }
            | Self::Rejected { .. }
            | Self::Started { .. }
            | Self::Commanded { .. }
            | Self::Recovered { .. }
            | Self::Heartbeat
            | Self::Finished { .. } => ElementId::Run,
        }
    }
}
