//! Finds records again, from any offset on, also while somebody writes them.
//!
//! A record counts when its line has an end: what is still being written, or was torn by a crash, is left until it has one.
//! So whoever reads on from where they stopped gets every record exactly once.

mod filter;
mod log;
mod tail;

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memchr;

pub use self::filter::Filter;
pub use self::log::Log;
use crate::line::{Last, Record};
use crate::place::is_file_of;

/// How much is read at a time.
const PIECE: usize = 64 << 10;
/// The longest line. What is longer was not written by us, and comes in pieces.
const LONGEST: usize = 4 << 20;

/// Reads a file of a log from an offset on.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: Option<File>,
    /// Where `bytes` begins in the file.
    offset: u64,
    bytes: Vec<u8>,
    /// How much of `bytes` was given out.
    taken: usize,
    /// How much of it was looked through for the end of a line.
    searched: usize,
    last: Last,
    own: Option<Own>,
}

/// Of a file with the lines of many, those are read that would stand in a file of their own.
#[derive(Debug)]
struct Own {
    /// Its name.
    file: String,
    /// Where the next line would begin in it.
    at: u64,
    /// From where on lines are wanted.
    from: u64,
}

/// A line that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Where it begins in its file.
    pub offset: u64,
    /// Where the next one begins.
    pub next: u64,
    /// The line, without its end. Nothing where it was passed over.
    pub line: &'a [u8],
    /// What it says; `None` where it is no record: a header, or damaged.
    pub record: Option<Record<'a>>,
}

// === impl Reader ===

impl Reader {
    /// Reads from an offset on, which is that of a line's beginning. There need be no file yet.
    #[must_use]
    pub fn new(path: &Path, offset: u64) -> Self {
        let (path, bytes) = (path.to_owned(), Vec::new());
        Self { path, file: None, offset, bytes, taken: 0, searched: 0, last: Last::default(), own: None }
    }

    /// Reads from a file with the lines of many those that would stand in a file of their own, from an offset in that on.
    fn new_own(path: &Path, file: &str, from: u64) -> Self {
        let own = Own { file: file.to_owned(), at: 0, from };
        Self { own: Some(own), ..Self::new(path, 0) }
    }

    /// Where the next line begins.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.own.as_ref().map_or_else(|| self.looked_through(), |own| own.at.max(own.from))
    }

    /// How much of the file has been looked through.
    #[must_use]
    pub fn looked_through(&self) -> u64 {
        self.offset.saturating_add(self.taken as u64)
    }

    /// The next line; `None` where there is none for now.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn line(&mut self) -> io::Result<Option<Found<'_>>> {
        self.line_where(|_| true)
    }

    /// The same; what a filter cannot want is given without a record, and is not taken apart for nothing.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn line_for(&mut self, filter: &Filter) -> io::Result<Option<Found<'_>>> {
        self.line_where(|line| filter.may_want(line))
    }

    fn line_where(&mut self, may_be: impl FnOnce(&[u8]) -> bool) -> io::Result<Option<Found<'_>>> {
        let (end, after) = loop {
            let from = self.taken.max(self.searched);
            let fresh = self.bytes.get(from..).unwrap_or_default();
            if let Some(at) = memchr(b'\n', fresh) {
                break (from + at, from + at + 1);
            }
            self.searched = self.bytes.len();
            if self.bytes.len().saturating_sub(self.taken) >= LONGEST {
                break (self.bytes.len(), self.bytes.len());
            }
            if self.read()? == 0 {
                return Ok(None);
            }
        };
        let (mut offset, begin) = (self.looked_through(), self.taken);
        self.taken = after;
        let mut next = self.looked_through();
        let line = self.bytes.get(begin..end).unwrap_or_default();
        if let Some(own) = &mut self.own {
            let is_own = match line.strip_prefix(b"#") {
                Some(_) => offset == 0,
                None => self.last.decode(line).is_some_and(|record| own.holds(&record)),
            };
            let size = if is_own { next.saturating_sub(offset) } else { 0 };
            offset = own.at;
            own.at = own.at.saturating_add(size);
            next = own.at;
            if !is_own || offset < own.from {
                return Ok(Some(Found { offset, next, line: &[], record: None }));
            }
        }
        let is_record = !line.starts_with(b"#") && may_be(line);
        let record = if is_record { self.last.decode(line) } else { None };
        Ok(Some(Found { offset, next, line, record }))
    }

    fn read(&mut self) -> io::Result<usize> {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.offset = self.offset.saturating_add(self.taken as u64);
            self.searched = self.searched.saturating_sub(self.taken);
            self.taken = 0;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = match File::open(&self.path) {
                    Ok(file) => file,
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
                    Err(error) => return Err(error),
                };
                file.seek(SeekFrom::Start(self.offset))?;
                none.insert(file)
            }
        };
        let held = self.bytes.len();
        self.bytes.resize(held + PIECE, 0);
        let read = loop {
            match file.read(self.bytes.get_mut(held..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.bytes.truncate(held + *read.as_ref().unwrap_or(&0));
        read
    }
}

// === impl Own ===

impl Own {
    fn holds(&self, record: &Record<'_>) -> bool {
        record.node.is_some_and(|node| is_file_of(&self.file, node))
    }
}

#[cfg(test)]
mod tests;
