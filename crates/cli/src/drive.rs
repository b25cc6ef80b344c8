//! Drives one run of ours to its end, or to where only a person can take it on, and shows it meanwhile.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use windlass_model::code;
use windlass_model::event::{Author, Event};
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::span::Span;
use windlass_model::time::Time;
use windlass_report::{Fold, Stamp};
use windlass_runtime::{Clock, Condition, Error, EventStream, Handle};

use crate::access::apply;
use crate::args::LiveFormat;
use crate::control::lost_output;
use crate::data_dir::quoted;
use crate::exit::Exit;
use crate::failure::{Failure, with_causes};
use crate::live::{Live, Seat};
use crate::printer::{Printer, STRONG, Styled, WARN};
use crate::session::STORAGE_PATIENCE;
use crate::signals::Signals;
use crate::typed::Typed;
use crate::user;

mod several;

pub(crate) use self::several::{drive_several, worst};

/// How often the picture is drawn and the run is asked how it stands.
const TICK: Duration = Duration::from_millis(100);

/// How many events are taken before anything else has its turn.
const AT_ONCE: u32 = 256;

/// How to drive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drive<'a> {
    pub(crate) format: LiveFormat,
    /// Whether to approve as the current user.
    pub(crate) approve: bool,
    /// What people are told.
    pub(crate) tells: Tells,
    /// From when on people are told what happens; what went before is in the picture and the summary.
    pub(crate) since: Time,
    /// How commands to type say where the run is.
    pub(crate) typed: &'a Typed,
}

/// What people are told of a run, and what its exit code is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tells {
    /// What happens in it; how it ended.
    Run,
    /// What happens in it; whether every node did well.
    EveryNode,
    /// What is printed on the nodes; whether every node did well.
    Output,
}

// === impl Drive ===

impl Drive<'_> {
    fn tells(&self, event: &Event) -> bool {
        self.format != LiveFormat::Text || event.at >= self.since
    }
}

/// Drives a run that was submitted.
pub(crate) async fn drive(
    handle: &Handle,
    run: RunId,
    how: Drive<'_>,
    signals: &mut Signals,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let mut live = Live::new(how.format, Seat::Driver, how.typed.clone());
    if how.tells == Tells::Output
        && let Ok(Some(logs)) = handle.logs(run).await
    {
        live.show_output(&logs);
    }
    let mut fold = Fold::new(handle.layout(run).await?);
    let driven = follow(handle, run, how, &mut fold, &mut live, signals, printer).await;
    // Whatever happened, what is said next is not said into the picture.
    live.leave(printer);
    driven?;
    let logs = handle.logs(run).await.ok().flatten().filter(|logs| logs.exists());
    live.end(&fold, logs.as_deref(), printer);
    if let Ok(Some(lost)) = lost_output(handle, run).await {
        printer.warn(lost);
    }
    if !fold.status().is_terminal() {
        ask_for_help(&fold, how.approve, how.typed, printer);
    }
    let has_failures = fold.blocks().iter().any(|block| block.failed > 0);
    match Exit::of(fold.status()) {
        Exit::Succeeded if how.tells != Tells::Run && has_failures => Ok(Exit::Failed),
        exit => Ok(exit),
    }
}

