//! `windlass runs retry [RUN]`: a new run of what did not succeed.

use std::sync::Arc;

use windlass_lang::Loaded;
use windlass_model::problem::Problems;
use windlass_model::time::Time;
use windlass_plugin::Registry;
use windlass_runtime::{Error, Request, Retry, Start, TakeOver};

use crate::args::RetryArgs;
use crate::control::{Answer, Ask, answer};
use crate::data_dir::DataDir;
use crate::drive::{Drive, Tells, catch_signals, drive};
use crate::failure::{Failure, Outcome};
use crate::prepare::Choice;
use crate::printer::{FAINT, Printer, Styled};
use crate::session::Session;
use crate::{params, plan_file, prepare, reach, secrets, user};

pub(super) async fn run(args: &RetryArgs, printer: &mut Printer) -> Outcome {
    params::one_reader(None, None, &args.params)?;
    let mut signals = catch_signals()?;
    let data_dir = args.run.data_dir.choose()?;
    data_dir.must_hold_runs()?;
    let registry = plan_file::registry()?;
    let fleet = reach::fleet(&args.reach, secrets::provider(None, args.secrets.file.as_deref())?);
    let session = Session::drive(&data_dir, &registry, TakeOver::Only(Vec::new()), fleet, printer).await?;
    let outcome = go(args, &session, &registry, &data_dir, &mut signals, printer).await;
    let closed = session.close().await;
    let exit = outcome?;
    closed.map(|()| exit)
}

async fn go(
    args: &RetryArgs,
    session: &Session,
    registry: &Registry,
    data_dir: &DataDir,
    signals: &mut crate::signals::Signals,
    printer: &mut Printer,
) -> Outcome {
    let handle = session.handle();
    let Answer::Run(old) = answer(&handle, Ask::Find { text: args.run.run.clone() }).await? else {
        return Err(Failure::usage("there is no such run"));
    };
    let retry = if args.from_scratch { Retry::FromScratch } else { Retry::FromFailure };
    let request = handle.retry(old, retry).await?;
    let mut again = params::gather(&args.params, &request.plan, printer)?;
    let plan = Arc::clone(&request.plan);
    let secrets = crate::secrets::provider(None, args.secrets.file.as_deref())?;
    let mut request = Request { user: user::current(), start: Start::Now, secrets, ..request };
    request.params.append(&mut again.values);
    let problems = prepare::not_ready(&plan, registry).await;
    let submitted = match problems.is_empty() {
        true => handle.submit(request).await,
        false => Err(Error::Invalid(Problems(problems))),
    };
    let run = match submitted {
        Err(Error::Invalid(problems)) => {
            let loaded = Loaded::printed(&format!("the plan of run {old}"), plan);
            return Err(prepare::findings(&loaded, &again, Choice::default(), problems.0).into());
        }
        submitted => submitted?,
    };
    if args.live.output == crate::args::LiveFormat::Text {
        printer.note(Styled(FAINT, format_args!("run {run} retries {old}")));
    }
    let how = Drive {
        format: args.live.output,
        approve: args.approve,
        tells: Tells::Run,
        since: Time::ZERO,
        data_dir,
    };
    let exit = drive(&handle, run, how, signals, printer).await;
    session.forget_if_ended(run).await;
    exit
}
