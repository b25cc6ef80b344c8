//! Whether a plan makes sense, templates included: what files and library users alike get.

use windlass_model::fact::Catalog;
use windlass_model::freeze::KnownVars;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;

use crate::patterns::Regexes;
use crate::references;

/// What a plan is judged in: a catalog alone, or together with nodes.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The plugins that there are.
    pub catalog: &'a Catalog,
    /// The nodes that there are, or were chosen: templates may name their variables.
    pub nodes: Option<&'a dyn KnownVars>,
}

impl<'a> From<&'a Catalog> for Surroundings<'a> {
    fn from(catalog: &'a Catalog) -> Self {
        Self { catalog, nodes: None }
    }
}

/// Everything that is wrong with a plan, with addresses and with pointers into its document.
#[must_use]
pub fn validate<'a>(plan: &Plan, surroundings: impl Into<Surroundings<'a>>) -> Vec<Problem> {
    let Surroundings { catalog, nodes } = surroundings.into();
    let mut problems = windlass_model::validate::plan(plan, catalog, &Regexes::default());
    problems.extend(references::check(plan, nodes));
    problems
}
