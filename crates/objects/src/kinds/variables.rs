//! Variables of a namespace.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_model::Map;

use super::{alone, fine, schema};
use crate::kind::{Kind, Scope};

/// Variables that the plans of a namespace see.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VariablesSpec {
    /// The variables. Those of several objects are taken together, in the order of their names; the later one wins.
    #[serde(default)]
    pub vars: Map,
}

/// See [`VariablesSpec`].
pub static VARIABLES: Kind = Kind {
    name: "Variables",
    plural: "variables",
    short: &["vars"],
    about: "variables that the plans of a namespace see",
    scope: Scope::Namespaced,
    schema: schema::<VariablesSpec>,
    check: fine,
    refers: alone,
    secret: None,
    example: || json!({"vars": {"mirror": "https://mirror.example"}}),
    whole: OnceLock::new(),
};
