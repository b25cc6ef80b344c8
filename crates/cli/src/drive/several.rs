//! Drives several runs of ours at once, each to its end or to where only a person can take it on, and shows them
//! together. There is one form for programs, however many they are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use windlass_model::event::{Author, Event};
use windlass_model::id::RunId;
use windlass_report::Fold;
use windlass_report::words::count;
use windlass_runtime::{Clock, Condition, Error, Handle};

use super::{Drive, TICK, ask_for_help, may_need_person};
use crate::access::apply;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::live::{Labels, Live, Seat};
use crate::printer::{FAINT, Printer, Styled, WARN};
use crate::session::STORAGE_PATIENCE;
use crate::signals::{Signals, Step};
use crate::user;

/// How many events of all runs wait to be shown; whoever drives them waits for nobody.
const WAITING: usize = 1024;

/// How often it is asked whether the store can keep what happens.
const LOOK: Duration = Duration::from_secs(1);

/// What is told of the runs: whose, and what.
type Told = (usize, Result<Arc<Event>, Error>);

/// One of the runs.
struct Driven {
    run: RunId,
    fold: Fold,
    is_parked: bool,
    /// Why no more can be known of it.
    lost: Option<Error>,
}

/// Drives runs that were taken over.
pub(crate) async fn drive_several(
    handle: &Handle,
    runs: &[RunId],
    how: Drive<'_>,
    signals: &mut Signals,
    printer: &mut Printer,
) -> Outcome {
    let mut driven = Vec::new();
    for run in runs {
        let fold = Fold::new(handle.layout(*run).await?);
        driven.push(Driven { run: *run, fold, is_parked: false, lost: None });
    }
    let labels = Labels::of(driven.iter().map(|one| &one.fold));
    let mut live = Live::of_several(how.format, Seat::Driver, how.typed.clone(), labels);
    let followed = follow(handle, &mut driven, how, &mut live, signals, printer).await;
    // Whatever happened, what is said next is not said into the picture.
    live.leave(printer);
    followed?;
    live.end_several(driven.iter().map(|one| &one.fold), printer);
    for Driven { fold, .. } in driven.iter().filter(|one| may_need_person(&one.fold)) {
        ask_for_help(fold, true, how.typed, printer);
    }
    Ok(worst(driven.iter().map(Driven::exit)))
}

/// Until each has ended or needs a person.
async fn follow(
    handle: &Handle,
    driven: &mut [Driven],
    how: Drive<'_>,
    live: &mut Live,
    signals: &mut Signals,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let what = format!("going on with {}", count(driven.len() as u64, "run"));
    live.say(&Styled(FAINT, what).to_string(), printer);
    let (mut told, _following) = listen(handle, driven).await?;
    let (mut tick, mut look) = (tokio::time::interval(TICK), tokio::time::interval(LOOK));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let clock = Clock::system();
    loop {
        tokio::select! {
            biased;
            step = signals.next() => {
                live.say(&Styled(WARN, step.say).to_string(), printer);
                command(handle, driven, &step).await?;
            }
            Some((index, event)) = told.recv() => {
                let Some(one) = driven.get_mut(index) else { continue };
                match event {
                    Ok(event) => {
                        apply(&mut one.fold, &event)?;
                        if how.tells(&event) { live.event(&one.fold, &event, printer); }
                    }
                    // Without its store none of them goes on.
                    Err(error @ (Error::Store(_) | Error::Ended)) => return Err(error.into()),
                    Err(error) => one.lose(error, live, printer),
                }
                if driven.iter().all(Driven::is_over) { return Ok(()); }
            }
            _ = look.tick() => for one in driven.iter_mut().filter(|one| !one.is_over()) {
                one.look(handle, live, printer).await?;
            },
            _ = tick.tick() => {
                live.tick_several(driven.iter().map(|one| &one.fold), clock.now(), printer);
                if all_rest(handle, driven).await? { return Ok(()); }
            }
        }
    }
}

/// The events of all runs, as they come.
async fn listen(handle: &Handle, driven: &[Driven]) -> Result<(mpsc::Receiver<Told>, JoinSet<()>), Failure> {
    let (sender, told) = mpsc::channel(WAITING);
    let mut following = JoinSet::new();
    for (index, one) in driven.iter().enumerate() {
        let mut events = handle.events(one.run, 1).await?;
        let sender = sender.clone();
        following.spawn(async move {
            while let Some(event) = events.next().await {
                if sender.send((index, event)).await.is_err() {
                    break;
                }
            }
        });
    }
    Ok((told, following))
}

