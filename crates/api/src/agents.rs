//! The agents of nodes, and the tokens by which they join.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_enrol::{Error, TokenView, Wanted};
use windlass_hub::AgentView;
use windlass_model::Value;
use windlass_model::span::Span;

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};
use crate::objects::Sent;

/// Some agents.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AgentPage {
    /// In the order of their nodes.
    items: Vec<AgentView>,
    /// Behind which node the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The tokens by which agents join.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AgentTokens {
    /// In the order of their ids.
    items: Vec<TokenView>,
}

/// A token by which agents may join, to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewAgentToken {
    /// The name of a node, or a pattern of names, such as `web*`.
    nodes: String,
    /// How many agents may join by it; 1 unless given.
    uses: Option<u32>,
    /// How long it is good for, such as `1h`; a day, unless given; 90 days at the most.
    expires_in: Option<Span>,
    /// Whether an agent that joins by it takes the place of one that the node has; that one is cut then.
    #[serde(default)]
    replaces: bool,
}

/// A token by which agents may join, shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NewAgentTokenMade {
    /// The token.
    token: String,
    /// As it is listed.
    #[serde(flatten)]
    view: TokenView,
}

/// What part of the agents.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Part {
    limit: Option<usize>,
    cursor: Option<String>,
}

const AGENT: &str = "Agent";
const TOKEN: &str = "AgentToken";
const USUAL: usize = 100;
const MOST: usize = 1000;
const DAY: Duration = Duration::from_secs(24 * 3600);
const LONGEST: Duration = Duration::from_secs(90 * 24 * 3600);

/// What can be asked about agents.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let ask = |method: &str, path: &str, id: &str, about: &str, verb: Verb, kind: &'static str| {
        endpoint(method, path, id, about, Needs::Right(verb, kind), "agents")
    };
    let (all, one) = ("/api/v1/agents", "/api/v1/agents/{name}");
    let (tokens, token) = ("/api/v1/agenttokens", "/api/v1/agenttokens/{id}");
    vec![
        ask("GET", all, "listAgents", "the agents of nodes, and which of them are here", Verb::View, AGENT)
            .query(&[
                ("limit", "how many at the most; 100 unless given, 1000 at the most"),
                ("cursor", "where to go on: `next` of the page before"),
            ])
            .gives(200, "AgentPage"),
        ask("GET", one, "getAgent", "the agent of a node", Verb::View, AGENT).gives(200, "AgentView"),
        ask(
            "DELETE",
            one,
            "revokeAgent",
            "revokes the agent of a node: it is cut now, and not taken for one any more",
            Verb::Write,
            AGENT,
        )
        .gives(200, "AgentView"),
        ask("GET", tokens, "listAgentTokens", "the tokens by which agents may join", Verb::View, TOKEN)
            .gives(200, "AgentTokens"),
        ask(
            "POST",
            tokens,
            "createAgentToken",
            "makes a token by which agents may join, which is shown this once",
            Verb::Write,
            TOKEN,
        )
        .takes("NewAgentToken")
        .gives(201, "NewAgentTokenMade"),
        ask("DELETE", token, "endAgentToken", "ends a token by which agents may join", Verb::Write, TOKEN)
            .nothing(),
    ]
}

pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    part: Result<Query<Part>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<AgentPage>, Problem> {
    caller.must(Verb::View, &Resource::global(AGENT)).await?;
    let Query(part) = part.map_err(|why| Problem::bad(why.body_text()))?;
    let limit = part.limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut items = api.parts().agents.agents(part.cursor.as_deref(), limit.saturating_add(1)).await?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = if is_more { items.last().map(|last| last.agent.node.clone()) } else { None };
    Ok(Json(AgentPage { items, next }))
}

pub(crate) async fn get(
    State(api): State<Api>,
    caller: Caller,
    Path(node): Path<String>,
) -> Result<Json<AgentView>, Problem> {
    let resource = Resource::global(AGENT).named(&node);
    caller.must(Verb::View, &resource).await?;
    let agent = api.parts().agents.agent(&node).await?;
    agent.map(Json).ok_or_else(|| Problem::not_found(resource))
}

pub(crate) async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    Path(node): Path<String>,
) -> Result<Json<AgentView>, Problem> {
    let resource = Resource::global(AGENT).named(&node);
    caller.must(Verb::Write, &resource).await?;
    let agents = &api.parts().agents;
    let before = agents.agent(&node).await?.ok_or_else(|| Problem::not_found(resource))?;
    agents.revoke(&node).await?;
    let after = agents.agent(&node).await?.ok_or_else(|| Problem::not_found(resource))?;
    caller.did(Verb::Write, &resource, json!({"state": before.state}), json!({"state": after.state})).await?;
    Ok(Json(after))
}

pub(crate) async fn tokens(State(api): State<Api>, caller: Caller) -> Result<Json<AgentTokens>, Problem> {
    caller.must(Verb::View, &Resource::global(TOKEN)).await?;
    let Some(enrol) = api.parts().agents.enrol() else { return Ok(Json(AgentTokens { items: Vec::new() })) };
    Ok(Json(AgentTokens { items: enrol.tokens().await? }))
}

pub(crate) async fn issue(
    State(api): State<Api>,
    caller: Caller,
    sent: Sent,
) -> Result<(StatusCode, Json<NewAgentTokenMade>), Problem> {
    caller.must(Verb::Write, &Resource::global(TOKEN)).await?;
    let wanted: NewAgentToken = sent.read()?;
    let enrol = api.parts().agents.enrol().ok_or_else(closed)?;
    let wanted = Wanted {
        nodes: wanted.nodes,
        uses: wanted.uses.unwrap_or(1),
        expires_at: api.now() + wanted.expires_in.map_or(DAY, |span| span.0).min(LONGEST),
        replaces: wanted.replaces,
        by: caller.who.user.clone(),
    };
    let made = enrol.make(wanted, api.now()).await?;
    let resource = Resource::global(TOKEN).named(&made.view.id);
    let after = serde_json::to_value(&made.view).unwrap_or_default();
    caller.did(Verb::Write, &resource, Value::Null, after).await?;
    Ok((StatusCode::CREATED, Json(NewAgentTokenMade { token: made.token.text(), view: made.view })))
}

pub(crate) async fn end(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let resource = Resource::global(TOKEN).named(&id);
    caller.must(Verb::Write, &resource).await?;
    let enrol = api.parts().agents.enrol().ok_or_else(closed)?;
    if !enrol.end(&id).await? {
        return Err(Problem::not_found(resource));
    }
    caller.did(Verb::Write, &resource, json!({"id": id}), Value::Null).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn closed() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        &windlass_model::code::SERVER,
        "no agents are taken in here",
    )
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Refused(refused) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, &refused.code(), refused.to_string())
            }
            error => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, &windlass_model::code::SERVER, error.to_string())
            }
        }
    }
}
