//! Reads runs from the store: heads, submissions, secrets, logs. It writes nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use windlass_model::codec::{self, CodecError};
use windlass_model::event::Event;
use windlass_model::id::RunId;
use windlass_model::secret::Secrets;
use windlass_model::submission::Submission;
use windlass_store::{Change, Entry, Range, Revision, Store, StoreError};

use crate::error::Error;
use crate::keyring::Keyring;
use crate::keys;
use crate::seal::{Found, RunKey};
use crate::view::RunView;

/// The store that is open now, and the keys of the runs in it. Cheap to clone; all clones see it
/// change when it is opened again.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    store: Arc<RwLock<Arc<dyn Store>>>,
    keyring: Keyring,
}

/// The secrets of a run, in clear.
#[derive(Debug, Default)]
pub(crate) struct Unsealed {
    pub(crate) secrets: Secrets,
    /// The key that opened them; none where none was needed.
    pub(crate) key: Option<Arc<RunKey>>,
}

/// A log being read, some chunks at a time.
#[derive(Debug)]
pub(crate) struct LogReader {
    archive: Archive,
    run: RunId,
    /// The number of the next event wanted.
    next: u64,
}

/// How many chunks are read at once: a few hundred kilobytes, so that a long log is never in memory as a whole.
const CHUNKS: usize = 64;
/// How many entries are looked at at once.
const PAGE: usize = 1000;
/// How many bytes of logs somebody may have missed: who has missed more reads the state again.
const MOST_MISSED: usize = 64 << 20;

// === impl Archive ===

impl Archive {
    pub(crate) fn new(store: Arc<dyn Store>, keyring: Keyring) -> Self {
        Self { store: Arc::new(RwLock::new(store)), keyring }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another store in the place of this one.
    pub(crate) fn replace(&self, store: Arc<dyn Store>) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = store;
    }

    /// The head of a run; `None` if there is no such run.
    pub(crate) async fn head(&self, run: RunId) -> Result<Option<RunView>, Error> {
        let Some(entry) = self.store().get(&keys::head(run)).await? else { return Ok(None) };
        RunView::read(&entry.value).map(Some).map_err(|detail| Error::Damaged { run, detail })
    }

    /// Everything that was written to logs behind one revision and up to another, in order. It is found in the logs of those
    /// runs alone that have changed since.
    pub(crate) async fn happened(&self, behind: Revision, until: Revision) -> Result<Vec<Change>, Error> {
        let store = self.store();
        let mut runs: BTreeSet<RunId> = BTreeSet::new();
        for prefix in [keys::OPEN, keys::HEADS] {
            let Range { mut start, end, .. } = Range::prefix(prefix);
            loop {
                let page = store.range(Range { start, end: end.clone(), ..Range::all() }.limit(PAGE)).await?;
                let changed = page.iter().filter(|entry| prefix == keys::OPEN || entry.revision > behind);
                runs.extend(changed.filter_map(|entry| keys::run_at_end(&entry.key)));
                match page.last() {
                    Some(last) if page.len() == PAGE => start = [&last.key[..], b"\0"].concat().into(),
                    _ => break,
                }
            }
        }
        let (mut changes, mut bytes) = (Vec::new(), 0_usize);
        for run in runs {
            let chunks = store.range(Range::prefix(keys::log(run))).await?;
            for Entry { key, value, revision } in chunks {
                if (behind < revision) && revision <= until {
                    bytes = bytes.saturating_add(value.len());
                    changes.push(Change { revision, key, value: Some(value) });
                }
            }
            if bytes > MOST_MISSED {
                return Err(StoreError::Compacted { oldest: until }.into());
            }
        }
        changes.sort_by(|one, other| (one.revision, &one.key).cmp(&(other.revision, &other.key)));
        Ok(changes)
    }

    /// The head of a run that must be there.
    pub(crate) async fn known(&self, run: RunId) -> Result<RunView, Error> {
        self.head(run).await?.ok_or(Error::UnknownRun(run))
    }

    pub(crate) async fn submission(&self, run: RunId) -> Result<Arc<Submission>, Error> {
        let parts = self.store().range(Range::prefix(keys::submission(run))).await?;
        if parts.is_empty() {
            return Err(Error::UnknownRun(run));
        }
        let read = match parts.as_slice() {
            [part] => serde_json::from_slice(&part.value),
            parts => {
                let bytes: Vec<u8> = parts.iter().flat_map(|part| part.value.iter().copied()).collect();
                serde_json::from_slice(&bytes)
            }
        };
        read.map(Arc::new).map_err(|error| Error::Damaged { run, detail: format!("its submission: {error}") })
    }

