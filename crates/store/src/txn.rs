//! Transactions: what must hold, and what to do then. Plain data with small builder methods and the
//! limits that every store keeps, so that what one accepts the next accepts too.

use std::fmt;

use bytes::Bytes;

use crate::{LeaseToken, Revision, StoreError};

/// The longest key.
pub const MAX_KEY_BYTES: usize = 4 * 1024;
/// The largest value.
pub const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;
/// The most bytes of keys and values in one transaction.
pub const MAX_TXN_BYTES: usize = 64 * 1024 * 1024;

/// Something that must hold for a transaction to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The key does not exist.
    Absent(Bytes),
    /// The key exists and was last written at this revision.
    At(Bytes, Revision),
    /// The key exists.
    Present(Bytes),
    /// The lease is still held with this token.
    Lease(LeaseToken),
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Writes a value.
    Put {
        /// The key.
        key: Bytes,
        /// Its new value.
        value: Bytes,
    },
    /// Removes a key; nothing happens if there is none.
    Delete {
        /// The key.
        key: Bytes,
    },
    /// Removes every key from `start` up to, and without, `end`.
    DeleteRange {
        /// The first key to go.
        start: Bytes,
        /// The first key to stay.
        end: Bytes,
    },
}

/// All of it happens at one revision, or none of it.
///
/// The preconditions look at the state before the transaction; the operations apply in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    /// What must hold.
    pub preconditions: Vec<Precondition>,
    /// What to do.
    pub ops: Vec<Op>,
}

// === impl Txn ===

impl Txn {
    /// A transaction that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a precondition.
    #[must_use]
    pub fn when(mut self, precondition: Precondition) -> Self {
        self.preconditions.push(precondition);
        self
    }

    /// Only if `key` does not exist.
    #[must_use]
    pub fn when_absent(self, key: impl Into<Bytes>) -> Self {
        self.when(Precondition::Absent(key.into()))
    }

    /// Only if `key` exists.
    #[must_use]
    pub fn when_present(self, key: impl Into<Bytes>) -> Self {
        self.when(Precondition::Present(key.into()))
    }

    /// Only if `key` was last written at `revision`.
    #[must_use]
    pub fn when_at(self, key: impl Into<Bytes>, revision: Revision) -> Self {
        self.when(Precondition::At(key.into(), revision))
    }

    /// Only while the lease is held with `token`.
    #[must_use]
    pub fn when_leased(self, token: LeaseToken) -> Self {
        self.when(Precondition::Lease(token))
    }

    /// Writes `value` at `key`.
    #[must_use]
    pub fn put(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.ops.push(Op::Put { key: key.into(), value: value.into() });
        self
    }

    /// Removes `key`.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Bytes>) -> Self {
        self.ops.push(Op::Delete { key: key.into() });
        self
    }

    /// Removes the keys from `start` up to, and without, `end`.
    #[must_use]
    pub fn delete_range(mut self, start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        self.ops.push(Op::DeleteRange { start: start.into(), end: end.into() });
        self
    }

    /// The bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ops.iter().map(Op::bytes).fold(0, usize::saturating_add)
    }

    /// Refuses what no store takes: keys that are empty, reserved or too long, values and
    /// transactions that are too large.
    pub fn validate(&self) -> Result<(), StoreError> {
        for precondition in &self.preconditions {
            match precondition {
                Precondition::Absent(key) | Precondition::At(key, _) | Precondition::Present(key) => {
                    validate_key(key)?;
                }
                Precondition::Lease(_) => {}
            }
        }
        for op in &self.ops {
            match op {
                Op::Put { key, value } => {
                    validate_key(key)?;
                    within("value", value.len(), MAX_VALUE_BYTES)?;
                }
                Op::Delete { key } => validate_key(key)?,
                Op::DeleteRange { start, end } => {
                    within("key", start.len(), MAX_KEY_BYTES)?;
                    within("key", end.len(), MAX_KEY_BYTES)?;
                }
            }
        }
        within("transaction", self.bytes(), MAX_TXN_BYTES)
    }
}

// === impl Op ===

impl Op {
    fn bytes(&self) -> usize {
        match self {
            Self::Put { key, value } => key.len().saturating_add(value.len()),
            Self::Delete { key } => key.len(),
            Self::DeleteRange { start, end } => start.len().saturating_add(end.len()),
        }
    }
}

// === impl Precondition ===

impl fmt::Display for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(key) => write!(f, "`{}` is absent", key.escape_ascii()),
            Self::At(key, revision) => {
                write!(f, "`{}` is at revision {revision}", key.escape_ascii())
            }
            Self::Present(key) => write!(f, "`{}` is present", key.escape_ascii()),
            Self::Lease(token) => write!(f, "lease {token} is held"),
        }
    }
}

/// Keys that begin with NUL belong to the stores themselves.
fn validate_key(key: &[u8]) -> Result<(), StoreError> {
    match key.first() {
        None => Err(StoreError::BadKey { why: "it is empty" }),
        Some(0) => Err(StoreError::BadKey { why: "it begins with a zero byte, which is reserved" }),
        Some(_) => within("key", key.len(), MAX_KEY_BYTES),
    }
}

fn within(what: &'static str, size: usize, limit: usize) -> Result<(), StoreError> {
    if size > limit {
        return Err(StoreError::TooLarge { what, size, limit });
    }
    Ok(())
}
