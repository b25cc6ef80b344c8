//! The dispatcher: the one owner of every live run, of the locks, the timers and the log tails.
//!
//! ```text
//!            ┌──────────────── gather: wait for any of these, take all that there is
//!            │  calls · ends of attempts · durable writes · time · loaded runs
//!            ▼
//!   inbox ─▶ step the runs, at most INPUTS of them
//!            │ events, seals
//!            ▼
//!          one transaction ─▶ store ─▶ durable, in order ─▶ effects · answers · live events
//!                             (at most FLUSHES under way)       │
//!   inbox ◀── ends of attempts that answered at once ◀──────────┘
//! ```
//!
//! While a flush is under way it goes on stepping and queues the next transaction, so that the next
//! flush takes all that came in meanwhile: group commit without a timer. Effects and answers of a
//! turn wait until its own transaction, and all before it, are durable.
//!
//! It has a thread of its own, so that a plugin that blocks the threads of tokio does not hold up
//! timeouts and commands; and so that it may wait for the disk itself when it has nothing else to
//! do, which makes sequential work as quick as the disk is. Plugins are called on the runtime in
//! which the [`Runtime`](crate::Runtime) was opened.
//!
//! A write that fails concerns the runs in it: each of them is tried again alone, and nothing of it
//! goes on meanwhile ([`Stall`](live::Stall)); the others do not notice. A run whose writes keep
//! failing is parked: its state in memory is dropped, and later loaded again from what is durable
//! ([`park`]). A store that has stopped is the same for all runs at once. Attempts that are in
//! flight then run on to their end; their results are kept, and told to the run when it is back, so
//! that nothing that was done counts as interrupted.
//!
//! It must not know what a run means, and never waits for anything but its one place to wait.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use windlass_engine::{Input, LockTable, Locks as _};
use windlass_logs::Writer;
use windlass_model::element::ElementId;
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::time::Time;
use windlass_plugin::Registry;
use windlass_store::Txn;

use crate::archive::Archive;
use crate::attempt::End;
use crate::call::{Answer, Call, Taken, Waited};
use crate::counters::Counters;
use crate::events::Told;
use crate::options::Options;
use crate::submit::Reader;
use crate::view::{Condition, RunView};

mod behind;
mod blocked;
mod calls;
mod commit;
mod effects;
pub(crate) mod live;
mod lost;
mod park;
mod part;
mod snapshots;
mod tally;

use self::behind::Behind;
use self::blocked::Blocked;
use self::commit::Commit;
use self::effects::{Attempt, Plugins};
use self::live::Live;
use self::park::{Job, Parked, Phase};
use self::part::Ack;
use self::snapshots::Room;

/// How many inputs a turn takes at the most: enough to share a flush, few enough that the next
/// turn's transaction is queued while this one's is flushed.
const INPUTS: usize = 1024;

/// How many bytes of events a turn collects at about the most; a transaction may have eight times as many.
const WEIGHT: usize = 8 << 20;

/// How many transactions are under way at the most. One is flushed, one waits for the disk, and two
/// more keep the dispatcher busy when flushes take long; beyond that only delays would grow.
const FLUSHES: usize = 4;

/// How many ended attempts wait for the dispatcher: as many as it takes in some turns. An attempt
/// that finds the queue full has ended and waits to say so.
pub(crate) const ENDS: usize = 8 * INPUTS;

/// The longest sleep, so that a clock that is set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// How often a run that goes on says that it is alive, as a part of the recovery limit.
const BEATS: u32 = 6;

/// See the module.
pub(crate) struct Dispatcher {
    counters: Arc<Counters>,
    archive: Archive,
    reader: Reader,
    plugins: Plugins,
    options: Options,
    heartbeat: Option<Duration>,
    calls: mpsc::Receiver<Call>,
    ends: mpsc::Receiver<End>,
    ends_in: mpsc::Sender<End>,
    /// Work that needs the store or may block: loading runs, opening the store again.
    jobs: JoinSet<Job>,
    /// Where plugins are called and jobs are done.
    host: Handle,
    phase: Phase,
    runs: HashMap<RunId, Live>,
    locks: LockTable,
    attempts: HashMap<(RunId, ElementId), Attempt>,
    parked: HashMap<RunId, Parked>,
    logs: Arc<Writer>,
    behind: Behind,
    /// Whether nothing that would have to be told is done: see [`behind`].
    held: bool,
    /// Runs that cannot be taken over before others have ended.
    blocked: BTreeMap<RunId, Blocked>,
    /// Runs that have ended and whose keys are being removed.
    shredding: HashMap<RunId, Arc<RunView>>,
    /// Runs that were found and cannot be driven.
    left: HashMap<RunId, Condition>,
    waits: HashMap<RunId, Vec<Answer<Waited>>>,
    tails: HashMap<RunId, broadcast::Sender<Told>>,
    /// When to look at runs, live or parked.
    wakes: BTreeSet<(Time, RunId)>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What the runs are still to be told.
    inbox: VecDeque<(RunId, Input)>,
    /// Runs out of which something came in this turn.
    touched: Vec<RunId>,
    weight: usize,
    commits: VecDeque<Commit>,
    call_buffer: Vec<Call>,
    end_buffer: Vec<End>,
}

