//! Sequences that have ended well, in few bytes each: what a report of a million targets still needs of them.
//!
//! One action with one attempt takes about 20 bytes with its sequence, instead of some 700. Times, states, attempts and
//! their failures are kept exactly; requests, responses and what was saved are not: those are in the log. What is not
//! plain (a failure that counts, an order to end, a lock or a person that is waited for) is refused and stays as it is.

use std::collections::HashMap;
use std::sync::Arc;

use windlass_model::element::ElementId;
use windlass_model::layout::Layout;
use windlass_model::outcome::{Failure, Skip, Status};
use windlass_model::time::Time;

use super::can_fail;
use crate::order;
use crate::view::{AttemptView, ElementView};

/// Sequences of more elements than this are not packed: finding one of many would take long.
const MOST_PARTS: usize = 256;
/// How many different failures of attempts are kept beside the bytes.
const MOST_FAILURES: usize = 4_096;
/// How many bytes are got at a time.
const CHUNK: usize = 1 << 20;

const STATUSES: [Status; 6] =
    [Status::Pending, Status::Running, Status::Succeeded, Status::Failed, Status::Skipped, Status::Stopped];
const SKIPS: [Skip; 4] = [Skip::Bypassed, Skip::Condition, Skip::Verified, Skip::DoneBefore];

const PRESENT: u8 = 1 << 3;
const CHANGED: u8 = 1 << 4;
const STARTED: u8 = 1 << 5;
const ENDED: u8 = 1 << 6;
const ATTEMPTED: u8 = 1 << 7;
const FAILED: u8 = 1 << 0;

/// Sequences that have ended well.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// Per block and sequence, one more than where its bytes begin; zero where there are none.
    places: Vec<Vec<u32>>,
    chunks: Vec<Vec<u8>>,
    failures: Vec<Arc<Failure>>,
    known: HashMap<Arc<Failure>, u32>,
    scratch: Vec<u8>,
}

/// Bytes that are read from the front.
struct Reader<'a> {
    bytes: &'a [u8],
    time: u64,
}

// === impl Packed ===

impl Packed {
    pub(super) fn holds(&self, block: u32, seq: u32) -> bool {
        self.place(block, seq).is_some()
    }

    /// Takes the parts of a sequence in plan order, those that have begun with their views. `false`: it cannot.
    pub(super) fn put(&mut self, block: u32, seq: u32, parts: &[(ElementId, Option<&ElementView>)]) -> bool {
        let plain = |(element, view): &(ElementId, Option<&ElementView>)| {
            view.is_none_or(|view| is_plain(*element, view))
        };
        if parts.len() > MOST_PARTS || !parts.iter().all(plain) {
            return false;
        }
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        let mut time = 0;
        let done = parts.iter().all(|(_, view)| self.write(*view, &mut time, &mut bytes).is_some());
        let done = done && self.keep(block, seq, &bytes).is_some();
        self.scratch = bytes;
        done
    }

    /// The view of one part of a sequence; `None` if there is nothing of it here.
    pub(super) fn part(
        &self,
        layout: &Layout,
        (block, seq): (u32, u32),
        wanted: ElementId,
    ) -> Option<ElementView> {
        let mut reader = self.reader(block, seq)?;
        for element in order::sequence_of(layout, block, seq) {
            let view = self.read(&mut reader)?;
            if element == wanted {
                return view;
            }
        }
        None
    }

    /// The parts of a sequence that have begun.
    pub(super) fn parts(&self, layout: &Layout, block: u32, seq: u32) -> Vec<(ElementId, ElementView)> {
        let mut views = Vec::new();
        if let Some(mut reader) = self.reader(block, seq) {
            for element in order::sequence_of(layout, block, seq) {
                match self.read(&mut reader) {
                    Some(Some(view)) => views.push((element, view)),
                    Some(None) => {}
                    None => break,
                }
            }
        }
        views
    }

    /// Gives them back, because something more happens to them.
    pub(super) fn take(&mut self, layout: &Layout, block: u32, seq: u32) -> Vec<(ElementId, ElementView)> {
        let views = self.parts(layout, block, seq);
        let place = self.places.get_mut(block as usize).and_then(|block| block.get_mut(seq as usize));
        if let Some(place) = place {
            *place = 0;
        }
        views
    }

    /// The sequences that are here.
    pub(super) fn sequences(&self) -> impl Iterator<Item = (u32, u32)> {
        let blocks = (0_u32..).zip(&self.places);
        blocks.flat_map(|(block, places)| {
            let there = (0_u32..).zip(places).filter(|(_, place)| **place > 0);
            there.map(move |(seq, _)| (block, seq))
        })
    }

