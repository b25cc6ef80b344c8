//! What is not wrong with a plan, but worth a look: few things, and each of them certain.
//!
//! A warning changes nothing about a plan. It is said where a line of the plan does not do what whoever
//! wrote it must have meant: nobody reads it, or nothing heeds it.

mod effect;
mod limits;
mod unread;

use windlass_model::Value;
use windlass_model::fact::Catalog;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;

pub(crate) use self::limits::limits;

/// What is odd about a plan, whatever its parameters and targets; `document` is the plan as it was written.
pub(crate) fn plan(plan: &Plan, document: &Value, catalog: &Catalog) -> Vec<Problem> {
    let mut warnings = unread::check(plan, document);
    warnings.extend(effect::check(plan, catalog));
    warnings
}

#[cfg(test)]
mod tests;
