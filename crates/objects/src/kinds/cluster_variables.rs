//! Variables of the whole cluster.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_model::Map;

use super::{alone, fine, schema};
use crate::kind::{Kind, Scope};

/// Variables that every plan sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterVariablesSpec {
    /// The variables. Those of several objects are taken together, in the order of their names; the later one wins.
    #[serde(default)]
    pub vars: Map,
}

/// See [`ClusterVariablesSpec`].
pub static CLUSTER_VARIABLES: Kind = Kind {
    name: "ClusterVariables",
    plural: "clustervariables",
    short: &["cvars"],
    about: "variables that every plan sees, unless something nearer says otherwise",
    scope: Scope::Global,
    schema: schema::<ClusterVariablesSpec>,
    check: fine,
    refers: alone,
    secret: None,
    example: || json!({"vars": {"ntp": "time.example"}}),
    whole: OnceLock::new(),
};