    /// The secrets of a run. Where there are none, no key is looked for.
    pub(crate) async fn secrets(&self, run: RunId) -> Result<Unsealed, Error> {
        let prefix = keys::sealed(run);
        let entries = self.store().range(Range::prefix(prefix.clone())).await?;
        let sealed = |why| Error::Sealed { run, why };
        let mut unsealed = Unsealed::default();
        for entry in &entries {
            let name = entry.key.get(prefix.len()..).and_then(|name| std::str::from_utf8(name).ok());
            let Some(name) = name else {
                return Err(Error::Damaged { run, detail: "a secret has no proper name".to_owned() });
            };
            match Found::read(name, &entry.value).map_err(sealed)? {
                Found::Clear(text) => unsealed.secrets.insert(name, text),
                Found::Sealed(nonce, rest) => {
                    let key = match &unsealed.key {
                        Some(key) => Arc::clone(key),
                        None => self.keyring(move |keyring| keyring.find(run)).await?.map_err(sealed)?,
                    };
                    unsealed.secrets.insert(name, key.open(name, nonce, rest).map_err(sealed)?.as_str());
                    unsealed.key = Some(key);
                }
            }
        }
        Ok(unsealed)
    }

    /// A key for a run, durable when this returns.
    pub(crate) async fn make_key(&self, run: RunId) -> Result<Arc<RunKey>, Error> {
        Ok(self.keyring(move |keyring| keyring.make(run)).await??)
    }

    /// Removes the key of a run for good, if it has one. What cannot be removed now is removed when the
    /// store is opened the next time.
    pub(crate) async fn shred_key(&self, run: RunId) {
        let shredded = self.keyring(move |keyring| keyring.shred(run)).await;
        if let Err(error) | Ok(Err(error)) = shredded.map(|result| result.map_err(Error::from)) {
            tracing::error!(%run, %error, "the key of a run that has ended cannot be removed");
        }
    }

    /// Removes the keys of runs that have ended, or never came to be: a crash left them behind.
    pub(crate) async fn sweep_keys(&self) {
        match self.keyring(Keyring::runs).await {
            Ok(Ok(runs)) => {
                for run in runs {
                    // A run whose head cannot be read may still go on, once it is restored.
                    let is_needed =
                        |head: Option<RunView>| head.is_some_and(|view| !view.status.is_terminal());
                    if !self.head(run).await.map_or(true, is_needed) {
                        self.shred_key(run).await;
                    }
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "the directory of keys cannot be read"),
            Err(error) => tracing::error!(%error, "the directory of keys cannot be read"),
        }
    }

    /// Does something while the key of no run goes.
    pub(crate) fn hold_keys<T>(&self, work: impl FnOnce() -> T) -> T {
        self.keyring.hold(work)
    }

    async fn keyring<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Keyring) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let keyring = self.keyring.clone();
        tokio::task::spawn_blocking(move || work(&keyring)).await.map_err(|_| Error::Ended)
    }

    /// Reads a log from an event on.
    pub(crate) fn log(&self, run: RunId, from: u64) -> LogReader {
        LogReader { archive: self.clone(), run, next: from.max(1) }
    }
}

// === impl LogReader ===

impl LogReader {
    /// The number of the next event wanted.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next
    }

    /// Goes on behind this event.
    pub(crate) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// The next events that are durable; none when there are no more for now. It may be dropped and
    /// called again without losing any.
    pub(crate) async fn read(&mut self) -> Result<Vec<Event>, Error> {
        let store = self.archive.store();
        // The event that is wanted may stand in the middle of a chunk.
        let wanted = keys::chunk(self.run, self.next.saturating_add(1));
        let holder = Range::between(keys::log(self.run), wanted).descending().limit(1);
        let start = match store.range(holder).await?.into_iter().next() {
            Some(entry) => entry.key,
            None => keys::log(self.run),
        };
        let all = Range::prefix(keys::log(self.run));
        let range = Range { start, ..all }.limit(CHUNKS);
        let mut events = Vec::new();
        for entry in store.range(range).await? {
            let chunk = codec::decode(&entry.value).map_err(|error| self.damaged(&error))?;
            let first = chunk.first().map(|event| event.seq);
            if first.is_some() && first != keys::first_of_chunk(&entry.key) {
                let detail = "a chunk of its log does not hold the events that its key says".to_owned();
                return Err(Error::Damaged { run: self.run, detail });
            }
            let expected = events.last().map_or(self.next, |event: &Event| event.seq.saturating_add(1));
            let mut wanted = chunk.into_iter().skip_while(|event| event.seq < expected).peekable();
            if let Some(event) = wanted.peek()
                && event.seq != expected
            {
                let found = event.seq;
                let detail =
                    format!("its log goes from event {} to event {found}", expected.saturating_sub(1));
                return Err(Error::Damaged { run: self.run, detail });
            }
            events.extend(wanted);
        }
        if let Some(last) = events.last() {
            self.next = last.seq.saturating_add(1);
        }
        Ok(events)
    }

    fn damaged(&self, error: &CodecError) -> Error {
        Error::Damaged { run: self.run, detail: error.to_string() }
    }
}
