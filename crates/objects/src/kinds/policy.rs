//! What runs must be like to begin.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_contract::Object;
use windlass_model::problem::Problem;
use windlass_model::texts::Texts;
use windlass_model::{Value, code};

use super::{alone, schema};
use crate::kind::{Kind, Scope, Surroundings};

/// What runs must be like to begin: what it forbids is refused when it is submitted, and again when it is started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// What to say to those whose runs are refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Runs of these namespaces; of all of them, where it names none.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub namespaces: Texts,
    /// What it forbids, in Cedar.
    pub cedar: String,
}

/// See [`PolicySpec`].
pub static POLICY: Kind = Kind {
    name: "Policy",
    plural: "policies",
    short: &["pol"],
    about: "what runs must be like to begin: how large, how careful, when",
    scope: Scope::Global,
    schema: schema::<PolicySpec>,
    check,
    refers: alone,
    secret: None,
    example: || {
        json!({
            "message": "more than 100 nodes need a canary",
            "cedar": "forbid (principal, action, resource) when { context.targets > 100 && !context.everyBlockHasCanary };",
        })
    },
    whole: OnceLock::new(),
};

fn check(object: &Object, surroundings: &Surroundings<'_>) -> Vec<Problem> {
    let text = object.spec.get("cedar").and_then(Value::as_str).unwrap_or_default();
    let problem = |why: String| {
        Problem::new(code::BAD_POLICY, "", "/spec/cedar", why)
            .help("what can be asked about a run stands in the guide: policies")
    };
    (surroundings.policies)(text).into_iter().map(problem).collect()
}

// === impl PolicySpec ===

impl PolicySpec {
    /// Whether it is asked about runs of a namespace.
    #[must_use]
    pub fn covers(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.has(namespace)
    }
}