/// Until the run has ended, or until it needs a person.
async fn follow(
    handle: &Handle,
    run: RunId,
    how: Drive<'_>,
    fold: &mut Fold,
    live: &mut Live,
    signals: &mut Signals,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let mut events = handle.events(run, 1).await?;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let clock = Clock::system();
    let (mut has_tried, mut is_parked, mut shown) = (false, false, 0);
    loop {
        tokio::select! {
            biased;
            step = signals.next() => {
                let by = Author { user: user::current(), why: step.why.to_owned() };
                live.say(&Styled(WARN, step.say).to_string(), printer);
                match handle.command(run, step.command, by).await {
                    // It ended just now.
                    Ok(()) | Err(Error::Refused { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            event = events.next() => match event {
                Some(Ok(event)) => {
                    apply(fold, &event)?;
                    if how.tells(&event) { live.event(fold, &event, printer); }
                    // What is there already is taken without looking at signals and clocks in between.
                    for _ in 0..AT_ONCE {
                        match at_hand(&mut events).await {
                            Some(Some(Ok(event))) => {
                                apply(fold, &event)?;
                                if how.tells(&event) { live.event(fold, &event, printer); }
                            }
                            Some(Some(Err(error))) => return Err(error.into()),
                            Some(None) | None => break,
                        }
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => break,
            },
            _ = tick.tick() => {
                live.tick(fold, clock.now(), printer);
                if fold.status() == RunStatus::AwaitingApproval && how.approve && !has_tried {
                    has_tried = true;
                    approve(handle, run, live, printer).await?;
                    continue;
                }
                match handle.status(run).await?.condition {
                    Condition::Driven { needs_person: true, .. } if may_need_person(fold) => break,
                    Condition::Parked { why, .. } if !is_parked => {
                        is_parked = true;
                        let text = format!("{} {why}: {}; it goes on by itself when that is over", Styled(WARN, "the run is parked:"), why.help());
                        live.say(&text, printer);
                    }
                    Condition::StoreStopped { why, since } => {
                        // Nothing of what was said to be done is lost; who waits here is told before long.
                        if clock.now().since(since) > STORAGE_PATIENCE {
                            return Err(Error::Store(why).into());
                        }
                        if !is_parked {
                            is_parked = true;
                            let text = format!("{} {}; it is being opened again", Styled(WARN, "WL-0406"), with_causes(&why));
                            live.say(&text, printer);
                        }
                    }
                    Condition::Driven { .. } if is_parked => {
                        is_parked = false;
                        live.say("the run goes on", printer);
                    }
                    _ => {}
                }
            }
            // Last, because it may always have something to do.
            written = handle.logs_written(shown), if live.shows_output() => {
                if live.output(printer) {
                    shown = written;
                }
            }
        }
    }
    Ok(())
}

/// The next event if it is there already; `None` if it would have to be waited for.
async fn at_hand(events: &mut EventStream) -> Option<Option<Result<Arc<Event>, Error>>> {
    poll_fn(|context| match pin!(events.next()).poll(context) {
        Poll::Ready(event) => Poll::Ready(Some(event)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Whether it may be that nothing goes on without a person; whether it is so, the runtime knows.
pub(crate) fn may_need_person(fold: &Fold) -> bool {
    fold.status() == RunStatus::AwaitingApproval
        || fold.asked().next().is_some()
        || fold.held().next().is_some()
}

async fn approve(handle: &Handle, run: RunId, live: &mut Live, printer: &mut Printer) -> Result<(), Failure> {
    let digest = handle.submission(run).await?.digest();
    let by = Author { user: user::current(), why: "windlass run --approve".to_owned() };
    match handle.approve(run, digest, by).await {
        Ok(()) => {
            // The author's approval may be all that was missing.
            let by = Author::new(user::current());
            match handle.start(run, by).await {
                Ok(()) | Err(Error::Refused { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
        Err(Error::Refused { refused, .. }) => {
            live.say(&format!("{} {refused}", Styled(WARN, "not approved:")), printer);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// What a person has to do now, as commands to copy.
pub(crate) fn ask_for_help(fold: &Fold, has_tried: bool, typed: &Typed, printer: &mut Printer) {
    let submission = &fold.layout().submission;
    let run = submission.run;
    if fold.status() == RunStatus::AwaitingApproval {
        let approval = submission.plan.spec.approval.clone();
        let quorum = approval.as_ref().map_or(1, |approval| approval.quorum);
        let given = fold.run().approvals.len();
        let may_author = approval.as_ref().is_some_and(|approval| approval.allow_author);
        let until = fold.run().approval.map(|approval| approval.until);
        let until = until.unwrap_or_else(|| submission.at + approval.map_or(Span::ZERO, |it| it.expires).0);
        if until <= Clock::system().now() {
            printer.note(format_args!(
                "\n{} {given} of {quorum} agreed before {}; nobody can approve it any more. This records its end:\n  {}",
                Styled(WARN, "The run was not approved in time:"),
                Stamp(windlass_report::Clock::Wall, until),
                typed.command("recover"),
            ));
            return;
        }
        let who = match (may_author, quorum) {
            (true, 1) => "somebody, who may be you, must".to_owned(),
            (false, 1) => format!("somebody other than {} must", submission.user),
            (true, quorum) => format!("{quorum} people, who may include you, must"),
            (false, quorum) => format!("{quorum} people other than {} must", submission.user),
        };
        printer.note(format_args!(
            "\n{} {given} of {quorum} so far; {who} agree before {}:\n  {}\n  {}{}",
            Styled(WARN, "The run waits for approval:"),
            Stamp(windlass_report::Clock::Wall, until),
            typed.command(format_args!("runs show {run}")),
            typed.command(format_args!("runs approve {run} --digest {}", submission.digest())),
            then_go_on(typed, "\nthen go on here:\n  "),
        ));
        if may_author && !has_tried && !typed.is_server() {
            printer.note("or run it with --approve to approve it yourself");
        }
        return;
    }
    let asked: Vec<String> = fold.asked().map(|(element, _)| fold.layout().address(element)).collect();
    if asked.is_empty() {
        return wait_for_locks(fold, typed, printer);
    }
    printer.note(format_args!(
        "\n{} look at the targets, then settle each with --done, --failed or --again:",
        Styled(WARN, "The run waits for a person:")
    ));
    for address in asked.iter().take(20) {
        let address = Styled(STRONG, quoted(address));
        printer
            .note(format_args!("  {}", typed.command(format_args!("runs resolve {run} --again {address}"))));
    }
    if let Some(more) = asked.len().checked_sub(20).filter(|more| *more > 0) {
        printer.note(format_args!("  … and {more} more; a glob settles many: --again 'patch/*/reboot'"));
    }
    let then = then_go_on(typed, "then go on:\n  ");
    if !then.is_empty() {
        printer.note(then);
    }
}

/// What is to be done by hand afterwards; a server goes on by itself.
fn then_go_on(typed: &Typed, words: &str) -> String {
    if typed.is_server() { String::new() } else { format!("{words}{}", typed.command("recover")) }
}

/// What is held by runs that nobody drives is given back when somebody does.
fn wait_for_locks(fold: &Fold, typed: &Typed, printer: &mut Printer) {
    let Some((_, wait)) = fold.held().next() else { return };
    printer.note(format_args!(
        "\n{} {} holds {}, and no process drives that run.\nGo on with both, one after the other:\n  {}",
        Styled(WARN, "The run waits for another one:"),
        wait.holder,
        wait.lock,
        typed.command("recover")
    ));
}

/// Why signals cannot be caught is nothing that a person could do anything about but try again.
pub(crate) fn catch_signals() -> Result<Signals, Failure> {
    Signals::catch().map_err(|error| {
        Failure::new(Exit::Store, code::STORE_IO, "cannot listen for Ctrl-C").because(&error)
    })
}
