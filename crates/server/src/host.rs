//! The server around its API: how it is, what is counted, and backups of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, mpsc};
use windlass_api::{Host, HostFuture, MetricsForm, Pieces, Tally};
use windlass_contract::{NewBackup, Retained};
use windlass_runtime::Clock;

use crate::backup::{BackupWanted, Maker};
use crate::metrics::{Watched, collect, write};
use crate::retention::Keeper;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub(crate) watched: Watched,
    pub(crate) clock: Clock,
    /// It ends, and takes no more work.
    pub(crate) drains: Arc<AtomicBool>,
    pub(crate) keeper: Keeper,
    /// How many backups are made at once.
    pub(crate) backups: Arc<Semaphore>,
}

/// How many backups are made at once: each has a thread.
pub(crate) const BACKUPS: usize = 2;
/// How many pieces of a megabyte wait for whoever takes them.
const PIECES: usize = 4;

impl Host for Around {
    fn trouble(&self) -> Option<String> {
        if self.drains.load(Ordering::Relaxed) {
            return Some("it is about to end, and takes no more work".to_owned());
        }
        self.watched
            .store
            .is_full()
            .then(|| "the disk of its store is full: nothing is taken until there is room".to_owned())
    }

    fn metrics(&self, asked: Tally, form: MetricsForm) -> HostFuture<'_, String> {
        Box::pin(async move {
            let listed = self.watched.runs.list(1, None).await;
            let ready = self.trouble().is_none() && listed.is_ok();
            write(&collect(&self.watched, asked, ready).await, form)
        })
    }

    fn retain(&self, dry_run: bool) -> HostFuture<'_, Result<Retained, String>> {
        Box::pin(self.keeper.look(dry_run))
    }

    fn backup(&self, wanted: NewBackup) -> HostFuture<'_, Result<Pieces, String>> {
        let around = self.clone();
        Box::pin(async move {
            let turn = Arc::clone(&around.backups)
                .try_acquire_owned()
                .map_err(|_| format!("{BACKUPS} are being made already"))?;
            // What was printed up to now is in its files.
            around.watched.runs.flush_logs().await;
            let (pieces, taken) = mpsc::channel(PIECES);
            let at = around.clock.now();
            let made = tokio::task::spawn_blocking(move || {
                let Watched { store, directory, version, runs, .. } = &around.watched;
                let NewBackup { keys, logs } = wanted;
                // A run that is not over in the backup has its key there, too, be it over a moment later.
                runs.hold_keys(|| Maker::new(store, directory, BackupWanted { keys, logs }, version, at))
            });
            let maker = made.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
            tokio::task::spawn_blocking(move || {
                let _turn = turn;
                for piece in maker {
                    let piece = piece.map_err(|error| {
                        tracing::error!(error = &error as &dyn std::error::Error, "a backup cannot be made");
                        std::io::Error::other(error.to_string())
                    });
                    // Nobody takes it any more.
                    if pieces.blocking_send(piece).is_err() {
                        return;
                    }
                }
            });
            Ok(taken)
        })
    }
}
