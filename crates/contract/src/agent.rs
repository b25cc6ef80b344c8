//! Agents of nodes, and the tokens by which they join.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::span::Span;
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

/// An agent as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// How it stands.
    pub state: AgentState,
    /// When it was last known to be so, as a text; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// From where it has dialled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What its machine calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What is known of its machine, where it is away and that was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<AgentReach>,
    /// What is kept of it.
    #[serde(flatten)]
    pub agent: Agent,
}

/// How an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AgentState {
    /// It is here.
    Connected,
    /// It is not.
    Away,
    /// It was revoked.
    Revoked,
}

/// What is known of the machine of an agent that is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentReach {
    /// What was found.
    pub found: Reached,
    /// The nodes whose agents were asked to knock at it.
    pub asked: Vec<String>,
    /// When, as a text.
    pub at: String,
}

/// What was found when it was knocked at a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Reached {
    /// It answers the server: the agent does not run, or cannot get out.
    AgentDown,
    /// It answers other agents and not the server: the way between is cut.
    Unreachable,
    /// It answers nobody.
    Down,
    /// It does not answer the server, and there is nobody else to ask.
    Unknown,
}

/// Some agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentPage {
    /// In the order of their nodes.
    pub items: Vec<AgentView>,
    /// Behind which node the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A token by which agents may join, to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAgentToken {
    /// The name of a node, or a pattern of names, such as `web*`.
    pub nodes: String,
    /// How many agents may join by it; 1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// How long it is good for, such as `1h`; a day, unless given; 90 days at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
    /// Whether an agent that joins by it takes the place of one that the node has; that one is cut then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replaces: bool,
}

/// A token by which agents may join, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewAgentTokenMade {
    /// The token.
    pub token: String,
    /// As it is listed.
    #[serde(flatten)]
    pub view: AgentTokenView,
}

/// A join token as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentTokenView {
    /// What it is called.
    pub id: String,
    /// For which nodes it is.
    pub nodes: String,
    /// How many agents may join by it.
    pub uses: u32,
    /// How many have.
    pub used: u32,
    /// When it was used last, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u64>")]
    pub used_at: Option<Time>,
    /// When it ends.
    #[schemars(with = "u64")]
    pub expires_at: Time,
    /// Whether an agent that joins by it takes the place of one that the node has.
    pub replaces: bool,
    /// Who made it.
    pub by: String,
    /// When.
    #[schemars(with = "u64")]
    pub created_at: Time,
}

/// The tokens by which agents join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentTokens {
    /// In the order of their ids.
    pub items: Vec<AgentTokenView>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

// === impl Reached ===

impl Reached {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AgentDown => "agentDown",
            Self::Unreachable => "unreachable",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AgentDown => "its machine answers, so its agent does not run or cannot get out",
            Self::Unreachable => "its machine answers other agents, but not the server",
            Self::Down => "its machine answers nobody",
            Self::Unknown => "its machine does not answer the server, and there is no other agent to ask",
        }
    }
}

// === impl AgentState ===

impl AgentState {
    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Away => "away",
            Self::Revoked => "revoked",
        }
    }
}

// === impl NewAgentTokenMade ===

impl fmt::Debug for NewAgentTokenMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAgentTokenMade").field("view", &self.view).finish_non_exhaustive()
    }
}
