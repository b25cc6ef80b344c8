//! Where variables of the whole cluster count.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_model::problem::Problem;
use windlass_model::texts::Texts;
use windlass_model::{Value, code};

use super::schema;
use crate::kind::{Kind, Reference, Scope, Surroundings};
use windlass_contract::Object;

/// The namespaces in which some ClusterVariables count. Those that no binding names count everywhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterVariablesBindingSpec {
    /// The ClusterVariables.
    pub variables: Texts,
    /// The namespaces in which they count.
    pub namespaces: Texts,
}

/// See [`ClusterVariablesBindingSpec`].
pub static CLUSTER_VARIABLES_BINDING: Kind = Kind {
    name: "ClusterVariablesBinding",
    plural: "clustervariablesbindings",
    short: &["cvb"],
    about: "the namespaces in which variables of the cluster count",
    scope: Scope::Global,
    schema: schema::<ClusterVariablesBindingSpec>,
    check,
    refers,
    secret: None,
    example: || json!({"variables": ["mirrors-eu"], "namespaces": ["web"]}),
    whole: OnceLock::new(),
};

fn check(object: &Object, _: &Surroundings<'_>) -> Vec<Problem> {
    let is_empty = |key: &&str| matches!(object.spec.get(*key), Some(Value::Array(list)) if list.is_empty());
    let empty = ["variables", "namespaces"].into_iter().filter(is_empty);
    let problem = |key: &str| {
        Problem::new(code::EMPTY_CONTAINER, "", format!("/spec/{key}"), format!("it names no {key}"))
    };
    empty.map(problem).collect()
}

fn refers(object: &Object) -> Vec<Reference> {
    let named = |key: &'static str, plural: &'static str| {
        let names = match object.spec.get(key) {
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let reference = move |name: &str| Reference::global(plural, name, format!("/spec/{key}"));
        names.into_iter().map(reference).collect::<Vec<_>>()
    };
    [named("variables", "clustervariables"), named("namespaces", "namespaces")].concat()
}
