//! What a store keeps and what it tells: entries and changes. Plain data, no behaviour.

use bytes::Bytes;

/// The one counter of a store. It grows by one with every committed transaction.
pub type Revision = u64;

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// The revision that wrote this value.
    pub revision: Revision,
}

/// One key that a transaction changed. A transaction yields at most one change a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The transaction that made the change.
    pub revision: Revision,
    /// The key.
    pub key: Bytes,
    /// The new value, or nothing if the key was deleted.
    pub value: Option<Bytes>,
}
