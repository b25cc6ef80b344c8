//! The limits: a plain append of the same bytes with `fdatasync`, the same into space that was made ahead, and how the
//! disk feels right now.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

const PROBES: usize = 15;
/// As much as is written before the file is written over: as a log does that was made ahead.
const LENGTH: u64 = 64 << 20;
/// How much the disk may move between two probes.
const STEADY: f64 = 1.5;

/// A file to append to, with its space made ahead.
pub(crate) struct Disk {
    file: File,
    at: u64,
}

/// A file that grows with every append.
pub(crate) struct Plain(File);

/// The median time of a small append with its flush.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe(pub(crate) Duration);

// === impl Disk ===

impl Disk {
    pub(crate) fn create(directory: &Path) -> Self {
        let path = directory.join("raw");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(path).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..LENGTH >> 20 {
            file.write_all(&zeros).unwrap();
        }
        file.sync_all().unwrap();
        Self { file, at: 0 }
    }

    /// Appends and flushes.
    pub(crate) fn append(&mut self, bytes: usize) -> Duration {
        if self.at + bytes as u64 > LENGTH {
            self.at = 0;
        }
        self.file.seek(SeekFrom::Start(self.at)).unwrap();
        self.at += bytes as u64;
        append(&mut self.file, bytes)
    }

    pub(crate) fn probe(&mut self) -> Probe {
        let mut times: Vec<_> = (0..PROBES).map(|_| self.append(300)).collect();
        times.sort();
        Probe(times[PROBES / 2])
    }
}

// === impl Plain ===

impl Plain {
    pub(crate) fn create(directory: &Path) -> Self {
        Self(File::create_new(directory.join("plain")).unwrap())
    }

    /// Appends and flushes.
    pub(crate) fn append(&mut self, bytes: usize) -> Duration {
        append(&mut self.0, bytes)
    }
}

fn append(file: &mut File, bytes: usize) -> Duration {
    let piece = vec![7; bytes];
    let begin = Instant::now();
    file.write_all(&piece).unwrap();
    file.sync_data().unwrap();
    begin.elapsed()
}

// === impl Probe ===

impl Probe {
    pub(crate) fn is_near(self, other: Self) -> bool {
        let ratio = self.0.as_secs_f64() / other.0.as_secs_f64();
        ratio < STEADY && ratio > 1.0 / STEADY
    }
}
