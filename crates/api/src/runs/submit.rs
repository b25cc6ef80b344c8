//! Runs are submitted, and retried.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{
    GROUPS_LABEL, NAMESPACE_LABEL, NewRun, PreviewedAction, PreviewedBlock, RetryRun, RunPreview, Submitted,
    WAITS_LABEL,
};
use windlass_lang::Given;
use windlass_model::event::Author;
use windlass_model::fact::Catalog;
use windlass_model::layout::{ActionDef, Choice, Layout};
use windlass_model::plan::Plan;
use windlass_model::validate::walk::{self, Role};
use windlass_model::{Value, code};
use windlass_objects::Name;
use windlass_objects::kinds;
use windlass_runtime::{Request, Retry, Start};

use super::admit::{self, admit};
use super::{RUN, meant};
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::inventory::selected;
use crate::rates::{Counted, Later, Turn};

/// How many names of a block a preview shows.
const SHOWN: u32 = 20;

/// Submits a run, and starts it. What is wanted is read when whoever wants it was found to be allowed to.
pub(crate) async fn submit(
    caller: &Caller,
    namespace: &str,
    wanted: impl FnOnce() -> Result<NewRun, Problem>,
) -> Result<Submitted, Problem> {
    let resource = Resource::within(RUN, namespace);
    caller.must(Verb::Submit, &resource).await?;
    let (api, mut wanted) = (caller.api(), wanted()?);
    let plan = plan(api, caller, namespace, &mut wanted).await?;
    let (start, why) = (wanted.start.unwrap_or(true), wanted.why.clone());
    let request = request(api, namespace, plan, wanted).await?;
    take_in(api, caller, namespace, request, start, why).await
}

/// What a run would do, with everything that would keep it from beginning; nothing is written.
pub(crate) async fn preview(
    caller: &Caller,
    namespace: &str,
    wanted: impl FnOnce() -> Result<NewRun, Problem>,
) -> Result<RunPreview, Problem> {
    caller.must(Verb::Submit, &Resource::within(RUN, namespace)).await?;
    let (api, mut wanted) = (caller.api(), wanted()?);
    let plan = plan(api, caller, namespace, &mut wanted).await?;
    let request = request(api, namespace, plan, wanted).await?;
    let layout = laid_out(api, request)?;
    let plan = &layout.submission.plan;
    let label = |name: &str| plan.metadata.labels.get(name).map(String::as_str);
    let policies = api.gathered().policies(namespace).await?;
    let mut refusals: Vec<String> = Vec::new();
    if let Some(why) = api.gathered().frozen(namespace, &plan.metadata.name, label).await {
        refusals.push(format!("frozen by {why}"));
    }
    let judged = admit::judged(api, &caller.who, namespace, false, &layout, &policies);
    refusals.extend(judged.iter().flat_map(|problem| &problem.problems).map(|one| one.message.clone()));
    let counted = Counted::new(namespace, plan, caller);
    if !layout.submission.noop
        && let Turn::Later(later) = api.parts().rates.take(&counted).await?
    {
        refusals.push(later.words());
    }
    let blocks = layout.blocks.iter().map(|block| PreviewedBlock {
        name: block.name.clone(),
        targets: block.sequences.len(),
        first: (0..block.sequences.len().min(SHOWN))
            .filter_map(|seq| block.sequences.name(seq))
            .map(str::to_owned)
            .collect(),
        chooses_late: block.choice == Choice::Open,
        concurrency: block.concurrency,
        failures: block.failures,
        canary: block.canary,
        actions: block.sequences.body(0).map_or_else(Vec::new, |body| {
            let one = |action: &ActionDef| PreviewedAction {
                name: action.action.name.clone(),
                uses: action.action.uses.clone(),
            };
            body.actions.iter().map(one).collect()
        }),
    });
    Ok(RunPreview {
        plan: plan.metadata.name.clone(),
        step_set: layout.submission.step_set.clone(),
        approvals: plan.spec.approval.as_ref().map_or(0, |approval| approval.quorum),
        blocks: blocks.collect(),
        refusals,
    })
}

/// What would be submitted, without submitting it.
fn laid_out(api: &Api, request: Request) -> Result<Arc<Layout>, Problem> {
    let catalog = Catalog::clone(api.parts().runs.catalog());
    Ok(request.setup(catalog)?.layout)
}

