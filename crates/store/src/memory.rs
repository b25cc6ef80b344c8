//! A store without a disk, for rehearsals and tests. It is deterministic: a commit has happened when
//! the call returns. It must not know of threads, files or time other than its [`Clock`].

use std::collections::BTreeMap;
use std::future::ready;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::embedded::{History, HistoryLimits, Leases, Pending, View};
use crate::{
    BoxFuture, Change, Clock, Entry, LeaseToken, ManualClock, Order, Range, Revision, Store, StoreError,
    StoreStats, Txn, Watch,
};

/// A store in memory. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    history: History,
    clock: Clock,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Bytes, Entry>,
    leases: Leases,
    revision: Revision,
    stats: StoreStats,
    closed: bool,
}

// === impl MemoryStore ===

impl MemoryStore {
    /// An empty store for which no time passes.
    #[must_use]
    pub fn new() -> Self {
        Self::with(ManualClock::new().clock(), HistoryLimits::default())
    }

    /// An empty store with a clock and a bound for its history.
    #[must_use]
    pub fn with(clock: Clock, limits: HistoryLimits) -> Self {
        Self { state: Arc::default(), history: History::new(0, limits), clock }
    }

    /// A store with the same entries and revision, as if this one had been opened again: nothing is
    /// leased, watched or closed.
    #[must_use]
    pub fn reopened(&self) -> Self {
        let state = self.lock();
        Self {
            state: Arc::new(Mutex::new(State {
                entries: state.entries.clone(),
                revision: state.revision,
                ..State::default()
            })),
            history: History::new(state.revision, HistoryLimits::default()),
            clock: self.clock.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.lock();
        if state.closed {
            return Err(StoreError::Closed);
        }
        Ok(state)
    }

    fn commit_now(&self, txn: Txn) -> Result<Revision, StoreError> {
        txn.validate()?;
        let mut state = self.open()?;
        let mut pending = Pending::after(state.revision);
        let outcome = pending.apply(txn, &*state, &state.leases, self.clock.now());
        if matches!(outcome, Err(StoreError::Precondition { .. })) {
            state.stats.refused = state.stats.refused.saturating_add(1);
        }
        let revision = outcome?;
        state.commit(pending, &self.history);
        Ok(revision)
    }

    fn lease_now(&self, name: &str, holder: &str, ttl: Duration) -> Result<LeaseToken, StoreError> {
        let mut state = self.open()?;
        let mut pending = Pending::after(state.revision);
        let revision = pending.advance();
        let now = self.clock.now();
        let token = state.leases.grant(name, holder, now, ttl, revision)?;
        state.commit(pending, &self.history);
        Ok(token)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        let entry = self.open().map(|state| state.entries.get(key).cloned());
        Box::pin(ready(entry))
    }

    fn range(&self, range: Range) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(ready(self.open().map(|state| state.range(&range))))
    }

    fn commit(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        Box::pin(ready(self.commit_now(txn)))
    }

    fn watch(&self, prefix: Bytes, from: Revision) -> BoxFuture<'_, Result<Watch, StoreError>> {
        Box::pin(ready(self.history.watch(prefix, from)))
    }

    fn lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<LeaseToken, StoreError>> {
        Box::pin(ready(self.lease_now(name, holder, ttl)))
    }

    fn renew(&self, token: &LeaseToken, ttl: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
        let now = self.clock.now();
        let outcome = self.open().and_then(|mut state| state.leases.renew(token, now, ttl));
        Box::pin(ready(outcome))
    }

    fn release(&self, token: &LeaseToken) -> BoxFuture<'_, Result<(), StoreError>> {
        let now = self.clock.now();
        let outcome = self.open().and_then(|mut state| state.leases.release(token, now));
        Box::pin(ready(outcome))
    }

    fn revision(&self) -> Revision {
        self.lock().revision
    }

    fn stats(&self) -> StoreStats {
        self.lock().stats
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.lock().closed = true;
        self.history.end(Ok(()));
        Box::pin(ready(Ok(())))
    }
}

// === impl State ===

impl State {
    /// The history is told under the lock, so that changes reach it in order.
    fn commit(&mut self, pending: Pending, history: &History) {
        self.revision = pending.revision();
        self.stats.transactions = self.stats.transactions.saturating_add(1);
        self.stats.flushes = self.stats.flushes.saturating_add(1);
        self.stats.bytes_written = self.stats.bytes_written.saturating_add(pending.bytes());
        self.stats.largest_batch = 1;
        self.stats.largest_batch_bytes = self.stats.largest_batch_bytes.max(pending.bytes());
        let changes = pending.into_changes();
        for Change { revision, key, value } in changes.iter().cloned() {
            match value {
                Some(value) => {
                    let entry = Entry { key: key.clone(), value, revision };
                    self.entries.insert(key, entry);
                }
                None => {
                    self.entries.remove(&key);
                }
            }
        }
        history.publish(changes, self.revision);
    }

    fn range(&self, range: &Range) -> Vec<Entry> {
        if range.is_empty() {
            return Vec::new();
        }
        let end = range.end.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self
            .entries
            .range::<Bytes, _>((Bound::Included(&range.start), end))
            .map(|(_, entry)| entry.clone());
        let limit = range.limit.unwrap_or(usize::MAX);
        match range.order {
            Order::Ascending => entries.take(limit).collect(),
            Order::Descending => entries.rev().take(limit).collect(),
        }
    }
}

impl View for State {
    fn revision_of(&self, key: &[u8]) -> Result<Option<Revision>, StoreError> {
        Ok(self.entries.get(key).map(|entry| entry.revision))
    }

    fn keys_between(&self, start: &[u8], end: &[u8]) -> Result<Vec<Bytes>, StoreError> {
        let range = (Bound::Included(start), Bound::Excluded(end));
        let keys = self.entries.range::<[u8], _>(range);
        Ok(keys.map(|(key, _)| key.clone()).collect())
    }
}
