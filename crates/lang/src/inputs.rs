//! What a run is made from besides its plan: parameters, complete, and targets, frozen.
//!
//! ```text
//! given values ─ read ─► params ─┐
//!            nodes with templates ─ freeze ─► targets ─ warn ─► Inputs
//! ```
//!
//! Everything that is wrong with either is said at once. What only follows from a parameter that is not
//! acceptable is not said: it may go away with it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::Value;
use windlass_model::eval::{EvalErrorKind, Evaluate, Scope};
use windlass_model::freeze::{self, Blocks, Inventory, Means, Nodes, Resolved};
use windlass_model::late::Chosen;
use windlass_model::outcome::Failure;
use windlass_model::plan::Plan;
use windlass_model::problem::{Problem, Problems};
use windlass_model::target::{Frozen, Targets};

use crate::params::{self, Given, Params};
use crate::references::asks_an_inventory;
use crate::validate::Surroundings;
use crate::warn;

/// What targets are chosen from, and what they are narrowed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Among<'a> {
    /// The nodes of an inventory; without one every name stands for itself.
    pub nodes: Option<&'a dyn Nodes>,
    /// The selection that the targets of all blocks are narrowed to.
    pub filter: Option<&'a Targets>,
}

/// What a run is made from besides its plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// The parameters.
    pub params: Params,
    /// The targets of each block; none for a block with explicit sequences.
    pub targets: Vec<Frozen>,
    /// The nodes beside the targets that actions go to, as far as the inventory knows them.
    pub others: Frozen,
    /// The blocks whose targets are chosen when they begin, by position, each with what would be chosen now, as far as
    /// that can be said. Among `targets` they have none.
    pub late: BTreeMap<u32, Option<Frozen>>,
    /// What is odd about the targets: not wrong, but worth a look.
    pub warnings: Vec<Problem>,
}

mod others;

/// What is found out later. Never shown.
const LATER: &str = "\0later";

/// Reads parameters and freezes the targets of a step set with them; `targets` are taken instead, if there are any.
///
/// # Errors
///
/// Everything that is wrong with the parameters and the targets.
pub fn inputs(
    plan: &Plan,
    step_set: &str,
    given: BTreeMap<String, Given>,
    targets: Option<Vec<Frozen>>,
    eval: &dyn Evaluate,
    among: Among<'_>,
) -> Result<Inputs, Problems> {
    let (params, mut problems) = params::read(plan, given);
    let lacking: Vec<String> = plan
        .spec
        .params
        .keys()
        .filter(|name| !params.values.contains_key(*name))
        .map(|name| format!("params.{name}"))
        .collect();
    let is_incomplete = !problems.is_empty();
    let scope = Scope {
        params: Arc::new(params.values.clone()),
        vars: Arc::new(plan.spec.vars.clone().into()),
        secret_params: Arc::new(params.secrets.clone()),
        ..Scope::default()
    };
    let render = |text: &str| match eval.render(&Value::from(text), &scope) {
        Ok(rendered) if rendered.shown.is_some() => Err("a secret cannot name a node".to_owned()),
        Ok(rendered) => Ok(rendered.clear),
        Err(why) if is_incomplete && lacking.iter().any(|name| why.text.contains(name)) => {
            Err(LATER.to_owned())
        }
        Err(why) => Err(why.text),
    };
    let with_facts = among.nodes.is_some() && looks_at_facts(plan);
    let inventory = among.nodes.map(|nodes| Inventory { nodes, eval, scope: &scope, with_facts });
    let means = Means { render: &render, inventory, filter: among.filter };
    // With targets of its own a step set must be there all the same; nothing is resolved for it.
    let blocks = match targets {
        Some(targets) if plan.step_set(step_set).is_some() => {
            let each = targets.into_iter().map(|targets| Ok(Resolved { targets, ..Resolved::default() }));
            Blocks { each: each.collect(), ..Blocks::default() }
        }
        _ => freeze::blocks(plan, step_set, &means)
            .unwrap_or_else(|problems| Blocks { each: vec![Err(problems)], ..Blocks::default() }),
    };
    let mut inputs = Inputs { params, warnings: blocks.warnings, late: blocks.late, ..Inputs::default() };
    for resolved in blocks.each {
        match resolved {
            Ok(resolved) => {
                inputs.targets.push(resolved.targets);
                inputs.warnings.extend(resolved.warnings);
            }
            Err(found) => problems.extend(found.into_iter().filter(|problem| problem.message != LATER)),
        }
    }
    Problems::check(problems)?;
    if let Some(inventory) = &inventory {
        inputs.others = others::of(plan, step_set, &inputs.targets, inventory).map_err(Problems)?;
    }
    let known = (0_u32..).zip(&inputs.targets).map(|(at, targets)| match inputs.late.get(&at) {
        Some(now) => now.as_ref().filter(|now| !now.is_empty()),
        None => Some(targets),
    });
    let known: Vec<Option<&Frozen>> = known.collect();
    inputs.warnings.extend(warn::limits(plan, step_set, known.into_iter()));
    Ok(inputs)
}

