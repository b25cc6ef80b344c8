//! Writing: preconditions, order, atomicity, limits.

use bytes::Bytes;

use super::{Subject, code, keys, put, text};
use crate::{MAX_KEY_BYTES, MAX_TXN_BYTES, MAX_VALUE_BYTES, Range, Store, Txn};

const MANY: usize = 10_000;

/// The revision grows by one with every transaction, whatever it does.
pub async fn each_transaction_takes_one_revision(subject: &impl Subject) {
    let store = subject.open().await;
    let start = store.revision();
    let two = Txn::new().put("a", "1").put("b", "2");
    assert_eq!(store.commit(two).await.unwrap(), start + 1);
    assert_eq!(store.commit(Txn::new()).await.unwrap(), start + 2);
    assert_eq!(put(&store, "a", "1").await, start + 3);
    assert_eq!(store.revision(), start + 3);
    let entries = store.range(Range::all()).await.unwrap();
    let revisions: Vec<u64> = entries.iter().map(|entry| entry.revision).collect();
    assert_eq!(revisions, [start + 3, start + 1]);
}

/// Each kind of precondition holds or does not hold as it says.
pub async fn preconditions_guard_each_kind(subject: &impl Subject) {
    let store = subject.open().await;
    let at = put(&store, "a", "1").await;
    for txn in [
        Txn::new().when_absent("a"),
        Txn::new().when_present("b"),
        Txn::new().when_at("a", at + 1),
        Txn::new().when_at("b", at),
        Txn::new().when_at("b", 0),
    ] {
        assert_eq!(code(store.commit(txn.put("a", "no")).await), "WL-0408");
    }
    let holds = Txn::new().when_present("a").when_at("a", at).when_absent("b");
    store.commit(holds.put("a", "2")).await.unwrap();
    assert_eq!(text(&store, "a").await.as_deref(), Some("2"));
}

/// All of a transaction happens, or none.
pub async fn a_refused_transaction_leaves_nothing(subject: &impl Subject) {
    let store = subject.open().await;
    put(&store, "a", "1").await;
    let before = store.revision();
    let txn = Txn::new().when_present("a").when_present("nothing").put("b", "2").delete("a");
    assert_eq!(code(store.commit(txn).await), "WL-0408");
    assert_eq!(store.revision(), before);
    assert_eq!(keys(&store.range(Range::all()).await.unwrap()), ["a"]);
}

/// A transaction sees what the ones that were queued before it will have done.
pub async fn preconditions_see_what_is_queued_before(subject: &impl Subject) {
    let store = subject.open().await;
    let first = store.commit(Txn::new().when_absent("a").put("a", "1"));
    let second = store.commit(Txn::new().when_absent("a").put("a", "2"));
    let third = store.commit(Txn::new().when_present("a").delete("a"));
    let fourth = store.commit(Txn::new().when_absent("a").put("a", "4"));
    let revision = first.await.unwrap();
    assert_eq!(code(second.await), "WL-0408");
    assert_eq!(third.await.unwrap(), revision + 1);
    assert_eq!(fourth.await.unwrap(), revision + 2);
    assert_eq!(text(&store, "a").await.as_deref(), Some("4"));
}

/// The operations of a transaction apply in order; its preconditions look at what was before.
pub async fn operations_apply_in_order(subject: &impl Subject) {
    let store = subject.open().await;
    let txn = Txn::new()
        .when_absent("a")
        .put("a", "1")
        .put("a", "2")
        .put("b", "1")
        .delete("b")
        .put("c1", "1")
        .put("c2", "1")
        .delete_range("c", "d")
        .put("c2", "2");
    store.commit(txn).await.unwrap();
    assert_eq!(keys(&store.range(Range::all()).await.unwrap()), ["a", "c2"]);
    assert_eq!(text(&store, "a").await.as_deref(), Some("2"));
    assert_eq!(text(&store, "c2").await.as_deref(), Some("2"));
}

/// Deleting a key that does not exist succeeds.
pub async fn deleting_what_is_not_there_is_nothing(subject: &impl Subject) {
    let store = subject.open().await;
    let txn = Txn::new().delete("a").delete_range("b", "c");
    let txn = txn.delete_range("z", "a");
    store.commit(txn).await.unwrap();
    assert!(store.range(Range::all()).await.unwrap().is_empty());
}

/// A range is deleted with what is stored in it and what is queued for it, and no more.
pub async fn delete_range_removes_old_and_queued(subject: &impl Subject) {
    let store = subject.open().await;
    let stored = Txn::new().put("a", "1").put("b1", "1").put("b2", "1").put("c", "1");
    store.commit(stored).await.unwrap();
    let queued = store.commit(Txn::new().put("b3", "1").delete("b1"));
    let cleared = store.commit(Txn::new().delete_range("b", "c"));
    let again = store.commit(Txn::new().when_absent("b2").put("b2", "2"));
    for commit in [queued, cleared, again] {
        commit.await.unwrap();
    }
    let left = store.range(Range::all()).await.unwrap();
    assert_eq!(keys(&left), ["a", "b2", "c"]);
}

