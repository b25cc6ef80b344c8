//! The plan as a person writes it: a typed value, in YAML or as struct literals.
//!
//! ```text
//! Plan ─ spec ─┬─ params, vars, checks
//!              ├─ blocks | stepsets ── Block ─┬─ checks, limits
//!              │                              └─ targets + sequence | sequences ── Action
//!              └─ deferred batches ── Action
//! ```
//!
//! What these types accept is only well-formed. Whether it makes sense is for [`crate::validate`].

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::limit::{BackoffChoice, Batches, Canary, FailureLimit};
use crate::param::ParamSpec;
use crate::span::Span;
use crate::target::Targets;
use crate::{Map, Value};

mod build;
mod defaults;
mod form;

pub use self::defaults::{Defaults, Limits};
pub use self::form::{SequenceTemplate, VerifyAfter};

/// The version of the format that this crate reads and writes.
pub const API_VERSION: &str = "windlass.dev/v1";
/// The step set that runs unless another is chosen.
pub const DEFAULT_STEP_SET: &str = "default";

/// A versioned definition of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The format's version: `windlass.dev/v1`.
    #[schemars(extend("const" = "windlass.dev/v1"))]
    pub api_version: String,
    /// Always `Plan`.
    #[schemars(extend("const" = "Plan"))]
    pub kind: String,
    /// What it is called.
    pub metadata: Metadata,
    /// What it does.
    pub spec: Spec,
}

/// What a plan is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Its name: letters, digits, `-`, `_` and `.`.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Labels to find its runs by.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, String>,
}

/// What a plan does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// What must or may be given at submit.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub params: IndexMap<String, ParamSpec>,
    /// Values for templates.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map,
    /// A name for runs that belong together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Who must agree before a run begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Checks of the whole plan.
    #[serde(default, skip_serializing_if = "Checks::is_empty")]
    pub checks: Checks,
    /// Limits of all blocks that do not say otherwise.
    #[serde(default, skip_serializing_if = "Defaults::is_empty")]
    pub defaults: Defaults,
    /// The phases, strictly one after the other: the step set `default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// Named entry points, instead of `blocks`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub stepsets: IndexMap<String, StepSet>,
    /// What runs at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<DeferredBatch>,
}

/// Who must agree before a run begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// How many different people.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub quorum: u32,
    /// How long a submitted run waits for them; it fails when the time is over.
    #[serde(default = "a_day")]
    pub expires: Span,
    /// Whether the person who submitted the run counts.
    #[serde(default)]
    pub allow_author: bool,
}

/// A named entry point of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepSet {
    /// The phases, strictly one after the other.
    #[serde(default)]
    pub blocks: Vec<Block>,
    /// Whether a later run begins this step set anew instead of going on where it stood.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_reset: bool,
}

/// The five check slots of a plan or block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checks {
    /// When all of these pass, the element is skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bypass: Vec<Action>,
    /// Must pass before work begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre: Vec<Action>,
    /// Must pass before work begins, and keep passing while it goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continuous: Vec<Action>,
    /// Must pass after good work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<Action>,
    /// Run at the very end, after success and failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<Action>,
    /// The period of the continuous checks; 30s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

/// One phase of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Block {
    /// Its name, unique among the blocks of its step set.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Checks of this block.
    #[serde(default, skip_serializing_if = "Checks::is_empty")]
    pub checks: Checks,
    /// Values for the templates of this block; nearer than those of the plan and of the targets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map,
    /// The nodes to work on; goes with `sequence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// When the targets are resolved.
    #[serde(default, skip_serializing_if = "Resolve::is_default")]
    pub resolve: Resolve,
    /// What to do on each target, one sequence per target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<SequenceTemplate>,
    /// Sequences written out, instead of `targets` and `sequence`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequences: Vec<Sequence>,
    /// How many sequences are active at once; 1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Amount>,
    /// The sizes of the batches; one batch of everything unless given.
    #[serde(default, skip_serializing_if = "Batches::is_whole")]
    pub batches: Batches,
    /// A first batch of so many, chosen at random, any failure in which fails the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// How many sequences may fail before the block does; none unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<FailureLimit>,
    /// How many sequences may be active at once per value of a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per: Option<IndexMap<String, u32>>,
    /// The wait between batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Span>,
    /// The wait before the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrance_delay: Option<Span>,
    /// The wait after a successful block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_delay: Option<Span>,
    /// What a failure of the block does to what is in flight or done.
    #[serde(default, skip_serializing_if = "OnFailure::is_default")]
    pub on_failure: OnFailure,
}

/// When the targets of a block are resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Resolve {
    /// Once, at submit.
    #[default]
    Submit,
    /// When the block starts.
    Late,
}

/// What a failure of a block does to what is in flight or done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// Nothing new starts; sequences in flight run on to their own end.
    #[default]
    Stop,
    /// Nothing new starts; sequences in flight end after their current action.
    Halt,
    /// As `stop`; then what succeeded in the block is undone.
    Undo,
}

