//! Space of the journal that is made before it is needed.
//!
//! fjall makes its journal as a hole of 64 MiB. A flush behind a write into a hole has to make the new
//! blocks durable beside the bytes, which takes the disk about twice as long; over zeros that were
//! written before, only the bytes. So while little is written at a time, zeros are written ahead, a
//! piece now and then, and become durable with the next flush.
//!
//! That is done by whoever may write, between two batches, when fjall holds back nothing. Zeros replace
//! zeros only: what is there is read first, whatever the file system says of holes. Where nothing can
//! be made ahead, as in a journal that fjall found and appends to, nothing is done.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::last_journal;

/// So much is made at once. It takes about as long as one flush.
const PIECE: u64 = 128 << 10;
/// From so many bytes at a time on, blocks cost little beside the bytes.
const LARGE: u64 = 8 << 10;
/// What fjall writes beside keys and values: at most so much per entry, and once per batch.
const PER_ENTRY: u64 = 48;
/// When nothing could be made, it is tried again so many bytes later: there may be a new journal by then.
const PATIENCE: u64 = 8 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Ahead {
    database: PathBuf,
    /// The journal that was found last.
    journal: Option<(PathBuf, File)>,
    /// How many bytes can be written before any has to be made.
    left: u64,
}

// === impl Ahead ===

impl Ahead {
    pub(crate) fn new(database: PathBuf) -> Self {
        Self { database, journal: None, left: 0 }
    }

    /// Before a batch of so many entries and bytes of keys and values is written.
    pub(crate) fn make(&mut self, entries: usize, bytes: u64) {
        let bytes = bytes.saturating_add(PER_ENTRY.saturating_mul((entries as u64).saturating_add(1)));
        if let Some(left) = self.left.checked_sub(bytes) {
            self.left = left;
            return;
        }
        self.left = 0;
        if bytes < LARGE {
            // It is only ever a matter of speed: what cannot be made is left, whatever the reason is.
            self.left = self.piece().ok().flatten().unwrap_or(PATIENCE);
        }
    }

    /// Makes a piece of the newest journal; how long it is.
    fn piece(&mut self) -> io::Result<Option<u64>> {
        let Some(path) = last_journal(&self.database).map_err(io::Error::other)? else { return Ok(None) };
        if self.journal.as_ref().is_none_or(|(known, _)| *known != path) {
            let file = OpenOptions::new().read(true).write(true).open(&path)?;
            self.journal = Some((path, file));
        }
        self.journal.as_ref().map_or(Ok(None), |(_, file)| fill(file, PIECE))
    }
}

/// Writes zeros into the first hole of a file, up to its end at the most; how many.
fn fill(file: &File, most: u64) -> io::Result<Option<u64>> {
    let hole = rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(0))?;
    let length = file.metadata()?.len().saturating_sub(hole).min(most);
    let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut piece, hole)?;
    if piece.is_empty() || piece.iter().any(|byte| *byte != 0) {
        return Ok(None);
    }
    file.write_all_at(&piece, hole)?;
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use super::*;

    fn first_hole(path: &Path) -> u64 {
        rustix::fs::seek(File::open(path).unwrap(), rustix::fs::SeekFrom::Hole(0)).unwrap()
    }

    /// A journal as fjall makes it, with something in front.
    fn journal(directory: &Path, name: &str, length: u64, written: &[u8]) -> PathBuf {
        let path = directory.join(name);
        let mut file = File::create_new(&path).unwrap();
        file.set_len(length).unwrap();
        file.write_all(written).unwrap();
        path
    }

    #[test]
    fn a_piece_is_made_behind_what_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = journal(directory.path(), "1.jnl", 1 << 20, &[7; 5000]);
        let mut ahead = Ahead::new(directory.path().to_owned());
        ahead.make(1, 300);
        assert_eq!(first_hole(&path), 8192 + PIECE);
        let mut expected = vec![0; 1 << 20];
        expected[..5000].fill(7);
        assert!(std::fs::read(&path).unwrap() == expected);
    }

    #[test]
    fn another_piece_is_made_when_the_first_is_used_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = journal(directory.path(), "1.jnl", 1 << 20, b"");
        let mut ahead = Ahead::new(directory.path().to_owned());
        let mut used = 0;
        while first_hole(&path) <= PIECE {
            ahead.make(2, 300);
            used += 300;
        }
        assert!(used < PIECE && used > PIECE / 2, "after {used} bytes");
        assert_eq!(first_hole(&path), 2 * PIECE);
    }

    #[test]
    fn it_follows_to_a_new_journal_and_never_makes_one_longer() {
        let directory = tempfile::tempdir().unwrap();
        let mut ahead = Ahead::new(directory.path().to_owned());
        let first = journal(directory.path(), "9.jnl", 4096, b"");
        ahead.make(1, 300);
        let second = journal(directory.path(), "10.jnl", 1 << 20, b"");
        ahead.make(1, 7000);
        assert_eq!([&first, &second].map(|path| path.metadata().unwrap().len()), [4096, 1 << 20]);
        assert_eq!([&first, &second].map(|path| first_hole(path)), [4096, PIECE]);
    }

    #[test]
    fn large_batches_need_nothing_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = journal(directory.path(), "1.jnl", 1 << 20, b"");
        Ahead::new(directory.path().to_owned()).make(1, LARGE);
        assert_eq!(first_hole(&path), 0);
    }

    #[test]
    fn where_nothing_can_be_made_it_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let mut ahead = Ahead::new(directory.path().join("nowhere"));
        ahead.make(1, 300);
        let path = journal(directory.path(), "1.jnl", 0, &[7; 300]);
        let mut ahead = Ahead::new(directory.path().to_owned());
        ahead.make(1, 300);
        assert_eq!((ahead.left, std::fs::read(path).unwrap().len()), (PATIENCE, 300));
    }

    #[test]
    fn what_is_not_zero_stays_whatever_is_said_of_holes() {
        let directory = tempfile::tempdir().unwrap();
        // Something far behind the first hole, as a file system would show it that reports holes falsely.
        let path = journal(directory.path(), "1.jnl", 1 << 20, b"");
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        file.write_all_at(&[7; 10], 64 << 10).unwrap();
        assert_eq!(fill(&file, PIECE).unwrap(), None);
        assert_eq!(std::fs::read(&path).unwrap()[64 << 10..][..10], [7; 10]);
    }
}
