//! The record of who did what.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use windlass_access::{Resource, Verb};
use windlass_contract::{AuditPage, AuditVerified};

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;

/// What part of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Part {
    limit: Option<usize>,
    before: Option<u64>,
}

const MOST: usize = 1000;
const USUAL: usize = 100;

pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    part: Result<Query<Part>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<AuditPage>, Problem> {
    caller.must(Verb::View, &Resource::global("Audit")).await?;
    let Query(part) = part.map_err(|why| Problem::bad(why.body_text()))?;
    let limit = part.limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut items = api.parts().audit.list(part.before, limit.saturating_add(1)).await?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = if is_more { items.last().map(|entry| entry.seq) } else { None };
    Ok(Json(AuditPage { items, next }))
}

pub(crate) async fn verify(State(api): State<Api>, caller: Caller) -> Result<Json<AuditVerified>, Problem> {
    caller.must(Verb::View, &Resource::global("Audit")).await?;
    Ok(Json(match api.parts().audit.verify().await? {
        Ok(entries) => AuditVerified { whole: true, entries, broken: None },
        Err(broken) => AuditVerified {
            whole: false,
            entries: broken.seq.saturating_sub(1),
            broken: Some(broken.to_string()),
        },
    }))
}
