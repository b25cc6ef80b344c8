//! Creates a store. All of it is made beside its place and then put there, so that a crash leaves no
//! store or a whole one; what it may leave besides is thrown away by the next open.
//!
//! ```text
//!   db.new/..  FORMAT.new    written; all of them flushed at once
//!   FORMAT.new → FORMAT      the directory flushed: from here on there is a store
//!   db.new → db              made up for by the next open if it is lost
//! ```
//!
//! fjall flushes more than thirty times, one after the other, when it creates a database, which takes
//! longer than many a run on a disk that is slow to flush. So a database that it created once, with
//! nothing in it, is kept in this program, and a store gets a copy: files and directories that are
//! flushed at once cost about as much time as one or two. fjall makes its journal when it opens the copy.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use windlass_store::StoreError;

use crate::format;
use crate::options::Options;
use crate::tables::Tables;

/// Where the database lies in the directory of a store.
pub(crate) const DATABASE: &str = "db";
const NEW_DATABASE: &str = "db.new";
const NEW_FORMAT: &str = "FORMAT.new";
const ABOVE: &str = "..";
/// Not every directory can be flushed.
const CANNOT: [io::ErrorKind; 3] =
    [io::ErrorKind::PermissionDenied, io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported];

/// The empty database that fjall created, without its journal: each file below `db`.
const PRISTINE: [(&str, &[u8]); 7] = [
    ("lock", b""),
    ("version", include_bytes!("create/pristine/version")),
    ("keyspaces/0/current", include_bytes!("create/pristine/keyspaces/0/current")),
    ("keyspaces/0/v2", include_bytes!("create/pristine/keyspaces/0/v2")),
    ("keyspaces/0/tables/0", include_bytes!("create/pristine/keyspaces/0/tables/0")),
    ("keyspaces/1/current", include_bytes!("create/pristine/keyspaces/1/current")),
    ("keyspaces/1/v0", include_bytes!("create/pristine/keyspaces/1/v0")),
];
/// Its directories, outer ones first.
const PRISTINE_DIRECTORIES: [&str; 6] =
    ["", "keyspaces", "keyspaces/0", "keyspaces/0/tables", "keyspaces/1", "keyspaces/1/tables"];
/// What is collected in memory is written down when a database is created, and stays.
const PRISTINE_MEMTABLE_BYTES: u64 = 32 * 1024 * 1024;

/// One thing that is done to a directory. A crash may come behind each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Removes what an open that died had made.
    Clear(PathBuf),
    Directory(PathBuf),
    Write(PathBuf, Vec<u8>),
    /// Makes files, and the entries of directories, durable, all at once.
    Flush(Vec<PathBuf>),
    Rename(PathBuf, PathBuf),
}

/// Creates a store in a directory without one.
pub(crate) fn create(directory: &Path, options: &Options) -> Result<(), StoreError> {
    if options.memtable_bytes == PRISTINE_MEMTABLE_BYTES {
        return carry_out(directory, &steps(copied()));
    }
    carry_out(directory, &cleared())?;
    drop(Tables::open(directory, &directory.join(NEW_DATABASE), options)?);
    carry_out(directory, &completed(Vec::new()))
}

/// Makes up for what a crash behind the last flush has lost.
pub(crate) fn settle(directory: &Path) -> Result<(), StoreError> {
    let (new, database) = (directory.join(NEW_DATABASE), directory.join(DATABASE));
    let is_there = |path: &Path| path.try_exists().map_err(|error| StoreError::io("read", path, error));
    if !is_there(&database)? && is_there(&new)? {
        fs::rename(&new, &database).map_err(|error| StoreError::io("rename", new, error))?;
    }
    Ok(())
}

fn steps(made: Vec<Step>) -> Vec<Step> {
    let made_paths = made.iter().filter_map(Step::made).map(Path::to_owned).collect();
    [cleared(), made, completed(made_paths)].concat()
}

fn cleared() -> Vec<Step> {
    [NEW_DATABASE, DATABASE].map(|path| Step::Clear(path.into())).into()
}

fn copied() -> Vec<Step> {
    let new = Path::new(NEW_DATABASE);
    let directories = PRISTINE_DIRECTORIES.iter().map(|path| Step::Directory(new.join(path)));
    let files = PRISTINE.iter().map(|(path, bytes)| Step::Write(new.join(path), bytes.to_vec()));
    directories.chain(files).collect()
}

/// The steps behind making the database, of which these paths are not flushed yet.
fn completed(mut unflushed: Vec<PathBuf>) -> Vec<Step> {
    unflushed.push(NEW_FORMAT.into());
    // The directory may be as new as the store.
    unflushed.push(ABOVE.into());
    vec![
        Step::Write(NEW_FORMAT.into(), format::ready().into()),
        Step::Flush(unflushed),
        Step::Rename(NEW_FORMAT.into(), format::FILE.into()),
        Step::Flush(vec![".".into()]),
        Step::Rename(NEW_DATABASE.into(), DATABASE.into()),
    ]
}

fn carry_out(directory: &Path, steps: &[Step]) -> Result<(), StoreError> {
    for step in steps {
        step.carry_out(directory).map_err(|(path, error)| StoreError::io("create", path, error))?;
    }
    Ok(())
}

// === impl Step ===

impl Step {
    fn carry_out(&self, directory: &Path) -> Result<(), (PathBuf, io::Error)> {
        let (path, done) = match self {
            Self::Clear(path) => match fs::remove_dir_all(directory.join(path)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => (path, Ok(())),
                cleared => (path, cleared),
            },
            Self::Directory(path) => (path, fs::create_dir(directory.join(path))),
            Self::Write(path, bytes) => (path, fs::write(directory.join(path), bytes)),
            Self::Flush(paths) => {
                let paths: Vec<PathBuf> = paths.iter().map(|path| directory.join(path)).collect();
                return flush_all(&paths);
            }
            Self::Rename(from, to) => (to, fs::rename(directory.join(from), directory.join(to))),
        };
        done.map_err(|error| (directory.join(path), error))
    }

    fn made(&self) -> Option<&Path> {
        match self {
            Self::Directory(path) | Self::Write(path, _) => Some(path),
            Self::Clear(_) | Self::Flush(_) | Self::Rename(..) => None,
        }
    }
}

/// Flushes all of these at the same time, so that the disk makes them durable together.
fn flush_all(paths: &[PathBuf]) -> Result<(), (PathBuf, io::Error)> {
    std::thread::scope(|scope| {
        let at_once = |path| std::thread::Builder::new().spawn_scoped(scope, move || flush(path));
        let Some((here, elsewhere)) = paths.split_last() else { return Ok(()) };
        let threads: Vec<_> = elsewhere.iter().map(|path| (path, at_once(path))).collect();
        let flushed = flush(here).map_err(|error| (here.clone(), error));
        for (path, thread) in threads {
            let joined = match thread {
                Ok(thread) => thread.join().unwrap_or_else(|_| Err(io::Error::other("its thread panicked"))),
                // Where there can be no thread, it is flushed here, a little later.
                Err(_) => flush(path),
            };
            joined.map_err(|error| (path.clone(), error))?;
        }
        flushed
    })
}

fn flush(path: &Path) -> io::Result<()> {
    let flushed = File::open(path).and_then(|file| file.sync_all());
    match flushed {
        // The directory above may be closed to us, and then we did not make it; or of another kind.
        Err(error) if path.ends_with(ABOVE) && CANNOT.contains(&error.kind()) => Ok(()),
        flushed => flushed,
    }
}

#[cfg(test)]
mod tests;
