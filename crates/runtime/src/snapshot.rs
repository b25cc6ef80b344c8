//! Snapshots of runs in the store: their form, and the way back to a run.
//!
//! ```text
//! snapshot/<shard>/<run>/<last number>         what it is, as JSON: version, length, digests
//! snapshot/<shard>/<run>/<last number>/<part>  its bytes, as the engine writes them, in parts
//! ```
//!
//! A snapshot saves reading the log before it, and means nothing beside that: the log is complete
//! without. So whatever is wrong with one, it is left out, with a warning, and the next older one is
//! tried, or the whole log folded. It says which chunk of the log it was taken behind; if that is not
//! what stands in the log, it is of another log and left out, too.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use windlass_engine::{Run, Setup, SnapshotError};
use windlass_model::id::RunId;
use windlass_store::{Range, Store, StoreError};
use xxhash_rust::xxh3::xxh3_128;

use crate::archive::Archive;
use crate::error::Error;
use crate::keys;

/// A snapshot as it lies in the store.
#[derive(Debug)]
pub(crate) struct Packed {
    /// The number of the last event that it covers.
    pub(crate) seq: u64,
    pub(crate) head: Bytes,
    pub(crate) parts: Vec<Bytes>,
    /// How many bytes all parts have.
    pub(crate) size: usize,
}

/// The place in the log behind which a snapshot is taken.
#[derive(Debug)]
pub(crate) struct Behind {
    /// The number of the first event of the last chunk.
    pub(crate) first: u64,
    /// The bytes of that chunk.
    pub(crate) chunk: Bytes,
}

/// What a snapshot is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(rename = "v")]
    version: u8,
    run: RunId,
    /// The number of the last event that it covers.
    seq: u64,
    parts: u32,
    size: usize,
    /// Of its bytes.
    digest: String,
    /// The number of the first event of the chunk that the event `seq` is the last of.
    chunk: u64,
    /// Of that chunk's bytes.
    chunk_digest: String,
}

/// Why a snapshot is left out.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it was not written to its end")]
    Unfinished,
    #[error("it has version {0}; this program reads version {VERSION}")]
    Version(u64),
    #[error("its description cannot be read: {0}")]
    Head(String),
    #[error("its description is that of another snapshot")]
    Misplaced,
    #[error("it claims to have {0} bytes")]
    Size(usize),
    #[error("its bytes are not those that were written")]
    Bytes,
    #[error("it does not fit the log")]
    OtherLog,
    #[error(transparent)]
    State(#[from] SnapshotError),
}

/// The version that this crate writes and reads. Another is no error: the log is folded instead.
const VERSION: u8 = 1;

/// The size of a part: with it, a flush takes about 0.1 ms longer than without.
const PART: usize = 64 << 10;

/// The largest snapshot. Larger ones are not kept, so this bounds the memory that one takes.
pub(crate) const LARGEST: usize = 64 << 20;

/// Puts the bytes of a snapshot into the form in which it is stored; none if there are too many.
pub(crate) fn pack(run: RunId, seq: u64, bytes: Vec<u8>, behind: &Behind) -> Option<Packed> {
    let size = bytes.len();
    if size > LARGEST {
        return None;
    }
    let bytes = Bytes::from(bytes);
    let digest = digest(&bytes);
    let starts = (0..size).step_by(PART);
    let parts: Vec<Bytes> =
        starts.map(|start| bytes.slice(start..size.min(start.saturating_add(PART)))).collect();
    let head = Head {
        version: VERSION,
        run,
        seq,
        parts: u32::try_from(parts.len()).ok()?,
        size,
        digest,
        chunk: behind.first,
        chunk_digest: self::digest(&behind.chunk),
    };
    // Numbers and texts: there is nothing in it that JSON could refuse.
    let head = serde_json::to_vec(&head).ok()?.into();
    Some(Packed { seq, head, parts, size })
}

/// The run as its newest snapshot has it that can be used; none if there is none.
pub(crate) async fn restore(archive: &Archive, setup: &Setup) -> Result<Option<Run>, Error> {
    let run = setup.layout.submission.run;
    let store = archive.store();
    let mut range = Range::prefix(keys::snapshots(run)).descending().limit(1);
    loop {
        let Some(last) = store.range(range.clone()).await?.pop() else { return Ok(None) };
        let Some(seq) = keys::last_of_snapshot(run, &last.key) else { return Ok(None) };
        match read(&*store, setup, run, seq).await? {
            Ok(restored) => return Ok(Some(restored)),
            Err(why) => tracing::warn!(%run, seq, %why, "a snapshot is left out"),
        }
        range.end = Some(keys::snapshot(run, seq));
    }
}

async fn read(
    store: &dyn Store,
    setup: &Setup,
    run: RunId,
    seq: u64,
) -> Result<Result<Run, Unusable>, StoreError> {
    let Some(head) = store.get(&keys::snapshot(run, seq)).await? else {
        return Ok(Err(Unusable::Unfinished));
    };
    let head = match Head::read(&head.value, run, seq) {
        Ok(head) => head,
        Err(why) => return Ok(Err(why)),
    };
    let chunk = store.get(&keys::chunk(run, head.chunk)).await?;
    if chunk.is_none_or(|chunk| digest(&chunk.value) != head.chunk_digest) {
        return Ok(Err(Unusable::OtherLog));
    }
    let mut bytes = Vec::with_capacity(head.size);
    for part in 0..head.parts {
        match store.get(&keys::snapshot_part(run, seq, part)).await? {
            Some(part) if bytes.len().saturating_add(part.value.len()) <= head.size => {
                bytes.extend_from_slice(&part.value);
            }
            _ => return Ok(Err(Unusable::Bytes)),
        }
    }
    if digest(&bytes) != head.digest {
        return Ok(Err(Unusable::Bytes));
    }
    Ok(match Run::restore(setup.clone(), &bytes) {
        Ok(restored) if restored.seq() == seq => Ok(restored),
        Ok(_) => Err(Unusable::Misplaced),
        Err(why) => Err(why.into()),
    })
}

// === impl Head ===

impl Head {
    fn read(bytes: &[u8], run: RunId, seq: u64) -> Result<Self, Unusable> {
        let unreadable = |error: serde_json::Error| Unusable::Head(error.to_string());
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(unreadable)?;
        // A newer version may say other things altogether.
        match value.get("v").and_then(serde_json::Value::as_u64) {
            Some(version) if version != u64::from(VERSION) => return Err(Unusable::Version(version)),
            _ => {}
        }
        let head: Self = serde_json::from_value(value).map_err(unreadable)?;
        if (head.run, head.seq) != (run, seq) {
            return Err(Unusable::Misplaced);
        }
        if head.size > LARGEST {
            return Err(Unusable::Size(head.size));
        }
        Ok(head)
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

#[cfg(test)]
mod tests;
