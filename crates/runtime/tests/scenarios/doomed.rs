//! Stores that fail, in front of stores that do not.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use windlass_model::id::RunId;
use windlass_store::faulty::FaultyStore;
use windlass_store::{
    BoxFuture, Entry, LeaseToken, Op, Range, Revision, Store, StoreError, StoreStats, Txn, Watch,
};

use crate::crashes::Image;

/// A [`FaultyStore`] that says when the process would be dead.
#[derive(Debug)]
pub(crate) struct Doomed<S> {
    pub(crate) inner: FaultyStore<S>,
    pub(crate) dead: Arc<Notify>,
}

/// A store that cannot write what belongs to one run.
#[derive(Debug)]
pub(crate) struct Picky<S> {
    inner: S,
    mood: Arc<Mutex<Mood>>,
}

#[derive(Debug)]
struct Mood {
    dislikes: Option<RunId>,
    error: StoreError,
    refusals_left: u32,
    refused: u32,
}

/// Sets what a [`Picky`] store does.
#[derive(Clone, Debug)]
pub(crate) struct Dislikes(Arc<Mutex<Mood>>);

// === impl Doomed ===

impl<S: Store> Doomed<S> {
    pub(crate) fn new(inner: FaultyStore<S>) -> (Arc<Self>, Arc<Notify>) {
        let dead = Arc::new(Notify::new());
        (Arc::new(Self { inner, dead: Arc::clone(&dead) }), dead)
    }
}

macro_rules! delegate {
    () => {
        fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
            self.inner.get(key)
        }
        fn range(&self, range: Range) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
            self.inner.range(range)
        }
        fn watch(&self, prefix: Bytes, from: Revision) -> BoxFuture<'_, Result<Watch, StoreError>> {
            self.inner.watch(prefix, from)
        }
        fn lease(
            &self,
            name: &str,
            holder: &str,
            ttl: Duration,
        ) -> BoxFuture<'_, Result<LeaseToken, StoreError>> {
            self.inner.lease(name, holder, ttl)
        }
        fn renew(&self, token: &LeaseToken, ttl: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
            self.inner.renew(token, ttl)
        }
        fn release(&self, token: &LeaseToken) -> BoxFuture<'_, Result<(), StoreError>> {
            self.inner.release(token)
        }
        fn revision(&self) -> Revision {
            self.inner.revision()
        }
        fn stats(&self) -> StoreStats {
            self.inner.stats()
        }
        fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
            self.inner.close()
        }
    };
}

impl<S: Store> Store for Doomed<S> {
    fn commit(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        let committed = self.inner.commit(txn);
        if self.inner.crashed() {
            self.dead.notify_one();
        }
        committed
    }

    delegate!();
}

// === impl Picky ===

impl<S: Store> Picky<S> {
    pub(crate) fn new(inner: S) -> (Arc<Self>, Dislikes) {
        let mood = Mood { dislikes: None, error: StoreError::Closed, refusals_left: 0, refused: 0 };
        let mood = Arc::new(Mutex::new(mood));
        (Arc::new(Self { inner, mood: Arc::clone(&mood) }), Dislikes(mood))
    }
}

impl<S: Store> Store for Picky<S> {
    fn commit(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        let mut mood = self.mood.lock().unwrap();
        let disliked = mood.dislikes.is_some_and(|run| txn.ops.iter().any(|op| is_of(op, run)));
        if disliked && mood.refusals_left > 0 {
            mood.refusals_left -= 1;
            mood.refused += 1;
            let error = mood.error.clone();
            return Box::pin(std::future::ready(Err(error)));
        }
        self.inner.commit(txn)
    }

    delegate!();
}

// === impl Dislikes ===

impl Dislikes {
    /// From now on, the next so many writes of this run fail.
    pub(crate) fn run(&self, run: RunId, error: StoreError, times: u32) {
        let mut mood = self.0.lock().unwrap();
        (mood.dislikes, mood.error, mood.refusals_left) = (Some(run), error, times);
    }

    /// From now on nothing fails.
    pub(crate) fn nothing(&self) {
        self.0.lock().unwrap().dislikes = None;
    }

    pub(crate) fn refused(&self) -> u32 {
        self.0.lock().unwrap().refused
    }
}

/// A failure that may pass.
pub(crate) fn passing() -> StoreError {
    StoreError::io("write", "a store that fails on purpose", std::io::Error::other("injected"))
}

fn is_of(op: &Op, run: RunId) -> bool {
    let id = run.0.as_bytes();
    let key = match op {
        Op::Put { key, .. } | Op::Delete { key } => key,
        Op::DeleteRange { start, .. } => start,
    };
    key.windows(id.len()).any(|part| part == id)
}

/// A store that takes an image of its directory behind every commit.
#[derive(Debug)]
pub(crate) struct Imaging<S> {
    inner: S,
    directory: PathBuf,
    images: Images,
}

/// Images in the order in which they were taken.
pub(crate) type Images = Arc<Mutex<Vec<Image>>>;

// === impl Imaging ===

impl<S: Store> Imaging<S> {
    pub(crate) fn new(inner: S, directory: &Path, images: Images) -> Arc<Self> {
        Arc::new(Self { inner, directory: directory.to_owned(), images })
    }
}

impl<S: Store> Store for Imaging<S> {
    fn commit(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        let (committed, images) = (self.inner.commit(txn), Arc::clone(&self.images));
        let directory = self.directory.clone();
        Box::pin(async move {
            let revision = committed.await?;
            images.lock().unwrap().push(Image::of(&directory));
            Ok(revision)
        })
    }

    delegate!();
}
