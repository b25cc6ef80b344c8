//! How things end: outcomes of elements, statuses of runs, and the first true cause.

use serde::{Deserialize, Serialize};

use crate::element::ElementId;
use crate::foresight::Would;

/// Where an element stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Not reached yet; in a terminal run: never reached.
    #[default]
    Pending,
    /// Begun and not ended.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Was unnecessary.
    Skipped,
    /// Ended by a person before it was done.
    Stopped,
}

/// How an element ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It did its work.
    Succeeded {
        /// Whether that changed anything.
        changed: bool,
    },
    /// It did not.
    Failed,
    /// It was unnecessary.
    Skipped(Skip),
    /// A person, or a failure elsewhere, ended it before it was done.
    Stopped,
    /// The run only looks: this is what it would have done.
    Foreseen(Would),
}

/// Why an element was unnecessary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Skip {
    /// All its bypass checks passed.
    Bypassed,
    /// Its `when` is false.
    Condition,
    /// Its `verify` checks passed.
    Verified,
    /// The run that this one retries did it.
    DoneBefore,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunStatus {
    /// Accepted and not begun.
    #[default]
    Submitted,
    /// Not to begin before enough people agree.
    AwaitingApproval,
    /// Going on.
    Running,
    /// Starting nothing new until resumed.
    Paused,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Ended by a person.
    Stopped,
}

/// What sort of thing made a run fail or stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReasonKind {
    /// The action whose failure crossed a block's limit.
    Action,
    /// A pre check.
    PreCheck,
    /// A continuous check.
    ContinuousCheck,
    /// A post check.
    PostCheck,
    /// A deferred check.
    DeferredCheck,
    /// A deferred batch with `failPlan`.
    DeferredBatch,
    /// A person.
    Stopped,
    /// A deadline passed: an action's, or that of an approval.
    Deadline,
    /// The store could not keep the run's record.
    Storage,
    /// Windlass died and what it had begun cannot be known.
    Interrupted,
    /// Targets that are chosen when their block begins could not be chosen, or were none.
    Selection,
}

/// The first true cause of a run's failure or stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What sort of thing it was.
    pub kind: ReasonKind,
    /// The element whose failure it was.
    pub element: ElementId,
    /// That failure's own message.
    pub message: String,
}

/// Why an attempt failed, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// What sort of failure, in a word that does not change: the plugin's, or one of [`Failure`]'s constants.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// Whether another attempt is pointless.
    #[serde(default)]
    pub permanent: bool,
    /// What lay behind it, nearest first.
    #[serde(default)]
    pub causes: Vec<String>,
}

// === impl Outcome ===

impl Outcome {
    /// Good work that changed nothing.
    pub const UNCHANGED: Self = Self::Succeeded { changed: false };
    /// Good work that changed something.
    pub const CHANGED: Self = Self::Succeeded { changed: true };

    /// The status that goes with it.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Succeeded { .. } | Self::Foreseen(_) => Status::Succeeded,
            Self::Failed => Status::Failed,
            Self::Skipped(_) => Status::Skipped,
            Self::Stopped => Status::Stopped,
        }
    }

    /// Whether what depends on the element may go on.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Skipped(_) | Self::Foreseen(_))
    }
}

// === impl RunStatus ===

impl RunStatus {
    /// Whether nothing can change any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }

    /// The word of reports and of the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::AwaitingApproval => "awaitingApproval",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

// === impl Failure ===

impl Failure {
    /// An attempt took longer than its timeout.
    pub const TIMEOUT: &'static str = "timeout";
    /// The action's deadline passed.
    pub const DEADLINE: &'static str = "deadline";
    /// The process died while the attempt ran, or the node was lost: whether it was done is not known.
    pub const INTERRUPTED: &'static str = "interrupted";
    /// The attempt was written down and never made: its turn was lost with a write that failed, or with the process that
    /// was to order it.
    pub const NOT_MADE: &'static str = "notMade";
    /// A person ended the attempt.
    pub const CANCELLED: &'static str = "cancelled";
    /// The plugin panicked.
    pub const PANIC: &'static str = "panic";
    /// The response does not fit the plugin's declared schema.
    pub const RESPONSE: &'static str = "response";
    /// The request or condition could not be rendered.
    pub const TEMPLATE: &'static str = "template";
    /// A value could not be saved.
    pub const SAVE: &'static str = "save";
    /// `verifyAfter` did not pass.
    pub const VERIFY: &'static str = "verifyAfter";
    /// It is to be done on a node that nobody knows how to reach.
    pub const NODE: &'static str = "node";
    /// In a run that only looks: it depends on a change that was not made.
    pub const UNKNOWN: &'static str = "unknown";
    /// Targets that are chosen when their block begins cannot be.
    pub const SELECTION: &'static str = "selection";
    /// A person settled the action as failed.
    pub const RESOLVED: &'static str = "resolved";

    /// A failure after which another attempt may help.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), permanent: false, causes: Vec::new() }
    }

    /// A failure after which another attempt is pointless.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::new(code, message) }
    }

    /// Whether it says nothing of the work: the process died during the attempt, or never made it.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        matches!(self.code.as_str(), Self::INTERRUPTED | Self::NOT_MADE)
    }
}
