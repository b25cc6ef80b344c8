//! Secrets of a namespace.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{alone, fine, schema};
use crate::kind::{Kind, Scope};

/// Secrets that the plans of a namespace may refer to.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretSpec {
    /// The secrets by their names. They are sealed where they are kept, and nobody is shown them again.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
}

/// See [`SecretSpec`].
pub static SECRET: Kind = Kind {
    name: "Secret",
    plural: "secrets",
    short: &["sec"],
    about: "secrets that the plans of a namespace may refer to; nobody is shown them again",
    scope: Scope::Namespaced,
    schema: schema::<SecretSpec>,
    check: fine,
    refers: alone,
    secret: Some("data"),
    example: || json!({"data": {"password": "not shown again"}}),
    whole: OnceLock::new(),
};

// === impl SecretSpec ===

impl std::fmt::Debug for SecretSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretSpec").field("data", &self.data.keys()).finish()
    }
}
