//! What one turn adds to one run's record, and how it becomes operations of a transaction.

use std::sync::Arc;

use windlass_engine::{Effect, Returned, Seal, Step};
use windlass_model::codec;
use windlass_model::event::{Event, What};
use windlass_model::id::RunId;
use windlass_store::{Op, Precondition};

use crate::call::{Answer, Taken};
use crate::error::Error;
use crate::events::Told;
use crate::keys;
use crate::output::Story;
use crate::submit::Prepared;
use crate::view::RunView;

/// What has come out of a run in this turn, before it is written.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) events: Vec<Event>,
    pub(crate) seals: Vec<Seal>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) acks: Vec<Ack>,
    /// Locks that were given back.
    pub(crate) returned: Vec<Returned>,
    /// About how many bytes the events take.
    pub(crate) weight: usize,
}

/// The same on its way to the disk.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) run: RunId,
    pub(crate) preconditions: Vec<Precondition>,
    pub(crate) ops: Vec<Op>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) acks: Vec<Ack>,
    /// Locks that were given back, and go on to others when this is durable.
    pub(crate) returned: Vec<Returned>,
    /// The number of the last event.
    pub(crate) last: Option<u64>,
    /// What followers are told, if there are any.
    pub(crate) told: Option<Told>,
    /// The head that was written with it, if the run has come to stand elsewhere.
    pub(crate) head: Option<Arc<RunView>>,
    /// Whether the run is over with this.
    pub(crate) ends: bool,
    /// The number of the last event that the snapshot covers which is complete with this.
    pub(crate) snapshot: Option<u64>,
    /// What the log of the run says of it.
    pub(crate) story: Option<Story>,
}

/// Somebody who is answered when a part is durable.
#[derive(Debug)]
pub(crate) enum Ack {
    Submitted(Answer<()>),
    Taken(Answer<Taken>),
}

/// The size from which on a chunk is divided; a store takes values up to four times as large.
const CHUNK: usize = 4 << 20;

// === impl Part ===

impl Part {
    pub(crate) fn add(&mut self, step: Step) -> usize {
        let weight: usize = step.events.iter().map(weight).sum();
        self.weight = self.weight.saturating_add(weight);
        if self.events.is_empty() {
            self.events = step.events;
        } else {
            self.events.extend(step.events);
        }
        self.seals.extend(step.seals);
        if self.effects.is_empty() {
            self.effects = step.effects;
        } else {
            self.effects.extend(step.effects);
        }
        weight
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.effects.is_empty() && self.acks.is_empty() && self.returned.is_empty()
    }

    /// The operations that write the events; how a log is divided into chunks means nothing.
    pub(crate) fn chunks(&self, run: RunId, ops: &mut Vec<Op>) {
        let mut put = |events: &[Event]| {
            if let Some(first) = events.first() {
                let key = keys::chunk(run, first.seq);
                ops.push(Op::Put { key, value: codec::encode(events).into() });
            }
        };
        if self.weight <= CHUNK {
            return put(&self.events);
        }
        let (mut start, mut size) = (0, 0_usize);
        for (at, event) in self.events.iter().enumerate() {
            let weight = weight(event);
            if size.saturating_add(weight) > CHUNK && at > start {
                put(self.events.get(start..at).unwrap_or_default());
                (start, size) = (at, 0);
            }
            size = size.saturating_add(weight);
        }
        put(self.events.get(start..).unwrap_or_default());
    }

    pub(crate) fn told(events: Vec<Event>) -> Told {
        events.into_iter().map(Arc::new).collect()
    }
}

// === impl Written ===

impl Written {
    /// The chunks of the log in this, in order: key and value.
    pub(crate) fn log(&self) -> impl Iterator<Item = (&bytes::Bytes, &bytes::Bytes)> {
        let log = keys::log(self.run);
        self.ops.iter().filter_map(move |op| match op {
            Op::Put { key, value } if key.starts_with(&log) => Some((key, value)),
            _ => None,
        })
    }

    /// The events in it.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.log().filter_map(|(_, chunk)| codec::decode(chunk).ok()).flatten().collect()
    }
}

// === impl Ack ===

impl Ack {
    pub(crate) fn done(self) {
        // Whoever does not wait any more has given up only the answer.
        match self {
            Self::Submitted(answer) => drop(answer.send(Ok(()))),
            Self::Taken(answer) => drop(answer.send(Ok(Taken::Yes))),
        }
    }

    pub(crate) fn fail(self, error: Error) {
        match self {
            Self::Submitted(answer) => drop(answer.send(Err(error))),
            Self::Taken(answer) => drop(answer.send(Err(error))),
        }
    }
}

/// What the record of a new run consists of beside its log.
pub(crate) fn admission(prepared: &Prepared, ops: &mut Vec<Op>) -> Precondition {
    let run = prepared.view.id;
    let empty = bytes::Bytes::new;
    ops.push(Op::Put { key: keys::when(prepared.view.submitted_at, run), value: empty() });
    ops.push(Op::Put { key: keys::open(run), value: empty() });
    for (number, part) in (0_u32..).zip(&prepared.parts) {
        ops.push(Op::Put { key: keys::submission_part(run, number), value: part.clone() });
    }
    for (name, value) in &prepared.sealed {
        ops.push(Op::Put { key: keys::sealed_name(run, name), value: value.clone() });
    }
    Precondition::Absent(keys::head(run))
}

/// About how many bytes an event takes.
fn weight(event: &Event) -> usize {
    let texts = match &event.what {
        What::ActionBegan { request: Some(request), .. } => request.as_str().len(),
        What::AttemptEnded { end, .. } => {
            let response = end.response.as_ref().map_or(0, |response| response.as_str().len());
            let failure = end.failure.as_ref().map_or(0, |failure| {
                failure.message.len() + failure.causes.iter().map(String::len).sum::<usize>()
            });
            response + failure
        }
        What::ActionEnded { failure, saves, .. } => {
            let saves: usize = saves.iter().map(|(name, value)| name.len() + value.as_str().len()).sum();
            saves + failure.as_ref().map_or(0, |failure| failure.message.len())
        }
        What::Selected { part, .. } => part.as_str().len(),
        _ => 0,
    };
    texts + 24
}
