//! The one thread that writes. It takes what was queued while the last flush was under way, checks
//! it in order, writes it as one batch with one flush, shows it to readers and watchers, and only
//! then answers. After a failed write it never touches the same files again.
//!
//! While it has nothing to do, a caller that waits anyway may do the same in its place
//! ([`Shared::write_here`]): the queue sees to it that only one of them writes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use windlass_meter::Durations;
use windlass_store::embedded::{History, Leases, Pending};
use windlass_store::{Clock, LeaseToken, Revision, StoreError, StoreStats};

use crate::journal::{self, Ahead};
use crate::lock::DirectoryLock;
use crate::queue::{Answer, Job, Queue, send};
use crate::room::Room;
use crate::tables::{Tables, free_bytes};

/// What the writer and the callers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) directory: PathBuf,
    pub(crate) queue: Queue,
    pub(crate) history: History,
    pub(crate) phase: RwLock<Phase>,
    pub(crate) revision: AtomicU64,
    pub(crate) counters: Counters,
    /// What whoever writes needs; nothing after the end.
    pub(crate) core: Mutex<Option<Core>>,
}

/// What readers find.
pub(crate) enum Phase {
    /// The store is open.
    Open(Tables),
    /// The store is not open any more, for this reason.
    Ended(StoreError),
}

/// [`StoreStats`] while they change. Only the writer writes them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    transactions: AtomicU64,
    refused: AtomicU64,
    flushes: AtomicU64,
    bytes_written: AtomicU64,
    largest_batch: AtomicU64,
    largest_batch_bytes: AtomicU64,
    flushes_took: Durations,
}

/// The thread: what it has of its own.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) lock: DirectoryLock,
    pub(crate) batch_bytes: usize,
}

/// What it takes to write. Whoever the queue lets write has it for that time.
pub(crate) struct Core {
    pub(crate) tables: Tables,
    pub(crate) leases: Leases,
    pub(crate) clock: Clock,
    pub(crate) room: Room,
    pub(crate) ahead: Ahead,
    /// What is answered after the flush that is under way.
    pub(crate) outcomes: Vec<Outcome>,
}

/// An answer that waits for the flush.
pub(crate) enum Outcome {
    Revision(Answer<Revision>, Result<Revision, StoreError>),
    Token(Answer<LeaseToken>, Result<LeaseToken, StoreError>),
    Done(Answer<()>, Result<(), StoreError>),
}

// === impl Shared ===

impl Shared {
    /// Writes one job on this thread. The queue must have been taken over.
    pub(crate) fn write_here(&self, job: Job) {
        self.queue.written(self.write(&mut VecDeque::from([job])));
    }

    /// Writes a batch as a whole. After a failure, nobody was answered yet.
    fn write(&self, batch: &mut VecDeque<Job>) -> Result<(), StoreError> {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(core) = core.as_mut() else { return Err(StoreError::Closed) };
        let outcome = catch_unwind(AssertUnwindSafe(|| core.write(self, batch)));
        outcome.unwrap_or_else(|_| {
            let detail = "writing it panicked".to_owned();
            Err(StoreError::Corrupt { path: self.directory.clone(), detail })
        })
    }
}

// === impl Writer ===

impl Writer {
    /// Works until the store is closed or a write fails, and gives everything back.
    pub(crate) fn run(self) {
        let outcome = self.work();
        let Self { shared, lock, .. } = self;
        let end = match outcome {
            Ok(()) => StoreError::Closed,
            Err(cause) => {
                journal::mark_unflushed(&shared.directory);
                StoreError::Stopped { cause: Arc::new(cause) }
            }
        };
        let queued = shared.queue.stop(end.clone());
        let quiet = matches!(end, StoreError::Closed);
        shared.history.end(if quiet { Ok(()) } else { Err(end.clone()) });
        let open = std::mem::replace(
            &mut *shared.phase.write().unwrap_or_else(PoisonError::into_inner),
            Phase::Ended(end.clone()),
        );
        let core = shared.core.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (tables, outcomes) = core.map_or((None, Vec::new()), |core| (Some(core.tables), core.outcomes));
        // Who hears of the failure finds a store that has stopped.
        for outcome in outcomes {
            outcome.fail(&end);
        }
        for job in queued {
            job.fail(&end);
        }
        drop((open, tables, lock));
    }

