//! The agents of nodes, and the tokens by which they join.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{
    AgentPage, AgentTokenView, AgentTokens, AgentView, NewAgentToken, NewAgentTokenMade,
};
use windlass_enrol::{Error, Wanted};
use windlass_model::Value;

use crate::answer::Problem;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};
use crate::objects::Sent;

/// What part of the agents.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) limit: Option<usize>,
    pub(crate) cursor: Option<String>,
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
    caller: Caller,
    part: Result<Query<Part>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<AgentPage>, Problem> {
    let part = || Ok(part.map_err(|why| Problem::bad(why.body_text()))?.0);
    Ok(Json(page(&caller, part).await?))
}

/// A page of them, by node.
pub(crate) async fn page(
    caller: &Caller,
    part: impl FnOnce() -> Result<Part, Problem>,
) -> Result<AgentPage, Problem> {
    caller.must(Verb::View, &Resource::global(AGENT)).await?;
    let part = part()?;
    let limit = part.limit.unwrap_or(USUAL).clamp(1, MOST);
    let agents = &caller.api().parts().agents;
    let mut items = agents.agents(part.cursor.as_deref(), limit.saturating_add(1)).await?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = if is_more { items.last().map(|last| last.agent.node.clone()) } else { None };
    Ok(AgentPage { items, next })
}

pub(crate) async fn get(caller: Caller, Path(node): Path<String>) -> Result<Json<AgentView>, Problem> {
    Ok(Json(one(&caller, &node).await?))
}

/// The agent of a node.
pub(crate) async fn one(caller: &Caller, node: &str) -> Result<AgentView, Problem> {
    let resource = Resource::global(AGENT).named(node);
    caller.must(Verb::View, &resource).await?;
    caller.api().parts().agents.agent(node).await?.ok_or_else(|| Problem::not_found(resource))
}

pub(crate) async fn revoke(caller: Caller, Path(node): Path<String>) -> Result<Json<AgentView>, Problem> {
    Ok(Json(cut_off(&caller, &node).await?))
}

/// Revokes the agent of a node.
pub(crate) async fn cut_off(caller: &Caller, node: &str) -> Result<AgentView, Problem> {
    let resource = Resource::global(AGENT).named(node);
    caller.must(Verb::Write, &resource).await?;
    let agents = &caller.api().parts().agents;
    let before = agents.agent(node).await?.ok_or_else(|| Problem::not_found(resource))?;
    agents.revoke(node).await?;
    let after = agents.agent(node).await?.ok_or_else(|| Problem::not_found(resource))?;
    caller.did(Verb::Write, &resource, json!({"state": before.state}), json!({"state": after.state})).await?;
    Ok(after)
}

pub(crate) async fn tokens(caller: Caller) -> Result<Json<AgentTokens>, Problem> {
    Ok(Json(AgentTokens { items: all_tokens(&caller).await? }))
}

/// The tokens by which agents may join.
pub(crate) async fn all_tokens(caller: &Caller) -> Result<Vec<AgentTokenView>, Problem> {
    caller.must(Verb::View, &Resource::global(TOKEN)).await?;
    match caller.api().parts().agents.enrol() {
        Some(enrol) => Ok(enrol.tokens().await?),
        None => Ok(Vec::new()),
    }
}

pub(crate) async fn issue(
    caller: Caller,
    sent: Sent,
) -> Result<(StatusCode, Json<NewAgentTokenMade>), Problem> {
    Ok((StatusCode::CREATED, Json(make(&caller, || sent.read()).await?)))
}

/// Makes one.
pub(crate) async fn make(
    caller: &Caller,
    wanted: impl FnOnce() -> Result<NewAgentToken, Problem>,
) -> Result<NewAgentTokenMade, Problem> {
    caller.must(Verb::Write, &Resource::global(TOKEN)).await?;
    let (api, wanted) = (caller.api(), wanted()?);
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
    Ok(NewAgentTokenMade { token: made.token.text(), view: made.view })
}

pub(crate) async fn end(caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    end_token(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one.
pub(crate) async fn end_token(caller: &Caller, id: &str) -> Result<(), Problem> {
    let resource = Resource::global(TOKEN).named(id);
    caller.must(Verb::Write, &resource).await?;
    let enrol = caller.api().parts().agents.enrol().ok_or_else(closed)?;
    if !enrol.end(id).await? {
        return Err(Problem::not_found(resource));
    }
    caller.did(Verb::Write, &resource, json!({"id": id}), Value::Null).await?;
    Ok(())
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
