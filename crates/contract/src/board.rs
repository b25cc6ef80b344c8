//! A run as it is drawn: everything of it that fits a screen, and thousands of targets in a letter each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::Value;

use crate::run::Run;

/// A run as it is drawn. Times are in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    /// The run in short.
    pub run: Run,
    /// The number of the newest event in it: what has happened since, the events behind it say.
    pub seq: u64,
    /// What an approval would be for.
    pub digest: String,
    /// When it was drawn.
    pub at: u64,
    /// The phases of the run.
    pub phases: Vec<BoardPhase>,
    /// The checks of the plan.
    pub checks: Vec<BoardPart>,
    /// The blocks.
    pub blocks: Vec<BoardBlock>,
    /// The deferred batches, and their actions.
    pub deferred: Vec<BoardPart>,
    /// What people said, in order.
    pub notes: Vec<BoardNote>,
    /// What failed and did not recover, the first cause first.
    pub failures: Vec<BoardFailure>,
    /// How many of those there are in all.
    pub failed: u32,
    /// What waits for a person.
    pub asked: Vec<BoardFailure>,
    /// What waits for a lock or a budget.
    pub held: Vec<BoardHeld>,
}

/// A phase of a run or a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardPhase {
    /// Which.
    pub phase: String,
    /// Since when.
    pub at: u64,
}

/// A part that is drawn by itself: a check, a deferred action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoardPart {
    /// Its address.
    pub address: String,
    /// The slot of checks, or the deferred batch, that it is in.
    pub slot: String,
    /// Its plugin; empty for a slot.
    #[serde(default, rename = "use", skip_serializing_if = "String::is_empty")]
    pub uses: String,
    /// How it stands.
    pub state: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<u64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// How many rounds of it there were.
    #[serde(default)]
    pub rounds: u64,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoardBlock {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// How it stands: pending, running, succeeded, failed, skipped or stopped.
    pub state: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<u64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// How many sequences may be active at once.
    pub concurrency: u32,
    /// How many may fail; all of them, where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// The most that ever were active at once.
    pub peak: u32,
    /// How many batches it has, as far as that is known.
    pub batch_count: u64,
    /// Its batches, the last of them.
    pub batches: Vec<BoardBatch>,
    /// Its delays and soaks.
    pub waits: Vec<BoardWait>,
    /// When actions of its sequences were tried again, the last of it.
    pub retries: Vec<BoardRetries>,
    /// Its phases.
    pub phases: Vec<BoardPhase>,
    /// Its checks.
    pub checks: Vec<BoardPart>,
    /// The names and plugins of the actions of a sequence.
    pub actions: Vec<BoardAction>,
    /// Whether its targets are chosen when it begins, and have not been.
    pub chooses_late: bool,
    /// The names of its sequences: those of nodes, where it has targets.
    pub names: Vec<String>,
    /// How each of them stands, a letter each: `.` pending, `r` running, `s` succeeded, `c` succeeded and changed something,
    /// `f` failed, `k` skipped, `x` stopped, `w` waits for a lock, `?` waits for a person.
    pub states: String,
    /// When each began, in milliseconds behind the run; -1 where it has not.
    pub begans: Vec<i64>,
    /// When each ended, in the same way.
    pub endeds: Vec<i64>,
    /// Labels of the targets: each label's values, and by position which of them a target has; -1 for none.
    pub labels: BTreeMap<String, BoardLabel>,
}

/// A label of targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardLabel {
    /// The values that there are.
    pub values: Vec<String>,
    /// The position of each target's value.
    pub of: Vec<i32>,
}

/// An action of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardAction {
    /// Its name.
    pub name: String,
    /// Its plugin.
    #[serde(rename = "use")]
    pub uses: String,
}

/// A batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardBatch {
    /// Its number, from 1.
    pub n: u32,
    /// How many sequences it has.
    pub size: u32,
    /// How many have failed.
    pub failed: u32,
    /// Whether it is the canary.
    pub canary: bool,
    /// When it began.
    pub began: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// A delay or a soak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardWait {
    /// Which.
    pub wait: String,
    /// From when.
    pub from: u64,
    /// Until when.
    pub until: u64,
}

