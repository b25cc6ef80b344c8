//! `windlass recover`: goes on with every unfinished run of a data directory.

use std::sync::Arc;

use windlass_model::event::Author;
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::submission::Submission;
use windlass_plugin::Registry;
use windlass_runtime::{Error, Filter, Handle, TakeOver};

use crate::args::{LiveFormat, RecoverArgs};
use crate::data_dir::DataDir;
use crate::drive::{Drive, Tells, catch_signals, drive, drive_several, worst};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{FAINT, Printer, Styled};
use crate::session::{Session, tokio_runtime};
use crate::{plan_file, reach, secrets, user};

pub(super) fn run(args: &RecoverArgs, printer: &mut Printer) -> Outcome {
    let registry = plan_file::registry()?;
    let data_dir = args.data_dir.choose()?;
    data_dir.must_hold_runs()?;
    tokio_runtime()?.block_on(async {
        let mut signals = catch_signals()?;
        let since = windlass_runtime::Clock::system().now();
        let submitted = match args.secrets.file {
            Some(_) => Vec::new(),
            None => unfinished(&data_dir, &registry).await?,
        };
        let submitted = submitted.iter().map(|submission| &**submission);
        let secrets = secrets::again(args.secrets.file.as_deref(), submitted, printer)?;
        let fleet = reach::fleet(&args.reach, secrets);
        let session = Session::drive(&data_dir, &registry, TakeOver::Everything, fleet, printer).await?;
        let how = Drive {
            format: args.live.output,
            approve: false,
            tells: Tells::Run,
            since,
            typed: data_dir.typed(),
        };
        let exit = go(&session, how, &mut signals, printer).await;
        for run in &session.taken_over().runs {
            session.forget_if_ended(*run).await;
        }
        let closed = session.close().await;
        let exit = exit?;
        closed.map(|()| exit)
    })
}

/// What was submitted of the runs that have not ended. What is wrong with any of them is said when it is to go on.
async fn unfinished(data_dir: &DataDir, registry: &Registry) -> Result<Vec<Arc<Submission>>, Failure> {
    let session = Session::open(data_dir, registry.clone(), TakeOver::Only(Vec::new())).await?;
    let handle = session.handle();
    let statuses =
        vec![RunStatus::Submitted, RunStatus::AwaitingApproval, RunStatus::Running, RunStatus::Paused];
    let filter = Filter { statuses, ..Filter::default() };
    let mut submitted = Vec::new();
    if let Ok(runs) = handle.search(&filter, usize::MAX, None).await {
        for run in runs {
            submitted.extend(handle.submission(run.id).await.ok());
        }
    }
    session.close().await?;
    Ok(submitted)
}

async fn go(
    session: &Session,
    how: Drive<'_>,
    signals: &mut crate::signals::Signals,
    printer: &mut Printer,
) -> Outcome {
    let handle = session.handle();
    let taken = session.taken_over();
    for left in &taken.unrunnable {
        printer.warn(format_args!("run {} is left as it is: it needs {}", left.run, left.missing.join(", ")));
    }
    for left in &taken.damaged {
        printer.warn(format_args!(
            "run {} is left as it is: its record cannot be read: {}",
            left.run, left.detail
        ));
    }
    for left in &taken.sealed {
        let error = Error::Sealed { run: left.run, why: left.why.clone() };
        let (code, help) = (error.code(), error.help());
        printer.warn(format_args!("{error} ({code})\n  it is left as it is: {help}"));
    }
    let left = !taken.unrunnable.is_empty() || !taken.damaged.is_empty() || !taken.sealed.is_empty();
    for run in &taken.runs {
        start(&handle, *run).await?;
    }
    let exit = match taken.runs.as_slice() {
        [] => {
            if how.format == LiveFormat::Json {
                printer.line("{\"runs\":[]}");
            }
            printer.note("nothing to recover: every run here has ended");
            Exit::Succeeded
        }
        // Programs get one form, however many there are.
        [run] if how.format == LiveFormat::Text => {
            printer.note(Styled(FAINT, format_args!("going on with run {run}")));
            drive(&handle, *run, how, signals, printer).await?
        }
        runs => drive_several(&handle, runs, how, signals, printer).await?,
    };
    Ok(worst([exit, if left { Exit::Store } else { Exit::Succeeded }]))
}

/// A run that was submitted or approved and never begun begins now; others have begun.
async fn start(handle: &Handle, run: RunId) -> Result<(), Failure> {
    if handle.status(run).await?.status != RunStatus::Submitted {
        return Ok(());
    }
    match handle.start(run, Author::new(user::current())).await {
        Ok(()) | Err(Error::Refused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
