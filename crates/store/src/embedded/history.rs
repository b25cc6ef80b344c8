//! What changed lately, for watchers. A ring in memory, bounded by number and by bytes, that every
//! watcher reads at its own place; who falls out of it is told so instead of missing something.
//!
//! ```text
//!   publish ──► [ change | change | change ]     a watcher holds a place in the ring,
//!                 ▲ first            ▲ next      not a queue of its own
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::{Change, Revision, StoreError, Watch, WatchSource};

/// How much history is kept.
#[derive(Clone, Copy, Debug)]
pub struct HistoryLimits {
    /// The most changes.
    pub changes: usize,
    /// The most bytes of keys and values.
    pub bytes: usize,
}

/// The recent changes of one store.
#[derive(Clone)]
pub struct History(Arc<Mutex<Ring>>);

struct Ring {
    limits: HistoryLimits,
    changes: VecDeque<Change>,
    bytes: usize,
    /// How many changes were dropped, which is the place of the first one in `changes`.
    first: u64,
    /// The largest revision of which a change was dropped.
    floor: Revision,
    revision: Revision,
    wakers: Vec<Waker>,
    end: Option<Result<(), StoreError>>,
}

struct Follower {
    ring: Arc<Mutex<Ring>>,
    prefix: Bytes,
    from: Revision,
    /// The place of the next change to look at.
    next: u64,
    done: bool,
}

// === impl HistoryLimits ===

impl Default for HistoryLimits {
    /// A watcher that reads ten times a second keeps up with over 600,000 changes a second; the
    /// bytes bound what large values can cost.
    fn default() -> Self {
        Self { changes: 65_536, bytes: 8 * 1024 * 1024 }
    }
}

// === impl History ===

impl History {
    /// No history before `revision`.
    #[must_use]
    pub fn new(revision: Revision, limits: HistoryLimits) -> Self {
        Self(Arc::new(Mutex::new(Ring {
            limits,
            changes: VecDeque::new(),
            bytes: 0,
            first: 0,
            floor: revision,
            revision,
            wakers: Vec::new(),
            end: None,
        })))
    }

    /// Adds durable changes, in order, and the revision after them.
    pub fn publish(&self, changes: impl IntoIterator<Item = Change>, revision: Revision) {
        let wakers = {
            let mut ring = lock(&self.0);
            for change in changes {
                ring.bytes = ring.bytes.saturating_add(size(&change));
                ring.changes.push_back(change);
            }
            ring.revision = revision;
            ring.trim();
            std::mem::take(&mut ring.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends every watch: quietly if the store was closed, with the error if it stopped.
    pub fn end(&self, outcome: Result<(), StoreError>) {
        let wakers = {
            let mut ring = lock(&self.0);
            ring.end.get_or_insert(outcome);
            std::mem::take(&mut ring.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The last published revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        lock(&self.0).revision
    }

    /// Follows the changes to keys with a prefix whose revision is above `from`.
    pub fn watch(&self, prefix: Bytes, from: Revision) -> Result<Watch, StoreError> {
        let ring = lock(&self.0);
        match &ring.end {
            Some(Ok(())) => return Err(StoreError::Closed),
            Some(Err(error)) => return Err(error.clone()),
            None => {}
        }
        if from < ring.floor {
            return Err(StoreError::Compacted { oldest: ring.floor });
        }
        let skipped = ring.changes.partition_point(|change| change.revision <= from);
        Ok(Watch::new(Follower {
            ring: Arc::clone(&self.0),
            prefix,
            from,
            next: ring.first.saturating_add(skipped as u64),
            done: false,
        }))
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = lock(&self.0);
        f.debug_struct("History")
            .field("revision", &ring.revision)
            .field("floor", &ring.floor)
            .field("changes", &ring.changes.len())
            .finish_non_exhaustive()
    }
}

// === impl Ring ===

impl Ring {
    fn trim(&mut self) {
        while self.changes.len() > self.limits.changes || self.bytes > self.limits.bytes {
            let Some(change) = self.changes.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(size(&change));
            self.first = self.first.saturating_add(1);
            self.floor = change.revision;
        }
    }
}

// === impl Follower ===

impl WatchSource for Follower {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Change, StoreError>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let mut ring = lock(&self.ring);
        if self.next < ring.first {
            self.done = true;
            return Poll::Ready(Some(Err(StoreError::Compacted { oldest: ring.floor })));
        }
        let skip = usize::try_from(self.next.saturating_sub(ring.first)).unwrap_or(usize::MAX);
        for change in ring.changes.iter().skip(skip) {
            self.next = self.next.saturating_add(1);
            if change.revision > self.from && change.key.starts_with(&self.prefix) {
                return Poll::Ready(Some(Ok(change.clone())));
            }
        }
        if let Some(end) = &ring.end {
            self.done = true;
            return Poll::Ready(end.clone().err().map(Err));
        }
        if !ring.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            ring.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// A panic cannot leave the ring half changed, so a poisoned lock is as good as a sound one.
fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

fn size(change: &Change) -> usize {
    change.key.len().saturating_add(change.value.as_ref().map_or(0, Bytes::len))
}

#[cfg(test)]
mod tests;
