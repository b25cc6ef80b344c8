//! How fast the embedded store commits, beside a plain append of the same bytes with `fdatasync`.
//!
//! `cargo run --release -p windlass-store-fjall --example commit_throughput [DIRECTORY [SECONDS]]`
//!
//! The disk of a small machine is throttled after a burst, so the two are interleaved in short
//! slices, the disk is probed before and after each pair, and pairs in which it moved are dropped.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench, not a tool"
)]

#[path = "commit_throughput/disk.rs"]
mod disk;
#[path = "commit_throughput/load.rs"]
mod load;

use std::time::{Duration, Instant};

use tempfile::TempDir;
use windlass_store::Store;
use windlass_store_fjall::{FjallStore, Options};

use self::disk::{Disk, Probe};
use self::load::{Load, Slice};

const SLICE: Duration = Duration::from_millis(300);
/// How much the disk may move between two probes.
const STEADY: f64 = 1.5;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut args = std::env::args().skip(1);
    let place = args.next().unwrap_or_else(|| ".".to_owned());
    let seconds: u64 = args.next().map_or(4, |text| text.parse().unwrap());
    println!(
        "{:34} {:>9} {:>9} {:>6} {:>9} {:>9} {:>8} {:>8} {:>8} {:>6}",
        "load", "store/s", "limit/s", "ratio", "p50 µs", "lim p50", "txn/fl", "MB/s", "cpu µs", "kept"
    );
    for load in Load::all() {
        report(&place, load, Duration::from_secs(seconds)).await;
    }
}

async fn report(place: &str, load: Load, time: Duration) {
    let directory = TempDir::new_in(place).unwrap();
    let store = FjallStore::open(directory.path().join("store"), Options::default()).unwrap();
    let mut disk = Disk::create(&directory.path().join("raw"));
    let mut writer = load::Writer::default();
    let (mut ours, mut limit) = (Slice::default(), Slice::default());
    let (mut kept, mut pairs) = (0, 0);
    let begin = Instant::now();
    // The first pair warms up: it opens files, grows buffers and starts threads.
    let mut warm = false;
    while begin.elapsed() < time {
        let before = Probe::take(&mut disk);
        let stats = store.stats();
        let mut one = writer.run(&store, load, SLICE).await;
        let after = store.stats();
        one.flushes = after.flushes - stats.flushes;
        one.transactions = after.transactions - stats.transactions;
        let batch = one.bytes / one.flushes.max(1);
        let other = disk.append(batch, one.records as f64 / one.flushes.max(1) as f64, SLICE);
        let steady = Probe::take(&mut disk).within(before, STEADY);
        pairs += 1;
        if warm && steady {
            kept += 1;
            ours.add(one);
            limit.add(other);
        }
        warm = true;
    }
    store.close().await.unwrap();
    let (fast, most) = (ours.rate(), limit.rate());
    println!(
        "{:34} {:>9.0} {:>9.0} {:>6.2} {:>9.0} {:>9.0} {:>8.1} {:>8.1} {:>8.2} {:>6}",
        load.to_string(),
        fast,
        most,
        fast / most,
        ours.median(),
        limit.median(),
        ours.transactions as f64 / ours.flushes.max(1) as f64,
        ours.bytes as f64 / ours.time.as_secs_f64() / 1e6,
        ours.cpu.as_secs_f64() * 1e6 / ours.transactions.max(1) as f64,
        format!("{kept}/{pairs}"),
    );
}
