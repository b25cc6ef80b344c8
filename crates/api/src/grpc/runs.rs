//! Runs, called.

use std::collections::{BTreeMap, HashMap};

use tonic::{Request, Response, Status};
use windlass_contract as said;
use windlass_model::Value;
use windlass_model::event::Verdict;
use windlass_rpc::v1;
use windlass_rpc::v1::control_request::Command;
use windlass_rpc::v1::runs_server::Runs;
use windlass_rpc::v1::submit_request::What;
use windlass_rpc::v1::watch_state_request::Since as AskedSince;
use windlass_runtime::Filter;

use super::messages::{self, asked_status, given, json, run, target_status, time};
use super::{Calls, Sending, answer, heard, stream};
use crate::answer::Problem;
use crate::runs::look::{self, Events, Listing, ReportForm};
use crate::runs::{board, command, rehearse, submit};
use crate::state::{self, At, Since};

/// The run that is wanted.
pub(super) fn new_run(asked: v1::SubmitRequest) -> Result<said::NewRun, Problem> {
    let (plan, document) = match asked.what {
        Some(What::Plan(plan)) => (Some(plan), None),
        Some(What::DocumentJson(text)) => (None, Some(json("document_json", &text)?)),
        None => (None, None),
    };
    let run = given(asked.run).map(|text| text.parse()).transpose();
    let group = given(asked.group).map(|text| text.parse()).transpose();
    Ok(said::NewRun {
        plan,
        document,
        step_set: given(asked.step_set),
        params: params(asked.params_json)?,
        typed_params: asked.typed_params.into_iter().collect(),
        selection: given(asked.selection),
        noop: asked.noop,
        start: asked.start,
        run: run.map_err(|_| Problem::bad("`run` is no UUID"))?,
        group: group.map_err(|_| Problem::bad("`group` is no UUID"))?,
        why: asked.why,
    })
}

fn params(texts: HashMap<String, String>) -> Result<BTreeMap<String, Value>, Problem> {
    texts
        .into_iter()
        .map(|(name, text)| Ok((name.clone(), json(&format!("params_json.{name}"), &text)?)))
        .collect()
}

/// The run that retries another.
pub(super) fn retry(asked: v1::RetryRequest) -> Result<said::RetryRun, Problem> {
    Ok(said::RetryRun {
        from_scratch: asked.from_scratch,
        params: params(asked.params_json)?,
        typed_params: asked.typed_params.into_iter().collect(),
        start: asked.start,
        why: asked.why,
    })
}

/// Which runs are listed.
pub(super) fn listing(asked: v1::ListRunsRequest) -> Result<Listing, Problem> {
    let filter = Filter {
        id_begins: given(asked.id.to_ascii_lowercase()),
        groups: look::groups(&asked.groups)?,
        statuses: asked.statuses.into_iter().map(asked_status).collect::<Result<_, _>>()?,
        plans: asked.plans,
        users: asked.users,
        labels: look::labels(&asked.labels),
        text: given(asked.text),
        since: asked.since.map(|at| time("since", at)).transpose()?,
        until: asked.until.map(|at| time("until", at)).transpose()?,
        ..Filter::default()
    };
    let limit = asked.limit.and_then(|limit| usize::try_from(limit).ok());
    Ok(Listing { filter, limit, cursor: given(asked.cursor), node: None })
}

/// How what waits for a person is settled.
pub(super) fn resolution(asked: v1::ResolveRequest) -> Result<said::Resolution, Problem> {
    use v1::resolve_request::Verdict as Asked;
    let verdict = match asked.verdict() {
        Asked::Done => Verdict::Done,
        Asked::Failed => Verdict::Failed,
        Asked::Again => Verdict::Again,
        Asked::Unspecified => return Err(Problem::bad("`verdict`: it is done, failed or again")),
    };
    Ok(said::Resolution { address: asked.address, verdict, why: asked.why })
}

/// Where a stream begins.
pub(super) fn since(asked: AskedSince) -> Result<Since, Problem> {
    match asked {
        AskedSince::From(version) => Ok(Since::Version(version)),
        AskedSince::After(id) => At::read(&id)
            .map(Since::Heard)
            .ok_or_else(|| Problem::bad("`after` is no `id` of something that happened")),
    }
}

