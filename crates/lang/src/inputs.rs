//! What a run is made from besides its plan: parameters, complete, and targets, frozen.
//!
//! ```text
//! given values ─ read ─► params ─┐
//!            nodes with templates ─ freeze ─► targets ─ warn ─► Inputs
//! ```
//!
//! Everything that is wrong with either is said at once. What only follows from a parameter that is not
//! acceptable is not said: it may go away with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::Value;
use windlass_model::eval::{Evaluate, Scope};
use windlass_model::freeze::{self, Resolved};
use windlass_model::plan::Plan;
use windlass_model::problem::{Problem, Problems};
use windlass_model::target::Frozen;

use crate::params::{self, Given, Params};
use crate::warn;

/// What a run is made from besides its plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// The parameters.
    pub params: Params,
    /// The targets of each block; none for a block with explicit sequences.
    pub targets: Vec<Frozen>,
    /// What is odd about the targets: not wrong, but worth a look.
    pub warnings: Vec<Problem>,
}

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
        vars: Arc::new(plan.spec.vars.clone()),
        secret_params: Arc::new(params.secrets.clone()),
        ..Scope::default()
    };
    let render = |text: &str| match eval.render(&Value::from(text), &scope) {
        Ok(rendered) if rendered.shown.is_some() => Err("a secret cannot name a node".to_owned()),
        Ok(rendered) => Ok(rendered.clear),
        Err(why) if is_incomplete && lacking.iter().any(|name| why.0.contains(name)) => Err(LATER.to_owned()),
        Err(why) => Err(why.0),
    };
    // With targets of its own a step set must be there all the same; nothing is resolved for it.
    let blocks = match targets {
        Some(targets) if plan.step_set(step_set).is_some() => {
            targets.into_iter().map(|targets| Ok(Resolved { targets, ..Resolved::default() })).collect()
        }
        _ => freeze::blocks(plan, step_set, &render).unwrap_or_else(|problem| vec![Err(vec![*problem])]),
    };
    let mut inputs = Inputs { params, ..Inputs::default() };
    for resolved in blocks {
        match resolved {
            Ok(resolved) => {
                inputs.targets.push(resolved.targets);
                inputs.warnings.extend(resolved.warnings);
            }
            Err(found) => problems.extend(found.into_iter().filter(|problem| problem.message != LATER)),
        }
    }
    Problems::check(problems)?;
    inputs.warnings.extend(warn::limits(plan, step_set, inputs.targets.iter().map(Some)));
    Ok(inputs)
}

/// What can be said of the targets of all step sets before any parameter is known: problems and warnings.
pub(crate) fn foreseen(plan: &Plan) -> (Vec<Problem>, Vec<Problem>) {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let render = |_: &str| Err(LATER.to_owned());
    for step_set in plan.step_set_names() {
        let mut known = Vec::new();
        for resolved in freeze::blocks(plan, step_set, &render).unwrap_or_default() {
            match resolved {
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

#[cfg(test)]
mod tests;
