//! The record, the inventory and the server itself, called.

use futures_util::StreamExt as _;
use tonic::{Request, Response, Status};
use windlass_contract as said;
use windlass_model::Value;
use windlass_model::time::Time;
use windlass_rpc::v1;
use windlass_rpc::v1::audit_server::Audit;
use windlass_rpc::v1::inventory_server::Inventory;
use windlass_rpc::v1::operating_server::Operating;

use super::messages::{stamp, text};
use super::{Calls, Sending, answer, heard, stream};
use crate::answer::Problem;
use crate::{audit, inventory, locks, operate};

fn part(asked: v1::ListAuditRequest) -> audit::Part {
    let limit = asked.limit.and_then(|limit| usize::try_from(limit).ok());
    audit::Part { limit, before: asked.before }
}

fn entry(entry: said::Entry) -> v1::AuditEntry {
    let said::Entry { seq, what, previous, hash } = entry;
    let outcome = match what.outcome {
        said::Outcome::Done => "done",
        said::Outcome::Denied => "denied",
        said::Outcome::Failed => "failed",
    };
    v1::AuditEntry {
        seq,
        at: Some(stamp(what.at)),
        user: what.user,
        from: what.from,
        verb: what.verb,
        resource: what.resource,
        outcome: outcome.to_owned(),
        before_json: text(&what.before),
        after_json: text(&what.after),
        previous,
        hash,
    }
}

fn var(var: said::NodeVar) -> v1::NodeVar {
    let hides = var
        .hides
        .into_iter()
        .map(|hidden| v1::HiddenVar { from: hidden.from, value_json: hidden.value.to_string() });
    v1::NodeVar { key: var.key, value_json: var.value.to_string(), from: var.from, hides: hides.collect() }
}

fn at_lock(at: said::AtLock) -> v1::AtLock {
    v1::AtLock {
        run: at.run.map(|run| run.to_string()).unwrap_or_default(),
        namespace: at.namespace,
        plan: at.plan,
        user: at.user,
        address: at.address,
        at_work: at.at_work,
        since: at.since.map(|millis| stamp(Time(millis.saturating_mul(1_000)))),
    }
}

fn retained(retained: said::Retained) -> v1::Retained {
    let said::Retained { dry_run, looked, go, lose_output, items } = retained;
    let items = items.into_iter().map(|run| v1::RetainedRun {
        run: run.run.to_string(),
        namespace: run.namespace.unwrap_or_default(),
        plan: run.plan,
        ended_at: Some(stamp(run.ended_at)),
        goes: run.goes,
    });
    v1::Retained { dry_run, looked, go, lose_output, items: items.collect() }
}

#[tonic::async_trait]
impl Audit for Calls {
    async fn list(&self, request: Request<v1::ListAuditRequest>) -> Result<Response<v1::AuditPage>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let said::AuditPage { items, next } = audit::page(&caller, || Ok(part(asked))).await?;
            Ok(v1::AuditPage { items: items.into_iter().map(entry).collect(), next })
        })
        .await
    }

    async fn verify(
        &self,
        request: Request<v1::VerifyAuditRequest>,
    ) -> Result<Response<v1::AuditVerified>, Status> {
        let (caller, _) = heard(request)?;
        answer(async {
            let said::AuditVerified { whole, entries, broken } = audit::verified(&caller).await?;
            Ok(v1::AuditVerified { whole, entries, broken: broken.unwrap_or_default() })
        })
        .await
    }
}

#[tonic::async_trait]
impl Inventory for Calls {
    async fn get(
        &self,
        request: Request<v1::GetInventoryRequest>,
    ) -> Result<Response<v1::InventoryDocument>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let document = inventory::document(&caller, &asked.namespace, || Ok(asked.facts)).await?;
            Ok(v1::InventoryDocument { document_json: document.to_string() })
        })
        .await
    }

    async fn vars(&self, request: Request<v1::NodeVarsRequest>) -> Result<Response<v1::NodeVars>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let vars = inventory::vars_of(&caller, &asked.namespace, &asked.node).await?;
            Ok(v1::NodeVars { items: vars.items.into_iter().map(var).collect() })
        })
        .await
    }

    async fn facts(
        &self,
        request: Request<v1::NodeFactsRequest>,
    ) -> Result<Response<v1::NodeFactsList>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let said = inventory::facts_of(&caller, &asked.namespace, || Ok(asked.selection)).await?;
            let item = |said::NodeFacts { node, at, facts }: said::NodeFacts| v1::NodeFacts {
                node,
                at: at.and_then(|at| at.parse().ok()).map(stamp),
                facts_json: Value::Object(facts).to_string(),
            };
            Ok(v1::NodeFactsList { items: said.items.into_iter().map(item).collect() })
        })
        .await
    }

    async fn lock(&self, request: Request<v1::NodeLockRequest>) -> Result<Response<v1::NodeLock>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let said::NodeLock { lock, holder, waiting } = match asked.namespace.as_str() {
                "" => locks::anywhere(&caller, &asked.node).await?,
                namespace => locks::within(&caller, namespace, &asked.node).await?,
            };
            let waiting = waiting.into_iter().map(at_lock).collect();
            Ok(v1::NodeLock { lock, holder: holder.map(at_lock), waiting })
        })
        .await
    }
}

#[tonic::async_trait]
impl Operating for Calls {
    type BackUpStream = Sending<v1::BackupPiece>;

    async fn back_up(
        &self,
        request: Request<v1::BackUpRequest>,
    ) -> Result<Response<Self::BackUpStream>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let wanted = said::NewBackup { keys: asked.keys, logs: !asked.without_logs };
            let pieces = operate::pieces(&caller, || Ok(wanted)).await?;
            let pieces = pieces.map(|piece| piece.map_err(|error| Problem::unreadable(&error)));
            Ok(stream(&caller, pieces, |piece| v1::BackupPiece { piece: piece.into() }))
        })
        .await
    }

    async fn retain(&self, request: Request<v1::RetainRequest>) -> Result<Response<v1::Retained>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let wanted = said::NewRetention { dry_run: !asked.let_go };
            Ok(retained(operate::retained(&caller, || Ok(wanted)).await?))
        })
        .await
    }
}
