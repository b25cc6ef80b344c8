//! `windlass run --context NAME`: a server drives the run, and it is shown here as one of ours.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use windlass_client::{Body, Place};
use windlass_contract::NewRun;
use windlass_lang::Given;
use windlass_model::Value;
use windlass_model::event::Author;
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::plan::Plan;
use windlass_objects::kinds;
use windlass_report::Fold;
use windlass_runtime::Clock;

use crate::access::{Access, apply};
use crate::args::{LiveFormat, RunArgs};
use crate::context::Context;
use crate::control::Ask;
use crate::drive::{Tells, ask_for_help, catch_signals, may_need_person};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::inventory::Among;
use crate::live::{Live, Seat};
use crate::printer::{Printer, Styled, WARN};
use crate::session::tokio_runtime;
use crate::signals::Signals;
use crate::{facts, params, plan_file, user};

/// How often the picture is drawn.
const TICK: Duration = Duration::from_millis(100);

pub(in crate::command) fn run(args: &RunArgs, context: Context, printer: &mut Printer) -> Outcome {
    for (is_given, what) in [
        (!args.plan.among.inventory.inventory.is_empty(), "--inventory"),
        (args.plan.secrets.file.is_some(), "--secrets"),
        (args.reach.connect_at_once.is_some(), "--connect-at-once"),
    ] {
        if is_given {
            return Err(Failure::usage(format!(
                "{what} is for runs on this machine, and a server is to drive this one"
            ))
            .help(
                "nodes, variables and secrets are those of its namespace; `windlass apply` puts them there",
            ));
        }
    }
    params::one_reader(Some(&args.plan.file), None, &args.plan.params)?;
    tokio_runtime()?.block_on(async {
        let (plan, mut wanted) = plan(args, &context).await?;
        if let Some(max_age) = args.fresh_facts {
            let selection = args.plan.among.selection.as_deref().unwrap_or("*");
            facts::remote::refresh_all(&context, selection, max_age.0, printer).await?;
        }
        let (values, typed) = split(params::gather(&args.plan.params, &plan, printer)?.values);
        (wanted.params, wanted.typed_params) = (values, typed);
        wanted.step_set.clone_from(&args.plan.stepset);
        wanted.selection.clone_from(&args.plan.among.selection);
        wanted.noop = args.noop;
        wanted.why.clone_from(&args.reason.why);
        // Should the answer be lost, asking again submits no second run.
        wanted.run = Some(windlass_runtime::new_run());
        let submitted = context.client.submit(&context.namespace, &wanted).await?;
        let access = Access::server(context)?;
        let mut signals = catch_signals()?;
        let how = Followed { format: args.live.output, approves: args.approve, tells: Tells::Run };
        follow(&access, submitted.run, how, &mut signals, printer).await
    })
}

/// The plan: of a file, which is sent along, or one that the server has.
async fn plan(args: &RunArgs, context: &Context) -> Result<(Arc<Plan>, NewRun), Failure> {
    let file = &args.plan.file;
    let name = file.to_string_lossy();
    let is_name = !file.exists() && windlass_model::name::is_slug(&name) && file.extension().is_none();
    if is_name {
        let place = Place::within(kinds::PLAN.plural, &context.namespace);
        let object = context.client.get(&place, &name).await?;
        let plan = kinds::plan_of(&object).map_err(|why| {
            Failure::usage(format!("the plan {name} of the server cannot be read: {why}"))
                .help("is the server of this version, or a later one?")
        })?;
        return Ok((Arc::new(plan), NewRun { plan: Some(name.into_owned()), ..NewRun::default() }));
    }
    let loaded = plan_file::load_one(file, &plan_file::registry()?, &Among::default())?;
    let document = serde_json::to_value(&*loaded.plan).unwrap_or_default();
    Ok((Arc::clone(&loaded.plan), NewRun { document: Some(document), ..NewRun::default() }))
}

type Split = (BTreeMap<String, Value>, BTreeMap<String, String>);

