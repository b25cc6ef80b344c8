//! What is asked about a server itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

fn yes() -> bool {
    true
}
