//! What stands in the log already of attempts that are found again after a crash.
//!
//! Who finds an attempt again is told everything that it printed once more, and each line is to stand there once. A line
//! from elsewhere has its time by the clock of where it was printed, and no other line has one. By that, its stream and
//! what is kept of its text it is known again; of a line that was torn by the crash only a part stands there, so it is
//! written whole. Lines that could not be written when they came first are written now.
//!
//! Both files of an attempt are looked through, since a process that is killed may have written to one of them only.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use windlass_logs::{Reader, Source};
use windlass_model::time::Time;

/// An attempt: its action's address, and its number.
type Key = (String, u32);

/// What a line is known by: its time in milliseconds, its stream, and a hash of its text.
type Mark = (u64, Source, u64);

/// How many of each line stand in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing(HashMap<Mark, u32>);

/// The attempts of a run that are looked for.
#[derive(Debug, Default)]
pub(super) struct Sought(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Those of which nothing was read yet, and when they began.
    wanted: BTreeMap<Key, Time>,
    /// What was read of others.
    read: HashMap<Key, Standing>,
}

/// How much is looked at to find where a time begins, at first.
const PIECE: u64 = 1 << 20;
/// By how much lines may be out of order.
const SLACK: Duration = Duration::from_secs(5);

// === impl Standing ===

impl Standing {
    /// Whether a line stands there that was not asked for yet.
    pub(super) fn take(&mut self, printed: Time, source: Source, text: &[u8]) -> bool {
        let Some(count) = self.0.get_mut(&mark(printed, source, text)).filter(|count| **count > 0) else {
            return false;
        };
        *count -= 1;
        true
    }
}

// === impl Sought ===

impl Sought {
    /// An attempt is looked for that began then.
    pub(super) fn want(&self, address: &str, n: u32, since: Time) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (address.to_owned(), n);
        state.read.remove(&key);
        state.wanted.insert(key, since);
    }

    /// What stands of it in the file of the run. That is read once for all that are looked for by now: it may be long.
    pub(super) fn standing(&self, address: &str, n: u32, path: &Path) -> Standing {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (address.to_owned(), n);
        if state.wanted.contains_key(&key) {
            let wanted = std::mem::take(&mut state.wanted);
            let since = wanted.values().min().copied().unwrap_or_default();
            state.read.extend(read(path, since, &|key| wanted.contains_key(key)));
        }
        state.read.remove(&key).unwrap_or_default()
    }
}

fn mark(printed: Time, source: Source, text: &[u8]) -> Mark {
    let mut hasher = DefaultHasher::new();
    hasher.write(text);
    (printed.as_millis(), source, hasher.finish())
}

/// What stands in a file of attempts that began no earlier than that. Of a file that cannot be read nothing is known.
pub(super) fn read(path: &Path, since: Time, wanted: &dyn Fn(&Key) -> bool) -> HashMap<Key, Standing> {
    let mut found = HashMap::new();
    if let Err(error) = read_into(path, since, wanted, &mut found) {
        tracing::warn!(path = %path.display(), %error, "a log cannot be read, so lines may stand in it twice");
    }
    found
}

fn read_into(
    path: &Path,
    since: Time,
    wanted: &dyn Fn(&Key) -> bool,
    found: &mut HashMap<Key, Standing>,
) -> io::Result<()> {
    let mut reader = Reader::new(path, begin(path, since)?);
    while let Some(line) = reader.line()? {
        let Some(record) = line.record else { continue };
        let Some(printed) = record.printed_at else { continue };
        let key = (record.address.to_owned(), record.attempt);
        if wanted(&key) {
            let lines = &mut found.entry(key).or_default().0;
            let count = lines.entry(mark(printed, record.source, &record.text)).or_default();
            *count = count.saturating_add(1);
        }
    }
    Ok(())
}

/// Where in a file everything since a time is to be found behind.
fn begin(path: &Path, since: Time) -> io::Result<u64> {
    let len = match path.metadata() {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut piece = PIECE;
    while piece < len {
        let mut reader = Reader::new(path, len - piece);
        // It need not begin where a line does.
        reader.line()?;
        let from = reader.position();
        while let Some(line) = reader.line()? {
            match line.record {
                Some(record) if record.at + SLACK < since => return Ok(from),
                Some(_) => break,
                None => {}
            }
        }
        piece = piece.saturating_mul(4);
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
