//! What waits for the writer: bounded, in the order of the calls. It knows nothing of the disk.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use windlass_store::{LeaseToken, Revision, StoreError, Txn};

/// Where the answer to a job goes. Nobody may be waiting for it any more.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Something for the writer to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Commits a transaction.
    Commit { txn: Txn, bytes: usize, answer: Answer<Revision> },
    /// Grants a lease.
    Lease { name: String, holder: String, ttl: Duration, answer: Answer<LeaseToken> },
    /// Keeps a lease.
    Renew { token: LeaseToken, ttl: Duration, answer: Answer<()> },
    /// Gives a lease back.
    Release { token: LeaseToken, answer: Answer<()> },
}

/// The jobs that wait.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    most_jobs: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    bytes: usize,
    waiting: bool,
    /// Whether somebody is writing what was taken, or what never was queued.
    writing: bool,
    /// What went wrong when somebody wrote who is not the writer.
    failure: Option<StoreError>,
    /// Why nothing more is taken.
    end: Option<StoreError>,
}

// === impl Queue ===

impl Queue {
    pub(crate) fn new(most_jobs: usize, most_bytes: usize) -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), most_jobs, most_bytes }
    }

    /// Adds a job, unless the queue is full or at its end.
    pub(crate) fn push(&self, job: Job) -> Result<(), StoreError> {
        let wake = {
            let mut state = self.lock();
            if let Some(end) = &state.end {
                return Err(end.clone());
            }
            let bytes = state.bytes.saturating_add(job.bytes());
            let full = state.jobs.len() >= self.most_jobs || bytes > self.most_bytes;
            if full && !state.jobs.is_empty() {
                return Err(StoreError::Busy { queued: state.jobs.len() });
            }
            state.bytes = bytes;
            state.jobs.push_back(job);
            state.waiting && !state.writing
        };
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for jobs and moves as many as fit into `batch`, which the caller then writes. At the end
    /// there are none.
    pub(crate) fn take(&self, batch: &mut VecDeque<Job>, most_bytes: usize) -> Result<(), StoreError> {
        let mut state = self.lock();
        while state.writing || (state.jobs.is_empty() && state.end.is_none() && state.failure.is_none()) {
            state.waiting = true;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = false;
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        state.writing = !state.jobs.is_empty();
        if state.bytes <= most_bytes {
            state.bytes = 0;
            std::mem::swap(&mut state.jobs, batch);
            return Ok(());
        }
        let mut taken = 0_usize;
        while let Some(job) = state.jobs.front() {
            taken = taken.saturating_add(job.bytes());
            if taken > most_bytes && !batch.is_empty() {
                break;
            }
            state.bytes = state.bytes.saturating_sub(job.bytes());
            batch.extend(state.jobs.pop_front());
        }
        Ok(())
    }

    /// Whether the caller may write on its own: nobody writes, nothing waits, and nothing has ended.
    /// Whoever takes this up says so at its end, with [`Queue::written`].
    pub(crate) fn take_over(&self) -> bool {
        let mut state = self.lock();
        let free = !state.writing && state.jobs.is_empty() && state.end.is_none() && state.failure.is_none();
        state.writing |= free;
        free
    }

    /// What was taken, or taken over, is written, or could not be.
    pub(crate) fn written(&self, outcome: Result<(), StoreError>) {
        let wake = {
            let mut state = self.lock();
            state.writing = false;
            state.failure = outcome.err();
            state.waiting && (!state.jobs.is_empty() || state.failure.is_some() || state.end.is_some())
        };
        if wake {
            self.arrived.notify_one();
        }
    }

    /// Takes nothing more; what is queued is still handed out.
    pub(crate) fn close(&self, reason: StoreError) {
        self.lock().end.get_or_insert(reason);
        self.arrived.notify_one();
    }

    /// Takes nothing more and hands back what is queued.
    pub(crate) fn stop(&self, reason: StoreError) -> VecDeque<Job> {
        let mut state = self.lock();
        state.end = Some(reason);
        state.bytes = 0;
        std::mem::take(&mut state.jobs)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Job ===

impl Job {
    /// The bytes of keys and values that the job would write.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Commit { bytes, .. } => *bytes,
            Self::Lease { .. } | Self::Renew { .. } | Self::Release { .. } => 0,
        }
    }

    /// Answers with a failure.
    pub(crate) fn fail(self, error: &StoreError) {
        match self {
            Self::Commit { answer, .. } => send(answer, Err(error.clone())),
            Self::Lease { answer, .. } => send(answer, Err(error.clone())),
            Self::Renew { answer, .. } | Self::Release { answer, .. } => {
                send(answer, Err(error.clone()));
            }
        }
    }
}

/// Nobody has to be waiting: whoever dropped the future has given up only the answer.
pub(crate) fn send<T>(answer: Answer<T>, outcome: Result<T, StoreError>) {
    let _ = answer.send(outcome);
}
