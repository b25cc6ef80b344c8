//! The handle: opens a directory, starts the writer and puts calls into its queue. Reads go straight
//! to the tables.

use std::fmt;
use std::fs;
use std::future::ready;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use windlass_store::embedded::{History, Leases};
use windlass_store::{
    BoxFuture, Entry, LeaseToken, Range, Revision, Store, StoreError, StoreStats, Txn, Watch,
};

use crate::create;
use crate::format::{self, Stage};
use crate::journal::{self, Ahead};
use crate::lock::DirectoryLock;
use crate::options::Options;
use crate::queue::{Answer, Job, Queue};
use crate::room::Room;
use crate::tables::{Tables, free_bytes};
use crate::writer::{Core, Counters, Phase, Shared, Writer};

/// A store in a directory of this machine.
///
/// Dropping it commits what is queued and waits for that; [`Store::close`] does the same without
/// blocking the thread.
pub struct FjallStore {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    ended: watch::Receiver<()>,
    reserve_bytes: u64,
}

// === impl FjallStore ===

impl FjallStore {
    /// Opens the store in `path`, creating or recovering it as needed.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let directory = path.as_ref();
        fs::create_dir_all(directory).map_err(|error| StoreError::io("create", directory, error))?;
        let lock = DirectoryLock::acquire(directory)?;
        let tables = open_tables(directory, &options)?;
        let revision = tables.revision()?;
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            queue: Queue::new(options.queue_transactions, options.queue_bytes),
            history: History::new(revision, options.history),
            phase: RwLock::new(Phase::Open(tables.clone())),
            revision: AtomicU64::new(revision),
            counters: Counters::default(),
            core: Mutex::new(Some(Core {
                tables,
                leases: Leases::default(),
                clock: options.clock,
                room: Room::new(options.reserve_bytes),
                ahead: Ahead::new(directory.join(create::DATABASE)),
                outcomes: Vec::new(),
            })),
        });
        let writer = Writer { shared: Arc::clone(&shared), lock, batch_bytes: options.batch_bytes };
        let (end, ended) = watch::channel(());
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                writer.run();
                drop(end);
            })
            .map_err(|error| StoreError::io("start a thread for", directory, error))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), ended, reserve_bytes: options.reserve_bytes })
    }

    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Tables) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let phase = self.shared.phase.read();
        match &*phase.unwrap_or_else(PoisonError::into_inner) {
            Phase::Open(tables) => read(tables),
            Phase::Ended(reason) => Err(reason.clone()),
        }
    }

    /// Whether there is so little room on its disk that it takes nothing more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let reserve = self.reserve_bytes;
        reserve > 0 && free_bytes(&self.shared.directory).is_some_and(|free| free <= reserve)
    }

    /// How many bytes its disk has left for it.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        free_bytes(&self.shared.directory)
    }

    /// Queues a job now and gives back a future of its answer.
    fn queue<T: Send + 'static>(
        &self,
        job: impl FnOnce(Answer<T>) -> Job,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let (answer, answered) = oneshot::channel();
        match self.shared.queue.push(job(answer)) {
            Ok(()) => Box::pin(async { answered.await.unwrap_or(Err(StoreError::Closed)) }),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn join(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // The writer catches its own panics, and what it left behind is in the phase.
            let _ = thread.join();
        }
    }
}

impl Store for FjallStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move { self.read(|tables| tables.get(key)) })
    }

    fn range(&self, range: Range) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(async move { self.read(|tables| tables.range(&range)) })
    }

    fn commit(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        if let Err(error) = txn.validate() {
            return Box::pin(ready(Err(error)));
        }
        self.queue(|answer| Job::Commit { bytes: txn.bytes(), txn, answer })
    }

    fn commit_here(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        if let Err(error) = txn.validate() {
            return Box::pin(ready(Err(error)));
        }
        if !self.shared.queue.take_over() {
            return self.queue(|answer| Job::Commit { bytes: txn.bytes(), txn, answer });
        }
        let (answer, answered) = oneshot::channel();
        self.shared.write_here(Job::Commit { bytes: txn.bytes(), txn, answer });
        Box::pin(async { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }

    fn watch(&self, prefix: Bytes, from: Revision) -> BoxFuture<'_, Result<Watch, StoreError>> {
        Box::pin(ready(self.shared.history.watch(prefix, from)))
    }

    fn lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<LeaseToken, StoreError>> {
        self.queue(|answer| Job::Lease { name: name.to_owned(), holder: holder.to_owned(), ttl, answer })
    }

    fn renew(&self, token: &LeaseToken, ttl: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
        self.queue(|answer| Job::Renew { token: token.clone(), ttl, answer })
    }

    fn release(&self, token: &LeaseToken) -> BoxFuture<'_, Result<(), StoreError>> {
        self.queue(|answer| Job::Release { token: token.clone(), answer })
    }

    fn revision(&self) -> Revision {
        self.shared.revision.load(Ordering::Acquire)
    }

    fn stats(&self) -> StoreStats {
        self.shared.counters.read()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.shared.queue.close(StoreError::Closed);
        let mut ended = self.ended.clone();
        Box::pin(async move {
            // The channel carries nothing: it ends when the writer has given everything back.
            while ended.changed().await.is_ok() {}
            self.join();
            match self.read(|_| Ok(())) {
                Err(StoreError::Closed) | Ok(()) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }
}

impl Drop for FjallStore {
    fn drop(&mut self) {
        self.shared.queue.close(StoreError::Closed);
        self.join();
    }
}

impl fmt::Debug for FjallStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallStore")
            .field("directory", &self.shared.directory)
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

/// Opens what the directory holds, and creates it where there is nothing.
fn open_tables(directory: &Path, options: &Options) -> Result<Tables, StoreError> {
    let database = directory.join(create::DATABASE);
    match format::read(directory)? {
        Stage::Empty if database.exists() => {
            return Err(StoreError::Corrupt {
                path: directory.to_owned(),
                detail: "it has a database but no FORMAT file".to_owned(),
            });
        }
        Stage::Empty | Stage::Creating => create::create(directory, options)?,
        Stage::Ready => create::settle(directory)?,
    }
    journal::prepare(directory, &database)?;
    Tables::open(directory, &database, options)
}
