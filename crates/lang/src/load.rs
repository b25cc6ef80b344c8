//! A text to plans, or to everything that is wrong with it.

use windlass_model::code;
use windlass_model::fact::Catalog;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;

use crate::invalid::{Found, Invalid};
use crate::source::Source;
use crate::spans::SpanTree;
use crate::yaml;

/// A plan that was read from a text.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The plan.
    pub plan: Plan,
    /// Where each part of it stood.
    pub spans: SpanTree,
    /// Not wrong, but worth a look.
    pub warnings: Vec<Problem>,
}

/// Reads and validates the plans of a text.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn load(source_name: &str, text: &str, _catalog: &Catalog) -> Result<Vec<Loaded>, Invalid> {
    let source = Source::new(source_name, text);
    let mut loaded = Vec::new();
    let mut found = Vec::new();
    for document in yaml::read(&source)? {
        match serde_json::from_value(document.value) {
            Ok(plan) => loaded.push(Loaded { plan, spans: document.spans, warnings: Vec::new() }),
            Err(why) => found.push(Found::at(
                Problem::new(code::WRONG_TYPE, "", "", why.to_string()),
                document.spans.range().bytes(),
            )),
        }
    }
    if found.is_empty() { Ok(loaded) } else { Err(Invalid::of(&source, found)) }
}
