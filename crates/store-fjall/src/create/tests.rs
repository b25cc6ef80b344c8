//! A crash behind every step, and what a power cut may do to what was not flushed by then.

use std::collections::BTreeMap;

use windlass_store::{Store, Txn};

use super::*;
use crate::{FjallStore, Options};

/// What a disk may make of a file that was written and not flushed.
#[derive(Clone, Copy, Debug)]
enum Unflushed {
    Kept,
    Lost,
    Empty,
    Torn,
    Zeros,
}

/// What a disk may make of a rename that was not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renamed {
    Kept,
    Lost,
}

/// A disk that remembers what was flushed.
#[derive(Clone, Debug, Default)]
struct Disk {
    entries: Entries,
    /// What was where before each rename that was not flushed yet.
    before_renames: Vec<Entries>,
}

type Entries = BTreeMap<PathBuf, Entry>;

#[derive(Clone, Debug)]
struct Entry {
    /// None for a directory.
    content: Option<Vec<u8>>,
    is_flushed: bool,
}

// === impl Disk ===

impl Disk {
    fn after(steps: &[Step]) -> Self {
        let mut disk = Self::default();
        for step in steps {
            match step {
                Step::Clear(path) => disk.entries.retain(|entry, _| !entry.starts_with(path)),
                Step::Directory(path) => disk.put(path, None),
                Step::Write(path, bytes) => disk.put(path, Some(bytes.clone())),
                Step::Flush(paths) => {
                    if paths.contains(&".".into()) {
                        disk.before_renames.clear();
                    }
                    for path in paths {
                        disk.entries.entry(path.clone()).and_modify(|entry| entry.is_flushed = true);
                    }
                }
                Step::Rename(from, to) => {
                    disk.before_renames.push(disk.entries.clone());
                    let moved = disk.entries.iter().filter(|(path, _)| path.starts_with(from));
                    let moved = moved.map(|(path, entry)| (path.clone(), entry.clone()));
                    for (path, entry) in moved.collect::<Vec<_>>() {
                        disk.entries.remove(&path);
                        let below = path.strip_prefix(from).unwrap();
                        let to = if below == Path::new("") { to.clone() } else { to.join(below) };
                        disk.entries.insert(to, entry);
                    }
                }
            }
        }
        disk
    }

    fn put(&mut self, path: &Path, content: Option<Vec<u8>>) {
        self.entries.insert(path.to_owned(), Entry { content, is_flushed: false });
    }

    /// Writes what is left of it into a directory.
    fn survive(&self, directory: &Path, unflushed: Unflushed, renamed: Renamed) {
        let entries = match (renamed, self.before_renames.first()) {
            (Renamed::Lost, Some(before)) => before,
            _ => &self.entries,
        };
        for (path, Entry { content, is_flushed }) in entries {
            let path = directory.join(path);
            if !path.parent().unwrap().exists() {
                continue;
            }
            let Some(content) = content else {
                if *is_flushed || !matches!(unflushed, Unflushed::Lost) {
                    fs::create_dir(path).unwrap();
                }
                continue;
            };
            let content = match unflushed {
                _ if *is_flushed => content.clone(),
                Unflushed::Kept => content.clone(),
                Unflushed::Lost => continue,
                Unflushed::Empty => Vec::new(),
                Unflushed::Torn => content[..content.len() / 2].to_vec(),
                Unflushed::Zeros => vec![0; content.len()],
            };
            fs::write(path, content).unwrap();
        }
    }
}

/// Opens what a crash left: it is an empty store, which works and is found again.
async fn goes_on(directory: &Path) {
    let store = FjallStore::open(directory, Options::default()).unwrap();
    assert_eq!(store.revision(), 0);
    store.commit(Txn::new().put("key", "value")).await.unwrap();
    store.close().await.unwrap();
    let again = FjallStore::open(directory, Options::default()).unwrap();
    assert_eq!(&again.get(b"key").await.unwrap().unwrap().value[..], b"value");
    let mut left: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert!(left.iter().all(|name| *name != NEW_DATABASE), "{left:?}");
}