    /// How many bytes there are.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    fn place(&self, block: u32, seq: u32) -> Option<usize> {
        let place = *self.places.get(block as usize)?.get(seq as usize)?;
        place.checked_sub(1).map(|place| place as usize)
    }

    fn reader(&self, block: u32, seq: u32) -> Option<Reader<'_>> {
        let place = self.place(block, seq)?;
        let bytes = self.chunks.get(place / CHUNK)?.get(place % CHUNK..)?;
        Some(Reader { bytes, time: 0 })
    }

    fn keep(&mut self, block: u32, seq: u32, bytes: &[u8]) -> Option<()> {
        let is_full = |chunk: &Vec<u8>| chunk.len().saturating_add(bytes.len()) > CHUNK;
        if bytes.len() > CHUNK {
            return None;
        }
        if self.chunks.last().is_none_or(is_full) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = self.chunks.len().saturating_sub(1).checked_mul(CHUNK)?;
        let chunk = self.chunks.last_mut()?;
        let place = u32::try_from(before.checked_add(chunk.len())?).ok()?.checked_add(1)?;
        let (block, seq) = (block as usize, seq as usize);
        if self.places.len() <= block {
            self.places.resize_with(block.saturating_add(1), Vec::new);
        }
        let places = self.places.get_mut(block)?;
        if places.len() <= seq {
            places.resize(seq.saturating_add(1), 0);
        }
        *places.get_mut(seq)? = place;
        chunk.extend_from_slice(bytes);
        Some(())
    }

    fn write(&mut self, view: Option<&ElementView>, time: &mut u64, out: &mut Vec<u8>) -> Option<()> {
        let Some(view) = view else {
            out.push(0);
            return Some(());
        };
        let status = STATUSES.iter().position(|status| *status == view.status)?;
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = PRESENT
            | flag(view.changed, CHANGED)
            | flag(view.started_at.is_some(), STARTED)
            | flag(view.ended_at.is_some(), ENDED)
            | flag(!view.attempts.is_empty(), ATTEMPTED);
        out.push(u8::try_from(status).ok()? | flags);
        if view.status == Status::Skipped {
            let skip = SKIPS.iter().position(|skip| view.skip == Some(*skip)).unwrap_or(SKIPS.len());
            out.push(u8::try_from(skip).ok()?);
        }
        let mut at = |at: Option<Time>, out: &mut Vec<u8>| {
            if let Some(at) = at {
                let step = at.0.wrapping_sub(*time).cast_signed();
                number(((step << 1) ^ (step >> 63)).cast_unsigned(), out);
                *time = at.0;
            }
        };
        at(view.started_at, out);
        if !view.attempts.is_empty() {
            number(view.attempts.len() as u64, out);
        }
        for attempt in &view.attempts {
            let failed = attempt.failure.is_some();
            out.push(
                flag(failed, FAILED)
                    | flag(attempt.changed, CHANGED)
                    | flag(attempt.ended_at.is_some(), ENDED),
            );
            number(u64::from(attempt.n), out);
            at(Some(attempt.started_at), out);
            at(attempt.ended_at, out);
            if let Some(failure) = &attempt.failure {
                number(u64::from(self.failure(failure)?), out);
            }
        }
        at(view.ended_at, out);
        Some(())
    }

    /// `None` behind the last byte; a part of which nothing was told is `Some(None)`.
    fn read(&self, reader: &mut Reader<'_>) -> Option<Option<ElementView>> {
        let flags = reader.byte()?;
        let has = |flag: u8| flags & flag != 0;
        if !has(PRESENT) {
            return Some(None);
        }
        let status = *STATUSES.get(usize::from(flags & (PRESENT - 1)))?;
        let skip = match status {
            Status::Skipped => SKIPS.get(usize::from(reader.byte()?)).copied(),
            _ => None,
        };
        let started_at = if has(STARTED) { Some(reader.time()?) } else { None };
        let count = if has(ATTEMPTED) { reader.number()? } else { 0 };
        let mut attempts = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(64));
        for _ in 0..count {
            let flags = reader.byte()?;
            let n = u32::try_from(reader.number()?).ok()?;
            let started_at = reader.time()?;
            let ended_at = if flags & ENDED != 0 { Some(reader.time()?) } else { None };
            let failure = match flags & FAILED != 0 {
                true => self.failures.get(usize::try_from(reader.number()?).ok()?),
                false => None,
            };
            let failure = failure.map(|failure| Box::new((**failure).clone()));
            let changed = flags & CHANGED != 0;
            attempts.push(AttemptView { n, changed, started_at, ended_at, response: None, failure });
        }
        let ended_at = if has(ENDED) { Some(reader.time()?) } else { None };
        let changed = has(CHANGED);
        let view =
            ElementView { status, skip, changed, started_at, ended_at, attempts, ..ElementView::default() };
        Some(Some(ElementView { abridged: true, ..view }))
    }

    /// Failures of many targets are often the same word for word.
    fn failure(&mut self, failure: &Failure) -> Option<u32> {
        if let Some(known) = self.known.get(failure) {
            return Some(*known);
        }
        let number = u32::try_from(self.failures.len()).ok()?;
        if self.failures.len() >= MOST_FAILURES {
            return None;
        }
        let failure = Arc::new(failure.clone());
        self.failures.push(Arc::clone(&failure));
        self.known.insert(failure, number);
        Some(number)
    }
}

/// Whether nothing is known of an element but what bytes can say.
fn is_plain(element: ElementId, view: &ElementView) -> bool {
    let has_ended = match view.status {
        Status::Succeeded | Status::Skipped => true,
        Status::Failed => !can_fail(element) && !view.listed,
        Status::Pending | Status::Running | Status::Stopped => false,
    };
    // A skip of an element that is none is nonsense that only a senseless log has.
    has_ended
        // What a noop foresaw is kept.
        && view.foreseen.is_none()
        && view.would.is_none()
        && (view.skip.is_none() || view.status == Status::Skipped)
        && view.details().is_none_or(|details| {
            details.failure.is_none()
                && details.cancels.is_empty()
                && details.wait.is_none()
                && details.asked.is_none()
                && details.lock.is_none()
                && details.rounds.is_empty()
        })
}

fn number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

// === impl Reader ===

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift = shift.saturating_add(7);
        }
    }

    fn time(&mut self) -> Option<Time> {
        let step = self.number()?;
        let step = (step >> 1) ^ (step & 1).wrapping_neg();
        self.time = self.time.wrapping_add(step);
        Some(Time(self.time))
    }
}