/// A time in which actions that had failed were tried again: each from its first failure to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardRetries {
    /// How many actions.
    pub actions: u32,
    /// When the first of them had failed.
    pub began: u64,
    /// When the last of them had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// Something that somebody said to the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardNote {
    /// When.
    pub at: u64,
    /// What: started, approved, rejected, resolved, recovered, or a command.
    pub what: String,
    /// Who.
    pub by: String,
    /// Why, or of what.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardFailure {
    /// Whose.
    pub address: String,
    /// What it says.
    pub message: String,
}

/// Something that waits for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardHeld {
    /// What waits.
    pub address: String,
    /// For what.
    pub lock: String,
    /// Who has it.
    pub holder: String,
    /// Since when.
    pub since: u64,
}

/// Some elements of a run, with everything that is known of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ElementPage {
    /// In the order of the plan.
    pub items: Vec<Element>,
}

/// An element of a run. Times are in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Element {
    /// Its address.
    pub address: String,
    /// What sort of element it is.
    pub kind: String,
    /// Its plugin, if it calls one.
    #[serde(default, rename = "use", skip_serializing_if = "String::is_empty")]
    pub uses: String,
    /// How it stands.
    pub state: String,
    /// Why it was unnecessary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// Whether it changed something.
    pub changed: bool,
    /// In a noop: whether it would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<String>,
    /// In a noop: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// In a noop: what it would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<u64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// Its request; none where it is the plan's own text, or sensitive.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub request: Value,
    /// What it saved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub saves: BTreeMap<String, Value>,
    /// Its attempts; of a check those of its latest round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<ElementAttempt>,
    /// Whether requests and responses were left out, because there are very many like it.
    #[serde(default)]
    pub abridged: bool,
    /// What a person is asked to settle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ElementAttempt {
    /// Its number, from 1.
    pub n: u32,
    /// When it began.
    pub began: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// Whether it changed something.
    pub changed: bool,
    /// What came back.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub response: Value,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ElementError>,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ElementError {
    /// The code that its plugin gave it.
    pub code: String,
    /// In words.
    pub message: String,
    /// Whether another attempt is of no use.
    pub permanent: bool,
    /// What lies behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

/// A plan to be rehearsed: in virtual time, with simulated targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewRehearsal {
    /// The name of a plan of the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// A plan written out, instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// The step set; `default` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_set: Option<String>,
    /// The values of its parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// Values of parameters as a person typed them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub typed_params: BTreeMap<String, String>,
    /// A selection that the targets of all blocks are narrowed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// Whether it only looks.
    pub noop: bool,
    /// So many simulated nodes in the place of every selection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<u32>,
    /// What goes wrong: `ADDRESS-GLOB[@ATTEMPTS][%PERCENT][+FROM..TO]=KIND`.
    pub faults: Vec<String>,
    /// What random choices are made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// After which events Windlass dies, and goes on from its log.
    pub crash_at: Vec<u64>,
}

/// What a rehearsal showed. Times are virtual and count from zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsed {
    /// The run, as it is drawn.
    pub board: Board,
    /// How bad each block can get.
    pub worst: Vec<WorstCase>,
    /// What a real run would have touched, by plugin.
    pub touched: Vec<RehearsalTouched>,
    /// How many targets it would have touched.
    pub targets: u32,
    /// How long it lasted, in milliseconds.
    pub lasted: u64,
    /// How many events there were.
    pub events: u64,
    /// Whether it was broken off, because there were too many.
    pub broken_off: bool,
    /// Faults that are for no action and no check of this plan.
    pub idle: Vec<String>,
    /// How often Windlass died.
    pub crashes: u32,
    /// What random choices were made from.
    pub seed: u64,
}

/// How bad a block can get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorstCase {
    /// The address of the block.
    pub block: String,
    /// The most that can fail.
    pub failed: u32,
    /// Of so many.
    pub total: u32,
    /// In words.
    pub words: String,
}

/// What of a plugin a real run would have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RehearsalTouched {
    /// The plugin.
    #[serde(rename = "use")]
    pub uses: String,
    /// How many attempts.
    pub attempts: u64,
    /// How long the longest of them took, in milliseconds.
    pub longest: u64,
}
