//! Runs that cannot be driven for a while, and the store being opened again.
//!
//! ```text
//! live ── writes keep failing, or the store stopped ──▶ parked ── attempts ended, loaded ──▶ live
//! ```
//!
//! A parked run is its record and nothing else: what was in memory and not durable is gone, and
//! nothing was done because of it. What its attempts in flight come to is remembered and told to
//! the run, before anything else, when it is back.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use windlass_engine::{Input, Run};
use windlass_model::element::ElementId;
use windlass_model::id::RunId;
use windlass_model::time::Time;
use windlass_store::{Store, StoreError};

use super::live::{Live, Stall};
use super::lost::Lost;
use super::part::{Ack, Written};
use super::{Dispatcher, Going};
use crate::call::{Answer, Waited};
use crate::error::Error;
use crate::load::{self, Found};
use crate::options::Logs;
use crate::output::RunOutput;
use crate::seal::RunKey;
use crate::view::{Condition, RunView};

/// A run that is parked.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(super) why: StoreError,
    pub(super) since: Time,
    /// As it durably stands, as far as that is known.
    pub(super) view: Option<Arc<RunView>>,
    /// How many of its attempts are still in flight.
    flying: usize,
    /// What the others came to, and what was never made.
    lost: Lost,
    /// Whether it is to be loaded when the last attempt has ended.
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Later,
    Now,
    Loading,
}

/// What the runtime is doing.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Its work.
    Open,
    /// The store has stopped, and is being opened again.
    Reopening { why: StoreError, since: Time, tries: u32 },
    /// The store has stopped for good.
    Stopped { why: StoreError, since: Time },
    /// It ends.
    Closing { deadline: Instant, closing: bool, answers: Vec<Answer<()>> },
}

/// What a job of the dispatcher came to.
#[derive(Debug)]
pub(crate) enum Job {
    Loaded(RunId, Result<Found, Error>),
    Reopened(Result<Arc<dyn Store>, StoreError>),
    Closed(Result<(), StoreError>),
    /// The key of a run that has ended is gone.
    Shredded(RunId),
    /// It is time to look whether everything has ended.
    Waited,
}