pub(super) async fn request(
    api: &Api,
    namespace: &str,
    plan: Plan,
    wanted: NewRun,
) -> Result<Request, Problem> {
    let selection = wanted.selection.as_deref().map(selected).transpose()?;
    let nodes = api.gathered().inventory_for(namespace, &plan, selection.as_ref()).await?;
    Ok(Request {
        step_set: wanted.step_set.unwrap_or_else(|| windlass_model::plan::DEFAULT_STEP_SET.to_owned()),
        params: given(wanted.params, wanted.typed_params),
        selection,
        noop: wanted.noop,
        run_id: wanted.run,
        group: wanted.group,
        nodes: Some(nodes),
        ..Request::new(plan)
    })
}

/// A new run of what did not succeed.
pub(crate) async fn retry(
    caller: &Caller,
    namespace: &str,
    run: &str,
    wanted: impl FnOnce() -> Result<RetryRun, Problem>,
) -> Result<Submitted, Problem> {
    let view = meant(caller, Verb::Command, namespace, run).await?;
    let (api, wanted) = (caller.api(), wanted()?);
    let how = if wanted.from_scratch { Retry::FromScratch } else { Retry::FromFailure };
    let mut request = api.parts().runs.retry(view.id, how).await?;
    refuse_foreign(api, namespace, &request).await?;
    request.params.extend(given(wanted.params, wanted.typed_params));
    let why = match wanted.why.trim() {
        "" => format!("retries {}", view.id),
        why => format!("retries {}: {why}", view.id),
    };
    take_in(api, caller, namespace, request, wanted.start.unwrap_or(true), why).await
}

async fn take_in(
    api: &Api,
    caller: &Caller,
    namespace: &str,
    request: Request,
    start: bool,
    why: String,
) -> Result<Submitted, Problem> {
    let plan = Arc::clone(&request.plan);
    let label = |name: &str| plan.metadata.labels.get(name).map(String::as_str);
    if let Some(why) = api.gathered().frozen(namespace, &plan.metadata.name, label).await {
        let problem = Problem::new(StatusCode::CONFLICT, &code::FROZEN, format!("frozen by {why}"));
        return Err(problem.hint("wait until the freeze is deleted, or ask whoever made it"));
    }
    let here = works_here(&plan, &api.parts().here);
    if let Some(first) = here.first()
        && !caller.may(Verb::Write, &Resource::global("Server"))
    {
        let message =
            "it would run a program on the machine of the server, which needs the right to write Server";
        let problem = |address: &String| {
            windlass_model::problem::Problem::new(code::FORBIDDEN, address, "", message)
                .help("give its block `targets`; or let somebody submit it who is admin everywhere")
        };
        caller.denied(Verb::Write, &Resource::global("Server").named(first)).await?;
        let mut refused = Problem::invalid(&here.iter().map(problem).collect::<Vec<_>>());
        refused.status = StatusCode::FORBIDDEN.as_u16();
        return Err(refused);
    }
    admit(api, caller, namespace, false, async || laid_out(api, request.clone())).await?;
    let mut labelled = Plan::clone(&plan);
    let labels = &mut labelled.metadata.labels;
    labels.insert(NAMESPACE_LABEL.to_owned(), namespace.to_owned());
    labels.shift_remove(WAITS_LABEL);
    labels.shift_remove(GROUPS_LABEL);
    // One that must be approved begins with that, and is counted then.
    let is_counted = start && !request.noop && plan.spec.approval.is_none();
    let counted = Counted::new(namespace, &plan, caller);
    let (place, later) = match is_counted {
        true => match api.parts().rates.take(&counted).await? {
            Turn::Now(place) => (Some(place), None),
            Turn::Later(later) if later.is_worth_waiting() => (None, Some(later)),
            Turn::Later(later) => return Err(refuse(caller, namespace, &plan.metadata.name, &later).await?),
        },
        false => (None, None),
    };
    if later.is_some() {
        labels.insert(WAITS_LABEL.to_owned(), "rate".to_owned());
        if !caller.who.groups.is_empty() {
            labels.insert(GROUPS_LABEL.to_owned(), json!(caller.who.groups).to_string());
        }
    }
    let request = Request {
        plan: Arc::new(labelled),
        user: caller.who.user.clone(),
        secrets: Some(api.gathered().secrets(namespace).await?),
        start: if start && later.is_none() { Start::Now } else { Start::Later },
        ..request
    };
    // Whoever has just made a budget relies on it.
    api.parts().budgets.refresh().await?;
    let runs = &api.parts().runs;
    let run = runs.submit(request).await?;
    let waits = later.as_ref().map(Later::words);
    match (place, later) {
        (Some(place), _) => api.parts().rates.began(place, run).await,
        (None, Some(later)) => api.parts().rates.wait(&runs.status(run).await?, later),
        (None, None) => {}
    }
    // A freeze that was made meanwhile did not see the run; one that is made from here on does.
    if let Some(why) = api.gathered().frozen(namespace, &plan.metadata.name, label).await {
        let by = Author { user: "windlass".to_owned(), why: format!("frozen by {why}") };
        runs.stop(run, by).await?;
    }
    let submission = runs.submission(run).await?;
    let resource = Resource::within(RUN, namespace);
    let id = run.to_string();
    let after = json!({"plan": plan.metadata.name, "targets": submission.targets.iter().map(|it| it.len()).sum::<u32>(), "why": why});
    caller.did(Verb::Submit, &resource.named(&id), Value::Null, after).await?;
    let digest = submission.digest().to_string();
    Ok(Submitted { run, group: submission.group, digest, waits })
}

