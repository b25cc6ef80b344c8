//! What waits to be sent, in order: whole frames, and attempts that have printed something.
//!
//! ```text
//!   attempts ──frames, "I have lines"──▶ Outbox ──▶ the one task that writes
//! ```
//!
//! It is bounded from the side of those who print: they wait for [`Outbox::room`]. Once the connection is
//! gone nothing is sent, and lines still pass through on their way into the journal.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use windlass_wire::{FromAgent, encode};

use crate::attempt::Lines;

/// How much may wait before those who print wait, too.
const MOST_WAITING: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    drained: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Item>,
    bytes: usize,
    /// Nobody listens any more.
    detached: bool,
    /// Nothing more will come.
    closed: bool,
}

#[derive(Debug)]
enum Item {
    Frame(Vec<u8>),
    Lines(Arc<Lines>),
}

// === impl Outbox ===

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message after all that waits already.
    pub(crate) fn send(&self, message: &FromAgent) {
        let frame = encode(message).or_else(|error| {
            // A response of more than a frame can hold; whoever waits for it must hear of it.
            let FromAgent::Ended { id, .. } = message else { return Err(error) };
            let why = windlass_plugin::CallError::permanent("agent", error.to_string());
            encode(&FromAgent::Ended { id: *id, ended: windlass_wire::Ended::Failed(why.into()) })
        });
        if let Ok(frame) = frame {
            self.send_bytes(frame);
        }
    }

    pub(crate) fn send_bytes(&self, frame: Vec<u8>) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_add(frame.len());
        state.queue.push_back(Item::Frame(frame));
        drop(state);
        self.filled.notify_one();
    }

    /// Notes that an attempt has lines; it says so once until they are taken.
    pub(crate) fn has_lines(&self, lines: Arc<Lines>) {
        self.state().queue.push_back(Item::Lines(lines));
        self.filled.notify_one();
    }

    /// Waits until less waits to be sent than may.
    pub(crate) async fn room(&self) {
        loop {
            let drained = self.drained.notified();
            {
                let state = self.state();
                if state.detached || state.bytes < MOST_WAITING {
                    return;
                }
            }
            drained.await;
        }
    }

    /// Nobody listens any more.
    pub(crate) fn detach(&self) {
        self.state().detached = true;
        self.drained.notify_waiters();
        self.filled.notify_one();
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn detached(&self) {
        loop {
            let drained = self.drained.notified();
            if self.is_detached() {
                return;
            }
            drained.await;
        }
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.state().detached
    }

    /// Nothing more will come: the task that writes ends when it has written what waits.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// The next bytes to write; `None` when there will be no more. Empty where nobody listens.
    pub(crate) async fn next(&self) -> Option<Vec<u8>> {
        loop {
            let item = {
                let mut state = self.state();
                match state.queue.pop_front() {
                    None if state.closed => return None,
                    None => None,
                    Some(item) => Some(item),
                }
            };
            match item {
                Some(Item::Frame(frame)) => {
                    let mut state = self.state();
                    state.bytes = state.bytes.saturating_sub(frame.len());
                    let detached = state.detached;
                    drop(state);
                    self.drained.notify_waiters();
                    return Some(if detached { Vec::new() } else { frame });
                }
                Some(Item::Lines(lines)) => {
                    let frame = lines.take();
                    return Some(if self.is_detached() { Vec::new() } else { frame });
                }
                None => self.filled.notified().await,
            }
        }
    }
}
