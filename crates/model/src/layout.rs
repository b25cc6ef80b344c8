//! The plan of one run, compiled: limits resolved to numbers, every element reachable by its id.
//!
//! A block over 100,000 nodes keeps its template once. The layout is read-only; what happens to
//! its elements is the engine's to know.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::element::{ElementId, Level, Side, Slot, Work};
use crate::fact::{Catalog, PluginFacts, PluginKind};
use crate::late::Chosen;
use crate::limit::{Backoff, Batches};
use crate::plan::{Action, Block, Checks, Limits, OnFailure, Spec, When};
use crate::submission::Submission;
use crate::target::Frozen;
use crate::vars::{Layer, Origin};
use crate::{Map, Value, eval};

mod address;
mod nodes;
mod sensitive;

/// The timeout of an attempt where neither plan nor plugin gives one.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// The period of continuous checks where the plan gives none.
pub const DEFAULT_EVERY: Duration = Duration::from_secs(30);

/// The plan of one run, compiled.
#[derive(Clone, Debug)]
pub struct Layout {
    /// What was submitted.
    pub submission: Arc<Submission>,
    /// The plan's own checks.
    pub checks: SlotDefs,
    /// The blocks of the step set that runs.
    pub blocks: Vec<Arc<BlockDef>>,
    /// The deferred batches.
    pub batches: Vec<BatchDef>,
    /// Plugins that the plan names and nobody registered.
    pub missing: Vec<String>,
    /// The nodes that actions of blocks go to whose targets were chosen when they began.
    late_others: Vec<Arc<Frozen>>,
    nodes: nodes::Index,
}

/// The check slots of one level.
#[derive(Clone, Debug)]
pub struct SlotDefs {
    slots: [Vec<ActionDef>; 5],
    /// The period of the continuous slot.
    pub every: Duration,
}

/// One block.
#[derive(Clone, Debug)]
pub struct BlockDef {
    /// Its name.
    pub name: String,
    /// Its variables.
    pub vars: Arc<Layer>,
    /// Its checks.
    pub checks: SlotDefs,
    /// When its targets are chosen.
    pub choice: Choice,
    /// Its sequences.
    pub sequences: Sequences,
    /// How many sequences are active at once.
    pub concurrency: u32,
    /// How many sequences may fail; `None` is unlimited.
    pub failures: Option<u32>,
    /// Whether a sequence starts only while failed + active ≤ failures.
    pub strict: bool,
    /// The sizes of the batches.
    pub batches: Batches,
    /// The size of the canary batch.
    pub canary: Option<u32>,
    /// How many sequences may be active per value of a label.
    pub max_per: IndexMap<String, u32>,
    /// The wait between batches.
    pub soak: Duration,
    /// The wait before the block.
    pub entrance_delay: Duration,
    /// The wait after the block.
    pub exit_delay: Duration,
    /// What a failure does to the rest.
    pub on_failure: OnFailure,
    /// Which sequences the retried run had done.
    pub done: Vec<u32>,
    /// Whether the retried run had done all of it, checks included: then it is not gone through again.
    pub is_done: bool,
}

/// When the targets of a block are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// They were when the run was submitted.
    #[default]
    AtSubmit,
    /// They will be when the block begins: there are none yet.
    Open,
    /// They were when the block began.
    Made,
}

/// The sequences of a block.
#[derive(Clone, Debug)]
pub enum Sequences {
    /// One per target, all alike.
    Template {
        /// The targets.
        targets: Arc<Frozen>,
        /// What each does.
        body: Body,
    },
    /// Written out.
    Explicit(Vec<SequenceDef>),
}

/// A sequence that was written out.
#[derive(Clone, Debug)]
pub struct SequenceDef {
    /// Its name.
    pub name: String,
    /// What it does.
    pub body: Body,
}

/// What a sequence does.
#[derive(Clone, Debug)]
pub struct Body {
    /// Its actions, in order.
    pub actions: Vec<ActionDef>,
    /// Its variables.
    pub vars: Arc<Layer>,
    /// Its lock, which may be a template.
    pub lock: Option<String>,
    /// Whether any template looks at the responses of earlier actions.
    pub uses_steps: bool,
}

