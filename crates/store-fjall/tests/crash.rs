//! What a process or a machine leaves behind when it dies, at every point, and what the next one
//! finds: everything that was acknowledged, and of the last transaction all or nothing.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the way for a test to fail")]

#[path = "crash/image.rs"]
mod image;

use std::path::Path;

use tempfile::TempDir;
use windlass_store::{Range, Store, StoreError, Txn};
use windlass_store_fjall::{FjallStore, Options};

use self::image::Image;

const TXNS: usize = 5;

fn open(directory: &Path) -> Result<FjallStore, StoreError> {
    FjallStore::open(directory, Options::default())
}

/// The n-th transaction writes two keys and removes one of the transaction before.
fn txn(n: usize) -> Txn {
    let value = format!("value {n} ").repeat(n * 3);
    let txn = Txn::new().put(format!("a{n}"), value.clone()).put(format!("b{n}"), value);
    if n > 0 { txn.delete(format!("b{}", n - 1)) } else { txn }
}

/// Images of the directory after 0, 1, ... transactions, taken while the store is open.
async fn images() -> Vec<Image> {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let mut images = vec![Image::of(directory.path())];
    for n in 0..TXNS {
        // On this thread, on the other: what a crash leaves is the same.
        let commit = if n % 2 == 0 { store.commit_here(txn(n)) } else { store.commit(txn(n)) };
        commit.await.unwrap();
        images.push(Image::of(directory.path()));
    }
    images
}

/// How many transactions an image holds. Fails if one is there in part.
async fn recover(image: &Image) -> usize {
    let directory = TempDir::new().unwrap();
    image.write(directory.path());
    let store = open(directory.path()).unwrap();
    let txns = usize::try_from(store.revision()).unwrap();
    check(&store, txns).await;
    // What was recovered is a store like any other: it goes on, and is found again.
    let revision = store.commit(Txn::new().put("z", "later")).await.unwrap();
    assert_eq!(revision, txns as u64 + 1);
    store.close().await.unwrap();
    let again = open(directory.path()).unwrap();
    assert_eq!(again.revision(), revision);
    again.commit(Txn::new().delete("z")).await.unwrap();
    check(&again, txns).await;
    txns
}

async fn check(store: &FjallStore, txns: usize) {
    let entries = store.range(Range::all()).await.unwrap();
    let found: Vec<(String, u64)> =
        entries.iter().map(|e| (String::from_utf8(e.key.to_vec()).unwrap(), e.revision)).collect();
    let mut expected: Vec<(String, u64)> = (0..txns).map(|n| (format!("a{n}"), n as u64 + 1)).collect();
    if txns > 0 {
        expected.push((format!("b{}", txns - 1), txns as u64));
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn after_every_flush_everything_acknowledged_is_there() {
    for (txns, image) in images().await.iter().enumerate() {
        assert_eq!(recover(image).await, txns);
        assert_eq!(recover(&image.padded(100_000)).await, txns);
    }
}

#[tokio::test]
async fn a_last_batch_torn_at_any_byte_is_whole_or_absent() {
    let images = images().await;
    let (before, after) = (&images[TXNS - 1], &images[TXNS]);
    let last = before.journal().len()..after.journal().len();
    assert!(last.len() > 100);
    for end in last.clone() {
        let torn = after.with_journal(&after.journal()[..end]);
        assert_eq!(recover(&torn).await, TXNS - 1, "torn at byte {end} of {last:?}");
        if end % 16 == 0 {
            assert_eq!(recover(&torn.padded(5_000)).await, TXNS - 1);
        }
    }
}

#[tokio::test]
async fn a_last_batch_with_lost_pages_is_absent() {
    let images = images().await;
    let (before, after) = (&images[TXNS - 1], &images[TXNS]);
    let (start, end) = (before.journal().len(), after.journal().len());
    for page in (start..end - 16).step_by(7) {
        let mut journal = after.journal().to_vec();
        journal[page..page + 16].fill(0);
        let lost = after.with_journal(&journal);
        assert_eq!(recover(&lost).await, TXNS - 1, "16 bytes lost at {page} of {start}..{end}");
    }
}

#[tokio::test]
async fn garbage_behind_the_last_batch_is_ignored() {
    let images = images().await;
    let after = &images[TXNS];
    for seed in 0..=u8::MAX {
        let garbage = (1..200_u8).map(|n| n.wrapping_mul(seed | 1).wrapping_add(seed));
        let mut journal = after.journal().to_vec();
        journal.push(seed);
        journal.extend(garbage);
        assert_eq!(recover(&after.with_journal(&journal)).await, TXNS, "seed {seed}");
    }
}

#[tokio::test]
async fn damage_to_what_was_acknowledged_is_reported_and_nothing_is_touched() {
    let images = images().await;
    let after = &images[TXNS];
    let middle = images[TXNS - 2].journal().len() - 30;
    let mut journal = after.journal().to_vec();
    journal[middle] ^= 0xff;
    let directory = TempDir::new().unwrap();
    after.with_journal(&journal).write(directory.path());
    for _ in 0..2 {
        assert_eq!(open(directory.path()).unwrap_err().code(), "WL-0405");
        assert_eq!(Image::of(directory.path()).journal(), journal);
    }
}

#[tokio::test]
async fn a_crash_while_the_store_is_created_leaves_an_empty_one() {
    let image = &images().await[0];
    for files in 0..image.files().len() {
        let directory = TempDir::new().unwrap();
        image.write_first(files, directory.path());
        std::fs::write(directory.path().join("FORMAT"), "windlass-store 1 creating\n").unwrap();
        let store = open(directory.path()).unwrap();
        assert_eq!(store.revision(), 0);
        store.commit(txn(0)).await.unwrap();
        store.close().await.unwrap();
        assert_eq!(open(directory.path()).unwrap().revision(), 1);
    }
}

#[tokio::test]
async fn a_journal_whose_flush_failed_is_rewritten_before_it_is_used() {
    use std::os::unix::fs::MetadataExt;

    let image = &images().await[TXNS];
    let directory = TempDir::new().unwrap();
    image.write(directory.path());
    let marker = directory.path().join("UNFLUSHED");
    std::fs::write(&marker, "").unwrap();
    let journal = image.journal_path(directory.path());
    let before = std::fs::metadata(&journal).unwrap().ino();
    let store = open(directory.path()).unwrap();
    assert_eq!(store.revision(), TXNS as u64);
    check(&store, TXNS).await;
    assert!(!marker.exists());
    assert_ne!(std::fs::metadata(&journal).unwrap().ino(), before);
}
