//! A run in short: what lists show, and what is kept of it at `run/<run>`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use windlass_model::causes::with_causes;
use windlass_model::event::What;
use windlass_model::id::{GroupId, RunId};
use windlass_model::layout::Layout;
use windlass_model::outcome::{Reason, ReasonKind, RunStatus};
use windlass_model::submission::Submission;
use windlass_model::time::Time;
use windlass_store::StoreError;

use crate::error::SecretsError;

/// A run in short. Everything but its condition is durable.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// The version of this record.
    #[serde(rename = "v")]
    version: u8,
    /// The run.
    pub id: RunId,
    /// The group that it belongs to.
    pub group: GroupId,
    /// The run that it retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<RunId>,
    /// The name of its plan.
    pub plan: String,
    /// The plan's description.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The plan's labels.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, String>,
    /// Its step set.
    pub step_set: String,
    /// Who submitted it.
    pub user: String,
    /// How many targets it has in all.
    pub targets: u32,
    /// Whether it only looks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub noop: bool,
    /// When it was submitted.
    pub submitted_at: Time,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Where it stands.
    pub status: RunStatus,
    /// The first true cause of its failure or stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonView>,
    /// What it takes to be approved, where it must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalView>,
    /// The number of the event with which it came to stand there.
    pub seq: u64,
    /// How it stands with this process.
    #[serde(skip)]
    pub condition: Condition,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What it takes to be approved, and who has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// How many people must agree.
    pub quorum: u32,
    /// Until when.
    pub until: Time,
    /// Who has agreed.
    #[serde(default)]
    pub by: Vec<String>,
}

/// The first true cause, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonView {
    /// What sort of thing it was.
    pub kind: ReasonKind,
    /// The address of the element whose failure it was; empty for the run itself.
    pub address: String,
    /// That failure's own message.
    pub message: String,
}

/// How a run stands with this process.
#[derive(Clone, Debug, Default)]
pub enum Condition {
    /// It has ended, or this process does not drive it.
    #[default]
    Resting,
    /// This process drives it.
    Driven {
        /// The number of its newest durable event.
        seq: u64,
        /// How many attempts are in flight.
        in_flight: usize,
        /// The addresses of what waits for a person to settle it.
        asked: Vec<String>,
        /// Whether nothing will go on before a person approves, resumes or settles something.
        needs_person: bool,
    },
    /// The store cannot keep its record; it goes on when that is possible again.
    Parked {
        /// Why.
        why: StoreError,
        /// Since when.
        since: Time,
    },
    /// The store has stopped. What is shown was durable when it did; the run goes on when the store is
    /// open again.
    StoreStopped {
        /// Why.
        why: StoreError,
        /// Since when.
        since: Time,
    },
    /// Its record and that of another run both say that they hold a lock. It goes on when the other has ended.
    Blocked {
        /// The lock.
        lock: String,
        /// The other run, if it is known.
        holder: Option<RunId>,
    },
    /// It needs plugins that are not registered.
    Unrunnable {
        /// Their names.
        missing: Vec<String>,
    },
    /// Its secrets cannot be read.
    Sealed {
        /// Why.
        why: SecretsError,
    },
    /// Its record cannot be read.
    Damaged {
        /// What was found.
        detail: String,
    },
}

/// The version of the record that this crate writes.
const VERSION: u8 = 1;

// === impl RunView ===

impl RunView {
    pub(crate) fn submitted(submission: &Submission) -> Self {
        let metadata = &submission.plan.metadata;
        let targets = submission.targets.iter().map(windlass_model::target::Frozen::len);
        Self {
            version: VERSION,
            id: submission.run,
            group: submission.group,
            retry_of: submission.retry_of,
            plan: metadata.name.clone(),
            description: metadata.description.clone(),
            labels: metadata.labels.clone(),
            step_set: submission.step_set.clone(),
            user: submission.user.clone(),
            targets: targets.fold(0, u32::saturating_add),
            noop: submission.noop,
            submitted_at: submission.at,
            started_at: None,
            ended_at: None,
            status: RunStatus::Submitted,
            reason: None,
            approval: None,
            seq: 0,
            condition: Condition::Resting,
        }
    }

    /// Takes in what people were asked to agree to, and who agreed.
    pub(crate) fn asked_for_approval(&mut self, what: &What) {
        match what {
            What::ApprovalAwaited { quorum, until } => {
                self.approval = Some(ApprovalView { quorum: *quorum, until: *until, by: Vec::new() });
            }
            What::Approved { by } => {
                if let Some(approval) = &mut self.approval {
                    approval.by.push(by.user.clone());
                }
            }
            _ => {}
        }
    }

    pub(crate) fn to_bytes(&self) -> bytes::Bytes {
        // Texts, numbers and times: there is nothing in it that JSON could refuse.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let view: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if view.version > VERSION {
            let found = view.version;
            return Err(format!("its record has version {found}; this program reads up to {VERSION}"));
        }
        Ok(view)
    }
}

// === impl ReasonView ===

impl ReasonView {
    pub(crate) fn of(reason: &Reason, layout: &Layout) -> Self {
        Self { kind: reason.kind, address: layout.address(reason.element), message: reason.message.clone() }
    }
}

// === impl Condition ===

impl Condition {
    /// Whether this process drives the run.
    #[must_use]
    pub fn is_driven(&self) -> bool {
        matches!(self, Self::Driven { .. })
    }

    /// The addresses of what waits for a person to settle it.
    #[must_use]
    pub fn asked(&self) -> &[String] {
        match self {
            Self::Driven { asked, .. } => asked,
            _ => &[],
        }
    }

    /// Whether nothing will go on before a person approves, resumes or settles something.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        matches!(self, Self::Driven { needs_person: true, .. })
    }

    /// Why the run does not go on, if it does not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        Some(match self {
            Self::Resting | Self::Driven { .. } => return None,
            Self::Parked { why, .. } => format!("parked: {why}"),
            Self::StoreStopped { why, .. } => with_causes(why),
            Self::Blocked { lock, holder } => {
                let who = holder.map_or_else(|| "another run".to_owned(), |holder| format!("run {holder}"));
                format!("waits for the end of {who}, which holds {lock}")
            }
            Self::Unrunnable { missing } => {
                format!("needs plugins that are not there: {}", missing.join(", "))
            }
            Self::Sealed { why } => format!("its secrets cannot be read: {why}"),
            Self::Damaged { detail } => format!("its record cannot be read: {detail}"),
        })
    }
}
