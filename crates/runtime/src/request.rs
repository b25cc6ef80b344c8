//! What is asked for when a run is submitted.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_lang::Given;
use windlass_model::Map;
use windlass_model::freeze::Nodes;
use windlass_model::id::{GroupId, RunId};
use windlass_model::late::Late;
use windlass_model::plan::{DEFAULT_STEP_SET, Plan};
use windlass_model::target::{Frozen, Targets};
use windlass_plugin::SecretProvider;

/// A run to be. Begin with [`Request::new`].
#[derive(Clone, Debug)]
pub struct Request {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Which of its step sets.
    pub step_set: String,
    /// The values of its parameters, as they were given.
    pub params: BTreeMap<String, Given>,
    /// Who asks.
    pub user: String,
    /// The group that the run belongs to; a new one where there is none.
    pub group: Option<GroupId>,
    /// The id of the run; a new one where there is none.
    pub run_id: Option<RunId>,
    /// The run that this one retries.
    pub retry_of: Option<RunId>,
    /// The targets of each block instead of those that the plan selects.
    pub targets: Option<Vec<Frozen>>,
    /// With such targets: the nodes beside them that actions go to.
    pub others: Option<Frozen>,
    /// The inventory that targets are selected from; without one every name stands for itself.
    pub nodes: Option<Arc<dyn Nodes>>,
    /// A selection that the targets of all blocks are narrowed to.
    pub selection: Option<Targets>,
    /// What random choices are made from; chance where there is none.
    pub seed: Option<u64>,
    /// The sequences of each block that the retried run had done, by position.
    pub done: Vec<Vec<u32>>,
    /// The blocks that the retried run had done with everything in and around them, by position.
    pub done_blocks: Vec<u32>,
    /// Parameters that the other run was given and that are not carried over, because they are secrets or hold
    /// some: they must be given again, whether they have a default or not.
    pub withheld: Vec<String>,
    /// What the retried run had saved for its targets.
    pub carried: BTreeMap<String, Map>,
    /// Where the secrets come from that the plan refers to by name.
    pub secrets: Option<Arc<dyn SecretProvider>>,
    /// Where the inventory is read again for blocks whose targets are chosen when they begin. With `targets` also which
    /// blocks these are, and what they are narrowed to.
    pub late: Late,
    /// When it begins.
    pub start: Start,
    /// Whether it only looks: what acts is asked what it would change, and nothing is changed.
    pub noop: bool,
}

/// When a submitted run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// When it is told to, by [`Handle::start`](crate::Handle::start).
    #[default]
    Later,
    /// At once, unless it awaits approval.
    Now,
}

/// How much of a run is done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// All of it.
    FromScratch,
    /// What did not succeed.
    FromFailure,
}

// === impl Request ===

impl Request {
    /// A run of a plan without parameters.
    pub fn new(plan: impl Into<Arc<Plan>>) -> Self {
        Self {
            plan: plan.into(),
            step_set: DEFAULT_STEP_SET.to_owned(),
            params: BTreeMap::new(),
            user: String::new(),
            group: None,
            run_id: None,
            retry_of: None,
            targets: None,
            others: None,
            nodes: None,
            selection: None,
            seed: None,
            done: Vec::new(),
            done_blocks: Vec::new(),
            withheld: Vec::new(),
            carried: BTreeMap::new(),
            secrets: None,
            late: Late::default(),
            start: Start::default(),
            noop: false,
        }
    }

    /// On behalf of somebody.
    #[must_use]
    pub fn user(self, user: impl Into<String>) -> Self {
        Self { user: user.into(), ..self }
    }

    /// Of another step set.
    #[must_use]
    pub fn step_set(self, step_set: impl Into<String>) -> Self {
        Self { step_set: step_set.into(), ..self }
    }

    /// With these parameters.
    #[must_use]
    pub fn params(self, params: Map) -> Self {
        let params = params.into_iter().map(|(name, value)| (name, Given::Value(value))).collect();
        Self { params, ..self }
    }

    /// With one more parameter.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<windlass_model::Value>) -> Self {
        self.params.insert(name.into(), Given::Value(value.into()));
        self
    }

    /// Over the nodes of an inventory.
    #[must_use]
    pub fn nodes(self, nodes: Arc<dyn Nodes>) -> Self {
        Self { nodes: Some(nodes), ..self }
    }

    /// With the inventory read again from these files, folders and programs when a block chooses its targets as it begins,
    /// also in a process that goes on with the run later. What reads them is [`Options::inventories`](crate::Options).
    #[must_use]
    pub fn read_again<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.late.inventory = paths.into_iter().map(Into::into).collect();
        self
    }

    /// With secrets from there.
    #[must_use]
    pub fn secrets(self, provider: Arc<dyn SecretProvider>) -> Self {
        Self { secrets: Some(provider), ..self }
    }

    /// On no more than these nodes.
    #[must_use]
    pub fn selection(self, selection: Targets) -> Self {
        Self { selection: Some(selection), ..self }
    }

    /// Only looking: what acts is asked what it would change, and nothing is changed.
    #[must_use]
    pub fn noop(self) -> Self {
        Self { noop: true, ..self }
    }

    /// Beginning at once.
    #[must_use]
    pub fn starting(self) -> Self {
        Self { start: Start::Now, ..self }
    }
}
