//! Everything that happens in all runs, in the order in which it became durable: each event once, with the version of the store that
//! it came with. Whoever was cut off goes on behind the last version that was heard.

use windlass_model::codec;
use windlass_model::event::Event;
use windlass_model::id::RunId;
use windlass_store::Watch;

use crate::error::Error;
use crate::keys;

/// Follows all runs at once. It holds up nobody, and falls behind only itself.
#[derive(Debug)]
pub struct RunsWatch(Watch);

/// What happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// The version of the store that it came with.
    pub version: u64,
    /// The run.
    pub run: RunId,
    /// What happened, in order.
    pub events: Vec<Event>,
}

// === impl RunsWatch ===

impl RunsWatch {
    pub(crate) fn new(watch: Watch) -> Self {
        Self(watch)
    }

    /// Waits for what happens next; `None` when the store is closed. It may be dropped and called again without losing any.
    pub async fn next(&mut self) -> Option<Result<Happened, Error>> {
        loop {
            let change = match self.0.next().await? {
                Ok(change) => change,
                Err(error) => return Some(Err(error.into())),
            };
            // A log that is removed with its run is nothing that happens in it.
            let (Some(run), Some(value)) = (keys::run_of_chunk(&change.key), &change.value) else { continue };
            return Some(match codec::decode(value) {
                Ok(events) => Ok(Happened { version: change.revision, run, events }),
                Err(error) => Err(Error::Damaged { run, detail: error.to_string() }),
            });
        }
    }
}