/// One action, check or undo with everything resolved that does not depend on values.
#[derive(Clone, Debug)]
pub struct ActionDef {
    /// As it was written.
    pub action: Action,
    /// Its plugin.
    pub facts: Arc<PluginFacts>,
    /// Its request as it was written; an empty object where there is none.
    pub request: Arc<Value>,
    /// Whether its request has templates.
    pub dynamic: bool,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How many further attempts there are.
    pub retries: u32,
    /// The waits between them.
    pub backoff: Backoff,
    /// How long all of them may take.
    pub deadline: Option<Duration>,
    /// Checks that make it unnecessary.
    pub verify: Vec<ActionDef>,
    /// Checks that must pass afterwards.
    pub after: Vec<ActionDef>,
    /// How it is taken back.
    pub undo: Option<Box<ActionDef>>,
}

/// A deferred batch.
#[derive(Clone, Debug)]
pub struct BatchDef {
    /// Its name.
    pub name: String,
    /// After which ends it runs.
    pub when: When,
    /// Whether its failure fails a good run.
    pub fail_plan: bool,
    /// What it does, in order.
    pub actions: Vec<ActionDef>,
}

// === impl Layout ===

impl Layout {
    /// Compiles a submission. Plugins that are not in the catalog are listed in `missing`, and
    /// stand-ins take their places, so that an old run can be shown anywhere.
    #[must_use]
    pub fn new(submission: Arc<Submission>, catalog: &Catalog) -> Self {
        let spec = &submission.plan.spec;
        let mut compiler = Compiler { catalog, spec, missing: Vec::new() };
        let checks = compiler.slots(&spec.checks);
        let blocks = submission.plan.step_set(&submission.step_set).unwrap_or(&[]);
        let blocks = blocks.iter().enumerate().map(|(at, block)| {
            let targets = submission.targets.get(at).cloned().unwrap_or_default();
            let done = submission.done.get(at).cloned().unwrap_or_default();
            let is_in = |list: &[u32]| list.iter().any(|listed| *listed as usize == at);
            let is_done = is_in(&submission.done_blocks);
            let choice = if is_in(&submission.late.blocks) { Choice::Open } else { Choice::AtSubmit };
            Arc::new(BlockDef { is_done, choice, ..compiler.block(block, Arc::new(targets), done) })
        });
        let blocks = blocks.collect();
        let batches = spec.deferred.iter().map(|batch| BatchDef {
            name: batch.name.clone(),
            when: batch.when,
            fail_plan: batch.fail_plan,
            actions: compiler.actions(&batch.actions),
        });
        let batches = batches.collect();
        let mut missing = compiler.missing;
        missing.sort();
        missing.dedup();
        let nodes = nodes::Index::default();
        Self { submission, checks, blocks, batches, missing, late_others: Vec::new(), nodes }
    }

    /// The same with what was chosen for a block as it began.
    #[must_use]
    pub fn with_chosen(&self, block: u32, chosen: Chosen) -> Self {
        let mut layout = Self { nodes: nodes::Index::default(), ..self.clone() };
        let written = self.submission.plan.step_set(&self.submission.step_set);
        let written = written.and_then(|blocks| blocks.get(block as usize));
        if let (Some(def), Some(written)) = (layout.blocks.get_mut(block as usize), written) {
            let def = Arc::make_mut(def);
            if let Sequences::Template { targets, .. } = &mut def.sequences {
                *targets = Arc::new(chosen.targets);
            }
            let limits = self.submission.plan.spec.limits_of(written);
            let (concurrency, failures) = numbers(limits, def.sequences.len());
            (def.concurrency, def.failures, def.choice) = (concurrency, failures, Choice::Made);
        }
        if !chosen.others.is_empty() {
            layout.late_others.push(Arc::new(chosen.others));
        }
        layout
    }

    /// The checks of a level.
    #[must_use]
    pub fn checks(&self, level: Level) -> Option<&SlotDefs> {
        match level {
            Level::Plan => Some(&self.checks),
            Level::Block(block) => Some(&self.block(block)?.checks),
        }
    }

    /// A block.
    #[must_use]
    pub fn block(&self, block: u32) -> Option<&BlockDef> {
        self.blocks.get(block as usize).map(|def| &**def)
    }

    /// How many blocks there are.
    #[must_use]
    pub fn block_count(&self) -> u32 {
        u32::try_from(self.blocks.len()).unwrap_or(u32::MAX)
    }

