//! Whether a plan makes sense, templates included: what files and library users alike get.

use windlass_model::fact::Catalog;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;

use crate::patterns::Regexes;
use crate::references;

/// Everything that is wrong with a plan, with addresses and with pointers into its document.
#[must_use]
pub fn validate(plan: &Plan, catalog: &Catalog) -> Vec<Problem> {
    let mut problems = windlass_model::validate::plan(plan, catalog, &Regexes::default());
    problems.extend(references::check(plan));
    problems
}
