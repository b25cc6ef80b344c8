//! The conformance suite against the store on disk.

#![expect(clippy::unwrap_used, reason = "the way for a test to fail")]

use std::future::ready;
use std::time::Duration;

use tempfile::TempDir;
use windlass_store::conformance::Subject;
use windlass_store::{BoxFuture, ManualClock};
use windlass_store_fjall::{FjallStore, Options};

struct Fjall {
    directory: TempDir,
    clock: ManualClock,
}

impl Fjall {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), clock: ManualClock::new() }
    }
}

impl Subject for Fjall {
    type Store = FjallStore;

    fn open(&self) -> BoxFuture<'_, FjallStore> {
        let options = Options { clock: self.clock.clock(), ..Options::default() };
        let store = FjallStore::open(self.directory.path(), options).unwrap();
        Box::pin(ready(store))
    }

    fn advance(&self, by: Duration) -> BoxFuture<'_, ()> {
        self.clock.advance(by);
        Box::pin(ready(()))
    }
}

windlass_store::conformance!(Fjall::new());