    /// What calls a plugin: an action, check, undo, deferred action or verifying check.
    #[must_use]
    pub fn action(&self, element: ElementId) -> Option<&ActionDef> {
        match element {
            ElementId::Work(work) => self.work(work),
            ElementId::Verify { of, side, index } => {
                let of = self.work(of)?;
                let checks = match side {
                    Side::Before => &of.verify,
                    Side::After => &of.after,
                };
                checks.get(usize::from(index))
            }
            _ => None,
        }
    }

    /// As [`Self::action`], for what is no verifying check.
    #[must_use]
    pub fn work(&self, work: Work) -> Option<&ActionDef> {
        match work {
            Work::Action { block, seq, action } => {
                self.block(block)?.sequences.body(seq)?.actions.get(usize::from(action))
            }
            Work::Undo { block, seq, action } => {
                self.work(Work::Action { block, seq, action })?.undo.as_deref()
            }
            Work::Check { level, slot, index } => self.checks(level)?.slot(slot).get(usize::from(index)),
            Work::Deferred { batch, action } => {
                self.batches.get(usize::from(batch))?.actions.get(usize::from(action))
            }
        }
    }
}

// === impl SlotDefs ===

impl SlotDefs {
    /// The checks of a slot.
    #[must_use]
    pub fn slot(&self, slot: Slot) -> &[ActionDef] {
        slot.of::<Vec<ActionDef>>(&self.slots)
    }
}

// === impl BlockDef ===

impl BlockDef {
    /// The value that a limit per label or fact counts a sequence under: a label of its target, else a fact of it,
    /// which may lie deeper (`os.name`).
    #[must_use]
    pub fn value_of(&self, label: &str, seq: u32) -> Option<String> {
        let node = self.sequences.targets()?.details(seq)?;
        let fact = || {
            let fact = eval::pick_in(&node.facts, label)?;
            Some(fact.as_str().map_or_else(|| fact.to_string(), str::to_owned))
        };
        node.labels.get(label).cloned().or_else(fact)
    }

    /// The size of a batch by its number from 1, canary batch not counted, before it is cut to what is left.
    #[must_use]
    pub fn batch_size(&self, n: u32) -> u32 {
        let total = self.sequences.len();
        match &self.batches {
            Batches::Whole => total.max(1),
            Batches::Auto => 1_u32.checked_shl(n.saturating_sub(1)).unwrap_or(u32::MAX).min(self.concurrency),
            Batches::Sizes(sizes) => {
                let at = (n.saturating_sub(1) as usize).min(sizes.len().saturating_sub(1));
                sizes.get(at).map_or(total.max(1), |size| size.at_least_one_of(total))
            }
        }
    }
}

// === impl Sequences ===

impl Sequences {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        match self {
            Self::Template { targets, .. } => targets.len(),
            Self::Explicit(sequences) => u32::try_from(sequences.len()).unwrap_or(u32::MAX),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a sequence does.
    #[must_use]
    pub fn body(&self, seq: u32) -> Option<&Body> {
        match self {
            Self::Template { targets, body } => (seq < targets.len()).then_some(body),
            Self::Explicit(sequences) => Some(&sequences.get(seq as usize)?.body),
        }
    }

    /// What a sequence is called: its target's name, or its own.
    #[must_use]
    pub fn name(&self, seq: u32) -> Option<&str> {
        match self {
            Self::Template { targets, .. } => targets.name(seq),
            Self::Explicit(sequences) => Some(&sequences.get(seq as usize)?.name),
        }
    }

    /// The name of the node that a sequence works on.
    #[must_use]
    pub fn target(&self, seq: u32) -> Option<&str> {
        match self {
            Self::Template { targets, .. } => targets.name(seq),
            Self::Explicit(_) => None,
        }
    }

    /// The targets, where there are any.
    #[must_use]
    pub fn targets(&self) -> Option<&Frozen> {
        match self {
            Self::Template { targets, .. } => Some(targets),
            Self::Explicit(_) => None,
        }
    }

    /// The position of a sequence by its name. Linear.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        match self {
            Self::Template { targets, .. } => targets.find(name),
            Self::Explicit(sequences) => {
                u32::try_from(sequences.iter().position(|sequence| sequence.name == name)?).ok()
            }
        }
    }
}

