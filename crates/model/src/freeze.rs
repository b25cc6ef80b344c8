//! Targets as written to targets as frozen: patterns written out or matched, exclusions applied, each node once.
//!
//! A pure function of the plan, of a way to render templates, and of the inventory, if there is one.
//!
//! ```text
//! Targets ─┬─ without inventory: names and series written out ─┬─ Filter ─► Frozen
//!          └─ with one: Asked ─► Nodes (another crate) ────────┘
//! ```
//!
//! Without an inventory, a pattern that would have to be matched against one (`web*`) is refused among
//! `nodes`, and is welcome in `excludeNodes`, where the nodes to match against are known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::code;
use crate::eval::{Evaluate, Scope};
use crate::name;
use crate::plan::{Block, DEFAULT_STEP_SET, Plan, Resolve};
use crate::problem::Problem;
use crate::target::{Frozen, Targets};
use crate::{Map, Value};

mod asked;
mod filter;
mod written;

pub use self::asked::{Asked, Key, What, Wish};
use self::filter::Filter;

/// The most nodes that a block may work on.
pub const MAX_NODES: usize = 1_000_000;

/// The most problems that are worth listing.
const MAX_PROBLEMS: usize = 1000;

/// How a template in a list of nodes becomes a value: a name, or a list of names or nodes.
pub type Render<'a> = dyn Fn(&str) -> Result<Value, String> + 'a;

/// Which variables nodes bring along.
pub trait KnownVars: fmt::Debug {
    /// Whether any node may have a variable of this name.
    fn has_var(&self, name: &str) -> bool;

    /// The names of all variables, for advice.
    fn var_names(&self) -> Vec<&str>;
}

/// The nodes that there are, where there is an inventory.
pub trait Nodes: KnownVars + Send + Sync {
    /// Chooses nodes: what is included, minus what is excluded. Expressions see the scope and each node in turn.
    fn choose(&self, asked: &Asked, with: &Inventory<'_>) -> Choice;
}

/// What was chosen from an inventory. Pointers are relative to the targets: `/nodes/3`.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The nodes, each once.
    pub targets: Frozen,
    /// Not wrong, but worth a look.
    pub warnings: Vec<Problem>,
    /// What makes the choice void.
    pub problems: Vec<Problem>,
}

/// An inventory and what its nodes are judged with.
#[derive(Clone, Copy)]
pub struct Inventory<'a> {
    /// The nodes.
    pub nodes: &'a dyn Nodes,
    /// What judges expressions.
    pub eval: &'a dyn Evaluate,
    /// What expressions see beside a node.
    pub scope: &'a Scope,
    /// Whether the nodes bring along what they reported of themselves.
    pub with_facts: bool,
}

/// What targets are resolved with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// How templates become values.
    pub render: &'a Render<'a>,
    /// The inventory; without one every name stands for itself.
    pub inventory: Option<Inventory<'a>>,
    /// What the operator narrows all targets of a run to.
    pub filter: Option<&'a Targets>,
}

/// Frozen targets, and what is odd about how they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// The targets.
    pub targets: Frozen,
    /// Not wrong, but worth a look. Pointers are relative to the targets.
    pub warnings: Vec<Problem>,
}

/// The targets of the blocks of a step set, each with what is odd about it, or with what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blocks {
    /// Each block's.
    pub each: Vec<Result<Resolved, Vec<Problem>>>,
    /// The blocks whose targets are chosen when they begin, by position, each with what would be chosen now, as far as
    /// that can be said. Among `each` they have none.
    pub late: BTreeMap<u32, Option<Frozen>>,
    /// What is odd about the selection that they were narrowed to.
    pub warnings: Vec<Problem>,
}

/// Targets that were chosen before bring along what was frozen with them.
impl KnownVars for Vec<Frozen> {
    fn has_var(&self, name: &str) -> bool {
        self.iter().any(|frozen| frozen.var_maps().any(|map| map.contains_key(name)))
    }

    fn var_names(&self) -> Vec<&str> {
        let keys = self.iter().flat_map(|frozen| frozen.var_maps().flat_map(Map::keys));
        let names: BTreeSet<&str> = keys.map(String::as_str).collect();
        names.into_iter().collect()
    }
}

// === impl Means ===

impl<'a> Means<'a> {
    /// No inventory and no filter.
    #[must_use]
    pub fn plain(render: &'a Render<'a>) -> Self {
        Self { render, inventory: None, filter: None }
    }
}

impl fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Means").field("filter", &self.filter).finish_non_exhaustive()
    }
}

// === impl Inventory ===

impl Inventory<'_> {
    fn choose(&self, asked: &Asked) -> Choice {
        self.nodes.choose(asked, self)
    }
}

impl fmt::Debug for Inventory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

