//! What was submitted: everything that a run is decided by, frozen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Map;
use crate::id::{GroupId, RunId};
use crate::late::Late;
use crate::plan::Plan;
use crate::target::Frozen;
use crate::time::Time;

/// The frozen input of a run. Secrets stand in it as tokens; their clear texts are kept apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// The run.
    pub run: RunId,
    /// The group it belongs to.
    pub group: GroupId,
    /// The run that it retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<RunId>,
    /// The plan.
    pub plan: Arc<Plan>,
    /// Which of its step sets.
    pub step_set: String,
    /// The parameters, complete with defaults.
    pub params: Map,
    /// The targets of each block, in the order of the blocks; none for a block with explicit sequences.
    pub targets: Vec<Frozen>,
    /// The nodes beside the targets that actions go to (`on`), as far as an inventory knows them.
    #[serde(default, skip_serializing_if = "Frozen::is_empty")]
    pub others: Frozen,
    /// What random choices (canaries, jitter) are made from.
    pub seed: u64,
    /// Who submitted it.
    pub user: String,
    /// When.
    pub at: Time,
    /// The sequences of each block that the retried run had done, by position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<Vec<u32>>,
    /// The blocks that the retried run had done with everything in and around them, by position: they
    /// are not gone through again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done_blocks: Vec<u32>,
    /// What the retried run had saved for its targets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub carried: BTreeMap<String, Map>,
    /// Whether the run only looks: what acts is asked what it would change.
    #[serde(default, skip_serializing_if = "is_false")]
    pub noop: bool,
    /// The blocks whose targets are chosen when they begin; `targets` has none for them.
    #[serde(default, skip_serializing_if = "Late::is_empty")]
    pub late: Late,
    /// The file that says where its secrets come from, where there is one: what it takes to log in is asked for again after a
    /// restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets_file: Option<String>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A SHA-256 of what an approval is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

// === impl Submission ===

impl Submission {
    /// The digest of plan, step set, parameters, frozen targets, and what is taken over from the run that is
    /// retried.
    ///
    /// It is that of their JSON, which is the form in which they are kept. Whoever reads them back gets the
    /// same values, numbers to the last bit, and so the same digest, in whichever process.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        let parts = (&*self.plan, &self.step_set, &self.params, &self.targets);
        let again = (&self.done, &self.done_blocks, &self.carried, self.noop);
        // Writing into a hash cannot fail, and these types always serialize.
        let _ = serde_json::to_writer(HashWriter(&mut hash), &(parts, again));
        if !self.others.is_empty() {
            let _ = serde_json::to_writer(HashWriter(&mut hash), &self.others);
        }
        if !self.late.is_empty() {
            let _ = serde_json::to_writer(HashWriter(&mut hash), &self.late);
        }
        Digest(hash.finalize().into())
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// === impl Digest ===

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
