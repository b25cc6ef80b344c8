//! What goes into the engine and what comes out of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::Value;
use windlass_model::code::{self, Code};
use windlass_model::element::ElementId;
use windlass_model::eval::Scope;
use windlass_model::event::{Author, Command, Event, Severity, Verdict};
use windlass_model::foresight::Foreseen;
use windlass_model::late::Chosen;
use windlass_model::outcome::Failure;
use windlass_model::submission::Digest;
use windlass_model::target::Node;
use windlass_model::time::Time;

/// Something that happened outside and that a run must react to.
#[derive(Clone, Debug)]
pub enum Input {
    /// Begin the run. On a run that has begun, nothing.
    Start {
        /// Who says so.
        by: Author,
    },
    /// Somebody agrees with the run, exactly as it is.
    Approve {
        /// Who.
        by: Author,
        /// What they agree with.
        digest: Digest,
    },
    /// Somebody refuses the run.
    Reject {
        /// Who.
        by: Author,
    },
    /// Somebody commands.
    Command {
        /// What.
        command: Command,
        /// Who.
        by: Author,
    },
    /// Somebody settles what waits for a person.
    Resolve {
        /// What they settle.
        element: ElementId,
        /// How.
        verdict: Verdict,
        /// Who.
        by: Author,
    },
    /// An attempt has ended; nothing of it is running any more.
    Ended {
        /// Of what.
        element: ElementId,
        /// Its number.
        n: u32,
        /// How.
        result: AttemptResult,
    },
    /// As `Ended`, and nothing comes of it before the run is taken over by [`Input::Recover`]: what
    /// the driver knows of an attempt that outlived the run's state, or of the last one before the
    /// process ends.
    EndedMeanwhile {
        /// Of what.
        element: ElementId,
        /// Its number.
        n: u32,
        /// How.
        result: AttemptResult,
    },
    /// An interrupted attempt could not be found again ([`Effect::Reattach`]).
    Lost {
        /// Of what.
        element: ElementId,
        /// Its number.
        n: u32,
    },
    /// Whether an interrupted attempt had done its work ([`Effect::Inquire`]).
    Known {
        /// Of what.
        element: ElementId,
        /// Its number.
        n: u32,
        /// `None`: that cannot be known.
        done: Option<bool>,
    },
    /// What was chosen as the targets of a block ([`Effect::Select`]), or why nothing was.
    Selected {
        /// The block.
        block: u32,
        /// What was chosen.
        result: Result<Chosen, Failure>,
    },
    /// Time has passed.
    Tick,
    /// A lock that this run waits for is offered to it. If it does not take it now, the next one gets it.
    LockFreed,
    /// This process takes the run over after a restart.
    Recover {
        /// Which process.
        by: String,
        /// How long the run may have been silent to be resumed; `None`: for ever.
        limit: Option<Duration>,
        /// Attempts, by element and number, that may stand in the log and were surely never made: the
        /// driver lost the write that told of them, and never released their effects.
        never_made: BTreeSet<(ElementId, u32)>,
    },
    /// Somebody gives up a run that nobody can drive: it ends where it stands.
    GiveUp {
        /// Who.
        by: Author,
    },
    /// Nothing happened for long: say that the run is alive.
    Heartbeat,
}

/// How an attempt ended, as the driver saw it.
#[derive(Clone, Debug, Default)]
pub struct AttemptResult {
    /// What the plugin answered.
    pub response: Option<Value>,
    /// Whether it changed anything.
    pub changed: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How long the other side wants to be left alone.
    pub retry_after: Option<Duration>,
    /// What it would have done, where that was all that was asked.
    pub foreseen: Option<Foreseen>,
}

/// Something to do, once the events that caused it are durable.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Make an attempt; answer with [`Input::Ended`].
    Attempt(AttemptCall),
    /// Ask what an attempt would change, and change nothing; answer with [`Input::Ended`].
    Foresee(AttemptCall),
    /// Find an interrupted attempt again; answer with [`Input::Ended`] or [`Input::Lost`].
    Reattach(AttemptCall),
    /// Look whether an interrupted attempt had done its work; answer with [`Input::Known`].
    Inquire(AttemptCall),
    /// Choose the targets of a block, which waits for them; answer with [`Input::Selected`].
    Select(Box<SelectCall>),
    /// End an attempt in flight, which still answers with [`Input::Ended`].
    Cancel {
        /// Of what.
        element: ElementId,
        /// Its number.
        n: u32,
        /// How harshly.
        how: Severity,
    },
}

/// One attempt to make.
#[derive(Clone, Debug)]
pub struct AttemptCall {
    /// Of what.
    pub element: ElementId,
    /// Its number, from 1.
    pub n: u32,
    /// The request, secrets in clear.
    pub request: Arc<Value>,
    /// How long it may take. The engine watches this itself.
    pub timeout: Duration,
    /// When it began.
    pub began: Time,
    /// The node that it goes to, where there is one.
    pub node: Option<Arc<Node>>,
    /// The target whose sequence it is of, where it goes to another node.
    pub for_node: Option<Arc<Node>>,
}

/// Targets to choose.
#[derive(Clone, Debug)]
pub struct SelectCall {
    /// Of which block.
    pub block: u32,
    /// What the templates and expressions of its targets see, beside a node.
    pub scope: Scope,
}

/// A secret that came up during the run and must be kept with its record, apart from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// What its tokens call it.
    pub name: String,
    /// The clear text.
    pub clear: String,
}

/// What one input led to.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// To append, in order, in one transaction with the seals.
    pub events: Vec<Event>,
    /// To keep apart from the log.
    pub seals: Vec<Seal>,
    /// To carry out once the events are durable.
    pub effects: Vec<Effect>,
}

/// Why a person's command was not accepted. Nothing has happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The run is over.
    #[error("the run has ended: {0}")]
    Ended(&'static str),
    /// The command does not fit the run's state.
    #[error("{0}")]
    NotNow(String),
    /// The author cannot approve.
    #[error("{0} submitted this run and cannot approve it")]
    SelfApproval(String),
    /// The approval is for something else.
    #[error("the approval is for digest {given}; this run is {actual}")]
    Digest {
        /// What was approved.
        given: Digest,
        /// What this run is.
        actual: Digest,
    },
    /// Too much time has passed since the run was submitted.
    #[error("the run was submitted {age} ago, longer than the {limit} within which it must be started")]
    Expired {
        /// How long ago.
        age: windlass_model::span::Span,
        /// The limit.
        limit: windlass_model::span::Span,
    },
    /// Too much time has passed for an approval.
    #[error("the approval had to come before {0}; the run ends without having begun")]
    TooLate(Time),
    /// There is nothing to settle.
    #[error("{0} does not wait for a person")]
    NotAsked(String),
}

// === impl AttemptResult ===

impl AttemptResult {
    /// A failed attempt.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

// === impl Refused ===

impl Refused {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Ended(_) => code::RUN_ENDED,
            Self::NotNow(_) => code::NOT_ALLOWED,
            Self::SelfApproval(_) => code::SELF_APPROVAL,
            Self::Digest { .. } => code::DIGEST_MISMATCH,
            Self::Expired { .. } | Self::TooLate(_) => code::EXPIRED,
            Self::NotAsked(_) => code::NOT_INTERRUPTED,
        }
    }
}
