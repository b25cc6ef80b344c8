//! Where the lines are that somebody wants.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Filter, Reader, tail};
use crate::place::{RunFiles, node_file_name};

/// The lines of a run, or those of one of its nodes.
///
/// A node where nothing was printed has no file of its own. Its lines are then found in that of the run, and have the
/// offsets that they would have in its own, so that it does not matter whether there will be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    path: PathBuf,
    /// The file whose lines these would be.
    own: Option<String>,
}

// === impl Log ===

impl Log {
    /// Where lines are that a filter may want. One node has a file of its own.
    #[must_use]
    pub fn of(files: &RunFiles, filter: &Filter) -> Self {
        match filter.nodes.first() {
            Some(node) if filter.nodes.len() == 1 => Self::of_node(files, node),
            _ => Self { path: files.all(), own: None },
        }
    }

    fn of_node(files: &RunFiles, node: &str) -> Self {
        let path = files.node(node);
        if path.exists() {
            return Self { path, own: None };
        }
        Self { path: files.all(), own: Some(node_file_name(node)) }
    }

    /// The file that they are read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads them from an offset on.
    #[must_use]
    pub fn reader(&self, from: u64) -> Reader {
        match &self.own {
            None => Reader::new(&self.path, from),
            Some(own) => Reader::new_own(&self.path, own, from),
        }
    }

    /// The offset from which on there are so many wanted records, or the beginning where there are fewer.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn last(&self, wanted: usize, filter: &Filter) -> io::Result<u64> {
        if self.own.is_none() {
            return tail::last(&self.path, wanted, filter);
        }
        let (mut reader, mut found) = (self.reader(0), VecDeque::new());
        while let Some(line) = reader.line_for(filter)? {
            if line.record.is_some_and(|record| filter.wants(&record)) {
                found.push_back(line.offset);
            }
            if found.len() > wanted {
                found.pop_front();
            }
        }
        Ok(match found.front() {
            None if wanted == 0 => reader.position(),
            Some(first) if found.len() == wanted => *first,
            _ => 0,
        })
    }

    /// How many bytes there are.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn size(&self) -> io::Result<u64> {
        if self.own.is_some() {
            let mut reader = self.reader(0);
            while reader.line()?.is_some() {}
            return Ok(reader.position());
        }
        match self.path.metadata() {
            Ok(file) => Ok(file.len()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }
}
