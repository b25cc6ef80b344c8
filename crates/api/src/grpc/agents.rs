//! Agents of nodes, called.

use tonic::{Request, Response, Status};
use windlass_contract as said;
use windlass_rpc::v1;
use windlass_rpc::v1::agents_server::Agents;

use super::messages::{given, stamp};
use super::people::span;
use super::{Calls, answer, heard};
use crate::agents::{self, Part};
use crate::answer::Problem;

/// The token that is wanted.
pub(super) fn new_token(asked: v1::IssueAgentTokenRequest) -> Result<said::NewAgentToken, Problem> {
    let v1::IssueAgentTokenRequest { nodes, uses, expires_in, replaces } = asked;
    Ok(said::NewAgentToken { nodes, uses, expires_in: span("expires_in", expires_in)?, replaces })
}

/// Which of them.
fn part(asked: v1::ListAgentsRequest) -> Part {
    let limit = asked.limit.and_then(|limit| usize::try_from(limit).ok());
    Part { limit, cursor: given(asked.cursor) }
}

fn agent(view: said::AgentView) -> v1::Agent {
    let said::AgentView { state, since, address, host, version, reach, agent } = view;
    let state = match state {
        said::AgentState::Connected => v1::AgentState::Connected,
        said::AgentState::Away => v1::AgentState::Away,
        said::AgentState::Revoked => v1::AgentState::Revoked,
    };
    let (reach, reach_asked) =
        reach.map_or_else(Default::default, |reach| (reach.found.word().to_owned(), reach.asked));
    v1::Agent {
        node: agent.node,
        state: state.into(),
        since: since.unwrap_or_default(),
        address: address.unwrap_or_default(),
        host: host.unwrap_or_default(),
        version: version.unwrap_or_default(),
        reach,
        reach_asked,
        joined_at: Some(stamp(agent.joined_at)),
        joined_from: agent.joined_from,
        token: agent.token,
        certificate: Some(v1::AgentCertificate {
            serial: agent.certificate.serial,
            fingerprint: agent.certificate.fingerprint,
            not_after: Some(stamp(agent.certificate.not_after)),
        }),
        revoked_at: agent.revoked_at.map(stamp),
    }
}

fn token(token: said::AgentTokenView) -> v1::AgentToken {
    let said::AgentTokenView { id, nodes, uses, used, used_at, expires_at, replaces, by, created_at } = token;
    v1::AgentToken {
        id,
        nodes,
        uses,
        used,
        used_at: used_at.map(stamp),
        expires_at: Some(stamp(expires_at)),
        replaces,
        by,
        created_at: Some(stamp(created_at)),
    }
}

#[tonic::async_trait]
impl Agents for Calls {
    async fn list(&self, request: Request<v1::ListAgentsRequest>) -> Result<Response<v1::AgentPage>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let said::AgentPage { items, next } = agents::page(&caller, || Ok(part(asked))).await?;
            let items = items.into_iter().map(agent).collect();
            Ok(v1::AgentPage { items, next: next.unwrap_or_default() })
        })
        .await
    }

    async fn get(&self, request: Request<v1::GetAgentRequest>) -> Result<Response<v1::Agent>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async { Ok(agent(agents::one(&caller, &asked.node).await?)) }).await
    }

    async fn revoke(&self, request: Request<v1::RevokeAgentRequest>) -> Result<Response<v1::Agent>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async { Ok(agent(agents::cut_off(&caller, &asked.node).await?)) }).await
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListAgentTokensRequest>,
    ) -> Result<Response<v1::AgentTokenPage>, Status> {
        let (caller, _) = heard(request)?;
        answer(async {
            let items = agents::all_tokens(&caller).await?.into_iter().map(token).collect();
            Ok(v1::AgentTokenPage { items })
        })
        .await
    }

    async fn issue_token(
        &self,
        request: Request<v1::IssueAgentTokenRequest>,
    ) -> Result<Response<v1::IssuedAgentToken>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let made = agents::make(&caller, || new_token(asked)).await?;
            Ok(v1::IssuedAgentToken { token: made.token, view: Some(token(made.view)) })
        })
        .await
    }

    async fn end_token(
        &self,
        request: Request<v1::EndAgentTokenRequest>,
    ) -> Result<Response<v1::EndAgentTokenAnswer>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            agents::end_token(&caller, &asked.id).await?;
            Ok(v1::EndAgentTokenAnswer {})
        })
        .await
    }
}
