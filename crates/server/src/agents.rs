//! Join tokens beside the server: for whoever has its files, and no token.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass_enrol::{Enrol, Options, Wanted};
use windlass_model::time::Time;
use windlass_store::Store;

use crate::error::Error;

/// A join token that somebody wants to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentToken {
    /// The name of a node, or a pattern of names.
    pub nodes: String,
    /// How many agents may join by it.
    pub uses: u32,
    /// How long it is good for.
    pub good_for: Duration,
    /// Whether an agent that joins by it takes the place of one that the node has.
    pub replaces: bool,
}

/// Makes a join token, whose text is to be shown once.
pub async fn agent_token(
    store: Arc<dyn Store>,
    data_dir: &Path,
    wanted: AgentToken,
    now: Time,
) -> Result<String, Error> {
    let enrol = Enrol::open(store, &data_dir.join("keys"), Options::default(), now)?;
    make(&enrol, wanted, now).await
}

pub(crate) async fn make(enrol: &Enrol, wanted: AgentToken, now: Time) -> Result<String, Error> {
    let AgentToken { nodes, uses, good_for, replaces } = wanted;
    let by = "somebody beside the server".to_owned();
    let wanted = Wanted { nodes, uses, expires_at: now + good_for, replaces, by };
    Ok(enrol.make(wanted, now).await?.token.text())
}
