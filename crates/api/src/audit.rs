//! The record of who did what.

use axum::Json;
use axum::extract::Query;
use serde::Deserialize;
use windlass_access::{Resource, Verb};
use windlass_contract::{AuditPage, AuditVerified};

use crate::answer::Problem;
use crate::caller::Caller;

/// What part of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) limit: Option<usize>,
    pub(crate) before: Option<u64>,
}

const AUDIT: &str = "Audit";
const MOST: usize = 1000;
const USUAL: usize = 100;

pub(crate) async fn list(
    caller: Caller,
    part: Result<Query<Part>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<AuditPage>, Problem> {
    let part = || Ok(part.map_err(|why| Problem::bad(why.body_text()))?.0);
    Ok(Json(page(&caller, part).await?))
}

/// A part of it, the newest first.
pub(crate) async fn page(
    caller: &Caller,
    part: impl FnOnce() -> Result<Part, Problem>,
) -> Result<AuditPage, Problem> {
    caller.must(Verb::View, &Resource::global(AUDIT)).await?;
    let part = part()?;
    let limit = part.limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut items = caller.api().parts().audit.list(part.before, limit.saturating_add(1)).await?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = if is_more { items.last().map(|entry| entry.seq) } else { None };
    Ok(AuditPage { items, next })
}

pub(crate) async fn verify(caller: Caller) -> Result<Json<AuditVerified>, Problem> {
    Ok(Json(verified(&caller).await?))
}

/// Whether all of it is as it was written.
pub(crate) async fn verified(caller: &Caller) -> Result<AuditVerified, Problem> {
    caller.must(Verb::View, &Resource::global(AUDIT)).await?;
    Ok(match caller.api().parts().audit.verify().await? {
        Ok(entries) => AuditVerified { whole: true, entries, broken: None },
        Err(broken) => AuditVerified {
            whole: false,
            entries: broken.seq.saturating_sub(1),
            broken: Some(broken.to_string()),
        },
    })
}