/// Notes that a run begins too early, and says so.
pub(crate) async fn refuse(
    caller: &Caller,
    namespace: &str,
    plan: &str,
    later: &Later,
) -> Result<Problem, Problem> {
    let problem = later.problem(caller.api().now());
    let resource = Resource::within(RUN, namespace).named(plan);
    let why = json!({"policies": problem.problems.iter().map(|it| &it.address).collect::<Vec<_>>()});
    caller.refused(Verb::Submit, &resource, why).await?;
    Ok(problem)
}

/// The plan that is meant.
pub(super) async fn plan(
    api: &Api,
    caller: &Caller,
    namespace: &str,
    wanted: &mut NewRun,
) -> Result<Plan, Problem> {
    match (&wanted.plan, wanted.document.take()) {
        (Some(name), None) => kept(api, namespace, name).await,
        (None, Some(document)) => {
            // What is written out here would else be a way around the right to write plans.
            caller.must(Verb::Write, &Resource::within(kinds::PLAN.name, namespace)).await?;
            written(document)
        }
        _ => Err(Problem::bad("name a `plan`, or write one out in `document`; one of them")),
    }
}

/// The values of parameters, however they came.
fn given(values: BTreeMap<String, Value>, typed: BTreeMap<String, String>) -> BTreeMap<String, Given> {
    let values = values.into_iter().map(|(name, value)| (name, Given::Value(value)));
    let typed = typed.into_iter().map(|(name, text)| (name, Given::Text(text)));
    values.chain(typed).collect()
}

/// A plan of the namespace.
async fn kept(api: &Api, namespace: &str, name: &str) -> Result<Plan, Problem> {
    let object = api.parts().objects.get(&kinds::PLAN, &Name::within(namespace, name)).await?;
    kinds::plan_of(&object).map_err(|why| windlass_objects::Error::Damaged(why).into())
}

fn written(document: Value) -> Result<Plan, Problem> {
    let problems = windlass_lang::misfits(windlass_lang::plan_schema(), &document);
    if !problems.is_empty() {
        return Err(Problem::invalid(&problems));
    }
    serde_json::from_value(document).map_err(|error| Problem::bad(format!("document: {error}")))
}

/// What was frozen once may belong to others by now.
async fn refuse_foreign(api: &Api, namespace: &str, request: &Request) -> Result<(), Problem> {
    let inventory = api.gathered().inventory(namespace).await?;
    let active =
        |name: &str| inventory.find(name).and_then(|id| inventory.node(id)).is_some_and(|node| node.active);
    let targets = request.targets.iter().flatten().chain(&request.others);
    let foreign: Vec<&str> = targets.flat_map(|frozen| frozen.names()).filter(|name| !active(name)).collect();
    match foreign.first() {
        None => Ok(()),
        Some(first) => {
            let detail = format!(
                "{} of its nodes may not be touched from {namespace} any more, such as {first}",
                foreign.len()
            );
            let problem = Problem::new(StatusCode::CONFLICT, &code::NOT_GRANTED, detail);
            Err(problem.hint("submit a new run, which chooses among the nodes of today"))
        }
    }
}

/// What of a plan would run programs on the machine of the server: whatever has no target, and checks, which have none.
fn works_here(plan: &Plan, here: &HashSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    walk::actions(plan, &mut |at| {
        let has_node =
            at.block.is_some_and(|block| block.targets.is_some()) && !matches!(at.role, Role::Check(_));
        if !has_node && here.contains(&at.action.uses) {
            found.push(at.address.to_owned());
        }
    });
    found
}
