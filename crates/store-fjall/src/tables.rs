//! fjall, and how entries lie in it. Everything is in one keyspace, so that one batch is one write:
//!
//! ```text
//!   \0revision   the revision of the last batch, 8 bytes, big end first
//!   key          the revision that wrote the value, 8 bytes, big end first, and the value
//! ```

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Readable};
use windlass_store::embedded::{Pending, View};
use windlass_store::{Entry, Order, Range, Revision, StoreError};

use crate::Options;

const REVISION_KEY: &[u8] = b"\0revision";
/// The first key that is not reserved.
const FIRST_KEY: &[u8] = b"\x01";
const REVISION_BYTES: usize = size_of::<Revision>();
/// fjall sleeps in the write path, and for ever if its worker has died, from 4 waiting memtables and
/// from 30 tables in the first level. The writer waits before that, where it can see the death.
const MOST_SEALED_MEMTABLES: usize = 3;
const MOST_FIRST_LEVEL_TABLES: usize = 26;
const STALL_PAUSE: Duration = Duration::from_millis(1);
const WORKER_THREADS: usize = 1;
const OPEN_FILES: usize = 64;

/// Where a range starts and ends.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The open database. Clones share it.
#[derive(Clone)]
pub(crate) struct Tables {
    path: PathBuf,
    database: Database,
    entries: Keyspace,
    /// With less than this, a table may well not have fitted.
    scarce_bytes: u64,
}

/// The whole of it at one moment.
pub(crate) struct Picture {
    tables: Tables,
    snapshot: fjall::Snapshot,
    pub(crate) revision: Revision,
}

// === impl Picture ===

impl Picture {
    /// Entries behind a key, from the first one on without it: so many bytes of them, or a little more.
    pub(crate) fn behind(&self, after: Option<&[u8]>, bytes: usize) -> Result<Vec<Entry>, StoreError> {
        let start = after.map_or(Bound::Included(FIRST_KEY), Bound::Excluded);
        let (mut entries, mut taken) = (Vec::new(), 0_usize);
        for pair in self.snapshot.range::<&[u8], _>(&self.tables.entries, (start, Bound::Unbounded)) {
            let entry = self.tables.entry(pair)?;
            taken = taken.saturating_add(entry.key.len()).saturating_add(entry.value.len());
            entries.push(entry);
            if taken >= bytes {
                break;
            }
        }
        Ok(entries)
    }
}

// === impl Tables ===

impl Tables {
    /// Opens or creates the database. fjall asserts what it cannot read, so a panic in here says
    /// that the files are damaged.
    pub(crate) fn open(directory: &Path, database: &Path, options: &Options) -> Result<Self, StoreError> {
        let opened = catch_unwind(AssertUnwindSafe(|| Self::open_database(database, options)));
        let (database, entries) = match opened {
            Ok(opened) => opened.map_err(|error| explain(directory, error))?,
            Err(_) => {
                return Err(StoreError::Corrupt {
                    path: directory.to_owned(),
                    detail: "its tables cannot be read".to_owned(),
                });
            }
        };
        let scarce_bytes = options.memtable_bytes.saturating_mul(2);
        Ok(Self { path: directory.to_owned(), database, entries, scarce_bytes })
    }

    fn open_database(path: &Path, options: &Options) -> fjall::Result<(Database, Keyspace)> {
        let database = Database::builder(path)
            .cache_size(options.cache_bytes)
            .max_cached_files(Some(OPEN_FILES))
            .worker_threads(WORKER_THREADS)
            .manual_journal_persist(true)
            .open()?;
        let entries = database.keyspace("entries", || {
            KeyspaceCreateOptions::default().max_memtable_size(options.memtable_bytes)
        })?;
        Ok((database, entries))
    }

    /// The revision of the last batch.
    pub(crate) fn revision(&self) -> Result<Revision, StoreError> {
        let Some(stored) = self.read(REVISION_KEY)? else {
            return Ok(0);
        };
        Ok(self.decode(REVISION_KEY, &stored)?.0)
    }

