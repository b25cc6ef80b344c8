//! No two attempts of an action at once: what an earlier one left running is waited for, and ended when that is wanted.
//!
//! An agent that is killed cannot end its programs. They go on, and nobody learns how they end; but whoever comes after
//! it sees that they run, and until when.

use std::path::PathBuf;
use std::time::Duration;

use windlass_model::event::Severity;
use windlass_plugin::{CallError, Cancel, Output};
use windlass_wire::{CallOrder, Mode};

use crate::journal::{self, Left, Order, Record, Records};
use crate::session::Shared;

/// How often is looked whether something still runs, at first and later. There is no event for that, and looking costs
/// the more the more processes there are.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(250);

/// What became of waiting for what an agent left that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlasted {
    /// It does not run any more.
    Gone,
    /// Nothing of it runs any more: it was told to end.
    Ended,
    /// Nobody listens any more.
    Unheard,
}

/// An attempt in the journal of another agent, of which no end is known.
struct Other {
    path: PathBuf,
    records: Records,
    n: u32,
    ended: bool,
}

/// Waits until it has ended as it would have for its agent, which does not wait for what runs in the background; ends it, with
/// all that it left, when that is asked for.
pub(crate) async fn outlast(shared: &Shared, left: &Left, cancel: &Cancel) -> Outlasted {
    let (mut told, mut pause) = (None, LOOK_EVERY);
    while if told.is_some() { left.is_alive() } else { left.is_running() } {
        tokio::select! {
            how = harsher(cancel, told) => {
                left.signal(how);
                (told, pause) = (Some(how), LOOK_EVERY);
            }
            () = tokio::time::sleep(pause) => pause = pause.saturating_mul(2).min(LOOK_AT_LEAST_EVERY),
            () = shared.unattended() => return Outlasted::Unheard,
        }
    }
    if told.is_some() { Outlasted::Ended } else { Outlasted::Gone }
}

/// Waits until no earlier attempt of the same action goes on here.
pub(crate) async fn alone(
    shared: &Shared,
    order: &CallOrder,
    cancel: &Cancel,
    output: &Output,
) -> Result<(), CallError> {
    if order.attempt <= 1 || order.mode != Mode::Act {
        return Ok(());
    }
    let (mut others, mut pause) = (others(shared, order), LOOK_EVERY);
    let mut is_said = false;
    while shared.has_earlier(order) || others.iter_mut().any(Other::goes_on) {
        if !std::mem::replace(&mut is_said, true) {
            output.note("an earlier attempt of this still runs here; waiting for its end");
        }
        tokio::select! {
            _ = cancel.requested() => return Err(CallError::cancelled()),
            () = tokio::time::sleep(pause) => pause = pause.saturating_mul(2).min(LOOK_AT_LEAST_EVERY),
        }
    }
    Ok(())
}

/// Earlier attempts of the same action in the journals of other agents.
fn others(shared: &Shared, order: &CallOrder) -> Vec<Other> {
    let paths = shared.cache.runs(order.run).flat_map(|directory| journal::journals(&directory));
    paths.filter(|path| !shared.is_own(path)).flat_map(|path| earlier(&path, order)).collect()
}

fn earlier(path: &std::path::Path, order: &CallOrder) -> Vec<Other> {
    let Ok(mut records) = Records::open(path) else { return Vec::new() };
    let mut numbers = Vec::new();
    while let Ok(Some(record)) = records.next() {
        match record {
            Record::Begun { n, key, attempt, .. } if key == order.key && attempt < order.attempt => {
                numbers.push(n);
            }
            Record::Ended { n, .. } => numbers.retain(|number| *number != n),
            _ => {}
        }
    }
    let others = numbers.into_iter().filter_map(|n| {
        let records = Records::open(path).ok()?;
        Some(Other { path: path.to_owned(), records, n, ended: false })
    });
    let others: Vec<Other> = others.collect();
    if !others.is_empty() && journal::is_owned(path) {
        // It may be stuck at a connection that only looks alive.
        let _ = journal::tell(path, &Order::Detach);
    }
    others
}

/// Waits until the end is asked for more harshly than it was.
async fn harsher(cancel: &Cancel, told: Option<Severity>) -> Severity {
    match told {
        None => cancel.requested().await,
        Some(Severity::Term) => cancel.reached(Severity::Kill).await,
        Some(Severity::Kill) => std::future::pending().await,
    }
}

// === impl Other ===

impl Other {
    fn goes_on(&mut self) -> bool {
        // Asked before reading: what is written before the owner's end is read after it.
        let owned = journal::is_owned(&self.path);
        while let Ok(Some(record)) = self.records.next() {
            self.ended |= matches!(record, Record::Ended { n, .. } if n == self.n);
        }
        if self.ended {
            return false;
        }
        owned || Left::of(&self.path, self.n).is_some_and(|left| left.is_running())
    }
}
