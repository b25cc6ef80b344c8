//! Many files below a directory, written a batch at a time.
//!
//! Each file takes its place whole, as a single one does. A batch is flushed together, so that a thousand small
//! files do not cost a thousand waits for the disk.

use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;
use windlass_plugin::CallError;

use super::attributes::Attributes;
use super::entry::{Entry, Found, in_the_way};
use super::fresh::Fresh;
use super::tree::Tree;
use super::trouble::trouble;

/// Writes below a directory.
#[derive(Debug)]
pub(crate) struct Spread {
    tree: Tree,
    /// Whether a file or link that stands where a directory is to be is removed.
    force: bool,
    pending: Vec<Fresh>,
    /// Directories get their bits at the end, because these may keep us from writing into them.
    directories: Vec<(PathBuf, Attributes)>,
    /// Whether names were given that are not durable yet.
    unsynced: bool,
}

/// How many files wait for their flush together; each holds two descriptors.
const BATCH: usize = 200;
/// From how many files on the whole file system is flushed: that is one wait, but not for our files alone.
const MANY: usize = 8;

// === impl Spread ===

impl Spread {
    pub(crate) fn below(tree: Tree, force: bool) -> Self {
        Self { tree, force, pending: Vec::new(), directories: Vec::new(), unsynced: false }
    }

    /// Sees to it that a directory is there, and gives it these attributes in the end.
    pub(crate) fn directory(&mut self, below: &Path, attributes: Attributes) -> Result<(), CallError> {
        let entry = self.tree.place(below)?;
        match entry.found()? {
            Some(found) if found.is_directory() => {}
            Some(found) => {
                if !self.force {
                    return Err(in_the_way(entry.path(), found.kind, "say `force: true` to replace it"));
                }
                entry.remove()?;
                entry.make_directory(0o700)?;
            }
            None => entry.make_directory(0o700)?,
        }
        self.directories.push((below.to_owned(), attributes));
        Ok(())
    }

    /// Sees to it that a link leads there.
    pub(crate) fn link(
        &mut self,
        below: &Path,
        target: &Path,
        attributes: Attributes,
    ) -> Result<(), CallError> {
        let entry = self.tree.place(below)?;
        make_link(&entry, entry.found()?.as_ref(), target)?;
        if let Some(found) = entry.found()? {
            attributes.give_entry(&entry, &found)?;
        }
        Ok(())
    }

    /// Sees to it that a name means a file that was written before.
    pub(crate) fn second_name(&mut self, below: &Path, of: &Path) -> Result<(), CallError> {
        self.flush()?;
        let (entry, other) = (self.tree.place(below)?, self.tree.place(of)?);
        if let Some(found) = entry.found()? {
            if other.found()?.is_some_and(|other| other.is_same(&found)) {
                return Ok(());
            }
            if found.is_directory() {
                return Err(in_the_way(entry.path(), found.kind, ""));
            }
            entry.remove()?;
        }
        rustix::fs::linkat(other.dir(), other.name(), entry.dir(), entry.name(), AtFlags::empty())
            .map_err(|error| trouble("link", entry.path(), error))
    }

    /// Begins a file.
    pub(crate) fn file(&mut self, below: &Path) -> Result<Fresh, CallError> {
        let entry = self.tree.place(below)?;
        // An archive may hold a name twice; the later one counts.
        if self.pending.iter().any(|pending| pending.entry().path() == entry.path()) {
            self.flush()?;
        }
        if let Some(found) = entry.found()?.filter(Found::is_directory) {
            return Err(in_the_way(entry.path(), found.kind, "remove it first with `absent`"));
        }
        Fresh::beside(entry)
    }

    /// Ends a file. It is in its place after the next flush.
    pub(crate) fn add(&mut self, fresh: Fresh, attributes: Attributes) -> Result<(), CallError> {
        let now = Found::of_open(fresh.file(), fresh.entry().path())?;
        attributes.give(fresh.file(), &now, fresh.entry().path())?;
        self.pending.push(fresh);
        if self.pending.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    /// Changes owner and bits of what is there.
    pub(crate) fn give(&self, below: &Path, attributes: Attributes) -> Result<(), CallError> {
        let entry = self.tree.place(below)?;
        match entry.found()? {
            Some(found) => attributes.give_entry(&entry, &found),
            None => Ok(()),
        }
    }

    pub(crate) fn entry(&self, below: &Path) -> Result<Option<Entry>, CallError> {
        self.tree.entry(below)
    }

    fn flush(&mut self) -> Result<(), CallError> {
        let many = self.pending.len() >= MANY;
        if many {
            self.sync_all()?;
        } else {
            self.pending.iter().try_for_each(Fresh::sync)?;
        }
        for mut fresh in self.pending.drain(..) {
            fresh.place()?;
            if !many {
                fresh.entry().sync_directory()?;
            }
        }
        self.unsynced |= many;
        Ok(())
    }

    fn sync_all(&self) -> Result<(), CallError> {
        let root = self.tree.open_root()?;
        rustix::fs::syncfs(root).map_err(|error| trouble("write to", self.tree.path(), error))
    }

    /// Puts everything into its place.
    pub(crate) fn finish(mut self) -> Result<(), CallError> {
        self.flush()?;
        for (below, attributes) in std::mem::take(&mut self.directories).into_iter().rev() {
            self.give(&below, attributes)?;
            self.unsynced = true;
        }
        if self.unsynced { self.sync_all() } else { Ok(()) }
    }
}

/// Puts a symbolic link into a place, at once where something is there. A directory is never replaced.
pub(crate) fn make_link(entry: &Entry, there: Option<&Found>, target: &Path) -> Result<(), CallError> {
    let failed = |error| trouble("make the link", entry.path(), error);
    match there {
        None => rustix::fs::symlinkat(target, entry.dir(), entry.name()).map_err(failed),
        Some(found) if found.is_directory() => {
            Err(in_the_way(entry.path(), found.kind, "remove it first with `absent`"))
        }
        Some(_) => swap(entry, |name| rustix::fs::symlinkat(target, entry.dir(), name).map_err(failed)),
    }
}

/// Makes something under a name beside an entry, then renames it into its place.
pub(crate) fn swap(
    entry: &Entry,
    make: impl Fn(&std::ffi::OsStr) -> Result<(), CallError>,
) -> Result<(), CallError> {
    let mut name = super::fresh::partial_name(entry);
    name.push(".link");
    // What an attempt that died has left.
    let _ = rustix::fs::unlinkat(entry.dir(), &name, AtFlags::empty());
    make(&name)?;
    rustix::fs::renameat(entry.dir(), &name, entry.dir(), entry.name()).map_err(|error| {
        let _ = rustix::fs::unlinkat(entry.dir(), &name, AtFlags::empty());
        trouble("replace", entry.path(), error)
    })?;
    entry.sync_directory()
}