    /// The entry at `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        if key < FIRST_KEY {
            return Ok(None);
        }
        let Some(stored) = self.read(key)? else {
            return Ok(None);
        };
        let (revision, value) = self.decode(key, &stored)?;
        Ok(Some(Entry { key: Bytes::copy_from_slice(key), value, revision }))
    }

    /// The entries in `range`, as of one moment.
    pub(crate) fn range(&self, range: &Range) -> Result<Vec<Entry>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let Some(bounds) = bounds(&range.start, end) else {
            return Ok(Vec::new());
        };
        let snapshot = self.database.snapshot();
        let found = snapshot.range::<&[u8], _>(&self.entries, bounds);
        let limit = range.limit.unwrap_or(usize::MAX);
        match range.order {
            Order::Ascending => found.take(limit).map(|pair| self.entry(pair)).collect(),
            Order::Descending => found.rev().take(limit).map(|pair| self.entry(pair)).collect(),
        }
    }

    /// Writes all that is pending as one batch and flushes it. The values in `pending` share the
    /// memory of what is written from then on.
    pub(crate) fn commit(&self, pending: &mut Pending) -> Result<(), StoreError> {
        self.await_room()?;
        let size = pending.changes().len().saturating_add(1);
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), size)
            .durability(Some(PersistMode::SyncData));
        let mut stored = Vec::with_capacity(size);
        for (revision, value) in pending.values_mut() {
            let bytes = value.as_ref().map(|value| encode(revision, value));
            *value = bytes.as_ref().map(|bytes| bytes.slice(REVISION_BYTES..));
            stored.push(bytes);
        }
        for (at, (change, stored)) in pending.changes().iter().zip(stored).enumerate() {
            if !pending.is_last(at) {
                continue;
            }
            match stored {
                Some(stored) => batch.insert(&self.entries, change.key.clone(), stored),
                None => batch.remove(&self.entries, change.key.clone()),
            }
        }
        let revision = pending.revision().to_be_bytes();
        batch.insert(&self.entries, REVISION_KEY, revision);
        batch.commit().map_err(|error| self.explain(error))
    }

    /// All of it as it is now.
    pub(crate) fn picture(&self) -> Result<Picture, StoreError> {
        let snapshot = self.database.snapshot();
        let stored = snapshot.get(&self.entries, REVISION_KEY).map_err(|error| self.explain(error))?;
        let revision = match stored {
            Some(stored) => self.decode(REVISION_KEY, &stored.into())?.0,
            None => 0,
        };
        Ok(Picture { tables: self.clone(), snapshot, revision })
    }

    /// Takes in entries of another store as they were there. They are durable when all are.
    pub(crate) fn take_in(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.await_room()?;
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), entries.len());
        for entry in entries {
            batch.insert(&self.entries, entry.key.clone(), encode(entry.revision, &entry.value));
        }
        batch.commit().map_err(|error| self.explain(error))
    }

    /// They are durable now, and this is their revision.
    pub(crate) fn taken_in(&self, revision: Revision) -> Result<(), StoreError> {
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), 1);
        batch.insert(&self.entries, REVISION_KEY, revision.to_be_bytes());
        batch.commit().map_err(|error| self.explain(error))?;
        self.database.persist(PersistMode::SyncAll).map_err(|error| self.explain(error))
    }

    fn await_room(&self) -> Result<(), StoreError> {
        while self.entries.sealed_memtable_count() >= MOST_SEALED_MEMTABLES
            || self.entries.l0_table_count() >= MOST_FIRST_LEVEL_TABLES
        {
            self.check_alive()?;
            std::thread::sleep(STALL_PAUSE);
        }
        Ok(())
    }

    /// Fails if a thread of fjall has died. It writes nothing: there is nothing to write.
    fn check_alive(&self) -> Result<(), StoreError> {
        self.database.persist(PersistMode::Buffer).map_err(|error| self.explain(error))
    }

    fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let stored = self.entries.get(key).map_err(|error| self.explain(error))?;
        Ok(stored.map(Bytes::from))
    }

    fn entry(&self, pair: fjall::Guard) -> Result<Entry, StoreError> {
        let (key, stored) = pair.into_inner().map_err(|error| self.explain(error))?;
        let (revision, value) = self.decode(&key, &stored.into())?;
        Ok(Entry { key: key.into(), value, revision })
    }

    fn decode(&self, key: &[u8], stored: &Bytes) -> Result<(Revision, Bytes), StoreError> {
        let (head, _) = stored.split_first_chunk::<REVISION_BYTES>().ok_or_else(|| StoreError::Corrupt {
            path: self.path.clone(),
            detail: format!("the value of `{}` has no revision", key.escape_ascii()),
        })?;
        Ok((Revision::from_be_bytes(*head), stored.slice(REVISION_BYTES..)))
    }

    /// fjall does not tell why its thread died, but a disk without space is easy to recognise.
    fn explain(&self, error: fjall::Error) -> StoreError {
        if matches!(error, fjall::Error::Poisoned)
            && free_bytes(&self.path).is_some_and(|free| free < self.scarce_bytes)
        {
            return StoreError::Full { path: self.path.clone() };
        }
        explain(&self.path, error)
    }
}

impl View for Tables {
    fn revision_of(&self, key: &[u8]) -> Result<Option<Revision>, StoreError> {
        let Some(stored) = self.read(key)? else {
            return Ok(None);
        };
        Ok(Some(self.decode(key, &stored)?.0))
    }

    fn keys_between(&self, start: &[u8], end: &[u8]) -> Result<Vec<Bytes>, StoreError> {
        let Some(bounds) = bounds(start, Bound::Excluded(end)) else {
            return Ok(Vec::new());
        };
        self.entries
            .range::<&[u8], _>(bounds)
            .map(|pair| pair.key().map(Bytes::from))
            .collect::<fjall::Result<Vec<Bytes>>>()
            .map_err(|error| self.explain(error))
    }
}

/// The free space of the disk that `path` is on.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Keeps a range away from the reserved keys; none if nothing is left of it.
fn bounds<'a>(start: &'a [u8], end: Bound<&'a [u8]>) -> Option<Bounds<'a>> {
    let start = start.max(FIRST_KEY);
    if matches!(end, Bound::Excluded(end) if end <= start) {
        return None;
    }
    Some((Bound::Included(start), end))
}

fn encode(revision: Revision, value: &Bytes) -> Bytes {
    let mut stored = BytesMut::with_capacity(REVISION_BYTES.saturating_add(value.len()));
    stored.put_u64(revision);
    stored.put_slice(value);
    stored.freeze()
}

/// What a failure of fjall means for people.
fn explain(path: &Path, error: fjall::Error) -> StoreError {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
            StoreError::io("use", path, error)
        }
        fjall::Error::Locked => StoreError::Locked {
            path: path.to_owned(),
            holder: "another process; it holds the database in it".to_owned(),
        },
        fjall::Error::Poisoned => {
            StoreError::io("write", path, std::io::Error::other("writing tables in the background failed"))
        }
        other => StoreError::Corrupt { path: path.to_owned(), detail: other.to_string() },
    }
}
