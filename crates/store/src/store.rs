//! The trait that every store implements, with the promises that its users build on.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::{Entry, LeaseToken, Range, Revision, StoreError, StoreStats, Txn, Watch};

/// A future in a box, so that the trait can be used as an object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An ordered, versioned, durable map of bytes.
///
/// Only what is durable can be seen: nothing that `get`, `range` or `watch` returned is ever lost.
/// Reads happen on the thread that polls them and touch at most a few pages of the disk.
pub trait Store: Send + Sync + Debug + 'static {
    /// The entry at `key`.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Entry>, StoreError>>;

    /// The entries in `range`, all as of one moment.
    fn range(&self, range: Range) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>>;

    /// Commits a transaction.
    ///
    /// It is in the queue when this function returns, so the order of calls is the order of commits,
    /// and dropping the future does not take it back. The future resolves once the transaction is
    /// durable and visible. If it fails with [`StoreError::Stopped`], the transaction is either
    /// wholly there after the store was opened again, or not at all.
    fn commit(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>>;

    /// The same, for a caller whose thread has nothing better to do than to wait for the disk.
    ///
    /// A store may then write on this thread, if nobody else is writing, which spares it two
    /// hand-overs between threads; the future that it returns is already resolved. It blocks for as
    /// long as a flush takes. Everything that is promised of [`Store::commit`] holds.
    fn commit_here(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        self.commit(txn)
    }

    /// Every change to keys that begin with `prefix` whose revision is above `from`, in order,
    /// without gap or repeat.
    ///
    /// Fails with [`StoreError::Compacted`] if the history since `from` is no longer kept, at once
    /// or later, if the watcher falls behind: then read the range again and watch from its revision.
    fn watch(&self, prefix: Bytes, from: Revision) -> BoxFuture<'_, Result<Watch, StoreError>>;

    /// Takes the lease `name` for `ttl`. A holder that takes its own lease again gets a new token,
    /// and the old one is void.
    fn lease(&self, name: &str, holder: &str, ttl: Duration)
    -> BoxFuture<'_, Result<LeaseToken, StoreError>>;

    /// Keeps a lease for `ttl` from now.
    fn renew(&self, token: &LeaseToken, ttl: Duration) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Gives a lease back.
    fn release(&self, token: &LeaseToken) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The last revision that is durable and visible.
    fn revision(&self) -> Revision;

    /// What the store has done since it was opened.
    fn stats(&self) -> StoreStats;

    /// Commits what is queued, flushes and gives everything back. Later calls fail with
    /// [`StoreError::Closed`].
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
