//! How far was told: the version of the store behind which it goes on, in a file beside it.

use std::io;
use std::path::PathBuf;

/// The file.
#[derive(Debug)]
pub(crate) struct Told {
    path: PathBuf,
    /// What stands in it.
    written: Option<u64>,
}

// === impl Told ===

impl Told {
    /// Reads it. One that is not there, or says something else, says nothing.
    pub(crate) fn open(path: PathBuf) -> Self {
        let written = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        Self { path, written }
    }

    pub(crate) fn version(&self) -> Option<u64> {
        self.written
    }

    /// Keeps it, whole or not at all. One that is lost in a crash of the machine is an older one: what follows is told again.
    pub(crate) fn keep(&mut self, version: u64) -> io::Result<()> {
        if self.written == Some(version) {
            return Ok(());
        }
        let new = self.path.with_extension("new");
        std::fs::write(&new, format!("{version}\n"))?;
        std::fs::rename(&new, &self.path)?;
        self.written = Some(version);
        Ok(())
    }
}
