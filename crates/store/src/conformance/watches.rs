//! Watching: every change once, in order, and never before it can be read.

use bytes::Bytes;

use super::{Subject, both, changes, put, short};
use crate::{Change, Store, Txn};

/// A watch tells every change, in order, also deletions.
pub async fn a_watch_tells_every_change_in_order(subject: &impl Subject) {
    let store = subject.open().await;
    let start = store.revision();
    let mut watch = store.watch(Bytes::new(), start).await.unwrap();
    store.commit(Txn::new().put("b", "1").put("a", "1")).await.unwrap();
    store.commit(Txn::new().delete("b")).await.unwrap();
    store.commit(Txn::new()).await.unwrap();
    put(&store, "a", "2").await;
    let told = short(&changes(&mut watch, 4).await);
    let [one, two, four] = [start + 1, start + 2, start + 4];
    assert_eq!(
        told,
        [format!("{one} b=1"), format!("{one} a=1"), format!("{two} b gone"), format!("{four} a=2")]
    );
}

/// A watch from the revision of any change goes on behind it.
pub async fn a_watch_resumes_without_gap_or_repeat(subject: &impl Subject) {
    let store = subject.open().await;
    let start = store.revision();
    for n in 0..20 {
        let txn = Txn::new().put("a", n.to_string()).put("b", n.to_string());
        store.commit(txn).await.unwrap();
    }
    let mut watch = store.watch(Bytes::new(), start).await.unwrap();
    let all = changes(&mut watch, 40).await;
    for from in start..=start + 20 {
        let mut watch = store.watch(Bytes::new(), from).await.unwrap();
        let expected: Vec<Change> = all.iter().filter(|c| c.revision > from).cloned().collect();
        assert_eq!(changes(&mut watch, expected.len()).await, expected);
    }
}

/// A transaction that touches a key more than once is one change of it.
pub async fn a_watch_tells_one_change_a_key(subject: &impl Subject) {
    let store = subject.open().await;
    let start = store.revision();
    let txn = Txn::new().put("a", "1").delete("a").put("a", "2");
    store.commit(txn.put("b", "1")).await.unwrap();
    let mut watch = store.watch(Bytes::new(), start).await.unwrap();
    let told = short(&changes(&mut watch, 2).await);
    let one = start + 1;
    assert_eq!(told, [format!("{one} a=2"), format!("{one} b=1")]);
}

/// A watch tells only what begins with its prefix.
pub async fn a_watch_keeps_to_its_prefix(subject: &impl Subject) {
    let store = subject.open().await;
    let start = store.revision();
    let mut watch = store.watch("runs/".into(), start).await.unwrap();
    for key in ["a", "runs/1", "runs", "runs0", "runs/2"] {
        put(&store, key, "v").await;
    }
    store.commit(Txn::new().delete_range("r", "s")).await.unwrap();
    let told = changes(&mut watch, 4).await;
    let told: Vec<String> = told.iter().map(|c| c.key.escape_ascii().to_string()).collect();
    assert_eq!(told, ["runs/1", "runs/2", "runs/1", "runs/2"]);
}

/// A watch that comes and goes while commits happen misses nothing and repeats nothing.
pub async fn a_watch_keeps_up_with_concurrent_commits(subject: &impl Subject) {
    const TXNS: u64 = 500;
    let store = subject.open().await;
    let start = store.revision();
    let write = async {
        for n in 0..TXNS / 10 {
            let commits: Vec<_> =
                (0..10).map(|m| store.commit(Txn::new().put(format!("k{m}"), n.to_string()))).collect();
            for commit in commits {
                commit.await.unwrap();
            }
        }
    };
    let read = async {
        let mut told = Vec::new();
        let mut from = start;
        while from < start + TXNS {
            let mut watch = store.watch(Bytes::new(), from).await.unwrap();
            let left = usize::try_from(start + TXNS - from).unwrap();
            for change in changes(&mut watch, left.min(7)).await {
                from = change.revision;
                told.push(change.revision);
            }
        }
        told
    };
    let ((), told) = both(write, read).await;
    assert!(told.into_iter().eq(start + 1..=start + TXNS));
}

/// A watch may start from a revision that is not there yet.
pub async fn a_watch_from_the_future_waits(subject: &impl Subject) {
    let store = subject.open().await;
    let start = store.revision();
    let mut watch = store.watch(Bytes::new(), start + 1).await.unwrap();
    put(&store, "a", "1").await;
    put(&store, "a", "2").await;
    let two = start + 2;
    assert_eq!(short(&changes(&mut watch, 1).await), [format!("{two} a=2")]);
}

/// What a watch has told is there for who reads it then.
pub async fn what_a_watch_tells_can_be_read(subject: &impl Subject) {
    let store = subject.open().await;
    let mut watch = store.watch(Bytes::new(), store.revision()).await.unwrap();
    let write = async {
        for n in 0..50 {
            let commit = store.commit(Txn::new().put("a", n.to_string()));
            commit.await.unwrap();
        }
    };
    let read = async {
        for _ in 0..50 {
            let change = watch.next().await.unwrap().unwrap();
            let entry = store.get(b"a").await.unwrap().unwrap();
            assert!(entry.revision >= change.revision);
            assert!(store.revision() >= change.revision);
        }
    };
    both(write, read).await;
}
