//! The conformance suite against the stores in memory.

use std::future::ready;
use std::time::Duration;

use windlass_store::conformance::Subject;
use windlass_store::embedded::HistoryLimits;
use windlass_store::faulty::FaultyStore;
use windlass_store::memory::MemoryStore;
use windlass_store::{BoxFuture, ManualClock};

#[derive(Default)]
struct Memory(ManualClock);

#[derive(Default)]
struct Faulty(Memory);

impl Subject for Memory {
    type Store = MemoryStore;

    fn open(&self) -> BoxFuture<'_, MemoryStore> {
        let store = MemoryStore::with(self.0.clock(), HistoryLimits::default());
        Box::pin(ready(store))
    }

    fn advance(&self, by: Duration) -> BoxFuture<'_, ()> {
        self.0.advance(by);
        Box::pin(ready(()))
    }
}

impl Subject for Faulty {
    type Store = FaultyStore<MemoryStore>;

    fn open(&self) -> BoxFuture<'_, FaultyStore<MemoryStore>> {
        Box::pin(async { FaultyStore::new(self.0.open().await) })
    }

    fn advance(&self, by: Duration) -> BoxFuture<'_, ()> {
        self.0.advance(by)
    }
}

mod memory {
    use super::*;
    windlass_store::conformance!(Memory::default());
}

mod faulty_without_faults {
    use super::*;
    windlass_store::conformance!(Faulty::default());
}
