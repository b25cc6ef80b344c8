//! A namespace: what one team has, apart from what others have.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_model::span::Span;
use windlass_model::target::Targets;

use super::{alone, fine, schema};
use crate::kind::{Kind, Scope};

/// What a namespace is for, and what may be done from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceSpec {
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The nodes that its runs may touch; none, where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Targets>,
    /// How long its runs are kept when they have ended; what it does not say, the server's settings do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<RetentionSpec>,
    /// Whether its runs are refused while no policy is there for it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub policy_required: bool,
}

/// How long runs that have ended are kept. A run that goes, goes with its events, its report and what it printed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetentionSpec {
    /// How long, such as `90d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Span>,
    /// How long what they printed is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Span>,
    /// How many runs of each plan are kept whatever their age: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u32>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// See [`NamespaceSpec`].
pub static NAMESPACE: Kind = Kind {
    name: "Namespace",
    plural: "namespaces",
    short: &["ns"],
    about: "what one team has, apart from what others have, and which nodes its runs may touch",
    scope: Scope::Global,
    schema: schema::<NamespaceSpec>,
    check: fine,
    refers: alone,
    secret: None,
    example: || json!({"description": "the web team", "nodes": {"labels": "team=web"}}),
    whole: OnceLock::new(),
};
