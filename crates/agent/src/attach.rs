//! Finds an attempt again that was ordered over another connection, perhaps of another process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use windlass_plugin::{CallError, Cancel, CancelSource};
use windlass_wire::{AttachOrder, CallOrder, Ended, FromAgent};

use crate::journal::{self, Left, Order, Record, Records, Voids};
use crate::overlap::{self, Outlasted};
use crate::session::Shared;

/// How often is looked whether a journal has grown. There is no event for that on every file system.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An attempt in a journal.
struct Found {
    path: PathBuf,
    records: Records,
    n: u32,
}

/// Sends what the attempt printed from some line on, then its end; waits for that if somebody is at it still.
pub(crate) async fn attach(shared: Arc<Shared>, order: AttachOrder, source: CancelSource) {
    let id = order.id;
    let message = match find_or_forbid(&shared, &order) {
        Ok(Some(found)) => follow(&shared, &order, found, &source).await,
        Ok(None) => FromAgent::Gone { id, begun: false },
        // Where no mark can be left, an order that is still on its way could be carried out later; and where something was
        // not kept, or not for so long, nobody can say that it was not begun.
        Err(_) => FromAgent::Gone { id, begun: true },
    };
    shared.outbox.send(&message);
    shared.ended(id);
}

/// Finds an attempt, or sees to it that it never begins.
fn find_or_forbid(shared: &Shared, order: &AttachOrder) -> io::Result<Option<Found>> {
    if let Some(found) = find(shared, order) {
        return Ok(Some(found));
    }
    let Some(directory) = shared.cache.run(order.run) else { return Err(io::ErrorKind::NotFound.into()) };
    shared.voids.leave(&directory, &order.key, order.attempt)?;
    if let Some(found) = find(shared, order) {
        return Ok(Some(found));
    }
    let is_lost = |directory: PathBuf| {
        journal::is_swept(&directory) || Voids::is_unkept(&directory, &order.key, order.attempt)
    };
    if shared.cache.runs(order.run).any(is_lost) { Err(io::ErrorKind::NotFound.into()) } else { Ok(None) }
}

fn find(shared: &Shared, order: &AttachOrder) -> Option<Found> {
    let mut journals = shared.cache.runs(order.run).flat_map(|directory| journal::journals(&directory));
    journals.find_map(|path| {
        let mut records = Records::open(&path).ok()?;
        while let Ok(Some(record)) = records.next() {
            if let Record::Begun { n, key, attempt, .. } = record
                && key == order.key
                && attempt == order.attempt
                && !is_void(&path, n)
            {
                return Some(Found { path, records, n });
            }
        }
        None
    })
}

/// Whether an attempt of a journal was written down and then not begun.
fn is_void(path: &Path, n: u32) -> bool {
    let Ok(mut records) = Records::open(path) else { return false };
    while let Ok(Some(record)) = records.next() {
        if let Record::Ended { n: of, ended } = record
            && of == n
        {
            return ended.is_refusal(CallOrder::VOID);
        }
    }
    false
}

async fn follow(shared: &Shared, order: &AttachOrder, mut found: Found, source: &CancelSource) -> FromAgent {
    let (id, cancel) = (order.id, source.cancel());
    let mut told = None;
    let is_own = shared.is_own(&found.path);
    if !is_own && journal::is_owned(&found.path) {
        // It may be stuck at a connection that only looks alive. It has ended meanwhile if nobody reads this.
        let _ = journal::tell(&found.path, &Order::Detach);
    }
    loop {
        // Asked before reading: what is written before the owner's end is read after it.
        let owned = is_own || journal::is_owned(&found.path);
        while let Ok(Some(record)) = found.records.next() {
            match record {
                Record::Printed { n, from, lines } if n == found.n => {
                    let known = usize::try_from(order.from.saturating_sub(from)).unwrap_or(usize::MAX);
                    let lines = if known == 0 { lines } else { lines.behind(known) };
                    if !lines.is_empty() {
                        shared.outbox.room().await;
                        shared.outbox.send(&FromAgent::Output { id, from: from.max(order.from), lines });
                    }
                }
                Record::Ended { n, ended } if n == found.n && ended.is_refusal(CallOrder::VOID) => {
                    return FromAgent::Gone { id, begun: false };
                }
                Record::Ended { n, ended } if n == found.n => return FromAgent::Ended { id, ended },
                _ => {}
            }
        }
        if !owned {
            return left_behind(shared, order, &found, &cancel).await;
        }
        if cancel.level() != told {
            told = cancel.level();
            if let Some(how) = told {
                end(shared, &found.path, order, how, is_own);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The agent that was at it is gone. What it began may still run: then nobody is told that it is gone before it is.
async fn left_behind(shared: &Shared, order: &AttachOrder, found: &Found, cancel: &Cancel) -> FromAgent {
    let id = order.id;
    let gone = FromAgent::Gone { id, begun: true };
    let Some(left) = Left::of(&found.path, found.n) else { return gone };
    match overlap::outlast(shared, &left, cancel).await {
        Outlasted::Gone | Outlasted::Unheard => gone,
        Outlasted::Ended => FromAgent::Ended { id, ended: Ended::Failed(CallError::cancelled().into()) },
    }
}

fn end(
    shared: &Shared,
    path: &Path,
    order: &AttachOrder,
    how: windlass_model::event::Severity,
    is_own: bool,
) {
    if is_own {
        shared.cancel_key(&order.key, order.attempt, how);
    } else {
        let order = Order::Cancel { key: order.key.clone(), attempt: order.attempt, how };
        // If it cannot be told, the attempt's own timeout ends it.
        let _ = journal::tell(path, &order);
    }
}