/// Says to all of them what a person says to the process.
async fn command(handle: &Handle, driven: &[Driven], step: &Step) -> Result<(), Failure> {
    for one in driven.iter().filter(|one| !one.is_over()) {
        let by = Author { user: user::current(), why: step.why.to_owned() };
        match handle.command(one.run, step.command, by).await {
            // It ended just now, or cannot be written at the moment.
            Ok(()) | Err(Error::Refused { .. } | Error::Parked { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether everything was told that there is to tell for now: each has ended, or waits for a person.
async fn all_rest(handle: &Handle, driven: &[Driven]) -> Result<bool, Failure> {
    let open: Vec<&Driven> = driven.iter().filter(|one| !one.is_over()).collect();
    // Whether it is so, the runtime knows; that it may be so, the events have told.
    if !open.iter().all(|one| may_need_person(&one.fold)) {
        return Ok(false);
    }
    for one in open {
        match handle.status(one.run).await?.condition {
            Condition::Driven { needs_person: true, seq, .. } if one.fold.seq() >= seq => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The worst of all: what could not be gone on with, what needs a person, what failed, what was stopped.
pub(crate) fn worst(exits: impl IntoIterator<Item = Exit>) -> Exit {
    let exits: Vec<Exit> = exits.into_iter().collect();
    let order = [Exit::Store, Exit::Waiting, Exit::Failed, Exit::Stopped];
    order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Succeeded)
}

// === impl Driven ===

impl Driven {
    fn is_over(&self) -> bool {
        self.fold.status().is_terminal() || self.lost.is_some()
    }

    /// What people are told who wonder why nothing happens.
    async fn look(&mut self, handle: &Handle, live: &mut Live, printer: &mut Printer) -> Result<(), Failure> {
        let run = self.run;
        match handle.status(run).await?.condition {
            Condition::StoreStopped { why, since }
                if Clock::system().now().since(since) > STORAGE_PATIENCE =>
            {
                return Err(Error::Store(why).into());
            }
            Condition::Parked { why, .. } | Condition::StoreStopped { why, .. } if !self.is_parked => {
                self.is_parked = true;
                let said = Styled(WARN, format_args!("run {run} is parked:"));
                let text = format!("{said} {why}: {}; it goes on by itself when that is over", why.help());
                live.say(&text, printer);
            }
            Condition::Blocked { lock, holder } if !self.is_parked => {
                self.is_parked = true;
                let error = Error::Blocked { run, lock, holder };
                live.say(&format!("{} {error}", Styled(WARN, "it is not gone on with yet:")), printer);
            }
            Condition::Driven { .. } if self.is_parked => {
                self.is_parked = false;
                live.say(&format!("run {run} goes on"), printer);
            }
            Condition::Unrunnable { missing } => self.lose(Error::Unrunnable { run, missing }, live, printer),
            Condition::Sealed { why } => self.lose(Error::Sealed { run, why }, live, printer),
            Condition::Damaged { detail } => self.lose(Error::Damaged { run, detail }, live, printer),
            Condition::Resting
            | Condition::Driven { .. }
            | Condition::Parked { .. }
            | Condition::Blocked { .. }
            | Condition::StoreStopped { .. } => {}
        }
        Ok(())
    }

    /// Nothing more will be known of it here; the others go on.
    fn lose(&mut self, error: Error, live: &mut Live, printer: &mut Printer) {
        let text = format!("{} {error} ({})\n  {}", Styled(WARN, "left:"), error.code(), error.help());
        live.say(&text, printer);
        self.lost = Some(error);
    }

    fn exit(&self) -> Exit {
        if self.lost.is_some() { Exit::Store } else { Exit::of(self.fold.status()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_exit_counts() {
        use Exit::{Failed, Stopped, Store, Succeeded, Waiting};
        let check = |exits: &[Exit], expect| assert_eq!(worst(exits.iter().copied()), expect, "{exits:?}");
        check(&[], Succeeded);
        check(&[Succeeded, Stopped, Succeeded], Stopped);
        check(&[Stopped, Failed], Failed);
        check(&[Failed, Waiting, Succeeded], Waiting);
        check(&[Waiting, Store], Store);
    }
}
