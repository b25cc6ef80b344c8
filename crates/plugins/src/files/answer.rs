//! What modules about files answer, after a look or after the deed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use windlass_plugin::{CallError, Diff, Foresight, Reply, Simulated, Simulation};

use super::bare::NOT_TOLD;
use super::trouble::{NO_PARENT, NOT_FOUND, UNKNOWN_GROUP, UNKNOWN_USER};

/// What was done.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What was changed, for people to read; at most 32 KiB of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// Where what stood there before is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

// === impl Answer ===

impl Answer {
    /// A reply that says what was changed, if anything was.
    pub(crate) fn reply(diff: Diff, backup: Option<String>) -> Reply<Self> {
        let changed = !diff.is_empty();
        Reply { response: Self { diff: diff.some(), backup }, changed }
    }

    /// A simulated change.
    pub(crate) fn simulated(simulation: &Simulation<'_>) -> Simulated<Self> {
        let after = simulation.plausible(Duration::from_millis(5), Duration::from_millis(80));
        Simulated::changed(after, Some(Self::default()))
    }
}

/// What a look foresees. What is missing now may be made by a step before, so that is unknown and no failure.
pub(crate) fn foreseen(looked: Result<Diff, CallError>) -> Result<Foresight, CallError> {
    match looked {
        Ok(diff) => Ok(Foresight::of(diff)),
        Err(error) if [NO_PARENT, NOT_FOUND, UNKNOWN_USER, UNKNOWN_GROUP].contains(&&*error.code) => {
            Ok(Foresight::unknown(format!("{}; a step before may change that", error.message)))
        }
        Err(error) if error.code == NOT_TOLD => Ok(Foresight::unknown(error.message)),
        Err(error) => Err(error),
    }
}
