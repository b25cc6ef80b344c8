//! `windlass runs retry [RUN]`: a new run of what did not succeed.

use std::sync::Arc;

use windlass_contract::RetryRun;
use windlass_lang::Loaded;
use windlass_model::id::RunId;
use windlass_model::problem::Problems;
use windlass_model::submission::Submission;
use windlass_model::time::Time;
use windlass_plugin::{Registry, SecretProvider};
use windlass_runtime::{Error, Request, Retry, Start, TakeOver};

use crate::access::Access;
use crate::args::{LiveFormat, RetryArgs};
use crate::command::run::remote::{Followed, follow, split};
use crate::context::Context;
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
    if let Some(context) = args.run.place.server()? {
        return remote(args, context, &mut signals, printer).await;
    }
    args.reason.refuse_here()?;
    let data_dir = args.run.place.data_dir.choose()?;
    data_dir.must_hold_runs()?;
    let registry = plan_file::registry()?;
    let (old, submission) = retried(args, &data_dir, &registry).await?;
    let secrets = secrets::again(args.secrets.file.as_deref(), [&*submission], printer)?;
    let fleet = reach::fleet(&args.reach, secrets.clone());
    let session = Session::drive(&data_dir, &registry, TakeOver::Only(Vec::new()), fleet, printer).await?;
    let retry = Again { args, old, secrets, data_dir: &data_dir };
    let outcome = go(retry, &session, &registry, &mut signals, printer).await;
    let closed = session.close().await;
    let exit = outcome?;
    closed.map(|()| exit)
}

/// The same on a server.
async fn remote(
    args: &RetryArgs,
    context: Context,
    signals: &mut crate::signals::Signals,
    printer: &mut Printer,
) -> Outcome {
    let access = Access::server(context.clone())?;
    let old = access.find(&args.run.run).await?;
    let submission = access.submission(old).await?;
    let (values, typed) = split(params::gather(&args.params, &submission.plan, printer)?.values);
    let wanted = RetryRun {
        from_scratch: args.from_scratch,
        params: values,
        typed_params: typed,
        why: args.reason.why.clone(),
        ..RetryRun::default()
    };
    let made = context.client.retry(&context.namespace, old, &wanted).await?;
    if args.live.output == LiveFormat::Text {
        printer.note(Styled(FAINT, format_args!("run {} retries {old}", made.run)));
    }
    let how = Followed { format: args.live.output, approves: args.approve, tells: Tells::Run };
    follow(&access, made.run, how, signals, printer).await
}

/// What is made again, and with what.
struct Again<'a> {
    args: &'a RetryArgs,
    old: RunId,
    secrets: Option<Arc<dyn SecretProvider>>,
    data_dir: &'a DataDir,
}

/// The run that is meant, and what was submitted for it.
async fn retried(
    args: &RetryArgs,
    data_dir: &DataDir,
    registry: &Registry,
) -> Result<(RunId, Arc<Submission>), Failure> {
    let session = Session::open(data_dir, registry.clone(), TakeOver::Only(Vec::new())).await?;
    let handle = session.handle();
    let found = async {
        let Answer::Run(old) = answer(&handle, Ask::Find { text: args.run.run.clone() }).await? else {
            return Err(Failure::usage("there is no such run"));
        };
        Ok((old, handle.submission(old).await?))
    };
    let found = found.await;
    session.close().await?;
    found
}

async fn go(
    again: Again<'_>,
    session: &Session,
    registry: &Registry,
    signals: &mut crate::signals::Signals,
    printer: &mut Printer,
) -> Outcome {
    let (handle, Again { args, old, secrets, data_dir }) = (session.handle(), again);
    let retry = if args.from_scratch { Retry::FromScratch } else { Retry::FromFailure };
    let request = handle.retry(old, retry).await?;
    let mut again = params::gather(&args.params, &request.plan, printer)?;
    let plan = Arc::clone(&request.plan);
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
    if args.live.output == LiveFormat::Text {
        printer.note(Styled(FAINT, format_args!("run {run} retries {old}")));
    }
    let how = Drive {
        format: args.live.output,
        approve: args.approve,
        tells: Tells::Run,
        since: Time::ZERO,
        typed: data_dir.typed(),
    };
    let exit = drive(&handle, run, how, signals, printer).await;
    session.forget_if_ended(run).await;
    exit
}
