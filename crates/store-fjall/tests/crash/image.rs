//! A copy of a store's directory as a crash would leave it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Every file, with its path below the directory, in the order of the paths.
#[derive(Clone)]
pub(crate) struct Image(Vec<(PathBuf, Vec<u8>)>);

// === impl Image ===

impl Image {
    pub(crate) fn of(directory: &Path) -> Self {
        let mut files = Vec::new();
        collect(directory, directory, &mut files);
        files.sort();
        Self(files)
    }

    pub(crate) fn files(&self) -> &[(PathBuf, Vec<u8>)] {
        &self.0
    }

    /// The journal that is being written, without the space that was never used.
    pub(crate) fn journal(&self) -> &[u8] {
        &self.0[self.journal_at()].1
    }

    pub(crate) fn journal_path(&self, directory: &Path) -> PathBuf {
        directory.join(&self.0[self.journal_at()].0)
    }

    pub(crate) fn with_journal(&self, journal: &[u8]) -> Self {
        let mut image = self.clone();
        image.0[self.journal_at()].1 = journal.to_vec();
        image
    }

    /// The same with unused space behind the journal.
    pub(crate) fn padded(&self, bytes: usize) -> Self {
        let mut journal = self.journal().to_vec();
        journal.resize(journal.len() + bytes, 0);
        self.with_journal(&journal)
    }

    pub(crate) fn write(&self, directory: &Path) {
        self.write_first(self.0.len(), directory);
    }

    pub(crate) fn write_first(&self, files: usize, directory: &Path) {
        for (path, bytes) in &self.0[..files] {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    fn journal_at(&self) -> usize {
        self.0.iter().position(|(path, _)| is_journal(path)).unwrap()
    }
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let bytes = if is_journal(&path) { used(&path) } else { fs::read(&path).unwrap() };
            files.push((path.strip_prefix(root).unwrap().to_owned(), bytes));
        }
    }
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "jnl")
}

/// A journal is made with much space ahead; a block of nothing but zeros is where its use ends.
fn used(path: &Path) -> Vec<u8> {
    let mut file = fs::File::open(path).unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut block = Vec::new();
        file.by_ref().take(65_536).read_to_end(&mut block).unwrap();
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        bytes.extend(block);
    }
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    bytes.truncate(end);
    bytes
}
