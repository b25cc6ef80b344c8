//! What lies below a directory, reached without ever leaving it.
//!
//! The directory itself may be reached through links, because whoever wrote the request named it. Below
//! it nothing is: a link there may have been put by somebody else, to lead us astray.

use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Dir, Mode, OFlags};
use rustix::io::Errno;
use windlass_plugin::CallError;

use super::entry::Entry;
use super::trouble::{IN_THE_WAY, trouble};

/// A directory that is held.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    path: PathBuf,
}

// === impl Tree ===

impl Tree {
    /// A directory; `None` where nothing is.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, CallError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(root) => Ok(Some(Self { root, path: path.to_owned() })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(trouble("open the directory", path, error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory itself, open for listing.
    pub(crate) fn open_root(&self) -> Result<OwnedFd, CallError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.root, ".", flags, Mode::empty())
            .map_err(|error| trouble("open the directory", &self.path, error))
    }

    /// A name below it; `None` where the directory that it would lie in does not exist.
    pub(crate) fn entry(&self, below: &Path) -> Result<Option<Entry>, CallError> {
        let path = self.path.join(below);
        let outside = || {
            let message = format!("`{}` leads out of `{}`", below.display(), self.path.display());
            CallError::permanent("outside", message)
        };
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(outside());
        }
        let name = below.file_name().ok_or_else(outside)?.to_owned();
        let mut dir = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)
            .map_err(|error| trouble("hold", &self.path, error))?;
        let mut so_far = self.path.clone();
        for part in below.parent().into_iter().flat_map(Path::components) {
            so_far.push(part);
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
            dir = match rustix::fs::openat(&dir, part.as_os_str(), flags, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    let message = format!("`{}` is no directory but a link or a file", so_far.display());
                    return Err(CallError::permanent(IN_THE_WAY, message));
                }
                Err(error) => return Err(trouble("reach", &so_far, error)),
            };
        }
        Ok(Some(Entry::within(dir, path, name)))
    }

    /// The same, where the directory must be there by now.
    pub(crate) fn place(&self, below: &Path) -> Result<Entry, CallError> {
        self.entry(below)?.ok_or_else(|| trouble("reach", &self.path.join(below), Errno::NOENT))
    }
}

/// The names in a directory, in order.
pub(crate) fn names(dir: impl AsFd, path: &Path) -> Result<Vec<OsString>, CallError> {
    let failed = |error: Errno| trouble("list", path, error);
    let mut names = Vec::new();
    for entry in Dir::read_from(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = CStr::to_bytes(entry.file_name());
        if !matches!(name, b"." | b"..") {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    names.sort();
    Ok(names)
}
