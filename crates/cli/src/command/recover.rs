//! `windlass recover`: goes on with every unfinished run of a data directory.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use windlass_model::event::{Author, Event};
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_report::words::count;
use windlass_report::{Clock, Fold};
use windlass_runtime::{Condition, Error, Handle, TakeOver};

use crate::access::apply;
use crate::args::{LiveFormat, RecoverArgs};
use crate::drive::{Drive, ask_for_help, catch_signals, drive};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{FAINT, Printer, STRONG, Styled, WARN};
use crate::session::{Session, tokio_runtime};
use crate::{plan_file, user};

/// How many events of all runs wait to be shown; whoever drives them waits for nobody.
const WAITING: usize = 1024;

pub(super) fn run(args: &RecoverArgs, printer: &mut Printer) -> Outcome {
    let registry = plan_file::registry()?;
    let data_dir = args.data_dir.choose()?;
    data_dir.must_hold_runs()?;
    tokio_runtime()?.block_on(async {
        let mut signals = catch_signals()?;
        let since = windlass_runtime::Clock::system().now();
        let session = Session::drive(&data_dir, registry, TakeOver::Everything, printer).await?;
        let how = Drive { format: args.live.output, approve: false, since, data_dir: &data_dir };
        let exit = go(&session, how, &mut signals, printer).await;
        let closed = session.close().await;
        let exit = exit?;
        closed.map(|()| exit)
    })
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
        runs => many(&handle, runs, how, signals, printer).await?,
    };
    Ok(if left && exit == Exit::Succeeded { Exit::Store } else { exit })
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

/// Goes on with several at once; each line says whose it is.
async fn many(
    handle: &Handle,
    runs: &[RunId],
    how: Drive<'_>,
    signals: &mut crate::signals::Signals,
    printer: &mut Printer,
) -> Outcome {
    printer.note(Styled(FAINT, format_args!("going on with {}", count(runs.len() as u64, "run"))));
    let (sender, mut told) = mpsc::channel::<(usize, Result<Event, Error>)>(WAITING);
    let mut following = JoinSet::new();
    let mut folds = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        folds.push(Fold::new(handle.layout(*run).await?));
        let mut events = handle.events(*run, 1).await?;
        let sender = sender.clone();
        following.spawn(async move {
            while let Some(event) = events.next().await {
                let event = event.map(|event| (*event).clone());
                if sender.send((index, event)).await.is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(250));
    loop {
        tokio::select! {
            biased;
            step = signals.next() => {
                printer.note(Styled(WARN, step.say));
                for run in runs {
                    let by = Author { user: user::current(), why: step.why.to_owned() };
                    // Those that have ended do not mind.
                    let _ = handle.command(*run, step.command, by).await;
                }
            }
            event = told.recv() => match event {
                Some((index, event)) => {
                    let event = event?;
                    if let Some(fold) = folds.get_mut(index) {
                        apply(fold, &event)?;
                        show(fold, &event, how, printer);
                    }
                }
                None => break,
            },
            _ = tick.tick() => if all_rest(handle, runs).await? { break },
        }
    }
    end(&folds, how, printer);
    Ok(worst(folds.iter().map(|fold| Exit::of(fold.status()))))
}

fn show(fold: &Fold, event: &Event, how: Drive<'_>, printer: &mut Printer) {
    match how.format {
        LiveFormat::Json => {}
        LiveFormat::Events => {
            let mut line = windlass_report::event_json(event, fold.layout(), Clock::Wall);
            if let Some(map) = line.as_object_mut() {
                map.insert("run".into(), fold.layout().submission.run.to_string().into());
            }
            printer.line(line);
        }
        LiveFormat::Text if event.at < how.since => {}
        LiveFormat::Text => {
            if let Some(line) = crate::live::line(fold, event) {
                let plan = &fold.layout().submission.plan.metadata.name;
                printer.note(format_args!("{} {line}", Styled(FAINT, plan)));
            }
        }
    }
}

fn end(folds: &[Fold], how: Drive<'_>, printer: &mut Printer) {
    match how.format {
        LiveFormat::Events => {}
        LiveFormat::Json => {
            let mut documents = Vec::new();
            for fold in folds {
                let mut bytes = Vec::new();
                // Writing into memory cannot fail.
                let _ =
                    windlass_report::write_json(fold, &windlass_report::JsonOptions::default(), &mut bytes);
                documents.push(String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned());
            }
            printer.line(format_args!("{{\"runs\":[{}]}}", documents.join(",")));
        }
        LiveFormat::Text => {
            for fold in folds {
                let submission = &fold.layout().submission;
                let status = windlass_report::words::run_status(fold.status());
                printer.line(format_args!(
                    "{} {status}: run {}",
                    Styled(STRONG, &submission.plan.metadata.name),
                    submission.run
                ));
            }
        }
    }
    for fold in folds.iter().filter(|fold| !fold.status().is_terminal()) {
        ask_for_help(fold, true, how.data_dir, printer);
    }
}

/// Whether every run has ended or waits for a person.
async fn all_rest(handle: &Handle, runs: &[RunId]) -> Result<bool, Failure> {
    let mut is_one_waiting = false;
    for run in runs {
        let view = handle.status(*run).await?;
        match view.condition {
            Condition::Driven { needs_person: true, .. } => is_one_waiting = true,
            _ if view.status.is_terminal() => {}
            _ => return Ok(false),
        }
    }
    // When all have ended, their events end by themselves.
    Ok(is_one_waiting)
}

/// What needs a person comes before what failed, and that before what was stopped.
fn worst(exits: impl Iterator<Item = Exit>) -> Exit {
    let exits: Vec<Exit> = exits.collect();
    let order = [Exit::Waiting, Exit::Failed, Exit::Stopped];
    order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Succeeded)
}
