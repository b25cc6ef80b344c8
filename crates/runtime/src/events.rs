//! A run's events as they become durable: history first, then live, without gap or repeat.
//!
//! A slow reader holds up nobody: the live tail is bounded, and who falls out of it reads on in the
//! store, where everything is that was ever told.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use windlass_model::event::{Event, What};

use crate::archive::LogReader;
use crate::error::Error;

/// What the dispatcher tells of a run: the events of one turn, durable.
pub(crate) type Told = Arc<[Arc<Event>]>;

/// How many turns a reader may be behind before it reads on in the store: at a flush of a tenth of
/// a millisecond, some 25 milliseconds.
pub(crate) const TAIL: usize = 256;

/// The events of one run.
#[derive(Debug)]
pub struct EventStream {
    log: LogReader,
    live: Option<broadcast::Receiver<Told>>,
    /// Whether the store may have events that were not read.
    behind: bool,
    ready: VecDeque<Arc<Event>>,
    over: bool,
}

// === impl EventStream ===

impl EventStream {
    /// Everything that `log` has from where it stands; then what `live` tells.
    ///
    /// The tail must have been taken before: what became durable since is then in one of the two.
    pub(crate) fn new(log: LogReader, live: Option<broadcast::Receiver<Told>>) -> Self {
        Self { log, live, behind: true, ready: VecDeque::new(), over: false }
    }

    /// Waits for the next event. `None` after the run's last event, or when nobody drives the run.
    ///
    /// It may be dropped and called again without losing any.
    pub async fn next(&mut self) -> Option<Result<Arc<Event>, Error>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.over |= matches!(event.what, What::Finished { .. });
                return Some(Ok(event));
            }
            if self.over {
                return None;
            }
            if self.behind {
                match self.log.read().await {
                    Ok(events) => {
                        self.behind = !events.is_empty();
                        self.ready.extend(events.into_iter().map(Arc::new));
                    }
                    Err(error) => {
                        self.over = true;
                        return Some(Err(error));
                    }
                }
                continue;
            }
            match self.live.as_mut() {
                None => self.over = true,
                Some(live) => match live.recv().await {
                    Ok(told) => self.take(&told),
                    Err(RecvError::Lagged(_)) => self.behind = true,
                    // What was told last may have fallen out of the tail; the store has it.
                    Err(RecvError::Closed) => {
                        self.live = None;
                        self.behind = true;
                    }
                },
            }
        }
    }

    fn take(&mut self, told: &Told) {
        let next = self.log.next_seq();
        let fresh = told.iter().skip_while(|event| event.seq < next);
        match fresh.clone().next() {
            Some(first) if first.seq > next => self.behind = true,
            Some(_) => {
                self.ready.extend(fresh.cloned());
                let last = self.ready.back().map_or(next, |event| event.seq.saturating_add(1));
                self.log.skip_to(last);
            }
            // Something is durable that was not told.
            None => self.behind |= told.is_empty(),
        }
    }
}