/// Chooses the targets of a block that has begun, and the nodes beside them that its actions go to. Templates and
/// expressions see the scope.
///
/// # Errors
///
/// Why nothing can be chosen.
pub fn choose(
    plan: &Plan,
    step_set: &str,
    block: u32,
    scope: &Scope,
    eval: &dyn Evaluate,
    among: Among<'_>,
) -> Result<Chosen, Failure> {
    let unknown = Cell::new(false);
    let render = |text: &str| match eval.render(&Value::from(text), scope) {
        Ok(rendered) if rendered.shown.is_some() => Err("a secret cannot name a node".to_owned()),
        Ok(rendered) => Ok(rendered.clear),
        Err(why) => {
            unknown.set(unknown.get() || why.kind == EvalErrorKind::Unknown);
            Err(why.text)
        }
    };
    let with_facts = among.nodes.is_some() && looks_at_facts(plan);
    let inventory = among.nodes.map(|nodes| Inventory { nodes, eval, scope, with_facts });
    let means = Means { render: &render, inventory, filter: among.filter };
    let cannot = |problems: Vec<Problem>| {
        let said = problems.iter().take(3).map(|problem| match &problem.help {
            Some(help) => format!("{} ({help})", problem.message),
            None => problem.message.clone(),
        });
        let said: Vec<String> = said.collect();
        let code = if unknown.get() { Failure::UNKNOWN } else { Failure::SELECTION };
        Failure::permanent(code, said.join("; "))
    };
    let targets = freeze::block(plan, step_set, block, &means).map_err(cannot)?.targets;
    let others = match &inventory {
        Some(inventory) => others::of_block(plan, step_set, block, &targets, inventory).map_err(cannot)?,
        None => Frozen::default(),
    };
    Ok(Chosen { targets, others })
}

/// What can be said of the targets of all step sets before any parameter is known: problems and warnings.
///
/// What an inventory must answer is left to who has it and the parameters.
pub(crate) fn foreseen(plan: &Plan, surroundings: Surroundings<'_>) -> (Vec<Problem>, Vec<Problem>) {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    if surroundings.nodes.is_some() {
        return (problems, warnings);
    }
    let render = |_: &str| Err(LATER.to_owned());
    for step_set in plan.step_set_names() {
        let mut known = Vec::new();
        let blocks = freeze::blocks(plan, step_set, &Means::plain(&render)).unwrap_or_default();
        for (resolved, block) in blocks.each.into_iter().zip(plan.step_set(step_set).unwrap_or_default()) {
            match resolved {
                _ if block.targets.as_ref().is_some_and(asks_an_inventory) => known.push(None),
                Ok(resolved) => {
                    known.push(Some(resolved.targets));
                    warnings.extend(resolved.warnings);
                }
                Err(found) => {
                    known.push(None);
                    problems.extend(found.into_iter().filter(|problem| problem.message != LATER));
                }
            }
        }
        warnings.extend(warn::limits(plan, step_set, known.iter().map(Option::as_ref)));
    }
    (problems, warnings)
}

/// Whether anything in a plan may look at what nodes reported of themselves. A limit per label may count by a fact.
fn looks_at_facts(plan: &Plan) -> bool {
    let sets = plan.spec.stepsets.values().flat_map(|set| &set.blocks);
    let mut blocks = plan.spec.blocks.iter().chain(sets);
    blocks.any(|block| plan.spec.limits_of(block).max_per.is_some_and(|labels| !labels.is_empty()))
        || serde_json::to_string(plan).is_ok_and(|text| text.contains("facts"))
}

#[cfg(test)]
mod tests;
