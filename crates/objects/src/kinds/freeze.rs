//! Freezes: what must not change for now.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_model::problem::Problem;
use windlass_model::selector::LabelSelector;
use windlass_model::texts::Texts;
use windlass_model::{Value, code};

use super::{alone, schema};
use crate::kind::{Kind, Scope, Surroundings};
use windlass_contract::Object;

/// What must not change for now: nothing is submitted in it, and what runs in it is stopped.
///
/// Everything that is said must be so of a run; what says nothing covers everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FreezeSpec {
    /// Why, for those whose runs are stopped.
    pub reason: String,
    /// Runs of these namespaces.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub namespaces: Texts,
    /// Runs of these plans.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub plans: Texts,
    /// Runs of plans whose labels fit one of these selectors.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub labels: Texts,
}

/// See [`FreezeSpec`].
pub static FREEZE: Kind = Kind {
    name: "Freeze",
    plural: "freezes",
    short: &["fr"],
    about: "what must not change for now: nothing is submitted in it, and what runs in it is stopped",
    scope: Scope::Global,
    schema: schema::<FreezeSpec>,
    check,
    refers: alone,
    secret: None,
    example: || json!({"reason": "end of the year", "namespaces": ["payments"]}),
    whole: OnceLock::new(),
};

fn check(object: &Object, _: &Surroundings<'_>) -> Vec<Problem> {
    let labels = match object.spec.get("labels") {
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let wrong = |text: &str| text.parse::<LabelSelector>().err();
    let wrong = labels.into_iter().filter_map(wrong);
    let mut problems: Vec<Problem> =
        wrong.map(|why| Problem::new(code::BAD_PATTERN, "", "/spec/labels", why.to_string())).collect();
    if object.spec.get("reason").and_then(Value::as_str).is_none_or(|reason| reason.trim().is_empty()) {
        problems.push(Problem::new(code::BLANK_NAME, "", "/spec/reason", "it gives no reason"));
    }
    problems
}

// === impl FreezeSpec ===

impl FreezeSpec {
    /// Whether it covers a run. A selector that cannot be read covers everything: in doubt, it is frozen.
    #[must_use]
    pub fn covers<'a>(&self, namespace: &str, plan: &str, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        (self.namespaces.is_empty() || self.namespaces.has(namespace))
            && (self.plans.is_empty() || self.plans.has(plan))
            && (self.labels.is_empty()
                || self.labels.iter().any(|text| {
                    text.parse::<LabelSelector>().map_or(true, |selector| selector.matches(&label))
                }))
    }
}