    fn work(&self) -> Result<(), StoreError> {
        let mut batch = VecDeque::new();
        loop {
            self.shared.queue.take(&mut batch, self.batch_bytes)?;
            if batch.is_empty() {
                return Ok(());
            }
            self.shared.write(&mut batch)?;
            self.shared.queue.written(Ok(()));
        }
    }
}

// === impl Core ===

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Core {
    fn write(&mut self, shared: &Shared, batch: &mut VecDeque<Job>) -> Result<(), StoreError> {
        self.refuse_when_full(shared, batch);
        let before = shared.revision.load(Ordering::Relaxed);
        let mut pending = Pending::after(before);
        for job in batch.drain(..) {
            let outcome = self.decide(job, &mut pending);
            self.outcomes.push(outcome);
        }
        if pending.revision() > before {
            self.ahead.make(pending.changes().len(), pending.bytes());
            let begun = Instant::now();
            self.tables.commit(&mut pending)?;
            shared.counters.flushes_took.note(begun.elapsed());
        }
        shared.counters.add(&pending, before, &self.outcomes);
        let revision = pending.revision();
        if revision > before {
            shared.revision.store(revision, Ordering::Release);
            shared.history.publish(pending.into_changes(), revision);
        }
        self.outcomes.drain(..).for_each(Outcome::send);
        Ok(())
    }

    fn decide(&mut self, job: Job, pending: &mut Pending) -> Outcome {
        let now = self.clock.now();
        match job {
            Job::Commit { txn, answer, .. } => {
                let revision = pending.apply(txn, &self.tables, &self.leases, now);
                Outcome::Revision(answer, revision)
            }
            Job::Lease { name, holder, ttl, answer } => {
                let token = self.leases.free(&name, &holder, now).and_then(|()| {
                    let fence = pending.advance();
                    self.leases.grant(&name, &holder, now, ttl, fence)
                });
                Outcome::Token(answer, token)
            }
            Job::Renew { token, ttl, answer } => Outcome::Done(answer, self.leases.renew(&token, now, ttl)),
            Job::Release { token, answer } => Outcome::Done(answer, self.leases.release(&token, now)),
        }
    }

    /// While nothing is written yet, a full disk costs nobody more than another try.
    fn refuse_when_full(&mut self, shared: &Shared, batch: &mut VecDeque<Job>) {
        let bytes: usize = batch.iter().map(Job::bytes).sum();
        if self.room.take(bytes as u64, self.clock.now(), || free_bytes(&shared.directory)) {
            return;
        }
        let full = StoreError::Full { path: shared.directory.clone() };
        for job in std::mem::take(batch) {
            match job {
                Job::Commit { .. } | Job::Lease { .. } => job.fail(&full),
                Job::Renew { .. } | Job::Release { .. } => batch.push_back(job),
            }
        }
    }
}

// === impl Outcome ===

impl Outcome {
    fn send(self) {
        match self {
            Self::Revision(answer, outcome) => send(answer, outcome),
            Self::Token(answer, outcome) => send(answer, outcome),
            Self::Done(answer, outcome) => send(answer, outcome),
        }
    }

    fn fail(self, error: &StoreError) {
        match self {
            Self::Revision(answer, _) => send(answer, Err(error.clone())),
            Self::Token(answer, _) => send(answer, Err(error.clone())),
            Self::Done(answer, _) => send(answer, Err(error.clone())),
        }
    }
}

// === impl Counters ===

impl Counters {
    fn add(&self, pending: &Pending, before: Revision, outcomes: &[Outcome]) {
        let transactions = pending.revision().saturating_sub(before);
        let refused = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Revision(_, Err(StoreError::Precondition { .. }))))
            .count();
        let add = |counter: &AtomicU64, by| counter.fetch_add(by, Ordering::Relaxed);
        add(&self.transactions, transactions);
        add(&self.refused, refused as u64);
        add(&self.flushes, u64::from(transactions > 0));
        add(&self.bytes_written, pending.bytes());
        self.largest_batch.fetch_max(transactions, Ordering::Relaxed);
        self.largest_batch_bytes.fetch_max(pending.bytes(), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> StoreStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreStats {
            transactions: read(&self.transactions),
            refused: read(&self.refused),
            flushes: read(&self.flushes),
            bytes_written: read(&self.bytes_written),
            largest_batch: read(&self.largest_batch),
            largest_batch_bytes: read(&self.largest_batch_bytes),
            flushes_took: self.flushes_took.read(),
        }
    }
}

// === impl Phase ===

impl std::fmt::Debug for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open(_) => "Open",
            Self::Ended(_) => "Ended",
        })
    }
}
