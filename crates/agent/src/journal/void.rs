//! What makes an order void: an attempt that was looked for and had not begun must not begin later, when its order arrives
//! over a connection that was taken for dead.
//!
//! ```text
//!   who makes an attempt:  writes that it begins ──▶ looks for a mark ──▶ acts, or not
//!   who looks for one:     leaves a mark ──▶ looks whether it has begun
//! ```
//!
//! Each writes before it looks, so at least one of them sees the other. A mark counts only for agents that were there
//! before it: whoever came later was asked by somebody who knows of it.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::spare;
use crate::cache::{self, Cache};
use crate::hello::own_name;

/// What this agent knows of marks.
#[derive(Debug)]
pub(crate) struct Voids {
    /// What tells its own marks from others.
    own: String,
    /// Those that were there when it came.
    older: BTreeSet<PathBuf>,
}

const ENDING: &str = "void";

// === impl Voids ===

impl Voids {
    /// As an agent that comes now.
    pub(crate) fn of(cache: &Cache) -> Self {
        let runs = cache.work().flat_map(|work| std::fs::read_dir(work).into_iter().flatten().flatten());
        let runs = runs.filter(|run| run.file_name() != spare::NAME);
        let older = runs.flat_map(|run| marks(&run.path())).collect();
        Self { own: own_name(), older }
    }

    /// Leaves a mark in a run's directory.
    pub(crate) fn leave(&self, directory: &Path, key: &str, attempt: u32) -> io::Result<()> {
        cache::make_private(directory)?;
        let path = directory.join(format!("{}-{}.{ENDING}", name(key, attempt), self.own));
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
    }

    /// Leaves a mark of another kind: of this attempt nothing can be kept, and it may be begun all the same.
    pub(crate) fn leave_unkept(directory: &Path, key: &str, attempt: u32) -> io::Result<()> {
        cache::make_private(directory)?;
        let path = unkept(directory, key, attempt);
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
    }

    /// Whether an attempt may have been begun of which nothing could be kept.
    pub(crate) fn is_unkept(directory: &Path, key: &str, attempt: u32) -> bool {
        unkept(directory, key, attempt).exists()
    }

    /// Whether somebody else left a mark since this agent came.
    pub(crate) fn forbid(&self, directory: &Path, key: &str, attempt: u32) -> bool {
        let begins = format!("{}-", name(key, attempt));
        let own = format!("{begins}{}.{ENDING}", self.own);
        marks(directory).into_iter().any(|path| {
            let found = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.starts_with(&begins) && found != own && !self.older.contains(&path)
        })
    }
}

fn marks(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == ENDING)).collect()
}

fn unkept(directory: &Path, key: &str, attempt: u32) -> PathBuf {
    directory.join(format!("{}.unkept", name(key, attempt)))
}

/// An attempt as part of a file's name.
fn name(key: &str, attempt: u32) -> String {
    format!("{:016x}-{attempt}", xxh3_64(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_for_those_who_were_there_before_it_and_are_not_who_left_it() {
        let dir = tempfile::TempDir::new().unwrap();
        let cache = Cache::at(dir.path());
        let run = dir.path().join("work/run");
        let of = |own: &str| Voids { own: own.to_owned(), ..Voids::of(&cache) };
        let (first, second) = (of("1-1"), of("2-2"));
        assert!(!first.forbid(&run, "a/b", 1));
        second.leave(&run, "a/b", 1).unwrap();
        let third = of("3-3");
        assert!(first.forbid(&run, "a/b", 1));
        assert!(!first.forbid(&run, "a/b", 2) && !first.forbid(&run, "a", 1));
        assert!(!second.forbid(&run, "a/b", 1) && !third.forbid(&run, "a/b", 1));
        third.leave(&run, "a/b", 1).unwrap();
        assert!(second.forbid(&run, "a/b", 1) && !third.forbid(&run, "a/b", 1));
    }
}
