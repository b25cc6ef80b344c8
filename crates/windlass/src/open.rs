//! One step from a directory to a runtime.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass_fleet::{Fleet, Gate, Ways, is_here};
use windlass_model::id::RunId;
use windlass_plugin::{NotReady, Registry, RegistryError};
use windlass_plugins::FilesHere;
use windlass_runtime::{Handle, KeyPlace, Logs, Options, Reopen, Runtime, TakenOver};
use windlass_store::memory::MemoryStore;
use windlass_store::{Store, StoreError};
use windlass_store_fjall::FjallStore;

use crate::again::ReadAgain;

/// A store with a runtime on it. Dereferences to its [`Handle`].
#[derive(Debug)]
pub struct Windlass {
    runtime: Runtime,
    handle: Handle,
}

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store could not be opened.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// The runtime could not be opened.
    #[error("the runtime cannot be opened")]
    Runtime(#[from] windlass_runtime::Error),
    /// A plugin cannot be put behind the fleet.
    #[error("a plugin cannot be put behind the fleet")]
    Plugin(#[from] RegistryError),
    /// Plugins are not ready.
    #[error("plugins are not ready: {}", plugins.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotReady {
        /// Which, and why.
        plugins: Vec<NotReady>,
    },
}

// === impl Windlass ===

impl Windlass {
    /// Opens a data directory, the same that `--data-dir` of the command knows: the store in it, the output
    /// of plugins in `logs`, the keys of runs with secrets in `keys`. Runs that have not ended go on.
    pub async fn open(directory: impl AsRef<Path>, registry: Registry) -> Result<Self, OpenError> {
        Self::open_with(directory, registry, Options::default()).await
    }

    /// The same, with options; where these say nothing else, output goes into `logs`, keys lie in `keys`,
    /// and the store is opened again after a failed flush. Actions reach the files of this machine; relative
    /// paths begin where the process was started.
    pub async fn open_with(
        directory: impl AsRef<Path>,
        registry: Registry,
        options: Options,
    ) -> Result<Self, OpenError> {
        let directory = directory.as_ref().to_owned();
        let open = move |path: &Path| -> Result<Arc<dyn Store>, StoreError> {
            let store = FjallStore::open(path, windlass_store_fjall::Options::default())?;
            Ok(Arc::new(store))
        };
        let store = open(&directory)?;
        let logs = match options.logs {
            Logs::Dropped => Logs::Files(directory.join("logs")),
            logs @ Logs::Files(_) => logs,
        };
        let keys = match options.keys {
            KeyPlace::Memory => KeyPlace::Directory(directory.join("keys")),
            keys @ KeyPlace::Directory(_) => keys,
        };
        let reopen = options.reopen.or_else(|| Some(Reopen::with(move || open(&directory))));
        let here = || FilesHere::origin(std::env::current_dir().unwrap_or_default());
        let origin = options.origin.or_else(|| Some(here()));
        Self::on(store, registry, Options { logs, keys, reopen, origin, ..options }).await
    }

    /// On a store in memory, for tests and for what may be forgotten.
    pub async fn in_memory(registry: Registry) -> Result<Self, OpenError> {
        Self::on(Arc::new(MemoryStore::new()), registry, Options::default()).await
    }

    /// On any store. Where the options name no place for keys, runs with secrets end with the process.
    ///
    /// Nodes are reached as their settings, the user's `ssh_config` and the environment say.
    pub async fn on(store: Arc<dyn Store>, registry: Registry, options: Options) -> Result<Self, OpenError> {
        let fleet = Fleet::new(Ways::of_this_process(), Gate::default());
        Self::over(store, registry, options, fleet).await
    }

    /// On any store, over a fleet of one's own: with other secrets, agents and limits. Where the options say nothing else,
    /// blocks that choose their targets late choose them from the inventory that their run's request names.
    pub async fn over(
        store: Arc<dyn Store>,
        registry: Registry,
        options: Options,
        fleet: Fleet,
    ) -> Result<Self, OpenError> {
        let plugins = registry.ready().await;
        if !plugins.is_empty() {
            return Err(OpenError::NotReady { plugins });
        }
        let registry = windlass_fleet::over(&registry, &fleet, is_here)?;
        let inventories = options.inventories.or_else(|| Some(Arc::new(ReadAgain)));
        let runtime = Runtime::open(store, registry, Options { inventories, ..options }).await?;
        let handle = runtime.handle();
        Ok(Self { runtime, handle })
    }

    /// A handle that can be given away.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// What was found when it was opened.
    #[must_use]
    pub fn taken_over(&self) -> &TakenOver {
        self.runtime.taken_over()
    }

    /// The report of a run as far as it has come, as text. [`windlass_report`] writes it as JSON and HTML, too.
    pub async fn report(&self, run: RunId) -> Result<String, windlass_runtime::Error> {
        let fold = self.handle.fold(run).await?;
        let mut text = Vec::new();
        // Writing into memory does not fail.
        let _ = windlass_report::write_text(&fold, &windlass_report::TextOptions::default(), &mut text);
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Begins nothing new, lets what is in flight end within the grace, and closes the store.
    pub async fn shutdown(self, grace: Duration) -> Result<(), windlass_runtime::Error> {
        self.runtime.shutdown(grace).await
    }
}

impl std::ops::Deref for Windlass {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}
