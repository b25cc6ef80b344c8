//! Files on the side of Windlass, where that is this machine.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use windlass_plugin::origin::{OriginFiles, OriginPart, OriginParts, OriginSink};
use windlass_plugin::{BoxFuture, CallError, Origin, OriginEntry, OriginKind};

/// The files of this machine, from some directory on.
#[derive(Clone, Debug)]
pub struct FilesHere {
    base: PathBuf,
}

/// How much of a file is handed on at once.
const PART: usize = 64 << 10;
/// The most things that one listing may hold.
const MOST_ENTRIES: usize = 1_000_000;

struct Reading {
    paths: std::vec::IntoIter<PathBuf>,
    open: Option<(usize, PathBuf, File)>,
    next: usize,
}

struct Writing {
    path: PathBuf,
    beside: Option<PathBuf>,
    file: File,
}

// === impl FilesHere ===

impl FilesHere {
    /// Relative paths begin in this directory.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    /// The same as a plugin gets them.
    pub fn origin(base: impl Into<PathBuf>) -> Origin {
        Origin::new(Self::new(base))
    }
}

impl OriginFiles for FilesHere {
    fn list(&self, path: PathBuf) -> BoxFuture<'_, Result<Vec<OriginEntry>, CallError>> {
        let root = self.base.join(path);
        Box::pin(async move {
            let listed = tokio::task::spawn_blocking(move || listed(&root)).await;
            listed.map_err(|error| CallError::retryable("origin", error.to_string()))?
        })
    }

    fn read(&self, paths: Vec<PathBuf>) -> BoxFuture<'_, Result<Box<dyn OriginParts>, CallError>> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| self.base.join(path)).collect();
        let reading = Reading { paths: paths.into_iter(), open: None, next: 0 };
        Box::pin(async move { Ok(Box::new(reading) as Box<dyn OriginParts>) })
    }

    fn write(&self, path: PathBuf, mode: u32) -> BoxFuture<'_, Result<Box<dyn OriginSink>, CallError>> {
        let path = self.base.join(path);
        Box::pin(async move {
            let failed = |what: &str, path: &Path, error: io::Error| refused(what, path, &error);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).await.map_err(|error| failed("create", parent, error))?;
            }
            let beside = beside(&path);
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(mode);
            let file = fs::OpenOptions::from(options).open(&beside).await;
            let file = file.map_err(|error| failed("create", &beside, error))?;
            Ok(Box::new(Writing { path, beside: Some(beside), file }) as Box<dyn OriginSink>)
        })
    }
}

impl OriginParts for Reading {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<OriginPart>, CallError>> {
        Box::pin(async move {
            if self.open.is_none() {
                let Some(path) = self.paths.next() else { return Ok(None) };
                let file = File::open(&path).await.map_err(|error| refused("read", &path, &error))?;
                self.open = Some((self.next, path, file));
                self.next = self.next.saturating_add(1);
            }
            let Some((index, path, file)) = &mut self.open else { return Ok(None) };
            let mut bytes = Vec::with_capacity(PART);
            let part = file.take(PART as u64).read_to_end(&mut bytes).await;
            part.map_err(|error| refused("read", path, &error))?;
            let (file, last) = (*index, bytes.len() < PART);
            if last {
                self.open = None;
            }
            Ok(Some(OriginPart { file, bytes, last }))
        })
    }
}

impl OriginSink for Writing {
    fn put(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<(), CallError>> {
        Box::pin(async move {
            self.file.write_all(&bytes).await.map_err(|error| refused("write", &self.path, &error))
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<(), CallError>> {
        Box::pin(async move {
            let flushed = self.file.flush().await;
            flushed.map_err(|error| refused("write", &self.path, &error))?;
            self.file.sync_data().await.map_err(|error| refused("write", &self.path, &error))?;
            if let Some(beside) = &self.beside {
                let renamed = fs::rename(beside, &self.path).await;
                renamed.map_err(|error| refused("write", &self.path, &error))?;
            }
            self.beside = None;
            Ok(())
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Nobody reads what was not finished; that it could not be removed hurts nobody either.
            let _ = std::fs::remove_file(beside);
        }
    }
}

/// A name in the same directory that nobody else uses at the same time.
fn beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{count}.part", std::process::id()))
}

fn listed(root: &Path) -> Result<Vec<OriginEntry>, CallError> {
    let mut entries = Vec::new();
    // The path itself may be a link to what is meant.
    let found = std::fs::metadata(root).map_err(|error| refused("read", root, &error))?;
    add(root, Path::new(""), &found, &mut entries)?;
    Ok(entries)
}

fn add(root: &Path, below: &Path, found: &Metadata, entries: &mut Vec<OriginEntry>) -> Result<(), CallError> {
    let path = if below.as_os_str().is_empty() { root.to_owned() } else { root.join(below) };
    let failed = |error: io::Error| refused("read", &path, &error);
    if entries.len() >= MOST_ENTRIES {
        let message = format!("`{}` holds more than {MOST_ENTRIES} files", root.display());
        return Err(CallError::permanent("origin", message));
    }
    let mode = found.permissions().mode() & 0o7777;
    let entry = |kind, len, sha256| OriginEntry { path: below.to_owned(), kind, mode, len, sha256 };
    if found.is_symlink() {
        let target = std::fs::read_link(&path).map_err(failed)?;
        entries.push(entry(OriginKind::Link(target), 0, None));
    } else if found.is_file() {
        let sha256 = sha256(&path).map_err(failed)?;
        entries.push(entry(OriginKind::File, found.size(), Some(sha256)));
    } else if found.is_dir() {
        entries.push(entry(OriginKind::Directory, 0, None));
        let children: io::Result<Vec<_>> = std::fs::read_dir(&path).map_err(failed)?.collect();
        let mut children = children.map_err(failed)?;
        children.sort_by_key(std::fs::DirEntry::file_name);
        for child in children {
            let found = child.metadata().map_err(failed)?;
            add(root, &below.join(child.file_name()), &found, entries)?;
        }
    } else {
        let message = format!("`{}` is neither a file nor a directory", path.display());
        return Err(CallError::permanent("origin", message));
    }
    Ok(())
}

fn sha256(path: &Path) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    io::copy(&mut std::fs::File::open(path)?, &mut Hashing(&mut hash))?;
    Ok(hash.finalize().into())
}

struct Hashing<'a>(&'a mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn refused(what: &str, path: &Path, error: &io::Error) -> CallError {
    let message = format!("cannot {what} `{}` on the side of Windlass", path.display());
    CallError::permanent("origin", message).because(error)
}
