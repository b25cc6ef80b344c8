//! Where things lie in the store.
//!
//! ```text
//! run/<run>                         the head: what lists show
//! when/<submitted at><run>          nothing; puts the runs in order
//! open/<run>                        nothing; there while the run has not ended
//! submission/<run>/<part>           what was submitted, as JSON, in parts
//! sealed/<run>/<name>               a secret, sealed with the key of its run
//! log/<shard>/<run>/<first number>  consecutive events
//! snapshot/<shard>/<run>/<last number>         what a snapshot of the run up to there is, as JSON
//! snapshot/<shard>/<run>/<last number>/<part>  its bytes, in parts
//! ```
//!
//! Numbers are big-endian, so that keys sort as they do. Runs lie under their virtual shard where
//! the bulk is, so that ownership of a shard can move as one range.

use bytes::Bytes;
use uuid::Uuid;
use windlass_model::id::RunId;
use windlass_model::time::Time;

use crate::search::Cursor;

pub(crate) const OPEN: &[u8] = b"open/";
pub(crate) const WHEN: &[u8] = b"when/";
/// Where all heads lie.
pub(crate) const HEADS: &[u8] = b"run/";

fn key(parts: &[&[u8]]) -> Bytes {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        key.extend_from_slice(part);
    }
    key.into()
}

pub(crate) fn head(run: RunId) -> Bytes {
    key(&[b"run/", run.0.as_bytes()])
}

pub(crate) fn open(run: RunId) -> Bytes {
    key(&[OPEN, run.0.as_bytes()])
}

pub(crate) fn when(at: Time, run: RunId) -> Bytes {
    key(&[WHEN, &at.0.to_be_bytes(), run.0.as_bytes()])
}

pub(crate) fn submission(run: RunId) -> Bytes {
    key(&[b"submission/", run.0.as_bytes(), b"/"])
}

pub(crate) fn submission_part(run: RunId, part: u32) -> Bytes {
    key(&[&submission(run), &part.to_be_bytes()])
}

pub(crate) fn sealed(run: RunId) -> Bytes {
    key(&[b"sealed/", run.0.as_bytes(), b"/"])
}

pub(crate) fn sealed_name(run: RunId, name: &str) -> Bytes {
    key(&[&sealed(run), name.as_bytes()])
}

pub(crate) fn log(run: RunId) -> Bytes {
    key(&[b"log/", &run.shard().to_be_bytes(), b"/", run.0.as_bytes(), b"/"])
}

/// Where all logs lie.
pub(crate) const LOGS: &[u8] = b"log/";

/// The run of a chunk of a log.
pub(crate) fn run_of_chunk(key: &[u8]) -> Option<RunId> {
    let end = key.len().checked_sub(9)?;
    Uuid::from_slice(key.get(end.checked_sub(16)?..end)?).ok().map(RunId)
}

pub(crate) fn chunk(run: RunId, first: u64) -> Bytes {
    key(&[b"log/", &run.shard().to_be_bytes(), b"/", run.0.as_bytes(), b"/", &first.to_be_bytes()])
}

/// Where all snapshots of a run lie.
pub(crate) fn snapshots(run: RunId) -> Bytes {
    key(&[b"snapshot/", &run.shard().to_be_bytes(), b"/", run.0.as_bytes(), b"/"])
}

pub(crate) fn snapshot(run: RunId, seq: u64) -> Bytes {
    key(&[&snapshots(run), &seq.to_be_bytes()])
}

pub(crate) fn snapshot_part(run: RunId, seq: u64, part: u32) -> Bytes {
    key(&[&snapshot(run, seq), b"/", &part.to_be_bytes()])
}

/// The number of the last event that the snapshot covers which an entry belongs to.
pub(crate) fn last_of_snapshot(run: RunId, key: &[u8]) -> Option<u64> {
    let number = key.get(snapshots(run).len()..)?.first_chunk::<8>()?;
    Some(u64::from_be_bytes(*number))
}

/// The run that an entry of `open/`, `when/` or `run/` is about.
pub(crate) fn run_at_end(key: &[u8]) -> Option<RunId> {
    let start = key.len().checked_sub(16)?;
    Uuid::from_slice(key.get(start..)?).ok().map(RunId)
}

/// The place in the list of runs that an entry of `when/` stands for.
pub(crate) fn cursor(key: &[u8]) -> Option<Cursor> {
    let at = key.get(WHEN.len()..)?.first_chunk::<8>()?;
    Some(Cursor { at: Time(u64::from_be_bytes(*at)), run: run_at_end(key)? })
}

/// The number of the first event of a chunk.
pub(crate) fn first_of_chunk(key: &[u8]) -> Option<u64> {
    let start = key.len().checked_sub(8)?;
    Some(u64::from_be_bytes(key.get(start..)?.try_into().ok()?))
}
