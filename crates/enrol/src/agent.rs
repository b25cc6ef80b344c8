//! What is kept of an agent.

use serde::{Deserialize, Serialize};
use windlass_contract::{Agent, Certificate};

/// An agent as it lies in the store.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) v: u8,
    pub(crate) agent: Agent,
    /// Certificates that count no more and have not ended: who uses one of them is told why it is refused.
    #[serde(default)]
    pub(crate) old: Vec<Certificate>,
}

/// The version of that.
pub(crate) const VERSION: u8 = 1;
