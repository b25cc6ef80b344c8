//! Where a document does not fit the schema of its kind, as problems with codes of their own.

use windlass_model::code;
use windlass_model::problem::Problem;
use windlass_model::schema::{Rules, SchemaProblem, SchemaProblemKind, check};
use windlass_model::{Value, schema};

use crate::patterns::Regexes;

/// Every place where a document does not fit a JSON Schema; pointers lead into the document, addresses are empty.
#[must_use]
pub fn misfits(schema: &Value, document: &Value) -> Vec<Problem> {
    let patterns = Regexes::default();
    let rules = Rules { templates: false, patterns: &patterns as &dyn schema::Patterns };
    check(schema, document, rules).iter().map(as_problem).collect()
}

/// A misfit without an address.
pub(crate) fn as_problem(misfit: &SchemaProblem) -> Problem {
    let code = match misfit.kind {
        SchemaProblemKind::UnknownKey => code::UNKNOWN_KEY,
        SchemaProblemKind::MissingKey => code::MISSING_KEY,
        SchemaProblemKind::WrongForm => code::WRONG_TYPE,
        SchemaProblemKind::OutOfRange => code::BAD_NUMBER,
    };
    let problem = Problem::new(code, "", misfit.pointer.as_str(), misfit.message.as_str());
    Problem { help: misfit.help.clone(), ..problem }
}
