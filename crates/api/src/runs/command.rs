//! What people say to runs.

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{Reason, Resolution};
use windlass_engine::Input;
use windlass_model::event::{Author, Command};
use windlass_model::{Value, code};
use windlass_runtime::{Error, RunView};

use super::admit::admit;
use super::{COMMANDS, RUN, meant};
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::objects::Sent;

pub(crate) async fn command(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
    sent: Sent,
) -> Result<StatusCode, Problem> {
    let word = places.get("command").map_or("", String::as_str);
    let Some((word, _, verb)) = COMMANDS.iter().find(|(known, ..)| *known == word) else {
        return Err(Problem::not_found(format!("command `{word}`")));
    };
    let view = meant(&api, &caller, *verb, &places).await?;
    let reason: Reason = sent.read()?;
    let by = Author { user: caller.who.user.clone(), why: reason.why.clone() };
    let runs = &api.parts().runs;
    match *word {
        "start" => {
            let namespace = places.get("name").map_or("", String::as_str);
            admit(&api, &caller, namespace, true, async || Ok(runs.layout(view.id).await?)).await?;
            runs.start(view.id, by).await?;
        }
        "pause" => said(&api, &view, Command::Pause, by).await?,
        "resume" => said(&api, &view, Command::Resume, by).await?,
        "stop" => said(&api, &view, Command::Stop, by).await?,
        "cancel" => said(&api, &view, Command::Cancel, by).await?,
        "kill" => said(&api, &view, Command::Kill, by).await?,
        "approve" => {
            let digest = runs.submission(view.id).await?.digest();
            if reason.digest.as_ref().is_some_and(|seen| *seen != digest.to_string()) {
                let detail =
                    format!("what was looked at is not run {} as it is: its digest is {digest}", view.id);
                return Err(Problem::new(StatusCode::CONFLICT, &code::DIGEST_MISMATCH, detail)
                    .hint("look at the run again, and approve what you see"));
            }
            runs.approve(view.id, digest, by).await?;
        }
        _ => runs.reject(view.id, by).await?,
    }
    note(&caller, *verb, &view, json!({"command": word, "why": reason.why})).await
}

pub(crate) async fn resolve(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
    sent: Sent,
) -> Result<StatusCode, Problem> {
    let view = meant(&api, &caller, Verb::Resolve, &places).await?;
    let Resolution { address, verdict, why } = sent.read()?;
    let by = Author { user: caller.who.user.clone(), why: why.clone() };
    api.parts().runs.resolve(view.id, address.clone(), verdict, by).await?;
    let after = json!({"address": address, "verdict": verdict, "why": why});
    note(&caller, Verb::Resolve, &view, after).await
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

async fn note(caller: &Caller, verb: Verb, view: &RunView, after: Value) -> Result<StatusCode, Problem> {
    let namespace = view.labels.get(windlass_contract::NAMESPACE_LABEL).map_or("", String::as_str);
    let id = view.id.to_string();
    let before = json!({"status": view.status.word()});
    caller.did(verb, &Resource::within(RUN, namespace).named(&id), before, after).await?;
    Ok(StatusCode::NO_CONTENT)
}
