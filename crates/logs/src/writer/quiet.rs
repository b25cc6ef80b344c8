//! Nodes on which nothing was printed. To make a file for each of them takes far longer than to write what it would hold,
//! and their lines stand in the file of the run, too.
//!
//! So they are held until something is printed on the node, and forgotten with the run. Of a run that goes on after its
//! process died they are read again. Too many of them at a time have files all the same.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Book, Key, Pages};
use crate::place::RunFiles;
use crate::reader::Reader;

/// How many bytes are held, with what it takes to hold them.
pub(super) const MOST: usize = 64 << 20;
/// About how much it takes to hold lines of a node beside the lines.
const NODE: usize = 384;

/// What is held.
#[derive(Debug)]
pub(super) struct Quiet {
    runs: HashMap<Key, HashMap<Key, Held>>,
    bytes: usize,
    most: usize,
}

/// The lines of a node.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) book: Book,
    pub(super) lines: Vec<u8>,
}

// === impl Quiet ===

impl Quiet {
    pub(super) fn with_most(most: usize) -> Self {
        Self { runs: HashMap::new(), bytes: 0, most }
    }

    /// Begins with a run, before anything is written of it.
    pub(super) fn begin(&mut self, book: &Book) {
        let run = Key(Arc::clone(&book.run));
        if self.runs.contains_key(&run) {
            return;
        }
        let held = again(book).unwrap_or_else(|error| {
            let run = book.run.display();
            tracing::warn!(%run, %error, "a log cannot be read, so those of its nodes begin with what is printed next");
            HashMap::new()
        });
        self.bytes = self.bytes.saturating_add(held.values().map(Held::size).sum());
        self.runs.insert(run, held);
    }

    /// Nothing more comes of a run.
    pub(super) fn forget(&mut self, run: &Arc<Path>) {
        let held = self.runs.remove(&Key(Arc::clone(run))).unwrap_or_default();
        self.bytes = self.bytes.saturating_sub(held.values().map(Held::size).sum());
    }

    /// Whether lines of a node are held.
    pub(super) fn holds(&self, book: &Book) -> bool {
        let held = self.runs.get(&Key(Arc::clone(&book.run)));
        held.is_some_and(|held| held.contains_key(&Key(Arc::clone(&book.path))))
    }

    pub(super) fn hold(&mut self, book: &Book, pages: &Pages) {
        let nodes = self.runs.entry(Key(Arc::clone(&book.run))).or_default();
        let held = nodes.entry(Key(Arc::clone(&book.path))).or_insert_with(|| {
            self.bytes = self.bytes.saturating_add(NODE);
            Held { book: book.clone(), lines: Vec::new() }
        });
        for page in pages.iter() {
            held.lines.extend_from_slice(page);
            self.bytes = self.bytes.saturating_add(page.len());
        }
    }

    /// What is held of a node, which is not quiet any more.
    pub(super) fn take(&mut self, book: &Book) -> Vec<u8> {
        let nodes = self.runs.get_mut(&Key(Arc::clone(&book.run)));
        let held = nodes.and_then(|nodes| nodes.remove(&Key(Arc::clone(&book.path))));
        self.bytes = self.bytes.saturating_sub(held.as_ref().map_or(0, Held::size));
        held.map(|held| held.lines).unwrap_or_default()
    }

    /// What is held of that run of which most is, once it is too much.
    pub(super) fn excess(&mut self) -> Vec<Held> {
        if self.bytes <= self.most {
            return Vec::new();
        }
        let size = |nodes: &HashMap<Key, Held>| nodes.values().map(Held::size).sum::<usize>();
        let Some(most) = self.runs.values_mut().max_by_key(|nodes| size(nodes)) else { return Vec::new() };
        self.bytes = self.bytes.saturating_sub(size(most));
        most.drain().map(|(_, held)| held).collect()
    }
}

// === impl Held ===

impl Held {
    fn size(&self) -> usize {
        self.lines.len().saturating_add(NODE)
    }
}

/// What a process that died has held, from the file of the run.
fn again(book: &Book) -> io::Result<HashMap<Key, Held>> {
    let files = RunFiles::within(book.run.to_path_buf());
    let all = files.all();
    // A pipe has no past, and would wait for somebody who writes to it.
    if !all.is_file() {
        return Ok(HashMap::new());
    }
    let mut reader = Reader::new(&all, 0);
    // None where a node has a file. Nodes of very long names may share one.
    let mut nodes: HashMap<String, Option<Key>> = HashMap::new();
    let mut held: HashMap<Key, Held> = HashMap::new();
    while let Some(found) = reader.line()? {
        let Some(node) = found.record.and_then(|record| record.node) else { continue };
        if !nodes.contains_key(node) {
            let path = files.node(node);
            // One with a first line only was just made when the process died.
            let is_there = path.metadata().is_ok_and(|file| file.len() > book.header.len() as u64);
            let key = (!is_there).then(|| Key(path.as_path().into()));
            if let Some(key) = &key {
                let new = || Book::of_node(path, Arc::clone(&book.header), Arc::clone(&book.run));
                held.entry(key.clone()).or_insert_with(|| Held { book: new(), lines: Vec::new() });
            }
            nodes.insert(node.to_owned(), key);
        }
        if let Some(held) = nodes.get(node).and_then(Option::as_ref).and_then(|key| held.get_mut(key)) {
            held.lines.extend_from_slice(found.line);
            held.lines.push(b'\n');
        }
    }
    Ok(held)
}
