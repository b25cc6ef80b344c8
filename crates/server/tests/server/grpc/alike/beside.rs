//! What is asked beside objects and runs.

use serde_json::json;
use windlass_rpc::v1;

use super::{At, JSON, Row, Services, begins, run, runs};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row!(
            "Runs/Board",
            |at| ("GET", format!("{}/board", run(at)), JSON, None),
            runs.board(|at: &At| v1::GetRunRequest { namespace: at.namespace.clone(), run: at.run.clone() })
        ),
        row!(
            "Runs/Elements",
            |at| ("GET", format!("{}/elements?under=b", run(at)), JSON, None),
            runs.elements(|at: &At| v1::ElementsRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone(),
                under: "b".into(),
            })
        ),
        row!(
            "Runs/Elements of nothing",
            |at| ("GET", format!("{}/elements?under=", run(at)), JSON, None),
            runs.elements(|at: &At| v1::ElementsRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone(),
                under: String::new(),
            })
        ),
        row!(
            "Runs/Rehearse",
            |at| ("POST", format!("{}/rehearse", runs(at)), JSON, Some(json!({"plan": at.name}))),
            runs.rehearse(|at: &At| v1::RehearseRequest {
                namespace: at.namespace.clone(),
                rehearsal_json: json!({"plan": at.name}).to_string(),
            })
        ),
        row!(
            "People/WhoAmI",
            |_| ("GET", "/api/v1/me".into(), JSON, None),
            people.who_am_i(|_: &At| v1::WhoAmIRequest {})
        ),
        row!(
            "People/ListTokens",
            |_| ("GET", "/api/v1/tokens".into(), JSON, None),
            people.list_tokens(|_: &At| v1::ListTokensRequest {})
        ),
        row!(
            "People/IssueToken",
            |at| ("POST", "/api/v1/tokens".into(), JSON, Some(json!({"user": format!("no {}", at.name)}))),
            people.issue_token(|at: &At| v1::IssueTokenRequest {
                user: format!("no {}", at.name),
                ..Default::default()
            })
        ),
        row!(
            "People/RevokeToken",
            |at| ("DELETE", format!("/api/v1/tokens/{}", at.name), JSON, None),
            people.revoke_token(|at: &At| v1::RevokeTokenRequest { id: at.name.clone() })
        ),
        row!(
            "People/SetPassword",
            |at| (
                "PUT",
                format!("/api/v1/users/no-{}/password", at.name),
                JSON,
                Some(json!({"password": "correct horse battery"}))
            ),
            people.set_password(|at: &At| v1::SetPasswordRequest {
                user: format!("no-{}", at.name),
                password: "correct horse battery".into(),
                ..Default::default()
            })
        ),
        row!(
            "People/RemovePassword",
            |at| ("DELETE", format!("/api/v1/users/no-{}/password", at.name), JSON, None),
            people.remove_password(|at: &At| v1::RemovePasswordRequest { user: format!("no-{}", at.name) })
        ),
        row!(
            "Agents/List",
            |_| ("GET", "/api/v1/agents?limit=2".into(), JSON, None),
            agents.list(|_: &At| v1::ListAgentsRequest { limit: Some(2), ..Default::default() })
        ),
        row!(
            "Agents/Get",
            |at| ("GET", format!("/api/v1/agents/{}", at.name), JSON, None),
            agents.get(|at: &At| v1::GetAgentRequest { node: at.name.clone() })
        ),
        row!(
            "Agents/Revoke",
            |at| ("DELETE", format!("/api/v1/agents/{}", at.name), JSON, None),
            agents.revoke(|at: &At| v1::RevokeAgentRequest { node: at.name.clone() })
        ),
        row!(
            "Agents/ListTokens",
            |_| ("GET", "/api/v1/agenttokens".into(), JSON, None),
            agents.list_tokens(|_: &At| v1::ListAgentTokensRequest {})
        ),
        row!(
            "Agents/IssueToken",
            |_| ("POST", "/api/v1/agenttokens".into(), JSON, Some(json!({"nodes": "", "uses": 0}))),
            agents.issue_token(|_: &At| v1::IssueAgentTokenRequest { uses: Some(0), ..Default::default() })
        ),
        row!(
            "Agents/EndToken",
            |at| ("DELETE", format!("/api/v1/agenttokens/{}", at.name), JSON, None),
            agents.end_token(|at: &At| v1::EndAgentTokenRequest { id: at.name.clone() })
        ),
        row!(
            "Audit/List",
            |_| ("GET", "/api/v1/audit?limit=3".into(), JSON, None),
            audit.list(|_: &At| v1::ListAuditRequest { limit: Some(3), before: None })
        ),
        row!(
            "Audit/Verify",
            |_| ("GET", "/api/v1/audit/verify".into(), JSON, None),
            audit.verify(|_: &At| v1::VerifyAuditRequest {})
        ),
        row!(
            "Inventory/Get",
            |at| ("GET", format!("/api/v1/namespaces/{}/inventory", at.namespace), JSON, None),
            inventory
                .get(|at: &At| v1::GetInventoryRequest { namespace: at.namespace.clone(), facts: false })
        ),
        row!(
            "Inventory/Vars",
            |at| (
                "GET",
                format!("/api/v1/namespaces/{}/inventory/{}/vars", at.namespace, at.name),
                JSON,
                None
            ),
            inventory.vars(|at: &At| v1::NodeVarsRequest {
                namespace: at.namespace.clone(),
                node: at.name.clone()
            })
        ),
        row!(
            "Inventory/Facts",
            |at| (
                "GET",
                format!("/api/v1/namespaces/{}/inventory/facts?selection=*", at.namespace),
                JSON,
                None
            ),
            inventory.facts(|at: &At| v1::NodeFactsRequest {
                namespace: at.namespace.clone(),
                selection: Some("*".to_owned())
            })
        ),
        row!(
            "Inventory/Lock",
            |at| (
                "GET",
                format!("/api/v1/namespaces/{}/inventory/{}/lock", at.namespace, at.name),
                JSON,
                None
            ),
            inventory.lock(|at: &At| v1::NodeLockRequest {
                namespace: at.namespace.clone(),
                node: at.name.clone()
            })
        ),
        row!(
            "Inventory/Lock of the cluster",
            |at| ("GET", format!("/api/v1/nodes/{}/lock", at.name), JSON, None),
            inventory.lock(|at: &At| v1::NodeLockRequest { namespace: String::new(), node: at.name.clone() })
        ),
        row!(stream
            "Operating/BackUp",
            |_| ("POST", "/api/v1/backup".into(), JSON, Some(json!({"logs": false}))),
            operating.back_up(|_: &At| v1::BackUpRequest { keys: false, without_logs: true })
        ),
        row!(
            "Operating/Retain",
            |_| ("POST", "/api/v1/retention".into(), JSON, Some(json!({"dryRun": true}))),
            operating.retain(|_: &At| v1::RetainRequest { let_go: false })
        ),
    ]
}