/// What REST calls a command.
fn word(command: Command) -> Result<&'static str, Problem> {
    Ok(match command {
        Command::Unspecified => return Err(Problem::bad("`command` is none that there is")),
        Command::Start => "start",
        Command::Pause => "pause",
        Command::Resume => "resume",
        Command::Stop => "stop",
        Command::Cancel => "cancel",
        Command::Kill => "kill",
        Command::Approve => "approve",
        Command::Reject => "reject",
    })
}

fn submitted(submitted: said::Submitted) -> v1::Submitted {
    let said::Submitted { run, group, digest, waits } = submitted;
    v1::Submitted { run: run.to_string(), group: group.to_string(), digest, waits }
}

fn action(action: said::PreviewedAction) -> v1::PreviewedAction {
    v1::PreviewedAction { name: action.name, r#use: action.uses }
}

fn previewed(preview: said::RunPreview) -> v1::RunPreview {
    let said::RunPreview { plan, step_set, approvals, blocks, refusals } = preview;
    let blocks = blocks.into_iter().map(|block| v1::PreviewedBlock {
        name: block.name,
        targets: block.targets,
        first: block.first,
        chooses_late: block.chooses_late,
        concurrency: block.concurrency,
        failures: block.failures,
        canary: block.canary,
        actions: block.actions.into_iter().map(action).collect(),
    });
    v1::RunPreview { plan, step_set, approvals, blocks: blocks.collect(), refusals }
}

fn plan_state(state: said::PlanState) -> v1::PlanState {
    let said::PlanState { plan, version, steps, runs, targets } = state;
    let steps = steps.into_iter().map(|step| v1::PlanStep {
        step_set: step.step_set,
        block: step.block,
        actions: step.actions.into_iter().map(action).collect(),
    });
    let targets = targets.into_iter().map(|target| v1::TargetState {
        node: target.node,
        block: target.block,
        run: target.run.to_string(),
        status: target_status(target.status).into(),
    });
    v1::PlanState {
        plan,
        version,
        steps: steps.collect(),
        runs: runs.into_iter().map(run).collect(),
        targets: targets.collect(),
    }
}

fn happened(followed: state::Followed) -> v1::Happened {
    v1::Happened {
        id: followed.at.to_string(),
        run: followed.run.to_string(),
        events: followed.events.into_iter().map(messages::event).collect(),
    }
}

#[tonic::async_trait]
impl Runs for Calls {
    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Result<Response<v1::Submitted>, Status> {
        let (caller, asked) = heard(request)?;
        let namespace = asked.namespace.clone();
        answer(async { Ok(submitted(submit::submit(&caller, &namespace, || new_run(asked)).await?)) }).await
    }

    async fn preview(&self, request: Request<v1::SubmitRequest>) -> Result<Response<v1::RunPreview>, Status> {
        let (caller, asked) = heard(request)?;
        let namespace = asked.namespace.clone();
        answer(async { Ok(previewed(submit::preview(&caller, &namespace, || new_run(asked)).await?)) }).await
    }

    async fn get(&self, request: Request<v1::GetRunRequest>) -> Result<Response<v1::Run>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async { Ok(run(look::show(&caller, &asked.namespace, &asked.run).await?)) }).await
    }

    async fn list(&self, request: Request<v1::ListRunsRequest>) -> Result<Response<v1::RunPage>, Status> {
        let (caller, asked) = heard(request)?;
        let namespace = given(asked.namespace.clone());
        answer(async {
            let page = look::list(&caller, namespace.as_deref(), || listing(asked)).await?;
            let items = page.items.into_iter().map(run).collect();
            Ok(v1::RunPage { items, next: page.next.unwrap_or_default() })
        })
        .await
    }

    async fn submission(
        &self,
        request: Request<v1::GetRunRequest>,
    ) -> Result<Response<v1::RunSubmission>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let submission = look::submission(&caller, &asked.namespace, &asked.run).await?;
            Ok(v1::RunSubmission { submission_json: serde_json::json!(submission).to_string() })
        })
        .await
    }

    async fn board(&self, request: Request<v1::GetRunRequest>) -> Result<Response<v1::RunBoard>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let board = board::board(&caller, &asked.namespace, &asked.run).await?;
            Ok(v1::RunBoard { board_json: serde_json::json!(board).to_string() })
        })
        .await
    }

    async fn elements(
        &self,
        request: Request<v1::ElementsRequest>,
    ) -> Result<Response<v1::RunElements>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let v1::ElementsRequest { namespace, run, under } = asked;
            let elements = board::elements(&caller, &namespace, &run, || Ok(under)).await?;
            Ok(v1::RunElements { elements_json: serde_json::json!(elements).to_string() })
        })
        .await
    }

    async fn rehearse(
        &self,
        request: Request<v1::RehearseRequest>,
    ) -> Result<Response<v1::Rehearsal>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let wanted = || json("rehearsal_json", &asked.rehearsal_json);
            let rehearsed = rehearse::rehearse(&caller, &asked.namespace, wanted).await?;
            Ok(v1::Rehearsal { rehearsed_json: serde_json::json!(rehearsed).to_string() })
        })
        .await
    }

    type EventsStream = Sending<v1::RunEvent>;

    async fn events(
        &self,
        request: Request<v1::EventsRequest>,
    ) -> Result<Response<Self::EventsStream>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let is_record = asked.form() == v1::events_request::Form::Record;
            let events = Events { from: Some(asked.from), is_finite: asked.no_follow, is_record };
            let events = look::events(&caller, &asked.namespace, &asked.run, || Ok(events)).await?;
            Ok(stream(&caller, events, messages::event))
        })
        .await
    }

    async fn report(&self, request: Request<v1::ReportRequest>) -> Result<Response<v1::RunReport>, Status> {
        let (caller, asked) = heard(request)?;
        let form = match asked.format() {
            v1::report_request::Format::Json => ReportForm::Json,
            v1::report_request::Format::Text => ReportForm::Text,
            v1::report_request::Format::Html => ReportForm::Html,
        };
        answer(async {
            let (media, report) = look::report(&caller, &asked.namespace, &asked.run, || Ok(form)).await?;
            Ok(v1::RunReport { media_type: media.to_owned(), report })
        })
        .await
    }

    async fn control(
        &self,
        request: Request<v1::ControlRequest>,
    ) -> Result<Response<v1::ControlAnswer>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let word = word(asked.command())?;
            let v1::ControlRequest { namespace, run, why, digest, .. } = asked;
            let reason = || Ok(said::Reason { why, digest: given(digest) });
            command::command(&caller, &namespace, &run, word, reason).await?;
            Ok(v1::ControlAnswer {})
        })
        .await
    }

    async fn resolve(
        &self,
        request: Request<v1::ResolveRequest>,
    ) -> Result<Response<v1::ControlAnswer>, Status> {
        let (caller, asked) = heard(request)?;
        let (namespace, run) = (asked.namespace.clone(), asked.run.clone());
        answer(async {
            command::resolve(&caller, &namespace, &run, || resolution(asked)).await?;
            Ok(v1::ControlAnswer {})
        })
        .await
    }

    async fn retry(&self, request: Request<v1::RetryRequest>) -> Result<Response<v1::Submitted>, Status> {
        let (caller, asked) = heard(request)?;
        let (namespace, run) = (asked.namespace.clone(), asked.run.clone());
        answer(async { Ok(submitted(submit::retry(&caller, &namespace, &run, || retry(asked)).await?)) })
            .await
    }

    async fn state(&self, request: Request<v1::StateRequest>) -> Result<Response<v1::PlanState>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            Ok(plan_state(state::state(&caller, &asked.namespace, &asked.plan, || Ok(())).await?))
        })
        .await
    }

    type WatchStateStream = Sending<v1::Happened>;

    async fn watch_state(
        &self,
        request: Request<v1::WatchStateRequest>,
    ) -> Result<Response<Self::WatchStateStream>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let v1::WatchStateRequest { namespace, plan, since: begin } = asked;
            let begin = || begin.map(since).transpose();
            let told = state::watch(&caller, &namespace, &plan, begin).await?;
            Ok(stream(&caller, told, happened))
        })
        .await
    }
}
