//! The files that are open. What cannot be written is dropped whole lines at a time, and said once it can be again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_model::log_level::LogLevel;
use windlass_model::time::Time;

use super::quiet::{Held, Quiet};
use super::{Book, Lost, Pending};
use crate::line::{Form, Record, Source, encode};

/// How many files are kept open where a process may have as many as is usual. One that may have more keeps more, for to open one
/// takes about as long as to write a sheet to it.
const OPEN_FILES: usize = 64;
const OPEN_FILES_AT_MOST: usize = 1024;

#[derive(Debug)]
pub(super) struct Files {
    open: HashMap<PathBuf, Open>,
    /// What was lost of files since something was last written to them.
    lost: HashMap<PathBuf, Lost>,
    round: u64,
    /// How many are kept open.
    most: usize,
    quiet: Quiet,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// When it was last used.
    round: u64,
}

// === impl Files ===

impl Files {
    /// Keeps so many open, and so many bytes of nodes where nothing was printed.
    pub(super) fn with_most(most: usize, held: usize) -> Self {
        let quiet = Quiet::with_most(held);
        Self { open: HashMap::new(), lost: HashMap::new(), round: 0, most, quiet }
    }

    /// How many may be open: far fewer than the process may have, for the store and connections need some, too.
    pub(super) fn may_be_open() -> usize {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        (limit / 16).clamp(OPEN_FILES, OPEN_FILES_AT_MOST)
    }

    /// Appends to a file, or holds what comes of a node where nothing was printed; tells what was lost.
    pub(super) fn append(
        &mut self,
        pending: &Pending,
        clock: &dyn Fn() -> Time,
        lose: &mut dyn FnMut(&Book, Lost),
    ) {
        let Pending { book, pages, is_printed } = pending;
        self.quiet.begin(book);
        if book.is_of_node && !is_printed && self.is_quiet(book) {
            self.quiet.hold(book, pages);
            for Held { book, lines } in self.quiet.excess() {
                if let Some(lost) = self.write(&book, std::iter::once(lines.as_slice()), clock) {
                    lose(&book, lost);
                }
            }
            return;
        }
        let held = if book.is_of_node { self.quiet.take(book) } else { Vec::new() };
        let before = (!held.is_empty()).then_some(held.as_slice());
        if let Some(lost) = self.write(book, before.into_iter().chain(pages.iter()), clock) {
            lose(book, lost);
        }
    }

    /// Nothing more comes of a run.
    pub(super) fn forget(&mut self, run: &Arc<Path>) {
        self.quiet.forget(run);
    }

    /// Whether a node has no file.
    fn is_quiet(&self, book: &Book) -> bool {
        self.quiet.holds(book) || !(self.open.contains_key(&*book.path) || book.path.exists())
    }

    /// Appends to a file; gives back what was lost.
    fn write<'a>(
        &mut self,
        book: &Book,
        mut rest: impl Iterator<Item = &'a [u8]>,
        clock: &dyn Fn() -> Time,
    ) -> Option<Lost> {
        self.round = self.round.saturating_add(1);
        let told = self.lost.get(&*book.path).map(|lost| told(lost, clock()));
        let mut error = None;
        let mut lost = Lost::of(&[], String::new());
        match self.file(book) {
            Err(failed) => error = Some(failed),
            Ok(file) => {
                // What says that lines were lost is none of those that were handed over.
                let is_told = match &told {
                    None => true,
                    Some(told) => {
                        let (written, failed) = write_lines(file, told);
                        error = failed;
                        written == told.len()
                    }
                };
                while error.is_none()
                    && let Some(page) = rest.next()
                {
                    let (written, failed) = write_lines(file, page);
                    error = failed;
                    lost.count(page.get(written..).unwrap_or_default());
                }
                if is_told {
                    self.lost.remove(&*book.path);
                }
            }
        }
        let error = error?;
        self.open.remove(&*book.path);
        rest.for_each(|page| lost.count(page));
        lost.why = error.to_string();
        self.note(book, &lost, &error);
        Some(lost)
    }

    fn note(&mut self, book: &Book, lost: &Lost, error: &io::Error) {
        match self.lost.get_mut(&*book.path) {
            Some(before) => before.add(lost.lines, lost.bytes),
            None => {
                let path = book.path.display();
                tracing::warn!(%path, %error, "output of plugins cannot be written and is dropped");
                self.lost.insert(book.path.to_path_buf(), lost.clone());
            }
        }
    }

    fn file(&mut self, book: &Book) -> io::Result<&mut File> {
        let round = self.round;
        if !self.open.contains_key(&*book.path) {
            if self.open.len() >= self.most {
                self.close_half();
            }
            let file = open(&book.path, &book.header)?;
            self.open.insert(book.path.to_path_buf(), Open { file, round });
        }
        let open = self.open.get_mut(&*book.path).ok_or(ErrorKind::NotFound)?;
        open.round = round;
        Ok(&mut open.file)
    }

    /// Closes those that were not used for longest.
    fn close_half(&mut self) {
        let mut rounds: Vec<u64> = self.open.values().map(|open| open.round).collect();
        rounds.sort_unstable();
        let middle = rounds.get(rounds.len() / 2).copied().unwrap_or(u64::MAX);
        self.open.retain(|_, open| open.round > middle);
    }
}

/// Opens a file to append to. One that ends in the middle of a line, because a process or a machine died, gets the end of
/// that line.
fn open(path: &Path, header: &[u8]) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            options.open(path)?
        }
        opened => opened?,
    };
    let len = file.metadata()?.len();
    if len == 0 {
        file.write_all(header)?;
        return Ok(file);
    }
    file.seek(SeekFrom::Start(len.saturating_sub(1)))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

/// Writes as many whole lines as there is room for; half a line is taken back. Gives the bytes that stay.
fn write_lines(file: &mut File, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    let error = loop {
        let rest = bytes.get(written..).unwrap_or_default();
        if rest.is_empty() {
            return (written, None);
        }
        match file.write(rest) {
            Ok(0) => break ErrorKind::WriteZero.into(),
            Ok(n) => written += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break error,
        }
    };
    let part = bytes.get(..written).unwrap_or_default();
    let whole = part.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let torn = (written - whole) as u64;
    if torn > 0 {
        // Where even that fails, the line is ended when the file is opened again.
        let _ = file.metadata().and_then(|found| file.set_len(found.len().saturating_sub(torn)));
    }
    (whole, Some(error))
}

/// What is said in the place of what was lost.
fn told(lost: &Lost, at: Time) -> Vec<u8> {
    let Lost { lines, bytes, why } = lost;
    let text = format!("{lines} lines ({bytes} bytes) could not be written here: {why}");
    let mut line = Vec::new();
    let record = Record {
        at,
        level: LogLevel::Warn,
        source: Source::Event,
        form: Form::Whole,
        address: "",
        attempt: 0,
        node: None,
        printed_at: None,
        text: text.into_bytes().into(),
    };
    encode(&record, &mut line);
    line
}