/// Whether there is anything more to do, ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Over,
}

// === impl Dispatcher ===

impl Dispatcher {
    pub(crate) fn new(
        archive: Archive,
        reader: Reader,
        registry: &Registry,
        options: Options,
        calls: mpsc::Receiver<Call>,
        logs: Arc<Writer>,
    ) -> Self {
        let (ends_in, ends) = mpsc::channel(ENDS);
        let mut locks = LockTable::behind_records();
        locks.set_budgets(options.budgets.clone());
        Self {
            counters: Arc::default(),
            archive,
            reader,
            plugins: Plugins::of(registry),
            heartbeat: options.recovery_limit.map(|limit| limit / BEATS),
            options,
            calls,
            ends,
            ends_in,
            jobs: JoinSet::new(),
            host: Handle::current(),
            phase: Phase::Open,
            runs: HashMap::new(),
            locks,
            attempts: HashMap::new(),
            parked: HashMap::new(),
            logs,
            behind: Behind::default(),
            held: false,
            blocked: BTreeMap::new(),
            shredding: HashMap::new(),
            left: HashMap::new(),
            waits: HashMap::new(),
            tails: HashMap::new(),
            wakes: BTreeSet::new(),
            sleep: None,
            inbox: VecDeque::new(),
            touched: Vec::new(),
            weight: 0,
            commits: VecDeque::new(),
            call_buffer: Vec::new(),
            end_buffer: Vec::new(),
        }
    }

