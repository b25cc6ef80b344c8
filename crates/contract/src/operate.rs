//! What is asked about a server itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::id::RunId;
use windlass_model::time::Time;

/// What is to be in a backup beside the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewBackup {
    /// The keys, without which secrets cannot be read and agents have to join again. Whoever has a backup with them has every
    /// secret.
    #[serde(default)]
    pub keys: bool,
    /// What runs have printed; it is, unless this is false.
    #[serde(default = "yes")]
    pub logs: bool,
}

/// A look at what runs that have ended are still kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRetention {
    /// Whether it is only said what would go; it is, unless this is false.
    #[serde(default = "yes")]
    pub dry_run: bool,
}

/// What went, or would go, as retention says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retained {
    /// Whether it was only said.
    pub dry_run: bool,
    /// How many runs were looked at.
    pub looked: u64,
    /// How many of them go, with everything that is kept of them.
    pub go: u64,
    /// Of how many what they printed goes, and all else stays.
    pub lose_output: u64,
    /// The first thousand of them, the oldest last.
    pub items: Vec<RetainedRun>,
}

/// A run of which something goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetainedRun {
    /// The run.
    #[schemars(with = "String")]
    pub run: RunId,
    /// The namespace that it belongs to, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Of which plan.
    pub plan: String,
    /// When it ended.
    #[serde(with = "crate::texts")]
    #[schemars(with = "String")]
    pub ended_at: Time,
    /// What goes: `run` or `output`.
    pub goes: String,
}

fn yes() -> bool {
    true
}
