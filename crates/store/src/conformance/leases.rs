//! Leases: one holder at a time, and nobody acts on one that is gone.

use std::time::Duration;

use super::{Subject, code, text};
use crate::{Store, Txn};

const TTL: Duration = Duration::from_secs(5);

/// Who holds a lease keeps others out, and only from that one.
pub async fn a_lease_has_one_holder(subject: &impl Subject) {
    let store = subject.open().await;
    let ours = store.lease("shard/1", "us", TTL).await.unwrap();
    assert_eq!(code(store.lease("shard/1", "them", TTL).await), "WL-0413");
    store.lease("shard/2", "them", TTL).await.unwrap();
    let txn = Txn::new().when_leased(ours).put("a", "1");
    store.commit(txn).await.unwrap();
}

/// A token of an earlier tenure is refused with every transaction that shows it.
pub async fn a_stale_holder_is_fenced_off(subject: &impl Subject) {
    let store = subject.open().await;
    let old = store.lease("shard/1", "us", TTL).await.unwrap();
    let new = store.lease("shard/1", "us", TTL).await.unwrap();
    let stale = Txn::new().when_leased(old.clone()).put("a", "stale");
    assert_eq!(code(store.commit(stale).await), "WL-0408");
    assert_eq!(code(store.renew(&old, TTL).await), "WL-0414");
    assert_eq!(code(store.release(&old).await), "WL-0414");
    let current = Txn::new().when_leased(new).put("a", "current");
    store.commit(current).await.unwrap();
    assert_eq!(text(&store, "a").await.as_deref(), Some("current"));
}

/// A lease that nobody renews ends, for its holder as for others.
pub async fn a_lease_ends_with_its_time(subject: &impl Subject) {
    let store = subject.open().await;
    let ours = store.lease("shard/1", "us", TTL).await.unwrap();
    subject.advance(TTL + TTL).await;
    let late = Txn::new().when_leased(ours.clone()).put("a", "late");
    assert_eq!(code(store.commit(late).await), "WL-0408");
    assert_eq!(code(store.renew(&ours, TTL).await), "WL-0414");
    let theirs = store.lease("shard/1", "them", TTL).await.unwrap();
    assert!(theirs.fence > ours.fence);
    assert_eq!(text(&store, "a").await, None);
}

/// A lease that is renewed goes on.
pub async fn a_renewed_lease_goes_on(subject: &impl Subject) {
    let store = subject.open().await;
    let ours = store.lease("shard/1", "us", TTL).await.unwrap();
    for _ in 0..3 {
        subject.advance(TTL / 2).await;
        store.renew(&ours, TTL).await.unwrap();
    }
    let txn = Txn::new().when_leased(ours).put("a", "1");
    store.commit(txn).await.unwrap();
}

/// A lease that was given back is free at once, and its token is void.
pub async fn a_released_lease_is_free(subject: &impl Subject) {
    let store = subject.open().await;
    let ours = store.lease("shard/1", "us", TTL).await.unwrap();
    store.release(&ours).await.unwrap();
    let late = Txn::new().when_leased(ours).put("a", "late");
    assert_eq!(code(store.commit(late).await), "WL-0408");
    store.lease("shard/1", "them", TTL).await.unwrap();
}

/// Each tenure has a larger fencing number than the ones before.
pub async fn fences_only_grow(subject: &impl Subject) {
    let store = subject.open().await;
    let mut last = 0;
    for _ in 0..10 {
        let token = store.lease("shard/1", "us", TTL).await.unwrap();
        assert!(token.fence > last);
        last = token.fence;
        store.release(&token).await.unwrap();
    }
}
