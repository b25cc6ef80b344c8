//! What can be chosen when a runtime is opened, and why the defaults are what they are.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use windlass_engine::Budget;
use windlass_model::id::RunId;
use windlass_plugin::Origin;
use windlass_store::{Store, StoreError};

use crate::clock::Clock;
use crate::select::Inventories;

/// How to open a runtime.
#[derive(Clone, Debug)]
pub struct Options {
    /// What this process calls itself in the logs of runs that it takes over.
    pub name: String,
    /// Which unfinished runs to go on with.
    pub take_over: TakeOver,
    /// How long a run may have been silent to be gone on with. A run that goes on says so at least
    /// every sixth part of this. `None`: for ever.
    pub recovery_limit: Option<Duration>,
    /// How old a submission may be when it is started. `None`: as old as it likes.
    pub start_within: Option<Duration>,
    /// How long an attempt that was killed has to end by itself before its work is dropped.
    pub kill_grace: Duration,
    /// How long a write that may still succeed is tried again before its run is parked.
    pub storage_patience: Duration,
    /// How long a run is parked before going on with it is tried.
    pub park_for: Duration,
    /// How many events of a run lie between two snapshots of it at the least. A snapshot saves a
    /// recovery from reading the log before it. `None`: none are taken.
    pub snapshot_every: Option<u64>,
    /// Where the output of plugins goes.
    pub logs: Logs,
    /// How many bytes of an attempt's output are kept: what prints without end must not fill the store's disk.
    pub most_output: u64,
    /// Where the keys lie with which the secrets of runs are sealed.
    pub keys: KeyPlace,
    /// How to open the store again after a failed flush. `None`: the runtime ends with its store.
    pub reopen: Option<Reopen>,
    /// The files of this side that actions take to their nodes, and where they put what they bring back.
    /// `None`: there are none.
    pub origin: Option<Origin>,
    /// Where the nodes come from for blocks whose targets are chosen when they begin. `None`: from the inventory that
    /// the run was submitted with, as long as this process lives.
    pub inventories: Option<Arc<dyn Inventories>>,
    /// How many nodes may be worked on at a time by all runs together, from the beginning on: see
    /// [`Handle::set_budgets`](crate::Handle::set_budgets).
    pub budgets: Vec<Budget>,
    /// Where the time comes from.
    pub clock: Clock,
}

/// Which unfinished runs to go on with when a runtime is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TakeOver {
    /// All that there are.
    #[default]
    Everything,
    /// These; the others stay as they are.
    Only(Vec<RunId>),
}

/// Where the output of plugins goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Logs {
    /// Nowhere.
    #[default]
    Dropped,
    /// Into plain files: `<directory>/<plan>/<run>/all.log`, and beside it `nodes/<name>.log` of each node on which
    /// something was printed.
    Files(PathBuf),
}

/// Where the keys lie with which the secrets of runs are sealed.
///
/// Each run that has secrets gets a key of its own, which is removed for good when the run ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyPlace {
    /// In memory: a run with secrets cannot be gone on with after its process has ended.
    #[default]
    Memory,
    /// In files `<directory>/<run>.key`. The directory is that of one store alone: keys of runs that the
    /// store does not know, or that have ended, are removed when it is opened.
    Directory(PathBuf),
}

/// How to open the store again.
#[derive(Clone)]
pub struct Reopen(Arc<dyn Fn() -> Result<Arc<dyn Store>, StoreError> + Send + Sync>);

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            name: format!("process {}", std::process::id()),
            take_over: TakeOver::default(),
            recovery_limit: Some(Duration::from_secs(24 * 3600)),
            // Longer ago, and the targets that were frozen are hardly those of today.
            start_within: Some(Duration::from_secs(7 * 24 * 3600)),
            kill_grace: Duration::from_secs(2),
            storage_patience: Duration::from_secs(30),
            park_for: Duration::from_secs(30),
            // Reading so many takes some hundredths of a second.
            snapshot_every: Some(100_000),
            logs: Logs::default(),
            most_output: 64 << 20,
            keys: KeyPlace::default(),
            reopen: None,
            origin: None,
            inventories: None,
            budgets: Vec::new(),
            clock: Clock::default(),
        }
    }
}

// === impl Reopen ===

impl Reopen {
    /// By calling this. It may block.
    pub fn with(open: impl Fn() -> Result<Arc<dyn Store>, StoreError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        (self.0)()
    }
}

impl fmt::Debug for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reopen")
    }
}
