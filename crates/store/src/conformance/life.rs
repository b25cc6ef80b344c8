//! The end of a store.

use std::time::Duration;

use bytes::Bytes;

use super::{Subject, changes, code, put};
use crate::{Range, Store, Txn};

/// After close everything fails with the same error.
pub async fn a_closed_store_refuses_everything(subject: &impl Subject) {
    let store = subject.open().await;
    put(&store, "a", "1").await;
    let token = store.lease("l", "us", Duration::from_secs(5)).await.unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let ttl = Duration::from_secs(5);
    assert_eq!(code(store.get(b"a").await), "WL-0411");
    assert_eq!(code(store.range(Range::all()).await), "WL-0411");
    assert_eq!(code(store.commit(Txn::new()).await), "WL-0411");
    assert_eq!(code(store.watch(Bytes::new(), 0).await), "WL-0411");
    assert_eq!(code(store.lease("l", "us", ttl).await), "WL-0411");
    assert_eq!(code(store.renew(&token, ttl).await), "WL-0411");
    assert_eq!(code(store.release(&token).await), "WL-0411");
}

/// What was queued before close is committed.
pub async fn close_commits_what_is_queued(subject: &impl Subject) {
    let store = subject.open().await;
    let commits: Vec<_> = (0..100).map(|n| store.commit(Txn::new().put(format!("k{n}"), "v"))).collect();
    store.close().await.unwrap();
    for commit in commits {
        commit.await.unwrap();
    }
}

/// A watch tells what happened before close, and then ends.
pub async fn a_watch_ends_with_its_store(subject: &impl Subject) {
    let store = subject.open().await;
    let mut watch = store.watch(Bytes::new(), store.revision()).await.unwrap();
    put(&store, "a", "1").await;
    store.close().await.unwrap();
    assert_eq!(changes(&mut watch, 1).await.len(), 1);
    assert!(watch.next().await.is_none());
}
