//! A store that fails on purpose, in front of another one: the ways in which a disk or a process
//! can let the engine down, at a commit that a test names. Commits are counted from one.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::{BoxFuture, Entry, LeaseToken, Range, Revision, Store, StoreError, StoreStats, Txn, Watch};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This commit fails, is not stored, and may be tried again.
    Transient(u64),
    /// This commit and all that follow fail and are not stored.
    Permanent(u64),
    /// The flush of this commit fails: it may or may not be stored, and the store has stopped.
    Flush {
        /// The commit.
        commit: u64,
        /// Whether it is there after the store was opened again.
        survives: Survives,
    },
    /// The process dies behind this commit: it is stored and answered, and all that follow are
    /// neither stored nor ever answered.
    CrashAfter(u64),
    /// The process dies in this commit: it was on its way, is lost, and is never answered.
    LostLastWrite(u64),
}

/// What became of a write whose flush failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// The write is wholly there.
    Yes,
    /// Nothing of the write is there.
    No,
}

/// A store in front of another one that fails as told.
#[derive(Clone, Debug)]
pub struct FaultyStore<S> {
    inner: S,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<Fault>,
    commits: u64,
    stopped: Option<StoreError>,
    crashed: bool,
}

enum Verdict {
    Pass,
    Fail(StoreError),
    PassAndFail(StoreError),
    Silence,
}

// === impl FaultyStore ===

impl<S: Store> FaultyStore<S> {
    /// A store that does not fail yet.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Adds a fault.
    #[must_use]
    pub fn with(self, fault: Fault) -> Self {
        self.inject(fault);
        self
    }

    /// Adds a fault to a store in use.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// How many commits were asked for.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// Whether a crash has happened.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.lock().crashed
    }

    /// The store behind, which is what a new process would find.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> Result<(), StoreError> {
        match &self.lock().stopped {
            Some(stopped) => Err(stopped.clone()),
            None => Ok(()),
        }
    }

    fn guard<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce(&'a S) -> BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        if self.crashed() {
            return Box::pin(std::future::pending());
        }
        match self.alive() {
            Ok(()) => call(&self.inner),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        self.guard(|inner| inner.get(key))
    }

    fn range(&self, range: Range) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        self.guard(|inner| inner.range(range))
    }

    /// The plan stays locked until the commit is in the queue behind, so that both count alike.
    fn commit(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        let mut plan = self.lock();
        match plan.next() {
            Verdict::Pass => self.inner.commit(txn),
            Verdict::Fail(error) => Box::pin(ready(Err(error))),
            Verdict::PassAndFail(error) => {
                let commit = self.inner.commit(txn);
                Box::pin(async move { commit.await.and(Err(error)) })
            }
            Verdict::Silence => Box::pin(std::future::pending()),
        }
    }

    fn watch(&self, prefix: Bytes, from: Revision) -> BoxFuture<'_, Result<Watch, StoreError>> {
        self.guard(|inner| inner.watch(prefix, from))
    }

    fn lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<LeaseToken, StoreError>> {
        self.guard(|inner| inner.lease(name, holder, ttl))
    }

    fn renew(&self, token: &LeaseToken, ttl: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
        self.guard(|inner| inner.renew(token, ttl))
    }

    fn release(&self, token: &LeaseToken) -> BoxFuture<'_, Result<(), StoreError>> {
        self.guard(|inner| inner.release(token))
    }

    fn revision(&self) -> Revision {
        self.inner.revision()
    }

    fn stats(&self) -> StoreStats {
        self.inner.stats()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.close()
    }
}

// === impl Plan ===

impl Plan {
    fn next(&mut self) -> Verdict {
        self.commits = self.commits.saturating_add(1);
        if self.crashed {
            return Verdict::Silence;
        }
        if let Some(stopped) = &self.stopped {
            return Verdict::Fail(stopped.clone());
        }
        let n = self.commits;
        for fault in self.faults.clone() {
            match fault {
                Fault::Transient(at) if at == n => return Verdict::Fail(injected("write")),
                Fault::Permanent(from) if from <= n => return Verdict::Fail(injected("write")),
                Fault::Flush { commit, survives } if commit == n => {
                    let error = StoreError::Stopped { cause: Arc::new(injected("flush")) };
                    self.stopped = Some(error.clone());
                    return match survives {
                        Survives::Yes => Verdict::PassAndFail(error),
                        Survives::No => Verdict::Fail(error),
                    };
                }
                Fault::CrashAfter(at) if n > at => {
                    self.crashed = true;
                    return Verdict::Silence;
                }
                Fault::LostLastWrite(at) if n >= at => {
                    self.crashed = true;
                    return Verdict::Silence;
                }
                _ => {}
            }
        }
        Verdict::Pass
    }
}

fn injected(action: &'static str) -> StoreError {
    let source = std::io::Error::other("injected fault");
    StoreError::io(action, "a store that fails on purpose", source)
}

#[cfg(test)]
mod tests;
