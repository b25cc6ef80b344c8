//! The store on disk against the store in memory: the same operations give the same answers, also
//! when the one on disk is closed or killed and opened again in between.

#![expect(clippy::unwrap_used, reason = "the way for a test to fail")]

use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::Builder;
use windlass_store::memory::MemoryStore;
use windlass_store::{Order, Precondition, Range, Store, Txn};
use windlass_store_fjall::{FjallStore, Options};

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Guard>, Vec<Write>),
    Read(u8, u8, Option<usize>, Order),
    Reopen,
}

#[derive(Clone, Debug)]
enum Guard {
    Absent(u8),
    Present(u8),
    /// At the revision that the key has, plus this.
    At(u8, u64),
}

#[derive(Clone, Debug)]
enum Write {
    Put(u8, u16),
    Delete(u8),
    DeleteRange(u8, u8),
}

fn key(n: u8) -> Vec<u8> {
    format!("key/{n:02}").into_bytes()
}

fn any_key() -> impl Strategy<Value = u8> {
    0..12_u8
}

fn guard() -> impl Strategy<Value = Guard> {
    prop_oneof![
        any_key().prop_map(Guard::Absent),
        any_key().prop_map(Guard::Present),
        (any_key(), prop_oneof![4 => Just(0), 1 => Just(1)]).prop_map(|(key, off)| Guard::At(key, off)),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        6 => (any_key(), 0..2000_u16).prop_map(|(key, size)| Write::Put(key, size)),
        2 => any_key().prop_map(Write::Delete),
        1 => (any_key(), any_key()).prop_map(|(start, end)| Write::DeleteRange(start, end)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    prop_oneof![
        12 => (prop::collection::vec(guard(), 0..2), prop::collection::vec(write(), 0..5))
            .prop_map(|(guards, writes)| Step::Commit(guards, writes)),
        3 => (any_key(), any_key(), prop::option::of(0..8_usize), order)
            .prop_map(|(start, end, limit, order)| Step::Read(start, end, limit, order)),
        1 => Just(Step::Reopen),
    ]
}

async fn txn(model: &MemoryStore, guards: &[Guard], writes: &[Write]) -> Txn {
    let mut txn = Txn::new();
    for guard in guards {
        txn = txn.when(match guard {
            Guard::Absent(n) => Precondition::Absent(key(*n).into()),
            Guard::Present(n) => Precondition::Present(key(*n).into()),
            Guard::At(n, off) => {
                let entry = model.get(&key(*n)).await.unwrap();
                Precondition::At(key(*n).into(), entry.map_or(0, |entry| entry.revision) + off)
            }
        });
    }
    writes.iter().fold(txn, |txn, write| match write {
        Write::Put(n, size) => txn.put(key(*n), vec![*n; usize::from(*size)]),
        Write::Delete(n) => txn.delete(key(*n)),
        Write::DeleteRange(start, end) => txn.delete_range(key(*start), key(*end)),
    })
}

async fn run(steps: Vec<Step>) {
    let directory = TempDir::new().unwrap();
    let options = || Options { memtable_bytes: 16 * 1024, ..Options::default() };
    let model = MemoryStore::new();
    let mut store = FjallStore::open(directory.path(), options()).unwrap();
    // Commits are awaited late, so that many share a flush.
    let mut under_way = Vec::new();
    for step in steps {
        if let Step::Commit(guards, writes) = step {
            let txn = txn(&model, &guards, &writes).await;
            let expected = model.commit(txn.clone()).await;
            under_way.push((store.commit(txn), expected));
            continue;
        }
        for (commit, expected) in under_way.drain(..) {
            assert_eq!(commit.await.map_err(|e| e.to_string()), expected.map_err(|e| e.to_string()));
        }
        match step {
            Step::Read(start, end, limit, order) => {
                let range = Range { limit, order, ..Range::between(key(start), key(end)) };
                assert_eq!(store.range(range.clone()).await.unwrap(), model.range(range).await.unwrap());
            }
            _ => {
                store.close().await.unwrap();
                store = FjallStore::open(directory.path(), options()).unwrap();
            }
        }
    }
    drop(under_way);
    store.close().await.unwrap();
    let store = FjallStore::open(directory.path(), options()).unwrap();
    assert_eq!(store.revision(), model.revision());
    assert_eq!(store.range(Range::all()).await.unwrap(), model.range(Range::all()).await.unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn disk_and_memory_agree(steps in prop::collection::vec(step(), 1..120)) {
        Builder::new_current_thread().build().unwrap().block_on(run(steps));
    }
}
