//! Disks that are full or cannot be written, made for real as small mounts. Without the right to
//! mount, the tests are skipped, and counted as skipped.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the way for a test to fail, and to tell why it did not run"
)]

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use windlass_store::{Class, Clock, Range, Store, StoreError, Txn};
use windlass_store_fjall::{FjallStore, Options};

const MIB: usize = 1024 * 1024;

/// A file system in memory, unmounted when dropped.
struct Disk(TempDir);

// === impl Disk ===

impl Disk {
    fn mount(mib: usize) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let size = format!("size={mib}m");
        let mounted = run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs"], directory.path());
        if !mounted.status.success() {
            let reason = String::from_utf8_lossy(&mounted.stderr);
            let reason = reason.lines().next().unwrap_or_default();
            skip(&format!("cannot mount a small file system here: {reason}"));
            return None;
        }
        Some(Self(directory))
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(run("mount", &["-o", &options], self.0.path()).status.success());
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn fill(&self, left: usize) -> PathBuf {
        let disk = rustix::fs::statvfs(self.0.path()).unwrap();
        let free = usize::try_from(disk.f_bavail * disk.f_frsize).unwrap();
        let ballast = self.0.path().join("ballast");
        std::fs::write(&ballast, vec![1; free.saturating_sub(left)]).unwrap();
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["-l"], self.0.path());
    }
}

/// Says that the test of this thread cannot do its work, so that nobody counts it as passed.
fn skip(why: &str) {
    let test = std::thread::current();
    let name = test.name().unwrap_or("disks");
    println!("SKIPPED: {name}: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{name}: {why}").unwrap();
    }
}

fn run(program: &str, args: &[&str], path: &Path) -> Output {
    Command::new(program).args(args).arg(path).output().unwrap()
}

/// Without a reserve, so that the disk is full in the middle of something.
fn unreserved() -> Options {
    Options { reserve_bytes: 0, memtable_bytes: 4 * MIB as u64, ..Options::default() }
}

/// Commits values until that fails. Returns how many were acknowledged, and the failure.
async fn write_until_full(store: &FjallStore, bytes: usize) -> (usize, StoreError) {
    for n in 0.. {
        let txn = Txn::new().put(format!("k{n:06}"), vec![b'v'; bytes]);
        // It ends the same way on whichever thread.
        let commit = if n % 2 == 0 { store.commit(txn) } else { store.commit_here(txn) };
        if let Err(error) = commit.await {
            return (n, error);
        }
    }
    unreachable!("a disk has an end")
}

fn codes(error: &StoreError) -> Vec<String> {
    let mut codes = vec![error.code().to_owned()];
    let mut source = error.source();
    while let Some(error) = source {
        codes.extend(error.downcast_ref::<StoreError>().map(|error| error.code().to_owned()));
        codes.extend(error.downcast_ref::<std::sync::Arc<StoreError>>().map(|error| error.code().to_owned()));
        source = error.source();
    }
    codes
}

#[tokio::test]
async fn a_disk_that_fills_up_stops_the_store_and_loses_nothing() {
    for bytes in [100_000, 3 * MIB] {
        let Some(disk) = Disk::mount(24) else { return };
        let store = FjallStore::open(disk.store(), unreserved()).unwrap();
        let (acknowledged, error) = write_until_full(&store, bytes).await;
        assert_eq!(codes(&error), ["WL-0406", "WL-0403"], "{error:?}");
        assert_eq!(error.class(), Class::Terminal);
        assert!(acknowledged > 2);
        // Everything is refused from here on, space or not.
        disk.remount("size=200m");
        assert_eq!(store.commit(Txn::new().put("a", "1")).await.unwrap_err().code(), "WL-0406");
        assert_eq!(store.get(b"k000000").await.unwrap_err().code(), "WL-0406");
        assert_eq!(store.watch("k".into(), 0).await.unwrap_err().code(), "WL-0406");
        assert_eq!(store.close().await.unwrap_err().code(), "WL-0406");
        // Opened again, everything acknowledged is there, and the last one wholly or not.
        let store = FjallStore::open(disk.store(), unreserved()).unwrap();
        let entries = store.range(Range::prefix("k")).await.unwrap();
        assert!(entries.len() == acknowledged || entries.len() == acknowledged + 1);
        assert_eq!(store.revision(), entries.len() as u64);
        assert!(entries.iter().all(|entry| entry.value.len() == bytes));
        store.commit(Txn::new().put("a", "1")).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_with_a_reserve_goes_on_when_there_is_space_again() {
    let Some(disk) = Disk::mount(100) else { return };
    // The store asks how much is free only now and then.
    let now = Arc::new(AtomicU64::new(0));
    let clock = Clock::new({
        let now = Arc::clone(&now);
        move || Duration::from_secs(now.load(Ordering::Relaxed))
    });
    let store = FjallStore::open(disk.store(), Options { clock, ..Options::default() }).unwrap();
    store.commit(Txn::new().put("a", "1")).await.unwrap();
    let ballast = disk.fill(40 * MIB);
    now.fetch_add(1, Ordering::Relaxed);
    let error = store.commit(Txn::new().put("a", "2")).await.unwrap_err();
    assert_eq!((error.code(), error.class()), ("WL-0403", Class::Retryable));
    assert_eq!(&store.get(b"a").await.unwrap().unwrap().value[..], b"1");
    std::fs::remove_file(ballast).unwrap();
    store.commit(Txn::new().put("a", "3")).await.unwrap();
    assert_eq!(store.revision(), 2);
}

#[tokio::test]
async fn a_store_is_not_created_on_a_full_disk() {
    // One is created by fjall, the other is a copy.
    let copied = Options { reserve_bytes: 0, ..Options::default() };
    let options = [unreserved(), copied];
    for left in [0, 4096, 16_384, 32_768, 65_536, 262_144] {
        for options in &options {
            let Some(disk) = Disk::mount(2) else { return };
            let ballast = disk.fill(left);
            match FjallStore::open(disk.store(), options.clone()) {
                Ok(store) => drop(store),
                Err(error) => assert_eq!(error.code(), "WL-0403", "{error:?}"),
            }
            std::fs::remove_file(ballast).unwrap();
            let store = FjallStore::open(disk.store(), options.clone()).unwrap();
            store.commit(Txn::new().put("a", "1")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_refused() {
    let Some(disk) = Disk::mount(24) else { return };
    disk.remount("ro");
    let error = FjallStore::open(disk.store(), unreserved()).unwrap_err();
    assert_eq!(error.code(), "WL-0404", "{error:?}");
    disk.remount("rw");
    drop(FjallStore::open(disk.store(), unreserved()).unwrap());
    disk.remount("ro");
    let error = FjallStore::open(disk.store(), unreserved()).unwrap_err();
    assert_eq!(error.code(), "WL-0404", "{error:?}");
}
