//! Keeps records: whoever has one appends it in memory, and one thread writes whatever is there.
//!
//! ```text
//!   attempts ── append ──▶ pending, by file ──▶ the thread: one write a file, then the next round
//!                 ▲                                │
//!                 └── room, while much is pending ◀┘
//! ```
//!
//! So a line that comes alone is in its file at once, and many share a write, without a timer. A process that is
//! killed loses what it appended within the last such round, and nothing that [`Writer::flush`] waited for.
//!
//! A program that prints a lot fills whole sheets of records. They stand in several files and once in memory, which goes
//! around between those who fill it and the thread: memory that comes from the system each time costs more than what is put
//! into it.
//!
//! Files belong to the logs of runs; it must not know what stands in records, beside where one ends.

mod files;
mod pages;
mod quiet;

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use memchr::memchr_iter;
use tokio::sync::Notify;
use windlass_model::time::Time;

use self::files::Files;
use self::pages::{Pages, Spare};

/// How much may be pending before those who wait for [`Writer::room`] do wait.
const ROOM: usize = 4 << 20;
/// How much may be pending at all: whoever prints more without waiting for room is held up until it is written, and
/// what comes from those who are never held up is dropped.
const MOST: usize = 256 << 20;
/// From how many bytes on records are worth a sheet of their own in all files that they stand in.
const SHEET: usize = 4 << 10;
/// About how much it takes to keep records for one file beside the records.
const FILE: usize = 256;

/// Writes the logs of all runs of a process. Ends, with all that is pending written, when it is dropped.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A file, and the first line that it has. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Book {
    path: Arc<Path>,
    header: Arc<[u8]>,
    /// The directory of the run that it belongs to.
    run: Arc<Path>,
    /// Whether it has the lines of a node alone, which stand in the file of the run, too.
    is_of_node: bool,
}

/// A path as the key of a table. It is asked for with every record, and comparing paths part by part takes longer than
/// writing one.
#[derive(Clone, Debug)]
struct Key(Arc<Path>);

/// What could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How many records.
    pub lines: u64,
    /// Of how many bytes.
    pub bytes: u64,
    /// Why.
    pub why: String,
}

struct Shared {
    state: Mutex<State>,
    filled: Condvar,
    drained: Condvar,
    has_room: Notify,
    written: Notify,
    has_begun: AtomicBool,
    /// What was lost of runs, by their directories.
    losses: Mutex<BTreeMap<PathBuf, Lost>>,
    /// See [`MOST`].
    most: usize,
    /// How many files are kept open.
    open: usize,
    /// How many bytes are held of nodes where nothing was printed.
    held: usize,
    clock: Box<dyn Fn() -> Time + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    pending: HashMap<Key, Pending>,
    bytes: usize,
    /// How many rounds have begun, and how many are done.
    begun: u64,
    done: u64,
    closing: bool,
    /// The directories of runs of which nothing more comes.
    forgotten: Vec<Arc<Path>>,
    /// Memory of records that were written, for those that come.
    spare: Spare,
}

/// Records for one file.
#[derive(Debug)]
struct Pending {
    book: Book,
    pages: Pages,
    /// Whether something of it was printed.
    is_printed: bool,
}

// === impl Writer ===

impl Writer {
    /// A writer with the clock for what it says itself. Its thread begins with the first record.
    pub fn new(clock: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self::with_most(MOST, Files::may_be_open(), quiet::MOST, clock)
    }

