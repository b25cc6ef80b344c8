//! Events as bytes: chunks of consecutive events, the unit in which a log is written.
//!
//! ```text
//! chunk = version:u8  first_seq:varint  first_at:varint  count:varint  event*
//! event = microseconds since the one before:varint  what:postcard
//! ```
//!
//! A chunk is written once and never changed. Version 1 is the only one so far; a reader for it is
//! kept for ever and tested with a committed sample.

use crate::event::{Event, What};
use crate::time::Time;

/// The version that this crate writes.
pub const VERSION: u8 = 1;

/// Why bytes are no chunk of events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes were written by a newer version.
    #[error("the chunk has format version {found}; this program reads up to {VERSION}")]
    Newer {
        /// The version found.
        found: u8,
    },
    /// The bytes are damaged.
    #[error("the chunk is damaged at event {at}: {why}")]
    Damaged {
        /// How many events could be read before.
        at: usize,
        /// What the decoder says.
        why: String,
    },
}

/// The bytes of consecutive events. An empty slice gives an empty chunk.
#[must_use]
pub fn encode(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + events.len() * 24);
    bytes.push(VERSION);
    let first = events.first();
    varint(&mut bytes, first.map_or(0, |event| event.seq));
    let mut before = first.map_or(Time::ZERO, |event| event.at);
    varint(&mut bytes, before.0);
    varint(&mut bytes, events.len() as u64);
    for event in events {
        varint(&mut bytes, event.at.0.saturating_sub(before.0));
        before = before.max(event.at);
        // Every variant serializes into memory: there is nothing that could fail.
        bytes = postcard::to_extend(&event.what, bytes).unwrap_or_default();
    }
    bytes
}

/// The events of a chunk.
pub fn decode(bytes: &[u8]) -> Result<Vec<Event>, CodecError> {
    let damaged = |at, why: &str| CodecError::Damaged { at, why: why.to_owned() };
    let (version, mut rest) = bytes.split_first().ok_or_else(|| damaged(0, "it is empty"))?;
    if *version > VERSION {
        return Err(CodecError::Newer { found: *version });
    }
    if *version != VERSION {
        return Err(damaged(0, "its version is not known"));
    }
    let number = |rest: &mut &[u8], at| read_varint(rest).ok_or_else(|| damaged(at, "a number is cut off"));
    let first = number(&mut rest, 0)?;
    let mut at = Time(number(&mut rest, 0)?);
    let count = number(&mut rest, 0)?;
    // Each event takes at least two bytes: a larger count is damage, not a reason to reserve memory.
    let count = usize::try_from(count).ok().filter(|count| *count <= rest.len());
    let count = count.ok_or_else(|| damaged(0, "its count is too large"))?;
    let mut events = Vec::with_capacity(count);
    for index in 0..count {
        let delta = number(&mut rest, index)?;
        at = Time(at.0.checked_add(delta).ok_or_else(|| damaged(index, "a time is out of range"))?);
        let (what, tail) =
            postcard::take_from_bytes::<What>(rest).map_err(|why| damaged(index, &why.to_string()))?;
        rest = tail;
        let seq =
            first.checked_add(index as u64).ok_or_else(|| damaged(index, "a number is out of range"))?;
        events.push(Event { seq, at, what });
    }
    if !rest.is_empty() {
        return Err(damaged(count, "bytes are left over"));
    }
    Ok(events)
}

fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests;
