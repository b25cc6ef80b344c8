//! `windlass run --context NAME`: a server drives the run, and it is shown here as one of ours.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use windlass_client::Place;
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
use crate::drive::{ask_for_help, catch_signals, may_need_person};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::inventory::Among;
use crate::live::{Live, Seat};
use crate::printer::{Printer, Styled, WARN};
use crate::session::tokio_runtime;
use crate::signals::Signals;
use crate::{params, plan_file, user};

/// How often the picture is drawn.
const TICK: Duration = Duration::from_millis(100);

pub(in crate::command) fn run(args: &RunArgs, context: Context, printer: &mut Printer) -> Outcome {
    for (is_given, what) in [
        (!args.plan.among.inventory.inventory.is_empty(), "--inventory"),
        (args.plan.secrets.file.is_some(), "--secrets"),
        (args.fresh_facts.is_some(), "--fresh-facts"),
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
        let (values, typed) = split(params::gather(&args.plan.params, &plan, printer)?.values);
        (wanted.params, wanted.typed_params) = (values, typed);
        wanted.step_set.clone_from(&args.plan.stepset);
        wanted.selection.clone_from(&args.plan.among.selection);
        wanted.noop = args.noop;
        // Should the answer be lost, asking again submits no second run.
        wanted.run = Some(windlass_runtime::new_run());
        let submitted = context.client.submit(&context.namespace, &wanted).await?;
        let access = Access::server(context)?;
        let mut signals = catch_signals()?;
        follow(&access, submitted.run, (args.live.output, args.approve), &mut signals, printer).await
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

/// Shows a run of a server until it ends, or until it needs a person. Signals are for the run, as if it were ours.
pub(in crate::command) async fn follow(
    access: &Access,
    run: RunId,
    (format, approves): (LiveFormat, bool),
    signals: &mut Signals,
    printer: &mut Printer,
) -> Outcome {
    let mut live = Live::new(format, Seat::Driver, access.typed().clone());
    let mut fold = Fold::new(access.layout(run).await?);
    let followed = until_end(access, run, approves, (&mut fold, &mut live), signals, printer).await;
    live.leave(printer);
    followed?;
    live.end(&fold, None, printer);
    if !fold.status().is_terminal() {
        ask_for_help(&fold, approves, access.typed(), printer);
    }
    Ok(Exit::of(fold.status()))
}

async fn until_end(
    access: &Access,
    run: RunId,
    approves: bool,
    (fold, live): (&mut Fold, &mut Live),
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
                None => return Ok(()),
                Some(event) => {
                    let event = event?;
                    apply(fold, &event)?;
                    live.event(fold, &event, printer);
                }
            },
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
