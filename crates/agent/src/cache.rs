//! Where an agent keeps what must outlive it.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use windlass_model::id::RunId;

/// Directories of this user's own: what is to be kept is written into the first, and found in all of them, since it may
/// not have been the first before. None where nothing can be written.
#[derive(Clone, Debug)]
pub struct Cache(Vec<PathBuf>);

// === impl Cache ===

impl Cache {
    /// The first of these that can be written: `$XDG_CACHE_HOME/windlass`, `~/.cache/windlass`,
    /// `$TMPDIR/windlass-UID`, `/var/tmp/windlass-UID` where that is not set.
    #[must_use]
    pub fn find() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let places = [
            set("XDG_CACHE_HOME").map(|path| path.join("windlass")),
            set("HOME").map(|path| path.join(".cache/windlass")),
            Some(set("TMPDIR").unwrap_or_else(|| PathBuf::from("/var/tmp")).join(format!("windlass-{uid}"))),
        ];
        let mut places = places.into_iter().flatten();
        let first = places.find(|path| is_ours(path, uid));
        let others =
            places.filter(|path| Some(path) != first.as_ref() && path.exists() && is_ours(path, uid));
        let others: Vec<PathBuf> = others.collect();
        Self(first.into_iter().chain(others).collect())
    }

    /// This directory.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(vec![path.into()])
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.first().map(PathBuf::as_path)
    }

    /// Where the journals of a run are written.
    pub(crate) fn run(&self, run: RunId) -> Option<PathBuf> {
        self.runs(run).next()
    }

    /// Where journals of a run may lie.
    pub(crate) fn runs(&self, run: RunId) -> impl Iterator<Item = PathBuf> {
        let run = run.to_string();
        self.work().map(move |work| work.join(&run))
    }

    /// Where the journals of all runs may lie.
    pub(crate) fn work(&self) -> impl Iterator<Item = PathBuf> {
        self.0.iter().map(|path| path.join("work"))
    }
}

/// Makes a directory that only its owner can look into, with those above it.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether a directory is there or can be made, is ours, and can be written. In a place that everybody can
/// write, somebody else may have been first.
fn is_ours(path: &Path, uid: u32) -> bool {
    if make_private(path).is_err() {
        return false;
    }
    let Ok(found) = std::fs::symlink_metadata(path) else { return false };
    found.is_dir()
        && found.uid() == uid
        && rustix::fs::access(path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}
