//! Checks transactions one after the other against what is durable and what the transactions before
//! them, which wait for the same flush, will have changed. It decides and collects; it writes nothing.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;

use super::Leases;
use crate::{Change, Op, Precondition, Revision, StoreError, Txn};

/// What is already durable.
pub trait View {
    /// The revision that wrote `key`, if it exists.
    fn revision_of(&self, key: &[u8]) -> Result<Option<Revision>, StoreError>;

    /// The keys from `start` up to, and without, `end`, in order.
    fn keys_between(&self, start: &[u8], end: &[u8]) -> Result<Vec<Bytes>, StoreError>;
}

/// The transactions that will share the next flush.
#[derive(Debug)]
pub struct Pending {
    revision: Revision,
    changes: Vec<Change>,
    /// Where in `changes` the last change of a key is.
    latest: BTreeMap<Bytes, usize>,
    bytes: u64,
}

// === impl Pending ===

impl Pending {
    /// Nothing is pending on top of `revision`.
    #[must_use]
    pub fn after(revision: Revision) -> Self {
        Self { revision, changes: Vec::new(), latest: BTreeMap::new(), bytes: 0 }
    }

    /// Checks a transaction and adds its changes, all or none. Returns its revision.
    pub fn apply(
        &mut self,
        txn: Txn,
        view: &impl View,
        leases: &Leases,
        now: Duration,
    ) -> Result<Revision, StoreError> {
        for which in txn.preconditions {
            if !self.holds(&which, view, leases, now)? {
                return Err(StoreError::Precondition { which });
            }
        }
        let revision = self.revision.saturating_add(1);
        let begin = self.changes.len();
        if let Err(error) = self.add(txn.ops, revision, begin, view) {
            self.forget(begin);
            return Err(error);
        }
        self.revision = revision;
        Ok(revision)
    }

    /// Takes a revision without a change, for what must be ordered but is not stored.
    pub fn advance(&mut self) -> Revision {
        self.revision = self.revision.saturating_add(1);
        self.revision
    }

    /// The revision after all that is pending.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The bytes of keys and values that are pending.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is pending, in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the change at this place is the last of its key.
    #[must_use]
    pub fn is_last(&self, at: usize) -> bool {
        self.latest.len() == self.changes.len()
            || self.changes.get(at).is_some_and(|change| self.latest.get(&change.key) == Some(&at))
    }

    /// The changes for writing out; keys and order stay as they are.
    pub fn values_mut(&mut self) -> impl Iterator<Item = (Revision, &mut Option<Bytes>)> {
        let changes = self.changes.iter_mut();
        changes.map(|change| (change.revision, &mut change.value))
    }

    /// Hands over what is pending, in order.
    #[must_use]
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    fn holds(
        &self,
        which: &Precondition,
        view: &impl View,
        leases: &Leases,
        now: Duration,
    ) -> Result<bool, StoreError> {
        Ok(match which {
            Precondition::Absent(key) => self.revision_of(key, view)?.is_none(),
            Precondition::Present(key) => self.revision_of(key, view)?.is_some(),
            Precondition::At(key, revision) => self.revision_of(key, view)? == Some(*revision),
            Precondition::Lease(token) => leases.is_current(token, now),
        })
    }

    fn revision_of(&self, key: &[u8], view: &impl View) -> Result<Option<Revision>, StoreError> {
        match self.pending(key) {
            Some(change) => Ok(change.value.as_ref().map(|_| change.revision)),
            None => view.revision_of(key),
        }
    }

    fn pending(&self, key: &[u8]) -> Option<&Change> {
        self.latest.get(key).and_then(|at| self.changes.get(*at))
    }

    fn add(
        &mut self,
        ops: Vec<Op>,
        revision: Revision,
        begin: usize,
        view: &impl View,
    ) -> Result<(), StoreError> {
        for op in ops {
            match op {
                Op::Put { key, value } => self.push(revision, begin, key, Some(value)),
                Op::Delete { key } => {
                    if self.revision_of(&key, view)?.is_some() {
                        self.push(revision, begin, key, None);
                    }
                }
                Op::DeleteRange { start, end } => {
                    for key in self.keys_between(&start, &end, view)? {
                        self.push(revision, begin, key, None);
                    }
                }
            }
        }
        Ok(())
    }

    fn keys_between(&self, start: &Bytes, end: &Bytes, view: &impl View) -> Result<Vec<Bytes>, StoreError> {
        if start >= end {
            return Ok(Vec::new());
        }
        let mut keys = view.keys_between(start, end)?;
        keys.retain(|key| !self.latest.contains_key(key));
        let range = (Bound::Included(start), Bound::Excluded(end));
        for (key, at) in self.latest.range::<Bytes, _>(range) {
            if self.changes.get(*at).is_some_and(|change| change.value.is_some()) {
                keys.push(key.clone());
            }
        }
        Ok(keys)
    }

    /// A key that the same transaction changed already is changed in place: one change a key.
    fn push(&mut self, revision: Revision, begin: usize, key: Bytes, value: Option<Bytes>) {
        let size = key.len().saturating_add(value.as_ref().map_or(0, Bytes::len));
        self.bytes = self.bytes.saturating_add(size as u64);
        if let Some(at) = self.latest.get(&key).filter(|at| **at >= begin)
            && let Some(change) = self.changes.get_mut(*at)
        {
            change.value = value;
            return;
        }
        self.latest.insert(key.clone(), self.changes.len());
        self.changes.push(Change { revision, key, value });
    }

    /// Takes back a transaction of which a part could not be decided.
    fn forget(&mut self, begin: usize) {
        self.changes.truncate(begin);
        self.latest = self.changes.iter().enumerate().map(|(at, change)| (change.key.clone(), at)).collect();
    }
}
