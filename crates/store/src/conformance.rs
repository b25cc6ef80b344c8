//! What every store promises, as one suite of tests that runs against each of them.
//!
//! A store's tests name a [`Subject`] and expand [`conformance!`](crate::conformance), which makes a
//! test of each case. The cases use only the trait, spawn nothing and wait for nothing but the store.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the suite is made of tests, for which it is the way to fail"
)]

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::{BoxFuture, Change, Entry, Revision, Store, StoreError, Txn, Watch};

pub mod commits;
pub mod leases;
pub mod life;
pub mod reads;
pub mod watches;

/// A kind of store, for the suite.
pub trait Subject {
    /// The store.
    type Store: Store;

    /// An empty store.
    fn open(&self) -> BoxFuture<'_, Self::Store>;

    /// Lets time pass for the leases of the stores that were opened.
    fn advance(&self, by: Duration) -> BoxFuture<'_, ()>;
}

/// Makes a test of each case of the suite. Give it an expression that makes a [`Subject`]; the
/// calling crate needs `tokio` with `macros` and `rt`.
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        $crate::conformance!($subject;
            reads: get_tells_value_and_revision, range_keeps_order_and_bounds,
                range_descends_from_its_end, range_limits_from_where_it_begins,
                an_empty_range_is_empty, reserved_keys_cannot_be_seen;
            commits: each_transaction_takes_one_revision, preconditions_guard_each_kind,
                a_refused_transaction_leaves_nothing, preconditions_see_what_is_queued_before,
                operations_apply_in_order, deleting_what_is_not_there_is_nothing,
                delete_range_removes_old_and_queued, call_order_is_commit_order,
                a_dropped_future_still_commits, large_values_come_back_whole,
                what_is_too_large_is_refused, keys_that_are_reserved_are_refused,
                many_commits_at_once, commits_here_keep_the_order, counters_add_up;
            watches: a_watch_tells_every_change_in_order, a_watch_resumes_without_gap_or_repeat,
                a_watch_tells_one_change_a_key, a_watch_keeps_to_its_prefix,
                a_watch_keeps_up_with_concurrent_commits, a_watch_from_the_future_waits,
                what_a_watch_tells_can_be_read;
            leases: a_lease_has_one_holder, a_stale_holder_is_fenced_off,
                a_lease_ends_with_its_time, a_renewed_lease_goes_on,
                a_released_lease_is_free, fences_only_grow;
            life: a_closed_store_refuses_everything, close_commits_what_is_queued,
                a_watch_ends_with_its_store;
        );
    };
    ($subject:expr; $($group:ident: $($case:ident),+;)+) => {
        $(mod $group {
            use super::*;
            $(#[tokio::test]
            async fn $case() {
                $crate::conformance::$group::$case(&$subject).await;
            })+
        })+
    };
}

/// Puts one value and returns its revision.
async fn put(store: &impl Store, key: &'static str, value: &'static str) -> Revision {
    store.commit(Txn::new().put(key, value)).await.unwrap()
}

/// The value at a key, as text.
async fn text(store: &impl Store, key: &str) -> Option<String> {
    let entry = store.get(key.as_bytes()).await.unwrap();
    entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned())
}

/// The keys of entries, as text.
fn keys(entries: &[Entry]) -> Vec<String> {
    let key = |entry: &Entry| String::from_utf8_lossy(&entry.key).into_owned();
    entries.iter().map(key).collect()
}

/// The next `n` changes.
async fn changes(watch: &mut Watch, n: usize) -> Vec<Change> {
    let mut changes = Vec::new();
    while changes.len() < n {
        changes.push(watch.next().await.unwrap().unwrap());
    }
    changes
}

/// Changes in short: revision, key, value.
fn short(changes: &[Change]) -> Vec<String> {
    let short = |change: &Change| {
        let key = change.key.escape_ascii();
        match &change.value {
            Some(value) => format!("{} {key}={}", change.revision, value.escape_ascii()),
            None => format!("{} {key} gone", change.revision),
        }
    };
    changes.iter().map(short).collect()
}

/// The code of what must have failed.
fn code<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> &'static str {
    outcome.unwrap_err().code()
}

/// Runs two futures at the same time.
async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut from_a, mut from_b) = (None, None);
    std::future::poll_fn(|cx| {
        if from_a.is_none()
            && let Poll::Ready(done) = a.as_mut().poll(cx)
        {
            from_a = Some(done);
        }
        if from_b.is_none()
            && let Poll::Ready(done) = b.as_mut().poll(cx)
        {
            from_b = Some(done);
        }
        if from_a.is_some() && from_b.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (from_a.unwrap(), from_b.unwrap())
}
