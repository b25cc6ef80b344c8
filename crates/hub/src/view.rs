//! Agents as they are shown.

use windlass_contract::{Agent, AgentState, AgentView};
use windlass_enrol::Error;
use windlass_model::Value;
use windlass_objects::{Name, kinds};

use crate::hub::{Hub, locked};

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
        let reach = match state {
            AgentState::Away => locked(&self.inner().reach).get(&agent.node).cloned(),
            _ => None,
        };
        AgentView {
            state,
            since: present.map(|it| it.since.to_string()),
            address: present.map(|it| it.from.ip().to_string()),
            host: present.map(|it| it.hello.host.clone()),
            version: present.map(|it| it.hello.version.clone()),
            reach,
            agent,
        }
    }

    /// When the agent of a node was last seen, as its node's status says.
    pub(crate) async fn last_seen(&self, name: &str) -> Option<String> {
        let parts = self.inner().parts.get()?;
        let node = parts.objects.get(&kinds::NODE, &Name::global(name)).await.ok()?;
        let agent = node.status.get("agent")?;
        let text = |key: &str| agent.get(key).and_then(Value::as_str);
        let (since, address) = (text("since")?, text("address").unwrap_or("somewhere"));
        match text("state")? {
            "away" => {
                let found = locked(&self.inner().reach).get(name).map(|reach| reach.found.words());
                let found = found.map_or_else(String::new, |found| format!("; {found}"));
                Some(format!("before {since} at {address}{found}"))
            }
            _ => Some(format!("at {address}")),
        }
    }
}
