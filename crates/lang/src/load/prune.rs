//! A document without what is broken in it, and the way back to the document.

use std::collections::{BTreeMap, BTreeSet};

use windlass_model::code;
use windlass_model::problem::Problem;
use windlass_model::schema::{SchemaProblem, SchemaProblemKind};
use windlass_model::{Map, Value};

/// A document without what is broken in it.
pub(super) struct Pruned {
    pub(super) value: Value,
    /// For each list that lost items, which items of the document are left.
    kept: BTreeMap<String, Vec<usize>>,
    /// The pointers of what was cut out, in the document.
    cut: BTreeSet<String>,
}

// === impl Pruned ===

impl Pruned {
    pub(super) fn new(document: &Value, problems: &[SchemaProblem]) -> Self {
        let cut = problems.iter().map(|problem| target(document, problem)).collect();
        let mut pruned = Self { value: Value::Null, kept: BTreeMap::new(), cut };
        let mut value = pruned.copy(document, "", "").unwrap_or_else(|| Value::Object(Map::new()));
        // What no plan can be without, so that the rest can be looked at.
        if let Value::Object(map) = &mut value {
            map.entry("apiVersion").or_insert_with(|| windlass_model::plan::API_VERSION.into());
            map.entry("kind").or_insert_with(|| "Plan".into());
            map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
            map.entry("spec").or_insert_with(|| Value::Object(Map::new()));
        }
        pruned.value = value;
        pruned
    }

    /// Copies what is left. `at` is the pointer in the document, `new` the one in the copy.
    fn copy(&mut self, value: &Value, at: &str, new: &str) -> Option<Value> {
        if !at.is_empty() && self.cut.contains(at) {
            return None;
        }
        Some(match value {
            Value::Array(items) if self.is_touched(at) => {
                let mut left = Vec::new();
                let mut kept = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let here = format!("{new}/{}", left.len());
                    if let Some(item) = self.copy(item, &format!("{at}/{index}"), &here) {
                        left.push(item);
                        kept.push(index);
                    }
                }
                self.kept.insert(new.to_owned(), kept);
                Value::Array(left)
            }
            Value::Object(map) if self.is_touched(at) => {
                let mut left = Map::new();
                for (key, item) in map {
                    let step = windlass_model::schema::escape(key);
                    if let Some(item) = self.copy(item, &format!("{at}/{step}"), &format!("{new}/{step}")) {
                        left.insert(key.clone(), item);
                    }
                }
                Value::Object(left)
            }
            whole => whole.clone(),
        })
    }

    /// Whether something inside of a place was cut out.
    fn is_touched(&self, at: &str) -> bool {
        let inside = format!("{at}/");
        self.cut.range(inside.clone()..).next().is_some_and(|cut| cut.starts_with(&inside))
    }

    /// A problem of the copy as one of the document; `None` when it only follows from the cutting.
    pub(super) fn original(&self, mut problem: Problem) -> Option<Problem> {
        problem.pointer = self.pointer(&problem.pointer);
        let at = problem.pointer.as_str();
        let within = |outer: &str, inner: &str| {
            inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
        };
        if self.cut.iter().any(|cut| within(cut, at)) {
            return None;
        }
        let follows = if problem.code == code::EMPTY_CONTAINER
            || problem.code == code::BAD_COMBINATION
            || problem.code == code::EMPTY_SELECTION
            || problem.code == code::MISSING_KEY
            || problem.code == code::BLANK_NAME
        {
            // Of a block, whatever lies directly in it; of a missing name, the element.
            let element = match problem.code == code::EMPTY_CONTAINER {
                true => at,
                false => at.rsplit_once('/').map_or("", |(parent, _)| parent),
            };
            self.cut.iter().any(|cut| parent(cut) == element || within(at, cut))
        } else if problem.code == code::BAD_PARAM_SPEC && at.ends_with("/default") {
            // Without its type, a parameter is taken for a text.
            self.cut.contains(&format!("{}/type", parent(at)))
        } else if problem.code == code::UNKNOWN_NAME {
            self.cut.iter().any(|cut| may_have_defined(cut, &problem))
        } else {
            false
        };
        (!follows).then_some(problem)
    }

    /// A pointer into the copy as one into the document.
    fn pointer(&self, new: &str) -> String {
        let mut original = String::new();
        let mut so_far = String::new();
        for segment in new.split('/').skip(1) {
            let index = self.kept.get(&so_far).and_then(|kept| kept.get(segment.parse::<usize>().ok()?));
            original.push('/');
            match index {
                Some(index) => original.push_str(&index.to_string()),
                None => original.push_str(segment),
            }
            so_far.push('/');
            so_far.push_str(segment);
        }
        original
    }
}

/// What must be cut out because of a problem.
fn target(document: &Value, problem: &SchemaProblem) -> String {
    let pointer = problem.pointer.as_str();
    let (outer, _) = pointer.rsplit_once('/').unwrap_or(("", ""));
    match problem.kind {
        // What lacks a key is no use without it.
        SchemaProblemKind::MissingKey if outer.is_empty() => pointer.to_owned(),
        SchemaProblemKind::MissingKey => outer.to_owned(),
        // The root itself cannot be cut.
        _ if pointer.is_empty() => document.as_object().map_or(String::new(), |_| "/spec".to_owned()),
        _ => pointer.to_owned(),
    }
}

/// Whether what a template names may have been defined by what was cut out.
fn may_have_defined(cut: &str, problem: &Problem) -> bool {
    let outer = parent(cut);
    if outer.is_empty() || outer == "/spec" {
        return true;
    }
    if problem.message.starts_with("params.") {
        return cut.starts_with("/spec/params");
    }
    let block = problem.pointer.split("/sequence").next().unwrap_or_default();
    let same_block = cut.strip_prefix(block).is_some_and(|rest| rest.starts_with('/'));
    if problem.message.starts_with("vars.") {
        return cut.starts_with("/spec/vars") || (same_block && !cut.contains("/actions/"));
    }
    same_block
}

fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}
