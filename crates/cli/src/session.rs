//! A data directory that is ours: the store, the runtime on it, and the socket for everybody else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass_fleet::{Fleet, Unneeded};
use windlass_model::id::RunId;
use windlass_plugin::Registry;
use windlass_runtime::{Handle, Inventories, KeyPlace, Logs, Options, Reopen, Runtime, TakeOver, TakenOver};
use windlass_store::{Store, StoreError};
use windlass_store_fjall::FjallStore;

use crate::control::{Client, Server};
use crate::data_dir::{self, DataDir, quoted};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::late::ReadAgain;
use crate::printer::Printer;
use crate::reach;

/// How long somebody who only looks may hold the store before we give up. Looking takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);
/// How long a write that may still succeed is tried again before anybody hears of it.
pub(crate) const STORAGE_PATIENCE: Duration = Duration::from_secs(5);
/// How long attempts in flight have to end when the process does. There are none, unless something is wrong.
const GRACE: Duration = Duration::from_secs(5);

/// The owner of a data directory.
#[derive(Debug)]
pub(crate) struct Session {
    runtime: Runtime,
    server: Option<Server>,
    fleet: Option<Fleet>,
}

// === impl Session ===

impl Session {
    /// Opens a data directory to drive runs in it, and listens for others.
    pub(crate) async fn drive(
        data_dir: &DataDir,
        registry: &Registry,
        take_over: TakeOver,
        fleet: Fleet,
        printer: &mut Printer,
    ) -> Result<Self, Failure> {
        let inventories = Arc::new(ReadAgain::new(registry, &fleet));
        let over = reach::over(registry, &fleet)?;
        let mut session = Self::open_with(data_dir, over, take_over, Some(inventories)).await?;
        session.fleet = Some(fleet);
        if data_dir.is_open_to_others() {
            let path = data_dir.path().to_string_lossy();
            printer.warn(format_args!(
                "others than you can read what is kept in {path}; `chmod 700 {}` ends that",
                quoted(&path)
            ));
        }
        match Server::start(data_dir.path(), session.handle()) {
            Ok(server) => session.server = Some(server),
            Err(error) => printer.warn(format_args!(
                "other processes cannot watch or command this one: cannot listen in {}: {error}",
                data_dir.path().display()
            )),
        }
        Ok(session)
    }

    /// Opens a data directory for a moment.
    pub(crate) async fn open(
        data_dir: &DataDir,
        registry: Registry,
        take_over: TakeOver,
    ) -> Result<Self, Failure> {
        Self::open_with(data_dir, registry, take_over, None).await
    }

    async fn open_with(
        data_dir: &DataDir,
        registry: Registry,
        take_over: TakeOver,
        inventories: Option<Arc<dyn Inventories>>,
    ) -> Result<Self, Failure> {
        data_dir::create(data_dir.path())?;
        let store = store(data_dir).await?;
        let reopened = data_dir.path().to_owned();
        let options = Options {
            name: format!("windlass {} (process {})", env!("CARGO_PKG_VERSION"), std::process::id()),
            take_over,
            logs: Logs::Files(data_dir.path().join("logs")),
            keys: KeyPlace::Directory(data_dir.path().join("keys")),
            // A person is waiting: a disk that is full for longer than this is to be told of.
            storage_patience: STORAGE_PATIENCE,
            park_for: STORAGE_PATIENCE,
            reopen: Some(Reopen::with(move || Ok(open_store(&reopened)? as Arc<dyn Store>))),
            // Plans that were read from files name absolute paths; this is for what templates give.
            origin: Some(windlass_plugins::FilesHere::origin(std::env::current_dir().unwrap_or_default())),
            inventories,
            ..Options::default()
        };
        let runtime = Runtime::open(store, registry, options).await?;
        Ok(Self { runtime, server: None, fleet: None })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.runtime.handle()
    }

    pub(crate) fn taken_over(&self) -> &TakenOver {
        self.runtime.taken_over()
    }

    /// Where a run that was driven here has ended, nodes need not keep anything for it any more. Gives back the connections that are
    /// to be closed.
    pub(crate) async fn forget_if_ended(&self, run: RunId) -> Option<Unneeded> {
        let fleet = self.fleet.as_ref()?;
        let status = self.handle().status(run).await.ok()?.status;
        if status.is_terminal() { Some(fleet.forget(run).await) } else { None }
    }

    /// Ends it in good order. What has not ended goes on when the directory is opened again.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        // Whoever follows a log and finds the socket gone reads what is there.
        self.runtime.handle().flush_logs().await;
        drop(self.server);
        Ok(self.runtime.shutdown(GRACE).await?)
    }
}

async fn store(data_dir: &DataDir) -> Result<Arc<dyn Store>, Failure> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match open_store(data_dir.path()) {
            Ok(store) => return Ok(store),
            // Somebody who drives runs keeps the store, and says so; somebody who looks gives it back soon.
            Err(StoreError::Locked { path, holder }) => {
                let drives = Client::connect(data_dir.path()).await.is_some();
                if drives || tokio::time::Instant::now() >= deadline {
                    let failure = Failure::from(StoreError::Locked { path, holder });
                    return Err(match drives {
                        true => failure.help(format!(
                            "it drives runs here: watch it with `{}`, end it with `{}`,\n\
                             or give another directory with --data-dir DIR",
                            data_dir.typed().command("runs watch"),
                            data_dir.typed().command("runs stop"),
                        )),
                        false => failure,
                    });
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn open_store(data_dir: &Path) -> Result<Arc<FjallStore>, StoreError> {
    Ok(Arc::new(FjallStore::open(data_dir, windlass_store_fjall::Options::default())?))
}

/// The runtime of the process. Attempts run on its workers; the command itself stays on the main thread.
pub(crate) fn tokio_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Store, windlass_model::code::STORE_IO, "cannot start threads").because(&error)
    })
}
