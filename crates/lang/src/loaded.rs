//! A plan together with the text that it stands in, so that whatever is found out later can be drawn there.

use std::sync::Arc;

use windlass_model::Value;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;

use crate::findings::{Excerpt, Findings, Found};
use crate::source::Source;
use crate::spans::{Range, SpanTree};
use crate::yaml::{self, Document};

mod address;
pub(crate) mod place;

/// A plan that was read from a text.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The text.
    pub source: Source,
    /// The document of the text that is the plan.
    pub document: Value,
    /// Where each part of the document stood.
    pub spans: SpanTree,
    /// Not wrong, but worth a look.
    pub warnings: Vec<Problem>,
}

// === impl Loaded ===

impl Loaded {
    /// A plan that was not read from a text, in a text that is printed for it.
    #[must_use]
    pub fn printed(source_name: &str, plan: Arc<Plan>) -> Self {
        let text = serde_json::to_string_pretty(&*plan).unwrap_or_default();
        let source = Source::new(source_name, &text);
        let nothing = Document { value: Value::Null, spans: SpanTree::leaf(Range::new(0, 0)) };
        // What is too large to be read again is not drawn; its problems are told all the same.
        let document =
            yaml::documents(&source).ok().and_then(|mut documents| documents.pop()).unwrap_or(nothing);
        Self { plan, source, document: document.value, spans: document.spans, warnings: Vec::new() }
    }

    /// Problems that somebody found in the plan, each at its place: where its pointer leads, or its address.
    ///
    /// `given` knows what was given from outside of the plan, such as `-p release=1`, and has part in a problem.
    pub fn findings(
        &self,
        problems: impl IntoIterator<Item = Problem>,
        given: &dyn Fn(&Problem) -> Option<Excerpt>,
    ) -> Findings {
        let found = problems.into_iter().map(|mut problem| {
            let given = given(&problem);
            if problem.pointer.is_empty() && !problem.address.is_empty() {
                problem.pointer = address::pointer(&self.plan, &problem.address).unwrap_or_default();
            }
            // Without a place, the problem is about the whole plan, or about what was given alone.
            if problem.pointer.is_empty() && given.is_some() || self.document.is_null() {
                return Found { problem, span: None, given };
            }
            Found { given, ..place::found(problem, &self.document, &self.spans, &self.source) }
        });
        Findings::of(&self.source, found.collect())
    }
}

#[cfg(test)]
mod tests;
