//! Prepares fjall's journal for recovery after a crash.
//!
//! fjall itself discards a last batch that is too short, but refuses to open when the last batch has
//! its full length and a wrong content, which is what a power cut leaves when the disk wrote its pages
//! in another order. Here the last batch is checked first and cut off if it is broken. At most one
//! batch is ever under way, so a whole batch *behind* a broken one proves that something acknowledged
//! was damaged: then the store is reported as corrupt and nothing is touched.
//!
//! A journal whose flush failed is copied to a new file before it is used: the kernel drops pages
//! that it could not write and then shows them as clean, so only new writes reach the disk again.

mod ahead;
mod scan;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use windlass_store::StoreError;

pub(crate) use self::ahead::Ahead;
use self::scan::{Scan, next_batch};
use crate::format::{replace, sync_directory};

const SUFFIX: &str = "jnl";
const UNFLUSHED: &str = "UNFLUSHED";
const TRAILER: &[u8] = b"FJL\x03";

/// Remembers that a flush failed in `directory`. That may fail too, and then nothing is lost that
/// was not lost already.
pub(crate) fn mark_unflushed(directory: &Path) {
    let _ = replace(directory, UNFLUSHED, |_| Ok(()));
}

/// Makes the journals in `database` ready for fjall.
pub(crate) fn prepare(directory: &Path, database: &Path) -> Result<(), StoreError> {
    let unflushed = directory.join(UNFLUSHED);
    let rewrite = unflushed.try_exists().map_err(|error| StoreError::io("read", &unflushed, error))?;
    let Some(path) = last_journal(database)? else {
        return Ok(());
    };
    let whole = whole_length(&path, directory)?;
    if rewrite {
        copy(database, &path, whole).map_err(|error| StoreError::io("rewrite", &path, error))?;
        fs::remove_file(&unflushed)
            .and_then(|()| sync_directory(directory))
            .map_err(|error| StoreError::io("remove", unflushed, error))?;
    }
    Ok(())
}

/// The journal that was written last; the ones before it were flushed when they were full.
fn last_journal(database: &Path) -> Result<Option<PathBuf>, StoreError> {
    let failed = |error| StoreError::io("read", database, error);
    let mut last: Option<(u64, PathBuf)> = None;
    for file in fs::read_dir(database).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        if path.extension().is_none_or(|suffix| suffix != SUFFIX) {
            continue;
        }
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number
            && last.as_ref().is_none_or(|(largest, _)| number > *largest)
        {
            last = Some((number, path));
        }
    }
    Ok(last.map(|(_, path)| path))
}

/// The length up to which the journal consists of whole batches. A broken last one is cut off.
fn whole_length(path: &Path, directory: &Path) -> Result<u64, StoreError> {
    let failed = |error| StoreError::io("read", path, error);
    let file = File::open(path).map_err(failed)?;
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut whole = 0_u64;
    let mut last = None;
    loop {
        match next_batch(&mut reader).map_err(failed)? {
            // Numbers grow from batch to batch; one that does not has lost some of its bytes.
            Scan::Batch { length, sequence } if last < Some(sequence) => {
                whole = whole.saturating_add(length);
                last = Some(sequence);
            }
            Scan::End => return Ok(whole),
            Scan::Batch { .. } | Scan::Broken => break,
        }
    }
    let mut rest = Vec::new();
    let behind_start = whole.saturating_add(1);
    reader.seek(SeekFrom::Start(behind_start)).map_err(failed)?;
    reader.read_to_end(&mut rest).map_err(failed)?;
    if holds_whole_batch(&rest).map_err(failed)? {
        return Err(StoreError::Corrupt {
            path: directory.to_owned(),
            detail: format!(
                "its journal {} is broken at byte {whole}, before transactions that are whole",
                path.display()
            ),
        });
    }
    cut(path, whole).map_err(|error| StoreError::io("cut", path, error))?;
    Ok(whole)
}

/// Whether a whole batch follows one of the ends of batches in `bytes`.
fn holds_whole_batch(bytes: &[u8]) -> io::Result<bool> {
    for (at, window) in bytes.windows(TRAILER.len()).enumerate() {
        let behind = at.saturating_add(TRAILER.len());
        if window == TRAILER
            && let Some(mut rest) = bytes.get(behind..)
            && matches!(next_batch(&mut rest)?, Scan::Batch { .. })
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn cut(path: &Path, length: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}

fn copy(database: &Path, path: &Path, length: u64) -> io::Result<()> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(());
    };
    let mut from = File::open(path)?.take(length);
    replace(database, name, |to| io::copy(&mut from, to).map(|_| ()))
}

#[cfg(test)]
mod tests;
