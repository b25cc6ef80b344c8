//! What is not wrong with a plan, but worth a look: few things, and each of them certain.
//!
//! A warning changes nothing about a plan. It is said where a line of the plan does not do what whoever
//! wrote it must have meant: nobody reads it, or nothing heeds it.

mod effect;
mod limits;
mod unread;

use windlass_model::Value;
use windlass_model::plan::{Block, Plan};
use windlass_model::problem::Problem;

use crate::references::asks_an_inventory;
use crate::validate::Surroundings;

pub(crate) use self::limits::limits;

/// What is odd about a plan, whatever its parameters and targets; `document` is the plan as it was written.
pub(crate) fn plan(plan: &Plan, document: &Value, surroundings: Surroundings<'_>) -> Vec<Problem> {
    let asks = |at: &Block| at.targets.as_ref().is_some_and(asks_an_inventory);
    let sets = plan.spec.stepsets.values().flat_map(|set| &set.blocks);
    // What an inventory says of its nodes may read whatever there is.
    let is_certain = surroundings.nodes.is_none() && !plan.spec.blocks.iter().chain(sets).any(asks);
    let mut warnings = if is_certain { unread::check(plan, document) } else { Vec::new() };
    warnings.extend(effect::check(plan, surroundings.catalog));
    warnings
}

#[cfg(test)]
mod tests;
