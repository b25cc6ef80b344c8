//! Where an agent keeps what must outlive it.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use windlass_model::id::RunId;

/// A directory of this user's own, or none where nothing can be written.
#[derive(Clone, Debug)]
pub struct Cache(Option<PathBuf>);

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
        Self(places.into_iter().flatten().find(|path| is_ours(path, uid)))
    }

    /// This directory.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(Some(path.into()))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// Where the journals of a run lie.
    pub(crate) fn run(&self, run: RunId) -> Option<PathBuf> {
        Some(self.work()?.join(run.to_string()))
    }

    /// Where the journals of all runs lie.
    pub(crate) fn work(&self) -> Option<PathBuf> {
        Some(self.path()?.join("work"))
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
