//! What people say to runs.

use axum::http::StatusCode;
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{Reason, Resolution};
use windlass_engine::Input;
use windlass_model::event::{Author, Command};
use windlass_model::outcome::RunStatus;
use windlass_model::{Value, code};
use windlass_runtime::{ApprovalView, Error, RunView};

use super::admit::admit;
use super::submit::refuse;
use super::{COMMANDS, RUN, meant};
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::rates::{Counted, Turn};

/// Says a word to a run.
pub(crate) async fn command(
    caller: &Caller,
    namespace: &str,
    run: &str,
    word: &str,
    reason: impl FnOnce() -> Result<Reason, Problem>,
) -> Result<(), Problem> {
    let Some((word, _, verb)) = COMMANDS.iter().find(|(known, ..)| *known == word) else {
        return Err(Problem::not_found(format!("command `{word}`")));
    };
    let view = meant(caller, *verb, namespace, run).await?;
    let (api, reason) = (caller.api(), reason()?);
    let by = Author { user: caller.who.user.clone(), why: reason.why.clone() };
    let runs = &api.parts().runs;
    match *word {
        "start" => {
            admit(api, caller, namespace, true, async || Ok(runs.layout(view.id).await?)).await?;
            begin(caller, &view, async || Ok(runs.start(view.id, by).await?)).await?;
        }
        "pause" => said(api, &view, Command::Pause, by).await?,
        "resume" => said(api, &view, Command::Resume, by).await?,
        "stop" => said(api, &view, Command::Stop, by).await?,
        "cancel" => said(api, &view, Command::Cancel, by).await?,
        "kill" => said(api, &view, Command::Kill, by).await?,
        "approve" => {
            let digest = runs.submission(view.id).await?.digest();
            if reason.digest.as_ref().is_some_and(|seen| *seen != digest.to_string()) {
                let detail =
                    format!("what was looked at is not run {} as it is: its digest is {digest}", view.id);
                return Err(Problem::new(StatusCode::CONFLICT, &code::DIGEST_MISMATCH, detail)
                    .hint("look at the run again, and approve what you see"));
            }
            let agree = async || Ok(runs.approve(view.id, digest, by).await?);
            match view.approval.as_ref() {
                // It begins with the last one.
                Some(approval) if is_last(approval, &caller.who.user) => begin(caller, &view, agree).await?,
                _ => agree().await?,
            }
        }
        _ => runs.reject(view.id, by).await?,
    }
    note(caller, *verb, &view, json!({"command": word, "why": reason.why})).await
}

fn is_last(approval: &ApprovalView, user: &str) -> bool {
    let others = approval.by.iter().filter(|by| *by != user).count();
    others.saturating_add(1) >= usize::try_from(approval.quorum.max(1)).unwrap_or(usize::MAX)
}

/// Lets a run begin by something, unless too many others have.
async fn begin(
    caller: &Caller,
    view: &RunView,
    by: impl AsyncFnOnce() -> Result<(), Problem>,
) -> Result<(), Problem> {
    let is_counted = !view.noop && matches!(view.status, RunStatus::Submitted | RunStatus::AwaitingApproval);
    if !is_counted {
        return by().await;
    }
    let (rates, counted) = (&caller.api().parts().rates, Counted::of(view));
    match rates.take(&counted).await? {
        Turn::Later(later) => Err(refuse(caller, &counted.namespace, &counted.plan, &later).await?),
        Turn::Now(place) => {
            by().await?;
            rates.began(place, view.id).await;
            Ok(())
        }
    }
}

/// Settles what waits for a person.
pub(crate) async fn resolve(
    caller: &Caller,
    namespace: &str,
    run: &str,
    resolution: impl FnOnce() -> Result<Resolution, Problem>,
) -> Result<(), Problem> {
    let view = meant(caller, Verb::Resolve, namespace, run).await?;
    let Resolution { address, verdict, why } = resolution()?;
    let by = Author { user: caller.who.user.clone(), why: why.clone() };
    caller.api().parts().runs.resolve(view.id, address.clone(), verdict, by).await?;
    let after = json!({"address": address, "verdict": verdict, "why": why});
    note(caller, Verb::Resolve, &view, after).await
}

/// What nobody who drives the run could take is written down, and takes effect when somebody drives it.
async fn said(api: &Api, view: &RunView, command: Command, by: Author) -> Result<(), Problem> {
    let runs = &api.parts().runs;
    match runs.command(view.id, command, by.clone()).await {
        Err(Error::NotDriven(_)) => runs.record(view.id, Input::Command { command, by }).await?,
        told => told?,
    }
    Ok(())
}

async fn note(caller: &Caller, verb: Verb, view: &RunView, after: Value) -> Result<(), Problem> {
    let namespace = view.labels.get(windlass_contract::NAMESPACE_LABEL).map_or("", String::as_str);
    let id = view.id.to_string();
    let before = json!({"status": view.status.word()});
    caller.did(verb, &Resource::within(RUN, namespace).named(&id), before, after).await
}