/// Resolves the targets of every block of a step set, each by itself; there are none for a block with explicit
/// sequences.
///
/// # Errors
///
/// That there is no such step set, or what is wrong with the filter. What is wrong with a block's targets stands in
/// its place, with address and pointer.
pub fn blocks(plan: &Plan, step_set: &str, means: &Means<'_>) -> Result<Blocks, Vec<Problem>> {
    let blocks = plan.step_set(step_set).ok_or_else(|| vec![unknown(plan, step_set)])?;
    let mut filter = means.filter.map(|filter| Filter::new(filter, means)).transpose()?;
    let mut all = Blocks::default();
    let mut before = 0_u64;
    for (index, block) in blocks.iter().enumerate() {
        let place = |problem: Problem| placed(problem, plan, step_set, block, index);
        let place_all = |problems: Vec<Problem>| problems.into_iter().map(place).collect();
        let resolved = block.targets.as_ref().map(|written| targets(written, means));
        if block.resolve == Resolve::Late && resolved.is_some() {
            let (now, wrong) = as_of_now(resolved, filter.as_mut());
            all.late.insert(u32::try_from(index).unwrap_or(u32::MAX), now);
            all.each.push(if wrong.is_empty() { Ok(Resolved::default()) } else { Err(place_all(wrong)) });
            continue;
        }
        all.each.push(match resolved {
            None => Ok(Resolved::default()),
            Some(Err(problems)) => Err(place_all(problems)),
            Some(Ok(found)) => {
                before += u64::from(found.targets.len());
                let targets = match &mut filter {
                    Some(filter) => filter.apply(&found.targets),
                    None => found.targets,
                };
                Ok(Resolved { targets, warnings: place_all(found.warnings) })
            }
        });
    }
    if let Some(filter) = filter {
        let is_void = all.each.iter().all(|one| one.as_ref().is_ok_and(|one| one.targets.is_empty()));
        // What it leaves of blocks whose targets are not known, nobody knows.
        let is_known = all.late.is_empty();
        if is_void && is_known && before > 0 && !filter.may_be_empty() {
            return Err(vec![filter.leaves_nothing()]);
        }
        all.warnings = if is_known { filter.warnings() } else { Vec::new() };
    }
    Ok(all)
}

/// Resolves the targets of one block, by its position in its step set.
///
/// # Errors
///
/// Everything that is wrong with them or with the filter, with address and pointer.
pub fn block(plan: &Plan, step_set: &str, index: u32, means: &Means<'_>) -> Result<Resolved, Vec<Problem>> {
    let blocks = plan.step_set(step_set).ok_or_else(|| vec![unknown(plan, step_set)])?;
    let index = index as usize;
    let Some((block, written)) = blocks.get(index).and_then(|block| Some((block, block.targets.as_ref()?)))
    else {
        return Ok(Resolved::default());
    };
    let place_all = |problems: Vec<Problem>| {
        problems.into_iter().map(|problem| placed(problem, plan, step_set, block, index)).collect()
    };
    let Resolved { targets, warnings } = targets(written, means).map_err(place_all)?;
    let targets = match means.filter {
        Some(filter) => Filter::new(filter, means)?.apply(&targets),
        None => targets,
    };
    Ok(Resolved { targets, warnings: place_all(warnings) })
}

/// What targets that are chosen later would be now, and what is wrong with them whenever they are chosen.
fn as_of_now(
    resolved: Option<Result<Resolved, Vec<Problem>>>,
    filter: Option<&mut Filter>,
) -> (Option<Frozen>, Vec<Problem>) {
    match resolved {
        Some(Ok(found)) => {
            let targets = found.targets;
            (Some(filter.map_or_else(|| targets.clone(), |filter| filter.apply(&targets))), Vec::new())
        }
        Some(Err(mut problems)) => {
            // Which nodes there are, and what the run will have saved, may be otherwise by then.
            let is_empty = problems.iter().all(|problem| problem.code == code::EMPTY_SELECTION);
            let passing =
                [code::EMPTY_SELECTION, code::UNKNOWN_NODE, code::UNKNOWN_GROUP, code::UNKNOWN_NAME];
            problems.retain(|problem| !passing.contains(&problem.code));
            (is_empty.then(Frozen::default), problems)
        }
        None => (None, Vec::new()),
    }
}

/// Resolves targets, whatever the filter says.
///
/// # Errors
///
/// Everything that is wrong with them. Pointers are relative to the targets: `/nodes/3`.
pub fn targets(targets: &Targets, means: &Means<'_>) -> Result<Resolved, Vec<Problem>> {
    let choice = match means.inventory {
        None => written::write_out(targets, means.render),
        Some(inventory) => match Asked::new(targets, means.render) {
            Ok(asked) => inventory.choose(&asked),
            Err(problems) => Choice { problems, ..Choice::default() },
        },
    };
    let Choice { targets: frozen, warnings, mut problems } = choice;
    if problems.is_empty() && frozen.is_empty() && !targets.allow_empty {
        let message = if targets.includes_nothing() { "no nodes are given" } else { "no nodes are left" };
        // Why nothing is left is usually one of the warnings.
        let reasons = warnings.iter().take(3).map(|warning| format!("{}; ", warning.message));
        let help = format!("{}write `allowEmpty: true` if that is fine", reasons.collect::<String>());
        problems.push(Problem::new(code::EMPTY_SELECTION, "", "", message).help(help));
    }
    if problems.is_empty() { Ok(Resolved { targets: frozen, warnings }) } else { Err(problems) }
}

fn unknown(plan: &Plan, step_set: &str) -> Problem {
    let known = plan.step_set_names();
    let near = name::nearest(step_set, known.iter().copied());
    let pointer = if plan.spec.stepsets.is_empty() { "" } else { "/spec/stepsets" };
    let message = format!("there is no step set `{step_set}`");
    let known = known.join(", ");
    Problem::new(code::UNKNOWN_STEP_SET, "", pointer, message).help(match near {
        Some(near) => format!("did you mean `{near}`? There are: {known}"),
        None => format!("there are: {known}"),
    })
}

fn placed(problem: Problem, plan: &Plan, step_set: &str, block: &Block, index: usize) -> Problem {
    let blocks = if plan.spec.stepsets.is_empty() {
        "/spec/blocks".to_owned()
    } else {
        format!("/spec/stepsets/{}/blocks", crate::schema::escape(step_set))
    };
    let address = match step_set {
        DEFAULT_STEP_SET => block.name.clone(),
        set => format!("{set}:{}", block.name),
    };
    Problem { address, pointer: format!("{blocks}/{index}/targets{}", problem.pointer), ..problem }
}

#[cfg(test)]
mod tests;
