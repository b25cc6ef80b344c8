//! Agents of nodes, and the tokens by which they join.

use hyper::Method;
use windlass_contract::{AgentPage, AgentTokens, AgentView, NewAgentToken, NewAgentTokenMade};

use crate::client::{Ask, Client, escaped};
use crate::error::Error;

const AGENTS: &str = "/api/v1/agents";
const TOKENS: &str = "/api/v1/agenttokens";

impl Client {
    /// Some agents, in the order of their nodes.
    pub async fn agents(&self, cursor: Option<&str>) -> Result<AgentPage, Error> {
        self.json(Ask::get(AGENTS).query("limit", Some(1000)).query("cursor", cursor)).await
    }

    /// The agent of a node.
    pub async fn agent(&self, node: &str) -> Result<AgentView, Error> {
        self.json(Ask::get(format!("{AGENTS}/{}", escaped(node)))).await
    }

    /// Revokes the agent of a node: it is cut now, and not taken for one any more.
    pub async fn revoke_agent(&self, node: &str) -> Result<AgentView, Error> {
        self.json(Ask::new(Method::DELETE, format!("{AGENTS}/{}", escaped(node)))).await
    }

    /// The tokens by which agents may join.
    pub async fn agent_tokens(&self) -> Result<AgentTokens, Error> {
        self.json(Ask::get(TOKENS)).await
    }

    /// Makes a token by which agents may join, which is shown this once.
    pub async fn issue_agent_token(&self, wanted: &NewAgentToken) -> Result<NewAgentTokenMade, Error> {
        self.json(Ask::new(Method::POST, TOKENS).body(wanted)).await
    }

    /// Ends a token by which agents may join.
    pub async fn end_agent_token(&self, id: &str) -> Result<(), Error> {
        self.nothing(Ask::new(Method::DELETE, format!("{TOKENS}/{}", escaped(id)))).await
    }
}
