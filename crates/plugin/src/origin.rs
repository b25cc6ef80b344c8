//! Files on the side of Windlass: what an action takes to its node, and what it brings back.
//!
//! ```text
//!   plugin ── Origin ─┬─ in the process of Windlass: the files themselves
//!                     └─ in an agent: frames to Windlass and back
//! ```
//!
//! A plugin says beforehand, by [`Plugin::origin_use`](crate::Plugin::origin_use), which files its
//! request is about; an agent is given these and no others, so that a node that was taken over
//! cannot ask for more.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dynamic::BoxFuture;
use crate::error::CallError;

/// Which files of Windlass's side a request is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginUse {
    /// Files that are read, and directories that are read with all that is in them.
    pub reads: Vec<PathBuf>,
    /// Files that are written, and directories in which files are written.
    pub writes: Vec<PathBuf>,
}

/// One thing below a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginEntry {
    /// Where it lies, from the path that was listed; empty for that path itself.
    pub path: PathBuf,
    /// What it is.
    pub kind: OriginKind,
    /// Its permission bits.
    pub mode: u32,
    /// How many bytes a file has.
    pub len: u64,
    /// A file's SHA-256.
    pub sha256: Option<[u8; 32]>,
}

/// What a thing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OriginKind {
    /// A plain file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, and where it leads.
    Link(PathBuf),
}

/// A piece of one of the files that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPart {
    /// Which of them, by its position.
    pub file: usize,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether the file ends here.
    pub last: bool,
}

/// How files of Windlass's side are reached.
pub trait OriginFiles: Send + Sync {
    /// A file itself, or a directory and everything in it: sorted, directories before what is in them.
    fn list(&self, path: PathBuf) -> BoxFuture<'_, Result<Vec<OriginEntry>, CallError>>;
    /// Reads files one after the other. All at once, because each could be a round trip.
    fn read(&self, paths: Vec<PathBuf>) -> BoxFuture<'_, Result<Box<dyn OriginParts>, CallError>>;
    /// Begins to write a file; it takes the place of an older one when it is finished, and not before.
    fn write(&self, path: PathBuf, mode: u32) -> BoxFuture<'_, Result<Box<dyn OriginSink>, CallError>>;
}

/// Files that are being read.
pub trait OriginParts: Send {
    /// The next piece; `None` after the last file.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<OriginPart>, CallError>>;
}

/// A file that is being written. Dropped unfinished, nothing is left of it.
pub trait OriginSink: Send {
    /// Adds bytes at the end.
    fn put(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<(), CallError>>;
    /// The file is complete.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), CallError>>;
}

/// A cheap handle on the files of Windlass's side.
#[derive(Clone)]
pub struct Origin(Arc<dyn OriginFiles>);

// === impl Origin ===

impl Origin {
    /// The most of a file that is read at once by [`Origin::read_whole`].
    pub const MOST_AT_ONCE: usize = 64 << 20;

    /// Files that are reached in some way.
    pub fn new(files: impl OriginFiles + 'static) -> Self {
        Self(Arc::new(files))
    }

    /// See [`OriginFiles::list`].
    pub async fn list(&self, path: impl Into<PathBuf>) -> Result<Vec<OriginEntry>, CallError> {
        self.0.list(path.into()).await
    }

    /// See [`OriginFiles::read`].
    pub async fn read(&self, paths: Vec<PathBuf>) -> Result<Box<dyn OriginParts>, CallError> {
        self.0.read(paths).await
    }

    /// See [`OriginFiles::write`].
    pub async fn write(&self, path: impl Into<PathBuf>, mode: u32) -> Result<Box<dyn OriginSink>, CallError> {
        self.0.write(path.into(), mode).await
    }

    /// A whole file that is not too large for that.
    pub async fn read_whole(&self, path: impl Into<PathBuf>) -> Result<Vec<u8>, CallError> {
        let path = path.into();
        let mut parts = self.read(vec![path.clone()]).await?;
        let mut whole = Vec::new();
        while let Some(part) = parts.next().await? {
            whole.extend_from_slice(&part.bytes);
            if whole.len() > Self::MOST_AT_ONCE {
                let most = Self::MOST_AT_ONCE >> 20;
                let message = format!("`{}` has more than {most} MiB", path.display());
                return Err(CallError::permanent("origin", message));
            }
        }
        Ok(whole)
    }
}

impl Default for Origin {
    /// No files at all.
    fn default() -> Self {
        Self::new(Nowhere)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

struct Nowhere;

impl OriginFiles for Nowhere {
    fn list(&self, path: PathBuf) -> BoxFuture<'_, Result<Vec<OriginEntry>, CallError>> {
        Box::pin(async move { Err(nowhere(&path)) })
    }

    fn read(&self, paths: Vec<PathBuf>) -> BoxFuture<'_, Result<Box<dyn OriginParts>, CallError>> {
        Box::pin(async move { Err(nowhere(paths.first().map_or(Path::new(""), PathBuf::as_path))) })
    }

    fn write(&self, path: PathBuf, _: u32) -> BoxFuture<'_, Result<Box<dyn OriginSink>, CallError>> {
        Box::pin(async move { Err(nowhere(&path)) })
    }
}

fn nowhere(path: &Path) -> CallError {
    let message = format!("`{}` cannot be reached: whoever runs this has no files for it", path.display());
    CallError::permanent("origin", message)
}

// === impl OriginUse ===

impl OriginUse {
    /// Nothing.
    pub const NOTHING: Self = Self { reads: Vec::new(), writes: Vec::new() };

    /// Reads this.
    pub fn reading(path: impl Into<PathBuf>) -> Self {
        Self { reads: vec![path.into()], writes: Vec::new() }
    }

    /// Writes this, or below it.
    pub fn writing(path: impl Into<PathBuf>) -> Self {
        Self { reads: Vec::new(), writes: vec![path.into()] }
    }

    /// Whether a path may be read.
    #[must_use]
    pub fn may_read(&self, path: &Path) -> bool {
        self.reads.iter().any(|allowed| is_within(path, allowed))
    }

    /// Whether a path may be written.
    #[must_use]
    pub fn may_write(&self, path: &Path) -> bool {
        self.writes.iter().any(|allowed| is_within(path, allowed))
    }
}

/// Whether a path is another or lies below it, without a way up in what is below.
fn is_within(path: &Path, allowed: &Path) -> bool {
    path.strip_prefix(allowed)
        .is_ok_and(|rest| rest.components().all(|part| matches!(part, Component::Normal(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reads_beside_what_the_request_is_about() {
        let uses = OriginUse::reading("files/site");
        let check = |path: &str| uses.may_read(Path::new(path));
        assert!(check("files/site"));
        assert!(check("files/site/a/b"));
        assert!(!check("files/site2"));
        assert!(!check("files/site/../../etc/shadow"));
        assert!(!check("/etc/shadow"));
        assert!(!uses.may_write(Path::new("files/site")));
    }
}
