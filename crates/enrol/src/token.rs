//! Join tokens: shown once, kept as a hash, for a name or a pattern of names, ending, used so many times.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use windlass_contract::AgentTokenView;
use windlass_line::JoinToken;
use windlass_model::pattern::Glob;
use windlass_model::time::Time;
use windlass_store::StoreError;

/// What a join token is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The name of a node, or a pattern of names, such as `web*`.
    pub nodes: String,
    /// How many agents may join by it.
    pub uses: u32,
    /// When it ends.
    pub expires_at: Time,
    /// Whether an agent that joins by it takes the place of one that the node has.
    pub replaces: bool,
    /// Who made it.
    pub by: String,
}

/// A join token that was made. Its text can be seen now and never again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// It.
    pub token: JoinToken,
    /// As it is listed.
    pub view: AgentTokenView,
}

/// A join token as it is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) v: u8,
    pub(crate) hash: String,
    #[serde(flatten)]
    pub(crate) view: AgentTokenView,
}

pub(crate) const VERSION: u8 = 1;
const ID: usize = 10;
const SECRET: usize = 25;

/// Whether a token is for a node.
pub(crate) fn is_for(token: &AgentTokenView, node: &str) -> bool {
    Glob::all(&token.nodes).is_ok_and(|globs| globs.iter().any(|glob| glob.matches(node)))
}

/// An id and a secret.
pub(crate) fn drawn() -> Result<(String, String), StoreError> {
    Ok((letters::<ID>()?, letters::<SECRET>()?))
}

/// What is kept of a secret. It has 200 bits of chance, so a plain hash keeps it.
pub(crate) fn hash(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}

/// Takes the same time wherever they differ.
pub(crate) fn is_equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn letters<const N: usize>() -> Result<String, StoreError> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::io("draw a token from", "the system", std::io::Error::other(error)))?;
    Ok(BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}