/// Commits happen in the order of the calls, however their futures are awaited.
pub async fn call_order_is_commit_order(subject: &impl Subject) {
    let store = subject.open().await;
    let commits: Vec<_> = (0..100).map(|n| store.commit(Txn::new().put("a", n.to_string()))).collect();
    let mut revisions = Vec::new();
    for commit in commits.into_iter().rev() {
        revisions.push(commit.await.unwrap());
    }
    assert!(revisions.windows(2).all(|pair| pair[0] == pair[1] + 1));
    assert_eq!(text(&store, "a").await.as_deref(), Some("99"));
}

/// Dropping the future gives up the answer, not the commit.
pub async fn a_dropped_future_still_commits(subject: &impl Subject) {
    let store = subject.open().await;
    drop(store.commit(Txn::new().put("a", "1")));
    put(&store, "b", "2").await;
    assert_eq!(text(&store, "a").await.as_deref(), Some("1"));
}

/// Values of some megabytes are stored whole.
pub async fn large_values_come_back_whole(subject: &impl Subject) {
    let store = subject.open().await;
    let large: Bytes = (0..4 * 1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
    let txn = Txn::new().put("a", large.clone()).put("b", large.clone());
    store.commit(txn).await.unwrap();
    for entry in store.range(Range::all()).await.unwrap() {
        assert!(entry.value == large);
    }
}

/// What is too large is refused, and refuses nothing else.
pub async fn what_is_too_large_is_refused(subject: &impl Subject) {
    let store = subject.open().await;
    let value = Bytes::from(vec![0; MAX_VALUE_BYTES]);
    let long = vec![b'k'; MAX_KEY_BYTES + 1];
    let mut heavy = Txn::new();
    for n in 0..=MAX_TXN_BYTES / MAX_VALUE_BYTES {
        heavy = heavy.put(format!("k{n}"), value.clone());
    }
    for txn in [Txn::new().put(long, "v"), Txn::new().put("a", vec![0; MAX_VALUE_BYTES + 1]), heavy] {
        assert_eq!(code(store.commit(txn).await), "WL-0410");
    }
    put(&store, "a", "1").await;
}

/// Keys that are empty or belong to the store are refused.
pub async fn keys_that_are_reserved_are_refused(subject: &impl Subject) {
    let store = subject.open().await;
    for txn in [
        Txn::new().put("", "v"),
        Txn::new().put("\0revision", "v"),
        Txn::new().delete("\0"),
        Txn::new().when_absent(""),
    ] {
        assert_eq!(code(store.commit(txn).await), "WL-0415");
    }
}

/// Thousands of commits under way at once all happen, each once.
pub async fn many_commits_at_once(subject: &impl Subject) {
    let store = subject.open().await;
    let start = store.revision();
    let commits: Vec<_> =
        (0..MANY).map(|n| store.commit(Txn::new().put(format!("k{n:05}"), n.to_string()))).collect();
    let mut revisions = Vec::new();
    for commit in commits {
        revisions.push(commit.await.unwrap());
    }
    assert!(revisions.iter().copied().eq(start + 1..=start + MANY as u64));
    let entries = store.range(Range::prefix("k")).await.unwrap();
    assert_eq!(entries.len(), MANY);
    assert!(entries.iter().zip(revisions).all(|(e, r)| e.revision == r));
}

/// What is committed on the caller's thread keeps the order of the calls, whoever else commits.
pub async fn commits_here_keep_the_order(subject: &impl Subject) {
    let store = subject.open().await;
    let start = store.revision();
    let mut commits = Vec::new();
    for n in 0..MANY / 4 {
        let txn = || Txn::new().put(format!("k{n:05}"), n.to_string());
        commits.push(if n % 7 < 3 { store.commit(txn()) } else { store.commit_here(txn()) });
    }
    for (at, commit) in commits.into_iter().enumerate() {
        assert_eq!(commit.await.unwrap(), start + at as u64 + 1);
    }
    let refused = store.commit_here(Txn::new().when_absent("k00000").put("a", "1"));
    assert_eq!(code(refused.await), "WL-0408");
    assert_eq!(code(store.commit_here(Txn::new().put("", "v")).await), "WL-0415");
    assert_eq!(store.revision(), start + MANY as u64 / 4);
    store.close().await.unwrap();
    assert_eq!(code(store.commit_here(Txn::new().put("a", "1")).await), "WL-0411");
}

/// The counters tell what happened.
pub async fn counters_add_up(subject: &impl Subject) {
    let store = subject.open().await;
    let before = store.stats();
    put(&store, "a", "12").await;
    let refused = store.commit(Txn::new().when_absent("a").put("a", "3"));
    assert_eq!(code(refused.await), "WL-0408");
    let after = store.stats();
    assert_eq!(after.transactions, before.transactions + 1);
    assert_eq!(after.refused, before.refused + 1);
    assert_eq!(after.flushes, before.flushes + 1);
    assert_eq!(after.bytes_written, before.bytes_written + 3);
    assert!(after.largest_batch >= 1 && after.largest_batch_bytes >= 3);
}