    /// Begins to work, on a thread of its own.
    pub(crate) fn start(self) -> Result<(), std::io::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new().name("dispatcher".to_owned());
        thread.spawn(move || runtime.block_on(self.run())).map(drop)
    }

    /// Works until everything is over.
    async fn run(mut self) {
        self.work();
        while poll_fn(|cx| self.gather(cx)).await == Going::On {
            self.work();
            // Where plugins and store answer at once there is always more to do, but others have work too.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Takes what there is; pending while there is nothing.
    fn gather(&mut self, cx: &mut Context<'_>) -> Poll<Going> {
        let mut any = self.poll_commits(cx);
        while let Poll::Ready(Some(joined)) = self.jobs.poll_join_next(cx) {
            any = true;
            match joined {
                Ok(job) => self.job_done(job),
                Err(error) => tracing::error!(%error, "a job of the dispatcher failed"),
            }
        }
        match self.poll_closing() {
            Poll::Ready(going @ Going::Over) => return Poll::Ready(going),
            Poll::Ready(Going::On) => any = true,
            Poll::Pending => {}
        }
        self.held = self.behind.poll(&self.logs, cx);
        if self.commits.len() < FLUSHES {
            if !self.held {
                any |= !self.inbox.is_empty();
                let room = INPUTS.saturating_sub(self.inbox.len());
                if room > 0 && self.ends.poll_recv_many(cx, &mut self.end_buffer, room).is_ready() {
                    any = true;
                }
            }
            match self.calls.poll_recv_many(cx, &mut self.call_buffer, INPUTS) {
                Poll::Ready(0) if !self.is_closing() => return Poll::Ready(Going::Over),
                Poll::Ready(0) | Poll::Pending => {}
                Poll::Ready(_) => any = true,
            }
            any |= self.poll_time(cx, any);
        }
        if any { Poll::Ready(Going::On) } else { Poll::Pending }
    }

    /// Whether it is time to look at some run. While there is work anyway, nothing is set up.
    fn poll_time(&mut self, cx: &mut Context<'_>, busy: bool) -> bool {
        let Some((at, _)) = self.wakes.first() else { return false };
        if busy || self.is_closing() {
            return false;
        }
        let now = self.options.clock.now();
        if *at <= now {
            return true;
        }
        let deadline = Instant::now() + at.since(now).min(LONGEST_SLEEP);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        sleep.as_mut().reset(deadline);
        sleep.as_mut().poll(cx).is_ready()
    }

    /// Works off what was taken, and writes what came out.
    fn work(&mut self) {
        let now = self.options.clock.now();
        if !self.is_closing() {
            self.wake(now);
        }
        let mut ends = std::mem::take(&mut self.end_buffer);
        for end in ends.drain(..) {
            self.attempt_ended(end);
        }
        self.end_buffer = ends;
        let mut calls = std::mem::take(&mut self.call_buffer);
        for call in calls.drain(..) {
            self.answer(call, now);
        }
        self.call_buffer = calls;
        if self.commits.len() < FLUSHES && !self.held {
            for _ in 0..INPUTS {
                let Some((run, input)) = self.inbox.pop_front() else { break };
                self.step(run, input, None, now);
                if self.weight >= WEIGHT {
                    break;
                }
            }
        }
        self.write();
    }

    /// Looks at the runs whose time has come.
    fn wake(&mut self, now: Time) {
        while let Some((at, run)) = self.wakes.first().copied()
            && at <= now
        {
            self.wakes.remove(&(at, run));
            if let Some(live) = self.runs.get_mut(&run) {
                live.wake = None;
                if live.stall.is_some() {
                    self.retry(run, now);
                    continue;
                }
                if live.run.wake_at().is_some_and(|at| at <= now) {
                    self.inbox.push_back((run, Input::Tick));
                } else if live.run.status() == RunStatus::Running
                    && self.heartbeat.is_some_and(|every| live.run.last_at() + every <= now)
                {
                    self.inbox.push_back((run, Input::Heartbeat));
                } else {
                    self.set_wake(run);
                }
            } else if self.parked.contains_key(&run) {
                self.unpark(run);
            }
        }
    }

    /// Hands a run an input, and keeps what comes out for the transaction of this turn.
    fn step(&mut self, run: RunId, input: Input, answer: Option<Answer<Taken>>, now: Time) {
        let input = if self.is_closing() { closing(input) } else { Some(input) };
        let Some(input) = input else { return };
        let Some(live) = self.runs.get_mut(&run) else {
            if let Some(answer) = answer {
                drop(answer.send(Ok(Taken::NotDriven)));
            }
            return;
        };
        if let Some(stall) = &mut live.stall {
            stall.held.push_back((input, answer));
            return;
        }
        match live.run.step(input, now, &mut self.locks) {
            Ok(step) => {
                if live.part.is_empty() {
                    self.touched.push(run);
                }
                self.weight = self.weight.saturating_add(live.part.add(step));
                live.part.returned.append(&mut self.locks.take_returned());
                live.part.acks.extend(answer.map(Ack::Taken));
            }
            Err(refused) => {
                if let Some(answer) = answer {
                    drop(answer.send(Err(crate::Error::Refused { run, refused })));
                }
            }
        }
        self.offer_locks();
    }

    /// Tells the runs that locks were offered to.
    fn offer_locks(&mut self) {
        let offers = self.locks.take_freed().into_iter();
        self.inbox.extend(offers.map(|run| (run, Input::LockFreed)));
    }

    /// Whatever a run waits for goes to others: it cannot be told for a while, or never again.
    fn leave_locks(&mut self, run: RunId) {
        self.locks.leave(run);
        self.offer_locks();
    }

    /// What a run waits for and holds goes to others: it is not driven here any more.
    fn forget_locks(&mut self, run: RunId) {
        self.locks.forget(run);
        self.offer_locks();
    }

    /// Queues one transaction with everything that came out in this turn.
    fn write(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        self.weight = 0;
        let mut parts = Vec::with_capacity(touched.len());
        let mut room = Room::default();
        for run in &touched {
            let followed = self.tails.get(run).is_some_and(|tail| tail.receiver_count() > 0);
            if let Some(live) = self.runs.get_mut(run)
                && !live.part.is_empty()
            {
                self.counters.note(&live.part.events);
                let mut written = live.write(followed);
                live.snapshots.ride(&mut written, &mut room);
                if let Some(every) = self.options.snapshot_every {
                    live.snapshots.take(&live.run, &written, every, &self.host);
                }
                parts.push(written);
            }
        }
        if !parts.is_empty() {
            self.commit(parts);
        }
        for run in &touched {
            self.set_wake(*run);
        }
        self.touched = touched;
        self.touched.clear();
    }

    fn set_wake(&mut self, run: RunId) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let wake = live.next_wake(self.heartbeat);
        if wake != live.wake {
            if let Some(before) = live.wake {
                self.wakes.remove(&(before, run));
            }
            self.wakes.extend(wake.map(|at| (at, run)));
            live.wake = wake;
        }
    }
}

/// While everything ends, ends are recorded and nothing new begins: what comes next is decided when
/// the run is taken over again.
fn closing(input: Input) -> Option<Input> {
    match input {
        Input::Ended { element, n, result } => Some(Input::EndedMeanwhile { element, n, result }),
        _ => None,
    }
}

fn transaction(parts: &[part::Written]) -> Txn {
    let count = |each: fn(&part::Written) -> usize| parts.iter().map(each).sum();
    let mut txn = Txn {
        preconditions: Vec::with_capacity(count(|part| part.preconditions.len())),
        ops: Vec::with_capacity(count(|part| part.ops.len())),
    };
    for part in parts {
        txn.preconditions.extend_from_slice(&part.preconditions);
        txn.ops.extend_from_slice(&part.ops);
    }
    txn
}

impl Drop for Dispatcher {
    /// Nobody is left to hear of their ends.
    fn drop(&mut self) {
        for attempt in self.attempts.values() {
            attempt.abort();
        }
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("runs", &self.runs.len()).finish_non_exhaustive()
    }
}

/// Shares a registry's plugins with whoever drives attempts.
pub(crate) type SharedPlugin = Arc<dyn windlass_plugin::DynPlugin>;
