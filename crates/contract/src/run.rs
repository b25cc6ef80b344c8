//! Runs: submitted, listed, commanded.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::Value;
use windlass_model::event::{Verdict, What};
use windlass_model::id::{GroupId, RunId};
use windlass_model::outcome::{ReasonKind, RunStatus, Status};
use windlass_model::time::Time;

/// A run to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRun {
    /// The name of a plan of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// A plan written out, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// The step set; `default` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_set: Option<String>,
    /// The values of its parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// Values of parameters as a person typed them, which become what the plan declares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub typed_params: BTreeMap<String, String>,
    /// A selection that the targets of all blocks are narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// Whether it only looks.
    #[serde(default)]
    pub noop: bool,
    /// Whether it begins at once, unless it awaits approval; it does, unless this is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<bool>,
    /// The id of the run, so that asking twice submits once.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The group that it belongs to.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// Why, in your own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A run that is taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    /// Its id.
    #[schemars(with = "String")]
    pub run: RunId,
    /// The group that it belongs to.
    #[schemars(with = "String")]
    pub group: GroupId,
    /// What an approval would be for: plan, parameters and targets exactly as they are.
    pub digest: String,
    /// Why it does not begin yet, if it does not but by itself will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
}

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunPreview {
    /// The name of the plan.
    pub plan: String,
    /// The step set.
    pub step_set: String,
    /// How many people must agree before it begins.
    pub approvals: u32,
    /// Its blocks, in order.
    pub blocks: Vec<PreviewedBlock>,
    /// What would keep it from beginning now: freezes and policies.
    pub refusals: Vec<String>,
}

/// What a block would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewedBlock {
    /// Its name.
    pub name: String,
    /// How many sequences it would have.
    pub targets: u32,
    /// The names of the first of them.
    pub first: Vec<String>,
    /// Whether it chooses its nodes only when it begins.
    pub chooses_late: bool,
    /// How many sequences are active at once.
    pub concurrency: u32,
    /// How many may fail; without limit where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// The size of the canary batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<u32>,
    /// What its first sequence does, in order.
    pub actions: Vec<PreviewedAction>,
}

/// What an action would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewedAction {
    /// Its name.
    pub name: String,
    /// The plugin.
    #[serde(rename = "use")]
    pub uses: String,
}

/// How a plan stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanState {
    /// Its name.
    pub plan: String,
    /// From where to watch on.
    pub version: u64,
    /// What it does, in order; nothing where it was deleted.
    pub steps: Vec<PlanStep>,
    /// Its newest runs, the newest first.
    pub runs: Vec<Run>,
    /// How its targets stand by the newest of those runs that each was in.
    pub targets: Vec<TargetState>,
}

/// A block of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStep {
    /// The step set that it belongs to.
    pub step_set: String,
    /// The block.
    pub block: String,
    /// What it does on each target, in order.
    pub actions: Vec<PreviewedAction>,
}

/// How a target stands in a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetState {
    /// The node.
    pub node: String,
    /// The block.
    pub block: String,
    /// In which run.
    #[schemars(with = "String")]
    pub run: RunId,
    /// How it stands there.
    #[schemars(with = "String")]
    pub status: Status,
}

/// A run that retries another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RetryRun {
    /// Whether everything is done again, and not only what did not succeed.
    pub from_scratch: bool,
    /// Parameters that are secret, which are not carried over.
    pub params: BTreeMap<String, Value>,
    /// The same, as a person typed them.
    pub typed_params: BTreeMap<String, String>,
    /// Whether it begins at once; it does, unless this is false.
    pub start: Option<bool>,
    /// Why, for the record.
    pub why: String,
}

/// Why somebody says something to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Reason {
    /// Why, in your own words.
    pub why: String,
    /// With `approve`: the digest of what was looked at, so that nothing else is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// How what waits for a person is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resolution {
    /// The address of the element, as the report of the run has it.
    pub address: String,
    /// `done`, `failed` or `again`.
    #[schemars(with = "String")]
    pub verdict: Verdict,
    /// Why, in your own words.
    #[serde(default)]
    pub why: String,
}

/// Some runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunPage {
    /// The newest first.
    pub items: Vec<Run>,
    /// What the next page is asked for by, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A run in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its id.
    #[schemars(with = "String")]
    pub id: RunId,
    /// The group that it belongs to.
    #[schemars(with = "String")]
    pub group: GroupId,
    /// The run that it retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
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
    #[serde(default)]
    pub noop: bool,
    /// When it was submitted.
    #[serde(with = "crate::texts::exact")]
    #[schemars(with = "String")]
    pub submitted_at: Time,
    /// When it began.
    #[serde(default, with = "crate::texts::maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, with = "crate::texts::maybe", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Time>,
    /// Where it stands: submitted, awaitingApproval, running, paused, succeeded, failed or stopped.
    #[schemars(with = "String")]
    pub status: RunStatus,
    /// The first true cause of its failure or stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RunReason>,
    /// What it takes to be approved, where it must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<RunApproval>,
    /// The number of the event with which it came to stand there.
    pub seq: u64,
    /// Whether the server drives it.
    #[serde(default)]
    pub driven: bool,
    /// The addresses of what waits for a person to settle it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<String>,
    /// Whether nothing will go on before a person approves, resumes or settles something.
    #[serde(default)]
    pub needs_person: bool,
    /// Why it does not go on, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What it takes to be approved, and who has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunApproval {
    /// How many people must agree.
    pub quorum: u32,
    /// Until when.
    #[serde(with = "crate::texts::exact")]
    #[schemars(with = "String")]
    pub until: Time,
    /// Who has agreed.
    #[serde(default)]
    pub by: Vec<String>,
}

/// The first true cause, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunReason {
    /// What sort of thing it was.
    #[schemars(with = "String")]
    pub kind: ReasonKind,
    /// The address of the element whose failure it was; empty for the run itself.
    pub address: String,
    /// That failure's own message.
    pub message: String,
}

/// An event as it is kept, for programs that fold the log of a run themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// Its number in the log.
    pub seq: u64,
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub what: What,
}
