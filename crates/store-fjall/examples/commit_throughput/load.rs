//! What is committed, and what came of it.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use windlass_store::{Store, Txn};
use windlass_store_fjall::FjallStore;

/// A way to use the store.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// One transaction at a time with so many values of so many bytes.
    Single { values: usize, bytes: usize },
    /// So many transactions of 300 bytes under way at any time, each from a task of its own.
    Many { runs: usize },
}

/// What happened in some time.
#[derive(Default)]
pub(crate) struct Slice {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) transactions: u64,
    pub(crate) flushes: u64,
    pub(crate) time: Duration,
    pub(crate) cpu: Duration,
    pub(crate) latencies: Vec<Duration>,
}

/// Makes keys that grow, as logs do.
#[derive(Default)]
pub(crate) struct Writer {
    next: u64,
}

const SMALL: usize = 300;
const VALUE: &[u8] = &[7; 1024 * 1024];

// === impl Load ===

impl Load {
    pub(crate) fn all() -> Vec<Self> {
        let single = |values, bytes| Self::Single { values, bytes };
        let mut all = vec![single(1, SMALL), single(16, SMALL), single(256, SMALL), single(4096, SMALL)];
        for (values, kib) in [(1, 1), (64, 1), (16, 4), (1, 64), (16, 16), (1, 256), (8, 256)] {
            all.push(single(values, kib * 1024));
        }
        all.extend([1, 16, 256, 4096].map(|runs| Self::Many { runs }));
        all
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single { values, bytes } => write!(f, "1 txn of {values} x {bytes} B a flush"),
            Self::Many { runs } => write!(f, "{runs} runs, txns of {SMALL} B"),
        }
    }
}

// === impl Writer ===

impl Writer {
    pub(crate) async fn run(&mut self, store: &FjallStore, load: Load, time: Duration) -> Slice {
        let mut slice = Slice::default();
        let (begin, cpu) = (Instant::now(), cpu());
        match load {
            Load::Single { values, bytes } => {
                while begin.elapsed() < time {
                    let txn = self.txn(values, bytes);
                    slice.bytes += txn.bytes() as u64;
                    slice.records += values as u64;
                    let start = Instant::now();
                    store.commit(txn).await.unwrap();
                    slice.latencies.push(start.elapsed());
                }
            }
            Load::Many { runs } => {
                let mut under_way = VecDeque::new();
                while begin.elapsed() < time || !under_way.is_empty() {
                    while under_way.len() < runs && begin.elapsed() < time {
                        let txn = self.txn(1, SMALL);
                        slice.bytes += txn.bytes() as u64;
                        slice.records += 1;
                        under_way.push_back((Instant::now(), store.commit(txn)));
                    }
                    if let Some((start, commit)) = under_way.pop_front() {
                        commit.await.unwrap();
                        slice.latencies.push(start.elapsed());
                    }
                }
            }
        }
        slice.time = begin.elapsed();
        slice.cpu = self::cpu().saturating_sub(cpu);
        slice
    }

    fn txn(&mut self, values: usize, bytes: usize) -> Txn {
        (0..values).fold(Txn::new(), |txn, _| {
            self.next += 1;
            let key = format!("log/{:04}/{:012}", self.next % 64, self.next);
            let value = bytes.saturating_sub(if bytes == SMALL { key.len() } else { 0 });
            txn.put(key, Bytes::from_static(&VALUE[..value]))
        })
    }
}

// === impl Slice ===

impl Slice {
    pub(crate) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.transactions += other.transactions;
        self.flushes += other.flushes;
        self.time += other.time;
        self.cpu += other.cpu;
        self.latencies.extend(other.latencies);
    }

    /// Records a second.
    pub(crate) fn rate(&self) -> f64 {
        self.records as f64 / self.time.as_secs_f64()
    }

    /// The median latency in microseconds.
    pub(crate) fn median(&mut self) -> f64 {
        self.latencies.sort();
        let middle = self.latencies.get(self.latencies.len() / 2);
        middle.map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    }
}

/// The processor time of all threads.
fn cpu() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = threads.map(|thread| {
        let stat = std::fs::read_to_string(thread.unwrap().path().join("schedstat"));
        let stat = stat.unwrap_or_default();
        stat.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0_u64)
    });
    Duration::from_nanos(nanos.sum())
}
