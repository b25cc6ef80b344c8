//! The limit: a plain append with `fdatasync`, and how the disk feels right now.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::load::Slice;

const PROBES: usize = 15;

/// A file to append to.
pub(crate) struct Disk(File);

/// The median time of a small append with its flush.
#[derive(Clone, Copy)]
pub(crate) struct Probe(Duration);

// === impl Disk ===

impl Disk {
    pub(crate) fn create(path: &Path) -> Self {
        Self(OpenOptions::new().create(true).append(true).open(path).unwrap())
    }

    /// Appends pieces of `bytes` that stand for `records` each.
    pub(crate) fn append(&mut self, bytes: u64, records: f64, time: Duration) -> Slice {
        let piece = vec![7; bytes as usize];
        let mut slice = Slice::default();
        let begin = Instant::now();
        while begin.elapsed() < time {
            slice.latencies.push(self.flush(&piece));
            slice.bytes += bytes;
            slice.flushes += 1;
        }
        slice.records = (records * slice.flushes as f64) as u64;
        slice.time = begin.elapsed();
        slice
    }

    fn flush(&mut self, piece: &[u8]) -> Duration {
        let begin = Instant::now();
        self.0.write_all(piece).unwrap();
        self.0.sync_data().unwrap();
        begin.elapsed()
    }
}

// === impl Probe ===

impl Probe {
    pub(crate) fn take(disk: &mut Disk) -> Self {
        let mut times: Vec<_> = (0..PROBES).map(|_| disk.flush(&[7; 300])).collect();
        times.sort();
        Self(times[PROBES / 2])
    }

    pub(crate) fn within(self, other: Self, factor: f64) -> bool {
        let ratio = self.0.as_secs_f64() / other.0.as_secs_f64();
        ratio < factor && ratio > 1.0 / factor
    }
}
