//! The whole of a store as of one moment, read while it goes on; and a store that is made of that.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use windlass_store::{Entry, Revision, StoreError};

use crate::create;
use crate::journal;
use crate::lock::DirectoryLock;
use crate::options::Options;
use crate::store::FjallStore;
use crate::tables::{Picture, Tables};

/// A store as it was at one moment, read from its first entry to its last. As long as there is one, what it shows is kept.
pub struct Snapshot {
    picture: Picture,
    /// Behind which key it goes on.
    after: Option<Bytes>,
}

/// A store that is being made of the entries of another.
pub struct Restoring {
    tables: Tables,
    _lock: DirectoryLock,
}

// === impl FjallStore ===

impl FjallStore {
    /// The store as it is now. Everything that was acknowledged is in it.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.read(|tables| Ok(Snapshot { picture: tables.picture()?, after: None }))
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// The revision of the moment.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.picture.revision
    }

    /// The next entries, so many bytes of them or a little more; none at the end.
    pub fn read(&mut self, bytes: usize) -> Result<Vec<Entry>, StoreError> {
        let entries = self.picture.behind(self.after.as_deref(), bytes)?;
        if let Some(last) = entries.last() {
            self.after = Some(last.key.clone());
        }
        Ok(entries)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

// === impl Restoring ===

impl Restoring {
    /// Begins a store in a directory that has none.
    pub fn begin(directory: &Path, options: &Options) -> Result<Self, StoreError> {
        fs::create_dir_all(directory).map_err(|error| StoreError::io("create", directory, error))?;
        let lock = DirectoryLock::acquire(directory)?;
        let database: PathBuf = directory.join(create::DATABASE);
        create::create(directory, options)?;
        create::settle(directory)?;
        journal::prepare(directory, &database)?;
        Ok(Self { tables: Tables::open(directory, &database, options)?, _lock: lock })
    }

    /// Takes entries in, with the revisions that they had.
    pub fn put(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        self.tables.take_in(entries)
    }

    /// It is a store from now on, of this revision: all of it is on the disk.
    pub fn finish(self, revision: Revision) -> Result<(), StoreError> {
        self.tables.taken_in(revision)
    }
}

impl std::fmt::Debug for Restoring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restoring").finish_non_exhaustive()
    }
}
