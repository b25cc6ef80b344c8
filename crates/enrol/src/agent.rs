//! What is kept of an agent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::time::Time;

/// An agent that has joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its node.
    pub node: String,
    /// When it joined, in microseconds since 1970.
    #[schemars(with = "u64")]
    pub joined_at: Time,
    /// From where.
    pub joined_from: String,
    /// By which token.
    pub token: String,
    /// The certificate that counts.
    pub certificate: Certificate,
    /// The one that will, when it is first used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Certificate>,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u64>")]
    pub revoked_at: Option<Time>,
}

/// A certificate of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentCertificate")]
pub struct Certificate {
    /// Its number.
    pub serial: String,
    /// The SHA-256 of it, in hexadecimal.
    pub fingerprint: String,
    /// When it ends, in microseconds since 1970.
    #[schemars(with = "u64")]
    pub not_after: Time,
}

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