struct Compiler<'a> {
    catalog: &'a Catalog,
    spec: &'a Spec,
    missing: Vec<String>,
}

// === impl Compiler ===

impl Compiler<'_> {
    fn slots(&mut self, checks: &Checks) -> SlotDefs {
        let mut slot = |slot| {
            let mut defs = self.actions(checks.slot(slot));
            // Checks of a plugin that is missing are still checks.
            for def in &mut defs {
                if !self.catalog.names().any(|name| name == def.action.uses) {
                    def.facts = Arc::new(PluginFacts::plain(&def.action.uses, PluginKind::Check));
                }
            }
            defs
        };
        let slots = Slot::ALL.map(&mut slot);
        SlotDefs { slots, every: checks.every.map_or(DEFAULT_EVERY, |span| span.0) }
    }

    fn actions(&mut self, actions: &[Action]) -> Vec<ActionDef> {
        actions.iter().map(|action| self.action(action)).collect()
    }

    fn action(&mut self, action: &Action) -> ActionDef {
        let facts = self.catalog.get(&action.uses).cloned().unwrap_or_else(|| {
            self.missing.push(action.uses.clone());
            Arc::new(PluginFacts::plain(&action.uses, PluginKind::Acting))
        });
        let timeout = action.timeout.or(facts.timeout).map_or(DEFAULT_TIMEOUT, |span| span.0);
        let request = match &action.with {
            Value::Null => Value::Object(Map::new()),
            with => with.clone(),
        };
        ActionDef {
            request: Arc::new(request),
            dynamic: eval::has_template(&action.with),
            timeout,
            retries: action.retries.unwrap_or(0),
            backoff: action.backoff.map_or(facts.backoff, crate::limit::BackoffChoice::numbers),
            deadline: action.deadline.map(|span| span.0),
            verify: self.actions(&action.verify),
            after: self.actions(action.checks_after()),
            undo: action.undo.as_ref().map(|undo| Box::new(self.action(&undo.to_action()))),
            action: action.clone(),
            facts,
        }
    }

    fn body(&mut self, actions: &[Action], vars: &Map, lock: Option<&String>) -> Body {
        let actions_text = serde_json::to_string(actions).unwrap_or_default();
        Body {
            actions: self.actions(actions),
            vars: Layer::new(Origin::Sequence, vars.clone()),
            lock: lock.cloned(),
            uses_steps: actions_text.contains("steps"),
        }
    }

    fn block(&mut self, block: &Block, targets: Arc<Frozen>, done: Vec<u32>) -> BlockDef {
        let sequences = match &block.sequence {
            Some(template) => Sequences::Template {
                targets,
                body: self.body(&template.actions, &template.vars, template.lock.as_ref()),
            },
            None => Sequences::Explicit(
                block
                    .sequences
                    .iter()
                    .map(|sequence| SequenceDef {
                        name: sequence.name.clone(),
                        body: self.body(&sequence.actions, &sequence.vars, sequence.lock.as_ref()),
                    })
                    .collect(),
            ),
        };
        let limits = self.spec.limits_of(block);
        let (concurrency, failures) = numbers(limits, sequences.len());
        let wait = |span: Option<crate::span::Span>| span.map_or(Duration::ZERO, |span| span.0);
        BlockDef {
            name: block.name.clone(),
            vars: Layer::new(Origin::Block(block.name.clone()), block.vars.clone()),
            checks: self.slots(&block.checks),
            choice: Choice::default(),
            concurrency,
            failures,
            strict: limits.failures.unwrap_or_default().strict,
            batches: limits.batches.clone(),
            canary: limits.canary.map(|canary| canary.0).filter(|canary| *canary > 0),
            max_per: limits.max_per.cloned().unwrap_or_default(),
            soak: wait(limits.soak),
            entrance_delay: wait(block.entrance_delay),
            exit_delay: wait(block.exit_delay),
            on_failure: block.on_failure,
            done,
            is_done: false,
            sequences,
        }
    }
}

/// How many sequences of so many are active at once, and how many may fail.
fn numbers(limits: Limits<'_>, total: u32) -> (u32, Option<u32>) {
    let concurrency = limits.concurrency.map_or(1, |amount| amount.at_least_one_of(total));
    (concurrency, limits.failures.unwrap_or_default().max.map(|max| max.at_most_of(total)))
}
