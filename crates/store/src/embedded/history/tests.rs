//! The bounds of the history, and what those who fall out of it are told.

use super::*;

fn change(revision: Revision) -> Change {
    Change { revision, key: format!("k{revision}").into(), value: Some(Bytes::from_static(b"v")) }
}

fn poll(watch: &mut Watch) -> Poll<Option<Result<Change, StoreError>>> {
    watch.poll_next(&mut Context::from_waker(Waker::noop()))
}

fn small() -> History {
    History::new(10, HistoryLimits { changes: 3, bytes: 1000 })
}

#[test]
fn a_watch_starts_after_its_revision() {
    let history = small();
    history.publish([change(11), change(12)], 12);
    let mut watch = history.watch(Bytes::new(), 11).unwrap();
    assert!(matches!(poll(&mut watch), Poll::Ready(Some(Ok(c))) if c.revision == 12));
    assert!(poll(&mut watch).is_pending());
}

#[test]
fn history_before_the_start_is_compacted() {
    let error = small().watch(Bytes::new(), 9).unwrap_err();
    assert!(matches!(error, StoreError::Compacted { oldest: 10 }));
}

#[test]
fn who_falls_behind_is_told() {
    let history = small();
    let mut watch = history.watch(Bytes::new(), 10).unwrap();
    history.publish((11..=14).map(change), 14);
    let told = poll(&mut watch);
    assert!(matches!(told, Poll::Ready(Some(Err(StoreError::Compacted { oldest: 11 })))));
    assert!(matches!(poll(&mut watch), Poll::Ready(None)));
}

#[test]
fn the_ring_is_bounded_by_bytes() {
    let history = History::new(0, HistoryLimits { changes: 100, bytes: 6 });
    history.publish((1..=5).map(change), 5);
    assert!(history.watch(Bytes::new(), 2).is_err());
    assert!(history.watch(Bytes::new(), 3).is_ok());
}

#[test]
fn a_closed_store_ends_a_watch_after_its_last_change() {
    let history = small();
    let mut watch = history.watch(Bytes::new(), 10).unwrap();
    history.publish([change(11)], 11);
    history.end(Ok(()));
    assert!(matches!(poll(&mut watch), Poll::Ready(Some(Ok(_)))));
    assert!(matches!(poll(&mut watch), Poll::Ready(None)));
    assert!(matches!(history.watch(Bytes::new(), 11), Err(StoreError::Closed)));
}
