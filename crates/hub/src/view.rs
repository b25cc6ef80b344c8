//! Agents as they are shown.

use schemars::JsonSchema;
use serde::Serialize;
use windlass_enrol::{Agent, Error};
use windlass_model::Value;
use windlass_objects::{Name, kinds};

use crate::hub::Hub;

/// An agent as it is shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// How it stands.
    pub state: AgentState,
    /// When it was last known to be so, as a text; none where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// From where it has dialled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What its machine calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What is kept of it.
    #[serde(flatten)]
    pub agent: Agent,
}

/// How an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AgentState {
    /// It is here.
    Connected,
    /// It is not.
    Away,
    /// It was revoked.
    Revoked,
}

// === impl Hub ===

impl Hub {
    /// Some agents behind a name, in the order of their nodes.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub async fn agents(&self, after: Option<&str>, limit: usize) -> Result<Vec<AgentView>, Error> {
        let Some(enrol) = self.enrol() else { return Ok(Vec::new()) };
        Ok(enrol.agents(after, limit).await?.into_iter().map(|agent| self.view(agent)).collect())
    }

    /// The agent of a node.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub async fn agent(&self, node: &str) -> Result<Option<AgentView>, Error> {
        let Some(enrol) = self.enrol() else { return Ok(None) };
        Ok(enrol.agent(node).await?.map(|agent| self.view(agent)))
    }

    fn view(&self, agent: Agent) -> AgentView {
        let present = self.inner().find(&agent.node);
        let state = match (&agent.revoked_at, &present) {
            (Some(_), _) => AgentState::Revoked,
            (None, Some(_)) => AgentState::Connected,
            (None, None) => AgentState::Away,
        };
        let present = present.filter(|_| state == AgentState::Connected);
        let present = present.as_ref();
        AgentView {
            state,
            since: present.map(|it| it.since.to_string()),
            address: present.map(|it| it.from.ip().to_string()),
            host: present.map(|it| it.hello.host.clone()),
            version: present.map(|it| it.hello.version.clone()),
            agent,
        }
    }

    /// When the agent of a node was last seen, as its node's status says.
    pub(crate) async fn last_seen(&self, node: &str) -> Option<String> {
        let parts = self.inner().parts.get()?;
        let node = parts.objects.get(&kinds::NODE, &Name::global(node)).await.ok()?;
        let agent = node.status.get("agent")?;
        let text = |key: &str| agent.get(key).and_then(Value::as_str);
        let (since, address) = (text("since")?, text("address").unwrap_or("somewhere"));
        match text("state")? {
            "away" => Some(format!("before {since} at {address}")),
            _ => Some(format!("at {address}")),
        }
    }
}
