//! Reading: single keys and ordered ranges.

use super::{Subject, keys, put, text};
use crate::{Range, Store, Txn};

async fn alphabet(subject: &impl Subject) -> impl Store {
    let store = subject.open().await;
    for key in ["c", "a", "b/2", "b/1", "d", "b\u{7f}"] {
        put(&store, key, "v").await;
    }
    store
}

/// A get tells the value and the revision that wrote it.
pub async fn get_tells_value_and_revision(subject: &impl Subject) {
    let store = subject.open().await;
    assert!(store.get(b"a").await.unwrap().is_none());
    let first = put(&store, "a", "1").await;
    put(&store, "b", "x").await;
    let entry = store.get(b"a").await.unwrap().unwrap();
    assert_eq!((&entry.key[..], &entry.value[..]), (&b"a"[..], &b"1"[..]));
    assert_eq!(entry.revision, first);
    let second = put(&store, "a", "").await;
    let entry = store.get(b"a").await.unwrap().unwrap();
    assert_eq!((entry.value.len(), entry.revision), (0, second));
    assert!(second > first);
}

/// A range starts at its start, ends before its end and is in order.
pub async fn range_keeps_order_and_bounds(subject: &impl Subject) {
    let store = alphabet(subject).await;
    let all = store.range(Range::all()).await.unwrap();
    assert_eq!(keys(&all), ["a", "b/1", "b/2", "b\u{7f}", "c", "d"]);
    let some = store.range(Range::between("b/1", "c")).await.unwrap();
    assert_eq!(keys(&some), ["b/1", "b/2", "b\u{7f}"]);
    let prefixed = store.range(Range::prefix("b/")).await.unwrap();
    assert_eq!(keys(&prefixed), ["b/1", "b/2"]);
}

/// A descending range begins at its end.
pub async fn range_descends_from_its_end(subject: &impl Subject) {
    let store = alphabet(subject).await;
    let all = store.range(Range::all().descending()).await.unwrap();
    assert_eq!(keys(&all), ["d", "c", "b\u{7f}", "b/2", "b/1", "a"]);
    let some = Range::between("a", "b/2").descending();
    assert_eq!(keys(&store.range(some).await.unwrap()), ["b/1", "a"]);
}

/// The limit counts from where the range begins.
pub async fn range_limits_from_where_it_begins(subject: &impl Subject) {
    let store = alphabet(subject).await;
    let first = store.range(Range::all().limit(2)).await.unwrap();
    assert_eq!(keys(&first), ["a", "b/1"]);
    let last = store.range(Range::prefix("b").descending().limit(1)).await;
    assert_eq!(keys(&last.unwrap()), ["b\u{7f}"]);
}

/// A range without room, or without keys, is empty.
pub async fn an_empty_range_is_empty(subject: &impl Subject) {
    let store = alphabet(subject).await;
    for range in [
        Range::between("d", "a"),
        Range::between("c", "c"),
        Range::prefix("x"),
        Range::all().limit(0),
        Range::between("", ""),
    ] {
        assert_eq!(keys(&store.range(range).await.unwrap()), [""; 0]);
    }
}

/// What a store keeps for itself is in no range and at no key.
pub async fn reserved_keys_cannot_be_seen(subject: &impl Subject) {
    let store = subject.open().await;
    put(&store, "a", "1").await;
    let reserved = store.range(Range::between("", "\u{1}")).await.unwrap();
    assert!(reserved.is_empty());
    assert!(store.get(b"\0revision").await.unwrap().is_none());
    assert!(store.get(b"").await.unwrap().is_none());
    let clear = Txn::new().delete_range("", "\u{ff}");
    let revision = store.commit(clear).await.unwrap();
    assert_eq!(text(&store, "a").await, None);
    assert_eq!(store.revision(), revision);
}
