//! `windlass run FILE`

pub(super) mod remote;

use std::sync::Arc;

use windlass_lang::Inputs;
use windlass_model::outcome::RunStatus;
use windlass_model::time::Time;
use windlass_plugin::Registry;
use windlass_runtime::{Filter, Handle, Request, Start, TakeOver};

use crate::args::{DataDirArgs, LiveFormat, ReachArgs, RunArgs};
use crate::data_dir::DataDir;
use crate::drive::{Drive, Tells, catch_signals, drive};
use crate::failure::{Failure, Outcome};
use crate::prepare::{self, Choice};
use crate::printer::{FAINT, Printer, Styled};
use crate::session::{Session, tokio_runtime};
use crate::{drawing, facts, inventory, params, plan_file, reach, secrets, user};

pub(super) fn run(args: &RunArgs, printer: &mut Printer) -> Outcome {
    if let Some(context) = args.place.server()? {
        return remote::run(args, context, printer);
    }
    args.reason.refuse_here()?;
    let given_nodes = &args.plan.among;
    params::one_reader(Some(&args.plan.file), Some(&given_nodes.inventory), &args.plan.params)?;
    let mut among = inventory::among(given_nodes, printer)?;
    let registry = plan_file::registry()?;
    let loaded = plan_file::load_one(&args.plan.file, &registry, &among)?;
    let given = params::gather(&args.plan.params, &loaded.plan, printer)?;
    let secrets = secrets::provider(Some(&args.plan.file), args.plan.secrets.file.as_deref())?;
    if let Some(max_age) = args.fresh_facts {
        let fleet = reach::fleet(&args.reach, secrets.clone());
        facts::refresh(among.in_question(), max_age.0, &registry, &fleet, printer)?;
    }
    among.add_facts(&loaded.plan)?;
    // What is wrong with parameters and targets is said before a store is touched.
    let choice = Choice { step_set: args.plan.stepset.as_deref(), among: Some(&among), ..Choice::default() };
    let Inputs { params, targets, others, warnings, late } = prepare::inputs(&loaded, given, choice)?;
    if !late.is_empty() && inventory::reads_stdin(&given_nodes.inventory) {
        return Err(Failure::usage("a block with `resolve: late` needs an inventory that can be read again")
            .help("standard input can be read once; write it to a file and give --inventory FILE"));
    }
    drawing::show(&prepare::odd(&loaded, choice, warnings), printer);
    let unknown = secrets::unknown(&loaded.plan, secrets.as_deref());
    if !unknown.is_empty() {
        return Err(loaded.findings(unknown, &|_| None).into());
    }
    let request = Request {
        secrets,
        targets: Some(targets),
        others: Some(others),
        late: among.late(late.into_keys()),
        user: user::current(),
        start: Start::Now,
        noop: args.noop,
        ..Request::new(Arc::clone(&loaded.plan)).params(params.values)
    };
    let request = match &args.plan.stepset {
        Some(step_set) => request.step_set(step_set),
        None => request,
    };
    tokio_runtime()?.block_on(async {
        let not_ready = prepare::not_ready(&loaded.plan, &registry).await;
        if !not_ready.is_empty() {
            return Err(loaded.findings(not_ready, &|_| None).into());
        }
        let seat = Seating {
            data_dir: &args.place.data_dir,
            reach: &args.reach,
            format: args.live.output,
            approve: args.approve,
            tells: Tells::Run,
        };
        go(seat, &registry, request, printer).await
    })
}

/// Where and how a run is driven.
#[derive(Clone, Copy)]
pub(super) struct Seating<'a> {
    pub(super) data_dir: &'a DataDirArgs,
    pub(super) reach: &'a ReachArgs,
    pub(super) format: LiveFormat,
    pub(super) approve: bool,
    pub(super) tells: Tells,
}

/// Submits a run and drives it.
pub(super) async fn go(
    seating: Seating<'_>,
    registry: &Registry,
    request: Request,
    printer: &mut Printer,
) -> Outcome {
    let Seating { format, approve, tells, .. } = seating;
    let mut signals = catch_signals()?;
    let data_dir = seating.data_dir.choose()?;
    let fleet = reach::fleet(seating.reach, request.secrets.clone());
    let session = Session::drive(&data_dir, registry, TakeOver::Only(Vec::new()), fleet, printer).await?;
    let handle = session.handle();
    if format == LiveFormat::Text {
        mention_unfinished(&handle, &data_dir, printer).await?;
    }
    let run = handle.submit(request).await?;
    let how = Drive { format, approve, tells, since: Time::ZERO, typed: data_dir.typed() };
    let exit = drive(&handle, run, how, &mut signals, printer).await;
    let unneeded = session.forget_if_ended(run).await;
    let closed = session.close().await;
    // Last: nothing waits for it.
    drop(unneeded);
    let exit = exit?;
    closed.map(|()| exit)
}

/// Runs that a dead process left behind go on only when somebody says so.
async fn mention_unfinished(
    handle: &Handle,
    data_dir: &DataDir,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let statuses = vec![RunStatus::Running, RunStatus::Paused];
    let filter = Filter { statuses, ..Filter::default() };
    let unfinished = handle.search(&filter, 100, None).await?.len();
    if unfinished > 0 {
        let what = if unfinished == 1 {
            "1 run here has".to_owned()
        } else {
            format!("{unfinished} runs here have")
        };
        printer.note(Styled(
            FAINT,
            format_args!(
                "{what} not ended; afterwards, `{}` goes on with them",
                data_dir.typed().command("recover")
            ),
        ));
    }
    Ok(())
}
