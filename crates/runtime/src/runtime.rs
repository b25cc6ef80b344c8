//! Opening and closing: a runtime from a store, a registry and options.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use windlass_logs::Writer;
use windlass_model::id::RunId;
use windlass_plugin::Registry;
use windlass_store::{Store, StoreError};

use crate::archive::Archive;
use crate::call::Call;
use crate::dispatcher::Dispatcher;
use crate::error::{Error, SecretsError};
use crate::handle::Handle;
use crate::keyring::Keyring;
use crate::load::{self, Found};
use crate::options::{Options, TakeOver};
use crate::submit::Reader;
use crate::view::Condition;

/// A runtime that is open. It goes on until it and its last [`Handle`] are dropped, and then ends
/// without waiting; better is [`Runtime::shutdown`].
#[derive(Debug)]
pub struct Runtime {
    handle: Handle,
    taken_over: TakenOver,
}

/// What a runtime found when it was opened.
#[derive(Clone, Debug, Default)]
pub struct TakenOver {
    /// Runs that it goes on with.
    pub runs: Vec<RunId>,
    /// Runs that need plugins that are not registered. They were left as they are.
    pub unrunnable: Vec<Unrunnable>,
    /// Runs whose records cannot be read. They were left as they are.
    pub damaged: Vec<Damaged>,
    /// Runs whose secrets cannot be read. They were left as they are.
    pub sealed: Vec<Sealed>,
}

/// A run that needs plugins that are not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrunnable {
    /// The run.
    pub run: RunId,
    /// The names of the plugins.
    pub missing: Vec<String>,
}

/// A run whose record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The run.
    pub run: RunId,
    /// What was found.
    pub detail: String,
}

/// A run whose secrets cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The run.
    pub run: RunId,
    /// Why.
    pub why: SecretsError,
}

/// How many calls wait for the dispatcher: it takes them all in every turn, so this bounds what one
/// turn may have to answer, and a caller that finds it full waits for one turn.
const CALLS: usize = 1024;

// === impl Runtime ===

impl Runtime {
    /// Opens a runtime on a store, and goes on with the runs that have not ended.
    ///
    /// Must be called within a tokio runtime, on which plugins are then called.
    pub async fn open(store: Arc<dyn Store>, registry: Registry, options: Options) -> Result<Self, Error> {
        let archive = Archive::new(store, Keyring::new(&options.keys));
        archive.sweep_keys().await;
        let reader = Reader::new(registry.catalog(), options.start_within);
        let (calls, asked) = mpsc::channel(CALLS);
        let now = options.clock.clone();
        let writer = Arc::new(Writer::new(move || now.now()));
        let handle = Handle {
            calls,
            archive: archive.clone(),
            reader: reader.clone(),
            clock: options.clock.clone(),
            logs: options.logs.clone(),
            writer: Arc::clone(&writer),
            respected: Arc::default(),
        };
        let (unfinished, others) = match &options.take_over {
            TakeOver::Everything => (load::unfinished(&archive).await?, Vec::new()),
            // Whoever only looks need not read them all; the others' locks are asked for with the first submit.
            TakeOver::Only(runs) if runs.is_empty() => (Vec::new(), Vec::new()),
            TakeOver::Only(runs) => (runs.clone(), load::holders(&archive, &reader, runs).await?),
        };
        let takes_nothing = options.take_over == TakeOver::Only(Vec::new());
        let mut dispatcher =
            Dispatcher::new(archive.clone(), reader.clone(), &registry, options, asked, writer);
        let mut taken_over = TakenOver::default();
        others.into_iter().for_each(|run| dispatcher.respect(run));
        if !takes_nothing {
            // Nobody else has a handle yet.
            let _ = handle.respected.set(());
        }
        for run in unfinished {
            match load::find(&archive, &reader, run).await {
                Ok(Found::Unfinished(found, view, key)) => {
                    dispatcher.adopt(*found, *view, key, BTreeSet::new());
                    taken_over.runs.push(run);
                }
                Ok(Found::Finished(_)) => {}
                Ok(Found::Unrunnable(missing)) => {
                    left(&mut dispatcher, &archive, &reader, run).await;
                    tracing::warn!(%run, ?missing, "a run needs plugins that are not registered");
                    dispatcher.leave(run, Condition::Unrunnable { missing: missing.clone() });
                    taken_over.unrunnable.push(Unrunnable { run, missing });
                }
                Err(Error::Damaged { detail, .. }) => {
                    tracing::error!(%run, detail, "the record of a run cannot be read");
                    dispatcher.leave(run, Condition::Damaged { detail: detail.clone() });
                    taken_over.damaged.push(Damaged { run, detail });
                }
                Err(Error::Sealed { why, .. }) => {
                    left(&mut dispatcher, &archive, &reader, run).await;
                    tracing::error!(%run, %why, "the secrets of a run cannot be read");
                    dispatcher.leave(run, Condition::Sealed { why: why.clone() });
                    taken_over.sealed.push(Sealed { run, why });
                }
                Err(error) => return Err(error),
            }
        }
        let started = dispatcher.start();
        started.map_err(|error| StoreError::io("start a thread for", "the dispatcher", error))?;
        Ok(Self { handle, taken_over })
    }

    /// A handle to work with.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// What was found when it was opened.
    #[must_use]
    pub fn taken_over(&self) -> &TakenOver {
        &self.taken_over
    }

    /// Begins nothing new, lets what is in flight end within the grace, and closes the store.
    ///
    /// Runs that have not ended go on when a runtime is opened on the store again.
    pub async fn shutdown(self, grace: Duration) -> Result<(), Error> {
        let ended = self.handle.ask(|answer| Call::Shutdown { grace, answer }).await;
        // What was printed is in its files when the process ends.
        self.handle.flush_logs().await;
        ended
    }
}

/// A run that cannot be driven keeps its locks, as far as they can be read.
async fn left(dispatcher: &mut Dispatcher, archive: &Archive, reader: &Reader, run: RunId) {
    match load::holder(archive, reader, run).await {
        Ok(holder) => holder.into_iter().for_each(|run| dispatcher.respect(run)),
        Err(error) => tracing::warn!(%run, %error, "nobody knows which locks a run holds"),
    }
}