/// The first wait before a stopped store is opened again, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl Dispatcher {
    /// Takes over a run that was loaded, before anything goes on.
    pub(crate) fn adopt(
        &mut self,
        mut run: Run,
        view: RunView,
        key: Option<Arc<RunKey>>,
        never_made: BTreeSet<(ElementId, u32)>,
    ) {
        let id = run.id();
        if let Some(lock) = run.hold_locks(&mut self.locks).into_iter().next() {
            return self.block(run, view, key, never_made, lock);
        }
        let output = self.output(&view);
        let mut live = Live::new(run, view, key, output);
        live.never_made.clone_from(&never_made);
        self.runs.insert(id, live);
        let (by, limit) = (self.options.name.clone(), self.options.recovery_limit);
        self.inbox.push_back((id, Input::Recover { by, limit, never_made }));
        self.touched.push(id);
    }

    /// Notes a run that cannot be driven.
    pub(crate) fn leave(&mut self, run: RunId, condition: Condition) {
        self.left.insert(run, condition);
    }

    pub(super) fn output(&self, view: &RunView) -> Option<Arc<RunOutput>> {
        match &self.options.logs {
            Logs::Dropped => None,
            Logs::Files(directory) => {
                let (most, clock) = (self.options.most_output, self.options.clock.clone());
                Some(Arc::new(RunOutput::new(directory, view, most, clock, Arc::clone(&self.logs))))
            }
        }
    }

    /// Drops what is in memory of a run that cannot be written, and what was under way to the disk.
    pub(super) fn park(&mut self, run: RunId, lost: Vec<Written>) {
        let now = self.options.clock.now();
        let Some(mut live) = self.runs.remove(&run) else { return };
        if let Some(at) = live.wake {
            self.wakes.remove(&(at, run));
        }
        let why = live.stall.as_ref().map_or(StoreError::Closed, |stall| stall.error.clone());
        let mut lost = self.refuse(&mut live, &why, lost);
        if live.durable == 0 {
            // It was never taken in; whoever submitted it has been told.
            self.forget_locks(run);
            self.tails.remove(&run);
            for answer in self.waits.remove(&run).unwrap_or_default() {
                drop(answer.send(Err(Error::UnknownRun(run))));
            }
            return;
        }
        tracing::error!(%run, error = %why, "a run is parked");
        self.leave_locks(run);
        if !matches!(why, StoreError::Stopped { .. } | StoreError::Closed) {
            // Nothing of what was lost is durable, so nobody need wait for it.
            self.locks.not_begun(run, &lost.not_begun);
            self.offer_locks();
        }
        lost.never_made.append(&mut live.never_made);
        let flying = self.attempts.keys().filter(|(of, _)| *of == run).count();
        let parked = Parked { why, since: now, view: live.shown, flying, lost, wanted: Wanted::Later };
        self.parked.insert(run, parked);
        self.wakes.insert((now + self.options.park_for, run));
    }

    /// Answers everybody who waits for a write of this run; returns what was lost.
    fn refuse(&mut self, live: &mut Live, why: &StoreError, written: Vec<Written>) -> Lost {
        let (run, now) = (live.id(), self.options.clock.now());
        let error = match why {
            StoreError::Precondition { .. } if live.durable == 0 => Error::Exists(run),
            _ => Error::Store(why.clone()),
        };
        let mut lost = Lost::default();
        let stall = live.stall.take();
        let (parts, held) = stall.map_or_else(Default::default, |stall| (stall.parts, stall.held));
        for part in parts.into_iter().chain(written) {
            part.events().into_iter().for_each(|event| lost.event(event, &live.run));
            part.acks.into_iter().for_each(|ack| ack.fail(error.clone()));
        }
        let part = std::mem::take(&mut live.part);
        part.events.into_iter().for_each(|event| lost.event(event, &live.run));
        part.acks.into_iter().for_each(|ack| ack.fail(error.clone()));
        for (input, answer) in held {
            answer.map(Ack::Taken).into_iter().for_each(|ack| ack.fail(error.clone()));
            lost.input(input, now);
        }
        for (of, input) in std::mem::take(&mut self.inbox) {
            if of == run {
                lost.input(input, now);
            } else {
                self.inbox.push_back((of, input));
            }
        }
        lost
    }

    /// An attempt of a parked run has ended.
    pub(super) fn ended_while_parked(&mut self, run: RunId, input: Input) {
        let now = self.options.clock.now();
        let Some(parked) = self.parked.get_mut(&run) else { return };
        parked.flying = parked.flying.saturating_sub(1);
        parked.lost.input(input, now);
        self.load(run);
    }

    /// Goes on with a parked run as soon as its attempts have ended.
    pub(super) fn unpark(&mut self, run: RunId) {
        if let Some(parked) = self.parked.get_mut(&run)
            && parked.wanted == Wanted::Later
        {
            parked.wanted = Wanted::Now;
            self.load(run);
        }
    }

    fn load(&mut self, run: RunId) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        if let Some(parked) = self.parked.get_mut(&run)
            && parked.wanted == Wanted::Now
            && parked.flying == 0
        {
            parked.wanted = Wanted::Loading;
            let (archive, reader) = (self.archive.clone(), self.reader.clone());
            let loading = async move { Job::Loaded(run, load::find(&archive, &reader, run).await) };
            self.jobs.spawn_on(loading, &self.host);
        }
    }

    pub(super) fn job_done(&mut self, job: Job) {
        match job {
            Job::Loaded(run, found) => self.loaded(run, found),
            Job::Reopened(Ok(store)) => self.reopened(store),
            Job::Reopened(Err(error)) => {
                tracing::error!(%error, "the store cannot be opened again yet");
                if let Phase::Reopening { tries, .. } = &mut self.phase {
                    *tries = tries.saturating_add(1);
                }
                self.reopen();
            }
            Job::Closed(result) => {
                if let Phase::Closing { answers, .. } = &mut self.phase {
                    for answer in answers.drain(..) {
                        drop(answer.send(result.clone().map_err(Error::Store)));
                    }
                }
            }
            Job::Shredded(run) => self.shredded(run),
            Job::Waited => {}
        }
    }

    fn loaded(&mut self, run: RunId, found: Result<Found, Error>) {
        let now = self.options.clock.now();
        let Some(parked) = self.parked.get_mut(&run) else { return };
        match found {
            Ok(Found::Unfinished(engine, view, key)) => {
                let mut lost = std::mem::take(&mut parked.lost);
                self.parked.remove(&run);
                tracing::info!(%run, "a parked run goes on");
                // What it holds is what its record says, whatever it was about to take or give back.
                self.forget_locks(run);
                // Results first: what has ended was not interrupted.
                self.inbox.extend(lost.results(engine.seq(), now).map(|input| (run, input)));
                self.adopt(*engine, *view, key, lost.never_made);
            }
            Ok(Found::Finished(view)) => {
                self.parked.remove(&run);
                self.forget_locks(run);
                self.tails.remove(&run);
                for answer in self.waits.remove(&run).unwrap_or_default() {
                    drop(answer.send(Ok(Waited::Ended(view.clone()))));
                }
            }
            Ok(Found::Unrunnable(missing)) => {
                // What it holds it keeps: its record says so.
                self.abandon(run, &Error::Unrunnable { run, missing: missing.clone() });
                self.leave(run, Condition::Unrunnable { missing });
            }
            Err(Error::Store(why)) => {
                parked.why = why;
                parked.wanted = Wanted::Later;
                self.wakes.insert((now + self.options.park_for, run));
            }
            Err(Error::Damaged { detail, .. }) => {
                self.abandon(run, &Error::Damaged { run, detail: detail.clone() });
                self.leave(run, Condition::Damaged { detail });
            }
            Err(Error::Sealed { why, .. }) => {
                self.abandon(run, &Error::Sealed { run, why: why.clone() });
                self.leave(run, Condition::Sealed { why });
            }
            Err(error) => self.abandon(run, &error),
        }
    }

    /// Gives up a parked run.
    fn abandon(&mut self, run: RunId, error: &Error) {
        tracing::error!(%run, %error, "a run cannot be gone on with");
        self.parked.remove(&run);
        self.leave_locks(run);
        self.tails.remove(&run);
        for answer in self.waits.remove(&run).unwrap_or_default() {
            drop(answer.send(Err(error.clone())));
        }
    }

    // --- the store has stopped

    /// The store takes nothing more: every run is parked, and nothing new is taken.
    pub(super) fn stopped(&mut self, why: StoreError) {
        if !matches!(self.phase, Phase::Open) {
            self.commits.clear();
            return;
        }
        tracing::error!(error = %why, "the store has stopped");
        let since = self.options.clock.now();
        let mut lost: HashMap<RunId, Vec<Written>> = HashMap::new();
        for part in std::mem::take(&mut self.commits).into_iter().flat_map(|commit| commit.parts) {
            lost.entry(part.run).or_default().push(part);
        }
        let runs: Vec<RunId> = self.runs.keys().copied().collect();
        for run in runs {
            let now = self.options.clock.now();
            if let Some(live) = self.runs.get_mut(&run) {
                // A run that was just submitted may be there or not; that is seen when it is loaded.
                live.durable = live.durable.max(1);
                live.stall.get_or_insert_with(|| Stall::new(now, why.clone())).error = why.clone();
            }
            self.park(run, lost.remove(&run).unwrap_or_default());
        }
        if self.options.reopen.is_some() {
            self.phase = Phase::Reopening { why, since, tries: 0 };
            self.reopen();
        } else {
            self.give_up(&why);
            self.phase = Phase::Stopped { why, since };
        }
    }

    fn reopen(&mut self) {
        let (Some(reopen), Phase::Reopening { tries, .. }) = (self.options.reopen.clone(), &self.phase)
        else {
            return;
        };
        let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(*tries).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
        let wait = if *tries == 0 { Duration::ZERO } else { wait };
        let old = self.archive.store();
        let opening = async move {
            // Whatever it still holds, it gives back before another is opened on the same files.
            let _ = old.close().await;
            drop(old);
            tokio::time::sleep(wait).await;
            let opened = tokio::task::spawn_blocking(move || reopen.open()).await;
            Job::Reopened(opened.unwrap_or(Err(StoreError::Closed)))
        };
        self.jobs.spawn_on(opening, &self.host);
    }

    fn reopened(&mut self, store: Arc<dyn Store>) {
        if let Phase::Closing { closing, .. } = &self.phase {
            // It is closed in its turn, unless that is done; then dropping it does.
            if !closing {
                self.archive.replace(store);
            }
            return;
        }
        tracing::info!("the store is open again");
        self.archive.replace(store);
        self.phase = Phase::Open;
        // What was submitted just before is among the parked: it is there, or it never was.
        let parked: Vec<(RunId, Time)> = self.parked.iter().map(|(run, it)| (*run, it.since)).collect();
        for (run, since) in parked {
            self.wakes.remove(&(since + self.options.park_for, run));
            self.unpark(run);
        }
    }

    // --- the end

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. })
    }

    pub(super) fn close(&mut self, grace: Duration, answer: Answer<()>, _: Time) {
        if let Phase::Closing { answers, .. } = &mut self.phase {
            return answers.push(answer);
        }
        let deadline = Instant::now() + grace;
        self.phase = Phase::Closing { deadline, closing: false, answers: vec![answer] };
        let waiting = async move {
            tokio::time::sleep_until(deadline).await;
            Job::Waited
        };
        self.jobs.spawn_on(waiting, &self.host);
    }

    /// Goes on towards the end, when that is what is wanted.
    pub(super) fn poll_closing(&mut self) -> Poll<Going> {
        let quiet = self.commits.is_empty()
            && self.inbox.is_empty()
            && self.attempts.is_empty()
            && self.shredding.is_empty();
        let Phase::Closing { deadline, closing, answers } = &mut self.phase else { return Poll::Pending };
        if *closing {
            return if answers.is_empty() { Poll::Ready(Going::Over) } else { Poll::Pending };
        }
        if quiet || Instant::now() >= *deadline {
            *closing = true;
            let store = self.archive.store();
            self.jobs.spawn_on(async move { Job::Closed(store.close().await) }, &self.host);
            return Poll::Ready(Going::On);
        }
        Poll::Pending
    }
}