/// What is a value already, and what the plan has to read.
pub(in crate::command) fn split(given: BTreeMap<String, Given>) -> Split {
    let (mut values, mut typed) = Split::default();
    for (name, given) in given {
        match given {
            Given::Value(value) => drop(values.insert(name, value)),
            Given::Text(text) => drop(typed.insert(name, text)),
        }
    }
    (values, typed)
}

/// How a run of a server is followed.
#[derive(Clone, Copy, Debug)]
pub(in crate::command) struct Followed {
    pub(in crate::command) format: LiveFormat,
    /// Whether to approve as the current user.
    pub(in crate::command) approves: bool,
    pub(in crate::command) tells: Tells,
}

/// The next line that was printed. A stream that breaks ends it; what it held is in the log.
async fn next_line(printed: &mut Option<Body>) -> Option<Vec<u8>> {
    let line = printed.as_mut()?.line().await.ok().flatten();
    if line.is_none() {
        *printed = None;
    }
    line.map(|line| line.to_vec())
}

/// Shows a run of a server until it ends, or until it needs a person. Signals are for the run, as if it were ours.
pub(in crate::command) async fn follow(
    access: &Access,
    run: RunId,
    how: Followed,
    signals: &mut Signals,
    printer: &mut Printer,
) -> Outcome {
    let Followed { format, approves, tells } = how;
    let mut live = Live::new(format, Seat::Driver, access.typed().clone());
    let mut printed = None;
    if tells == Tells::Output && format == LiveFormat::Text {
        live.show_output_of_server();
        printed = access.printed(run).await?;
    }
    let mut fold = Fold::new(access.layout(run).await?);
    let followed =
        until_end(access, run, approves, (&mut fold, &mut live, &mut printed), signals, printer).await;
    live.leave(printer);
    followed?;
    live.end(&fold, None, printer);
    if !fold.status().is_terminal() {
        ask_for_help(&fold, approves, access.typed(), printer);
    }
    let has_failures = fold.blocks().iter().any(|block| block.failed > 0);
    match Exit::of(fold.status()) {
        Exit::Succeeded if tells != Tells::Run && has_failures => Ok(Exit::Failed),
        exit => Ok(exit),
    }
}

async fn until_end(
    access: &Access,
    run: RunId,
    approves: bool,
    (fold, live, printed): (&mut Fold, &mut Live, &mut Option<Body>),
    signals: &mut Signals,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let mut events = access.events(run, 1, true).await?;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (clock, mut has_tried) = (Clock::system(), false);
    loop {
        tokio::select! {
            biased;
            step = signals.next() => {
                let by = Author { user: user::current(), why: step.why.to_owned() };
                live.say(&Styled(WARN, step.say).to_string(), printer);
                match access.ask(Ask::Command { run, command: step.command, by }).await {
                    Ok(_) => {}
                    // It ended just now.
                    Err(failure) if failure.exit() == Exit::Invalid => {}
                    Err(failure) => return Err(failure),
                }
            }
            event = events.next() => match event {
                None => {
                    // What was printed last may be on its way still.
                    while let Some(line) = next_line(printed).await {
                        live.printed(&line, printer);
                    }
                    return Ok(());
                }
                Some(event) => {
                    let event = event?;
                    apply(fold, &event)?;
                    live.event(fold, &event, printer);
                }
            },
            Some(line) = next_line(printed), if printed.is_some() => live.printed(&line, printer),
            _ = tick.tick() => {
                live.tick(fold, clock.now(), printer);
                if fold.status() == RunStatus::AwaitingApproval && approves && !has_tried {
                    has_tried = true;
                    let digest = Some(access.submission(run).await?.digest());
                    let by = Author { user: user::current(), why: "windlass run --approve".to_owned() };
                    if let Err(failure) = access.ask(Ask::Approve { run, digest, by }).await {
                        live.say(&format!("{} {}", Styled(WARN, "not approved:"), failure.in_words()), printer);
                    }
                    continue;
                }
                if may_need_person(fold) {
                    let row = access.row(run).await?;
                    if row.needs_person || row.view.status == RunStatus::AwaitingApproval {
                        return Ok(());
                    }
                }
            }
        }
    }
}
