//! Snapshots of a run that goes on: when one is taken, and how it gets to the disk.
//!
//! ```text
//! due ─▶ taken here ─▶ encoded, elsewhere if it is large ─▶ its parts ride ─▶ durable ─▶ older ones removed
//! ```
//!
//! A snapshot makes no writes of its own. Its parts ride with what the run writes anyway, one in each
//! write and one in each transaction of all runs, so that it never holds up anybody's flush for long.
//! What describes it comes last; what a crash leaves of one without is removed with the next.
//!
//! It is the state behind a write, so it must not become durable before that write: it rides with
//! later ones, which fail if that one does. If the run is parked, what was not written of it is gone
//! with everything else that was in memory.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use windlass_engine::Run;
use windlass_model::id::RunId;
use windlass_store::{Op, Range};

use super::part::Written;
use crate::keys;
use crate::snapshot::{self, Behind, LARGEST, Packed};

/// The snapshots of one run.
#[derive(Debug)]
pub(crate) struct Snapshots {
    stage: Stage,
    /// The number of the last event that the newest one covers.
    covered: u64,
    /// How many bytes of log were written since.
    log: usize,
    /// How large that one is.
    size: usize,
    stored: Stored,
    /// The newest one that is durable, before which all can go.
    durable: Option<u64>,
}

#[derive(Debug)]
enum Stage {
    Idle,
    Encoding(oneshot::Receiver<Option<Packed>>),
    Riding { seq: u64, head: Bytes, parts: VecDeque<(u32, Bytes)> },
}

/// What may lie in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    Nothing,
    /// Some that cover this number of events or more.
    From(u64),
}

/// What a transaction has room for: one part of a snapshot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Room {
    #[default]
    Free,
    Taken,
}

/// How many times as many bytes of log as a snapshot has must be written before the next one, so that
/// snapshots add a tenth to what is written at the most, and cost in proportion.
const LOG_TO_SNAPSHOT: usize = 10;

/// A state of so few things is encoded sooner than handed over.
const SMALL: usize = 64;

// === impl Snapshots ===

impl Snapshots {
    /// Of a run that is new.
    pub(crate) fn of_new() -> Self {
        Self { stage: Stage::Idle, covered: 0, log: 0, size: 0, stored: Stored::Nothing, durable: None }
    }

    /// Of a run that was loaded. What there is of it is not looked at again.
    pub(crate) fn of_adopted() -> Self {
        Self { stored: Stored::From(0), ..Self::of_new() }
    }

    /// Takes a snapshot behind what is written now, if it is time to.
    pub(crate) fn take(&mut self, run: &Run, written: &Written, every: u64, host: &Handle) {
        let Some((key, chunk)) = written.log().last() else { return };
        self.log = written.log().map(|(_, chunk)| chunk.len()).fold(self.log, usize::saturating_add);
        let due = run.seq().saturating_sub(self.covered) >= every
            && self.log >= self.size.saturating_mul(LOG_TO_SNAPSHOT)
            && matches!(self.stage, Stage::Idle)
            && !written.ends;
        let Some(first) = keys::first_of_chunk(key).filter(|_| due) else { return };
        let (id, snapshot) = (run.id(), run.snapshot());
        let behind = Behind { first, chunk: chunk.clone() };
        (self.covered, self.log) = (run.seq(), 0);
        if snapshot.size() <= SMALL {
            return self.encoded(snapshot::pack(id, snapshot.seq(), snapshot.encode(), &behind));
        }
        let (done, encoding) = oneshot::channel();
        self.stage = Stage::Encoding(encoding);
        host.spawn_blocking(move || {
            // The run may be over by now, and nobody waits for it.
            let _ = done.send(snapshot::pack(id, snapshot.seq(), snapshot.encode(), &behind));
        });
    }

    /// Adds to a write what is to go with it.
    pub(crate) fn ride(&mut self, written: &mut Written, room: &mut Room) {
        if written.ends {
            return;
        }
        let run = written.run;
        if let (Some(durable), Stored::From(oldest)) = (self.durable.take(), self.stored)
            && oldest < durable
        {
            let (start, end) = (keys::snapshot(run, oldest), keys::snapshot(run, durable));
            written.ops.push(Op::DeleteRange { start, end });
            self.stored = Stored::From(durable);
        }
        if let Stage::Encoding(encoding) = &mut self.stage {
            match encoding.try_recv() {
                Ok(packed) => self.encoded(packed),
                Err(oneshot::error::TryRecvError::Empty) => {}
                Err(oneshot::error::TryRecvError::Closed) => self.stage = Stage::Idle,
            }
        }
        let Stage::Riding { seq, head, parts } = &mut self.stage else { return };
        if *room == Room::Taken {
            return;
        }
        *room = Room::Taken;
        let seq = *seq;
        if self.stored == Stored::Nothing {
            self.stored = Stored::From(seq);
        }
        if let Some((number, value)) = parts.pop_front() {
            written.ops.push(Op::Put { key: keys::snapshot_part(run, seq, number), value });
        }
        if parts.is_empty() {
            written.ops.push(Op::Put { key: keys::snapshot(run, seq), value: std::mem::take(head) });
            written.snapshot = Some(seq);
            self.stage = Stage::Idle;
        }
    }

    /// What was written of a snapshot is durable.
    pub(crate) fn durable(&mut self, complete: Option<u64>) {
        self.durable = complete.or(self.durable);
    }

    /// Removes all of them, when the run is over.
    pub(crate) fn removed(&mut self, run: RunId) -> Option<Op> {
        let all = Range::prefix(keys::snapshots(run));
        match std::mem::replace(&mut self.stored, Stored::Nothing) {
            Stored::Nothing => None,
            Stored::From(_) => all.end.map(|end| Op::DeleteRange { start: all.start, end }),
        }
    }

    fn encoded(&mut self, packed: Option<Packed>) {
        // One that is too large is tried again when the log has grown accordingly.
        self.size = packed.as_ref().map_or(LARGEST, |packed| packed.size);
        self.stage = match packed {
            None => Stage::Idle,
            Some(Packed { seq, head, parts, .. }) => {
                Stage::Riding { seq, head, parts: (0_u32..).zip(parts).collect() }
            }
        };
    }
}