    fn with_most(
        most: usize,
        open: usize,
        held: usize,
        clock: impl Fn() -> Time + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            filled: Condvar::new(),
            drained: Condvar::new(),
            has_room: Notify::new(),
            written: Notify::new(),
            has_begun: AtomicBool::new(false),
            losses: Mutex::default(),
            most,
            open,
            held,
            clock: Box::new(clock),
        };
        Self { shared: Arc::new(shared), thread: Mutex::default() }
    }

    /// Appends records that were printed, each with the end of its line, to each of these files. Whoever has far too many is
    /// held up.
    pub fn append<'a>(&self, books: impl IntoIterator<Item = &'a Book>, records: &[u8]) {
        let mut state = self.unless_far_too_much();
        books.into_iter().for_each(|book| state.append(book, records, true));
        drop(state);
        self.shared.filled.notify_one();
    }

    /// The same with records that fill a [`Writer::sheet`], or a part of one, which is empty afterwards.
    pub fn append_sheet<'a>(&self, books: impl IntoIterator<Item = &'a Book>, sheet: &mut Vec<u8>) {
        if sheet.len() < SHEET {
            self.append(books, sheet);
            return sheet.clear();
        }
        let mut state = self.unless_far_too_much();
        let fresh = state.spare.take();
        let full = Arc::new(std::mem::replace(sheet, fresh));
        state.bytes = state.bytes.saturating_add(full.len());
        books.into_iter().for_each(|book| state.append_sheet(book, &full));
        drop(state);
        self.shared.filled.notify_one();
    }

    /// Memory for so many bytes of records, which was used before where there is some.
    #[must_use]
    pub fn sheet(&self, bytes: usize) -> Vec<u8> {
        if bytes < SHEET { Vec::with_capacity(bytes) } else { self.shared.state().spare.take() }
    }

    fn unless_far_too_much(&self) -> MutexGuard<'_, State> {
        self.begin();
        let mut state = self.shared.state();
        while state.bytes >= self.shared.most && !state.closing {
            state = self.shared.drained.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Appends records of what happened without ever being held up, for those who look for [`Writer::room`] at other times.
    /// What comes while far too much is pending is dropped. Of a node where nothing was printed it stands in the file of the run
    /// alone.
    pub fn append_at_once<'a>(&self, records: impl IntoIterator<Item = (&'a Book, &'a [u8])>) {
        self.begin();
        let mut state = self.shared.state();
        for (book, records) in records {
            if state.bytes < self.shared.most {
                state.append(book, records, false);
            } else {
                self.shared.lose(&book.run, Lost::of(records, "writing is far behind".to_owned()));
            }
        }
        drop(state);
        self.shared.filled.notify_one();
    }

    /// Nothing more comes of the run whose logs are in a directory, or not from here.
    pub fn forget(&self, run: &Arc<Path>) {
        if self.shared.has_begun.load(Ordering::Acquire) {
            self.shared.state().forgotten.push(Arc::clone(run));
        }
    }

    /// What could not be written of a run since the process began.
    #[must_use]
    pub fn lost(&self, run: &Path) -> Option<Lost> {
        self.shared.losses.lock().unwrap_or_else(PoisonError::into_inner).get(run).cloned()
    }

    /// Waits until not much is pending.
    pub async fn room(&self) {
        loop {
            let has_room = self.shared.has_room.notified();
            if self.has_room() {
                return;
            }
            has_room.await;
        }
    }

    /// Whether not much is pending.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shared.state().bytes < ROOM
    }

    /// Waits until more has been written than in so many rounds, 0 at first, and says in how many it was. Whoever follows
    /// a file of this process learns so when to look.
    pub async fn written(&self, rounds: u64) -> u64 {
        loop {
            let written = self.shared.written.notified();
            let done = self.shared.state().done;
            if done > rounds {
                return done;
            }
            written.await;
        }
    }

    /// Waits until everything that was appended before is in its file. Blocks.
    pub fn flush(&self) {
        if !self.shared.has_begun.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.shared.state();
        let round = if state.pending.is_empty() { state.begun } else { state.begun.saturating_add(1) };
        while state.done < round {
            state = self.shared.drained.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn begin(&self) {
        if self.shared.has_begun.load(Ordering::Acquire) {
            return;
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        match std::thread::Builder::new().name("logs".to_owned()).spawn(move || shared.write()) {
            Ok(handle) => *thread = Some(handle),
            Err(error) => {
                tracing::error!(%error, "no thread can be started, and output of plugins is dropped");
                self.shared.state().closing = true;
            }
        }
        self.shared.has_begun.store(true, Ordering::Release);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.state().closing = true;
        self.shared.filled.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes logs panicked");
        }
    }
}

// === impl Shared ===

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, run: &Path, lost: Lost) {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        match losses.get_mut(run) {
            Some(before) => before.add(lost.lines, lost.bytes),
            None => drop(losses.insert(run.to_path_buf(), lost)),
        }
    }

    /// Writes whatever is pending, until nothing more will come.
    fn write(&self) {
        let mut files = Files::with_most(self.open, self.held);
        let mut lose = |book: &Book, lost| self.lose(&book.run, lost);
        let mut state = self.state();
        loop {
            while state.pending.is_empty() && !state.closing {
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.pending.is_empty() {
                return;
            }
            let round = std::mem::take(&mut state.pending);
            let forgotten = std::mem::take(&mut state.forgotten);
            state.bytes = 0;
            state.begun = state.begun.saturating_add(1);
            drop(state);
            self.drained.notify_all();
            self.has_room.notify_waiters();
            for pending in round.into_values() {
                files.append(&pending, &*self.clock, &mut lose);
                // Whoever fills the next sheet has this one sooner than at the end of the round.
                self.state().spare.give(pending.pages);
            }
            forgotten.iter().for_each(|run| files.forget(run));
            state = self.state();
            state.done = state.begun;
            self.drained.notify_all();
            self.written.notify_waiters();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

// === impl State ===

impl State {
    fn append(&mut self, book: &Book, records: &[u8], is_printed: bool) {
        self.bytes = self.bytes.saturating_add(records.len());
        if let Some((pages, spare)) = self.pages(book, is_printed) {
            pages.append(records, spare);
        }
    }

    fn append_sheet(&mut self, book: &Book, sheet: &Arc<Vec<u8>>) {
        if let Some((pages, _)) = self.pages(book, true) {
            pages.append_sheet(Arc::clone(sheet));
        }
    }

    /// What is pending for a file, and memory for more; `None` when nobody writes any more.
    fn pages(&mut self, book: &Book, is_printed: bool) -> Option<(&mut Pages, &mut Spare)> {
        if self.closing {
            return None;
        }
        let pending = match self.pending.entry(Key(Arc::clone(&book.path))) {
            Entry::Occupied(pending) => pending.into_mut(),
            Entry::Vacant(none) => {
                self.bytes = self.bytes.saturating_add(FILE);
                none.insert(Pending { book: book.clone(), pages: Pages::default(), is_printed })
            }
        };
        pending.is_printed |= is_printed;
        Some((&mut pending.pages, &mut self.spare))
    }
}

// === impl Book ===

impl Book {
    /// A file of the run whose logs are in a directory; it is made when the first record comes.
    #[must_use]
    pub fn new(path: PathBuf, header: Arc<[u8]>, run: Arc<Path>) -> Self {
        Self { path: path.into(), header, run, is_of_node: false }
    }

    /// That of a node of the run; it is made when something is printed there. The file of the run has all that stands in it.
    #[must_use]
    pub fn of_node(path: PathBuf, header: Arc<[u8]>, run: Arc<Path>) -> Self {
        Self { is_of_node: true, ..Self::new(path, header, run) }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

// === impl Key ===

impl Key {
    fn bytes(&self) -> &[u8] {
        self.0.as_os_str().as_encoded_bytes()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.bytes() == other.bytes()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

// === impl Lost ===

impl Lost {
    fn of(records: &[u8], why: String) -> Self {
        let mut lost = Self { lines: 0, bytes: 0, why };
        lost.count(records);
        lost
    }

    fn count(&mut self, records: &[u8]) {
        self.add(memchr_iter(b'\n', records).count() as u64, records.len() as u64);
    }

    fn add(&mut self, lines: u64, bytes: u64) {
        self.lines = self.lines.saturating_add(lines);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests;
