//! The seam between the engine and the template language.
//!
//! The engine knows when something is rendered and with which values; how, is the business of an
//! [`Evaluate`]. Rendering is pure: the same source and scope give the same result.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::secret::Secrets;
use crate::target::Node;
use crate::vars::Vars;
use crate::{Map, Value};

/// What a template or condition can see.
///
/// Everything is shared, so that making a scope copies nothing.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// `params`, with secrets in clear.
    pub params: Arc<Map>,
    /// `vars`: the plan's, overlaid by those of the target, the block and the sequence.
    pub vars: Arc<Vars>,
    /// `node` and `facts`, where there is a target.
    pub node: Option<Arc<Node>>,
    /// `store`: run-wide values, overlaid by those of the sequence.
    pub store: Arc<Map>,
    /// `targets['x'].store`, for targets that saved something.
    pub targets: Arc<BTreeMap<String, Arc<Map>>>,
    /// The rest of `targets['x']`: the nodes of the run.
    pub nodes: Option<Arc<dyn RunNodes>>,
    /// `steps.x.response`, of earlier actions of the sequence.
    pub steps: Arc<Map>,
    /// `run`: id, plan, user, start.
    pub run: Arc<Map>,
    /// Which names of `params` are secrets.
    pub secret_params: Arc<Vec<String>>,
    /// All secrets of the run, which may stand in any of the values.
    pub secrets: Arc<Secrets>,
    /// Which names of `steps` are sensitive, so that whatever they answered is a secret.
    pub sealed_steps: Vec<String>,
    /// Whether values may be marked as [unknown](crate::foresight): the run only looks.
    pub noop: bool,
}

/// The nodes that a run has to do with: its targets, and those that its actions go to.
pub trait RunNodes: std::fmt::Debug + Send + Sync {
    /// The node of this name.
    fn node(&self, name: &str) -> Option<Arc<Node>>;

    /// Its variables, over those of the plan.
    fn vars(&self, name: &str) -> Vars;

    /// All names, each once, in the order of the plan.
    fn names(&self) -> Vec<String>;
}

/// A rendered value in two forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// What the plugin gets.
    pub clear: Value,
    /// What may be shown: texts made with a secret are replaced by tokens. `None`: the same.
    pub shown: Option<Value>,
    /// Texts that were made from a secret so that it cannot be found in them by looking for it.
    pub derived: Vec<String>,
}

// === impl Rendered ===

impl Rendered {
    /// A value that no secret went into.
    #[must_use]
    pub fn plain(clear: Value) -> Self {
        Self { clear, shown: None, derived: Vec::new() }
    }
}

/// Why something could not be rendered: one sentence that names the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct EvalError {
    /// The sentence.
    pub text: String,
    /// What sort of thing stands in the way.
    pub kind: EvalErrorKind,
}

/// What sort of thing stands in the way of a rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalErrorKind {
    /// The text is wrong, or names what does not exist.
    Wrong,
    /// It names a value that is not known, because the run only looks.
    Unknown,
}

// === impl EvalError ===

impl EvalError {
    /// The text is wrong, or names what does not exist.
    pub fn wrong(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: EvalErrorKind::Wrong }
    }
}

/// A template language.
pub trait Evaluate: Send + Sync {
    /// Renders every text in a value. Unknown names are errors.
    fn render(&self, value: &Value, scope: &Scope) -> Result<Rendered, EvalError>;

    /// The truth of an expression. Unknown names are errors.
    fn condition(&self, expression: &str, scope: &Scope) -> Result<bool, EvalError>;

    /// Whether an expression can be understood at all, whatever it is about.
    fn understands(&self, expression: &str) -> Result<(), EvalError> {
        let _ = expression;
        Ok(())
    }
}

/// Whether any text in a value is a template.
#[must_use]
pub fn has_template(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(has_template),
        Value::Object(map) => map.iter().any(|(key, value)| is_template(key) || has_template(value)),
        _ => false,
    }
}

/// Whether a text is a template rather than itself.
#[must_use]
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// The part of a map that a path names, the whole path as one key before its parts.
#[must_use]
pub fn pick_in<'a>(map: &'a Map, path: &str) -> Option<&'a Value> {
    if let Some(value) = map.get(path) {
        return Some(value);
    }
    let (key, rest) = path.split_once('.')?;
    pick(map.get(key)?, rest)
}

/// The part of a response that a path names: `stdout`, `body.items[0].id`, or `.` for all of it.
#[must_use]
pub fn pick<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = value;
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let (key, indexes) = match step.find('[') {
            Some(bracket) => step.split_at(bracket),
            None => (step, ""),
        };
        if !key.is_empty() {
            at = match at {
                Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
                other => other.get(key)?,
            };
        }
        for index in indexes.split('[').filter(|index| !index.is_empty()) {
            at = at.get(index.strip_suffix(']')?.parse::<usize>().ok()?)?;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn picks_parts() {
        let value = json!({"stdout": "x", "body": {"items": [{"id": 7}]}});
        assert_eq!(pick(&value, "stdout"), Some(&json!("x")));
        assert_eq!(pick(&value, "body.items[0].id"), Some(&json!(7)));
        assert_eq!(pick(&value, "body.items.0.id"), Some(&json!(7)));
        assert_eq!(pick(&value, "."), Some(&value));
        assert_eq!(pick(&value, "nope"), None);
    }
}