#[tokio::test]
async fn a_crash_behind_any_step_leaves_no_store_or_a_whole_one() {
    let steps = steps(copied());
    for cut in 0..=steps.len() {
        let done = &steps[..cut];
        let directory = tempfile::tempdir().unwrap();
        carry_out(directory.path(), done).unwrap();
        goes_on(directory.path()).await;
        let is_renamed = done.iter().any(|step| matches!(step, Step::Rename(..)));
        let renames = if is_renamed { &[Renamed::Kept, Renamed::Lost][..] } else { &[Renamed::Kept] };
        use Unflushed::{Empty, Kept, Lost, Torn, Zeros};
        for (unflushed, renamed) in
            [Kept, Lost, Empty, Torn, Zeros].into_iter().flat_map(|it| renames.iter().map(move |r| (it, *r)))
        {
            let directory = tempfile::tempdir().unwrap();
            Disk::after(done).survive(directory.path(), unflushed, renamed);
            goes_on(directory.path()).await;
        }
    }
}

/// fjall makes the journal of the copy when it opens it, and may be interrupted in that.
#[tokio::test]
async fn a_crash_while_the_journal_is_made_leaves_an_empty_store() {
    for length in [0, 1, 100_000] {
        let directory = tempfile::tempdir().unwrap();
        carry_out(directory.path(), &steps(copied())).unwrap();
        fs::write(directory.path().join(DATABASE).join("1.jnl"), vec![0; length]).unwrap();
        goes_on(directory.path()).await;
    }
}

/// A power cut behind the end may lose the last rename, and not what was acknowledged since.
#[tokio::test]
async fn a_lost_rename_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let store = FjallStore::open(directory.path(), Options::default()).unwrap();
    store.commit(Txn::new().put("key", "value")).await.unwrap();
    drop(store);
    fs::rename(directory.path().join(DATABASE), directory.path().join(NEW_DATABASE)).unwrap();
    let store = FjallStore::open(directory.path(), Options::default()).unwrap();
    assert_eq!(store.revision(), 1);
}

#[tokio::test]
async fn a_store_with_other_options_is_created_by_fjall() {
    let options = Options { memtable_bytes: 1 << 20, ..Options::default() };
    let directory = tempfile::tempdir().unwrap();
    // What a crash in the middle of it leaves is thrown away.
    fs::create_dir_all(directory.path().join(NEW_DATABASE).join("keyspaces/7")).unwrap();
    drop(FjallStore::open(directory.path(), options).unwrap());
    goes_on(directory.path()).await;
}

#[test]
fn a_directory_that_cannot_be_flushed_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let (path, error) = flush_all(&[missing.clone(), directory.path().into()]).unwrap_err();
    assert_eq!((path, error.kind()), (missing, io::ErrorKind::NotFound));
}

/// Everything of a database but its journal.
fn files(database: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![database.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(database).unwrap().to_owned();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_none_or(|it| it != "jnl") {
                files.insert(below, fs::read(path).unwrap());
            }
        }
    }
    files
}

/// The copy that is kept must be what fjall would create today, but for times and its own version.
#[test]
fn the_pristine_database_is_one_that_fjall_creates() {
    let directory = tempfile::tempdir().unwrap();
    let made = directory.path().join("pristine");
    // Opened twice, it has nothing left of the way there.
    for _ in 0..2 {
        drop(Tables::open(&made, &made, &Options::default()).unwrap());
    }
    let found = files(&made);
    let kept: BTreeMap<PathBuf, &[u8]> = PRISTINE.map(|(path, bytes)| (path.into(), bytes)).into();
    // The settings of the keyspace fill the first half of the table; its description, with the time, is behind.
    let settings = |table: &[u8]| table[..table.len() / 2].to_vec();
    let table = Path::new("keyspaces/0/tables/0");
    let is_same = found.keys().eq(kept.keys())
        && settings(&found[table]) == settings(kept[table])
        && Options::default().memtable_bytes == PRISTINE_MEMTABLE_BYTES;
    if !is_same {
        let made = directory.keep().join("pristine");
        panic!("fjall creates another database now: take that in {}, without the journal", made.display());
    }
}