/// Ordered actions, written out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sequence {
    /// Its name, unique in its block.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Values for the templates of this sequence.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map,
    /// What no other sequence of any run may hold meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// What to do, in order.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// One call of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    /// Its name, unique among its siblings.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The plugin.
    #[serde(rename = "use", default)]
    pub uses: String,
    /// The request; its texts are templates.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub with: Value,
    /// How long one attempt may take; 30s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How many further attempts a failed one gets; none unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000))]
    pub retries: Option<u32>,
    /// The waits between attempts; the plugin's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffChoice>,
    /// How long all attempts together may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Span>,
    /// A condition; when it is false the action is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Checks that, when all pass, make the action unnecessary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verify: Vec<Action>,
    /// Checks that must pass after the action: `true` for those of `verify`, or a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_after: Option<VerifyAfter>,
    /// What to keep of the response: name → path in it.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub save: IndexMap<String, String>,
    /// How to take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Box<Undo>>,
    /// Another node to do it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// What to do with an attempt of which a crash hid the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_interrupt: Option<OnInterrupt>,
    /// Whether its request, its response and what it prints stay out of every log; what it saves is a secret.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensitive: bool,
}

/// How an action is taken back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Undo {
    /// The plugin.
    #[serde(rename = "use", default)]
    pub uses: String,
    /// The request; its texts are templates.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub with: Value,
    /// How long one attempt may take; 30s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How many further attempts a failed one gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// The waits between attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffChoice>,
    /// How long all attempts together may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Span>,
    /// Another node to do it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// What to do with an attempt of which a crash hid the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_interrupt: Option<OnInterrupt>,
    /// Whether its request, its response and what it prints stay out of every log; what it saves is a secret.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensitive: bool,
    /// Not allowed; read only to be able to say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub undo: Option<Value>,
}

/// What to do with an attempt of which a crash hid the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnInterrupt {
    /// The action failed.
    #[default]
    Fail,
    /// It is run again.
    Rerun,
    /// A person decides.
    Ask,
}

/// Actions that run at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeferredBatch {
    /// Its name, unique among the deferred batches.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// After which ends it runs.
    #[serde(default)]
    pub when: When,
    /// Whether its failure fails a good run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fail_plan: bool,
    /// What to do, in order.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// After which ends a deferred batch runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// After good work.
    Success,
    /// After a failure or a stop.
    Failure,
    /// After both.
    #[default]
    Always,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn one() -> u32 {
    1
}

fn a_day() -> Span {
    Span::secs(86_400)
}

// === impl Plan ===

impl Plan {
    /// A plan of this name with nothing in it yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            api_version: API_VERSION.into(),
            kind: "Plan".into(),
            metadata: Metadata { name: name.into(), ..Metadata::default() },
            spec: Spec::default(),
        }
    }

    /// The blocks of a step set.
    #[must_use]
    pub fn step_set(&self, name: &str) -> Option<&[Block]> {
        if let Some(set) = self.spec.stepsets.get(name) {
            return Some(&set.blocks);
        }
        (name == DEFAULT_STEP_SET && self.spec.stepsets.is_empty()).then_some(&*self.spec.blocks)
    }

    /// The names of the step sets, in order.
    #[must_use]
    pub fn step_set_names(&self) -> Vec<&str> {
        if self.spec.stepsets.is_empty() {
            return vec![DEFAULT_STEP_SET];
        }
        self.spec.stepsets.keys().map(String::as_str).collect()
    }
}

// === impl Checks ===

impl Checks {
    /// Whether all slots are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The actions of a slot.
    #[must_use]
    pub fn slot(&self, slot: crate::element::Slot) -> &[Action] {
        use crate::element::Slot;
        match slot {
            Slot::Bypass => &self.bypass,
            Slot::Pre => &self.pre,
            Slot::Continuous => &self.continuous,
            Slot::Post => &self.post,
            Slot::Deferred => &self.deferred,
        }
    }
}

// === impl Action ===

impl Action {
    /// The checks of `verifyAfter`, those of `verify` when it is just `true`.
    #[must_use]
    pub fn checks_after(&self) -> &[Self] {
        match &self.verify_after {
            None | Some(VerifyAfter::Same(false)) => &[],
            Some(VerifyAfter::Same(true)) => &self.verify,
            Some(VerifyAfter::Checks(checks)) => checks,
        }
    }
}

// === impl Undo ===

impl Undo {
    /// The undo as an action of its own.
    #[must_use]
    pub fn to_action(&self) -> Action {
        Action {
            name: "undo".into(),
            uses: self.uses.clone(),
            with: self.with.clone(),
            timeout: self.timeout,
            retries: self.retries,
            backoff: self.backoff,
            deadline: self.deadline,
            on: self.on.clone(),
            on_interrupt: self.on_interrupt,
            sensitive: self.sensitive,
            ..Action::default()
        }
    }
}

// === impl Resolve, OnFailure, Batches ===

impl Resolve {
    fn is_default(&self) -> bool {
        *self == Self::Submit
    }
}

impl OnFailure {
    fn is_default(&self) -> bool {
        *self == Self::Stop
    }
}

impl Batches {
    /// Whether everything is one batch.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}
