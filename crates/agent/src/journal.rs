//! What outlives the connection: which attempts began, what they printed, how they ended.
//!
//! ```text
//!   <cache>/work/<run>/<start>-<pid>-<n>.journal one per session and run, locked while the session lasts
//!   <cache>/work/<run>/<…>.journal.<…>.order     what another agent tells that one
//!   <cache>/work/<run>/<…>.journal.programs      which programs its attempts run
//!   <cache>/work/<run>/<attempt>.unkept          nothing can be kept of it, and it may be begun all the same
//!   <cache>/work/<run>/<attempt>-<agent>.void    it was looked for and had not begun: it never does
//!   <cache>/work/spare/                          files of a run that is over, for the next one
//!
//!   record:  length u32 │ xxh3 u64 │ body (postcard)
//! ```
//!
//! It is written before acting and never flushed to the disk: it need survive this process, not the
//! machine. What is not found after a crash of the machine is reported as interrupted, never as done.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use windlass_model::id::RunId;
use windlass_wire::{CallOrder, Ended, Lines};
use xxhash_rust::xxh3::xxh3_64;

use crate::cache::{self, Cache};
use crate::hello::{now_ms, own_name};

mod orders;
mod programs;
mod records;
mod spare;
mod sweep;
mod void;

pub(crate) use self::orders::{LOOK_EVERY, Order, Orders, tell};
pub(crate) use self::programs::Left;
use self::programs::Programs;
pub(crate) use self::records::Records;
pub(crate) use self::sweep::{is_swept, sweep};
pub(crate) use self::void::Voids;

/// How much of an attempt's output is kept.
const MOST_OF_AN_ATTEMPT: u64 = 64 << 20;

/// One entry of a journal. Variants are added at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// An attempt is about to begin. `n` is its number in this journal.
    Begun { n: u32, key: String, attempt: u32, plugin: String, at_ms: u64 },
    /// It printed lines; so many before these.
    Printed { n: u32, from: u64, lines: Lines },
    /// It ended.
    Ended { n: u32, ended: Ended },
}

/// The journal of this process for one run.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    programs: Programs,
    is_forgotten: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    next: u32,
    /// Writing failed: what would follow a torn record could not be read.
    broken: bool,
}

/// One attempt's place in a journal.
#[derive(Debug)]
pub(crate) struct Entry {
    journal: Arc<Journal>,
    n: u32,
    printed: Mutex<u64>,
}

// === impl Journal ===

impl Journal {
    pub(crate) fn create(cache: &Cache, run: RunId) -> io::Result<Self> {
        let Some(directory) = cache.run(run) else {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "there is no place to write to"));
        };
        let path = directory.join(format!("{}.journal", own_name()));
        let file = match spare::take(&directory, &path) {
            Some(file) => file,
            None => {
                cache::make_private(&directory)?;
                OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?
            }
        };
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        let programs = Programs::of(&path);
        let state = Mutex::new(State { file, next: 0, broken: false });
        Ok(Self { path, programs, is_forgotten: AtomicBool::new(false), state })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// An attempt is about to begin.
    pub(crate) fn begin(self: &Arc<Self>, order: &CallOrder) -> io::Result<Entry> {
        let mut state = self.state();
        let n = state.next;
        let (key, plugin) = (order.key.clone(), order.plugin.clone());
        state.append(&Record::Begun { n, key, attempt: order.attempt, plugin, at_ms: now_ms() })?;
        state.next = n.saturating_add(1);
        drop(state);
        Ok(Entry { journal: Arc::clone(self), n, printed: Mutex::new(0) })
    }

    /// The run is over: nobody asks for this any more.
    pub(crate) fn forget(&self) {
        self.is_forgotten.store(true, Ordering::Relaxed);
    }

    /// All work that it was for has ended. It is removed if the run is over.
    pub(crate) fn let_go(self: Arc<Self>) {
        let (path, is_forgotten) = (self.path.clone(), self.is_forgotten.load(Ordering::Relaxed));
        drop(self);
        // Not before it is nobody's: whoever tells looks for an owner afterwards, and removes it where there is none.
        if is_forgotten || Orders(&path).take().contains(&Order::Forget) {
            remove(&path);
            path.parent().map(std::fs::remove_dir);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn append(&mut self, record: &Record) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed"));
        }
        let bytes = framed(record)?;
        let written = self.file.write_all(&bytes);
        self.broken = written.is_err();
        written
    }
}

// === impl Entry ===

impl Entry {
    /// Lines were printed, which are given back. What cannot be kept is dropped: the work goes on.
    pub(crate) fn printed(&self, from: u64, lines: Lines) -> Lines {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        if *printed > MOST_OF_AN_ATTEMPT {
            return lines;
        }
        *printed = printed.saturating_add(lines.bytes() as u64);
        let record = Record::Printed { n: self.n, from, lines };
        let _ = self.journal.state().append(&record);
        match record {
            Record::Printed { lines, .. } => lines,
            Record::Begun { .. } | Record::Ended { .. } => Lines::default(),
        }
    }

    /// It runs a program.
    pub(crate) fn began_program(&self, group: u32) {
        self.journal.programs.begun(self.n, group);
    }

    /// It does not wait for that any more.
    pub(crate) fn ended_program(&self, group: u32) {
        self.journal.programs.ended(self.n, group);
    }

    /// It ended. If that cannot be kept, whoever asks later hears that the end is not known.
    pub(crate) fn ended(&self, ended: &Ended) {
        let _ = self.journal.state().append(&Record::Ended { n: self.n, ended: ended.clone() });
    }
}

/// Whether the agent that writes a journal is alive.
pub(crate) fn is_owned(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    // Shared, so that two who look at once do not take each other for the owner.
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

/// Removes what is left of a run, or keeps its empty files for the next one. Agents that are alive are told to remove theirs.
pub(crate) fn forget(directory: &Path) {
    if spare::keep(directory).is_ok() {
        return;
    }
    for path in journals(directory) {
        // Its owner looks for orders after it let go: one of the two sees that the other one is there.
        if !is_owned(&path) || (tell(&path, &Order::Forget).is_ok() && !is_owned(&path)) {
            remove(&path);
        }
    }
    let _ = std::fs::remove_dir(directory);
}

/// What cannot be removed now goes with the rest after some days.
fn remove(journal: &Path) {
    let _ = Orders(journal).take();
    let _ = std::fs::remove_file(programs::beside(journal));
    let _ = std::fs::remove_file(journal);
}

/// The journals in a run's directory, the newest first.
pub(crate) fn journals(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut journals: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "journal")).collect();
    journals.sort();
    journals.reverse();
    journals
}

fn framed(record: &Record) -> io::Result<Vec<u8>> {
    let body = postcard::to_stdvec(record).map_err(io::Error::other)?;
    let len = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(body.len().saturating_add(12));
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}
