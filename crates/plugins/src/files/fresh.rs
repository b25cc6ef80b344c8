//! A file that is being written beside the one whose place it will take.
//!
//! Its name says whose place it takes, and it is locked while somebody writes it. So one that was left
//! behind by a process that died is found by whoever writes the same file next, and removed.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use windlass_plugin::CallError;

use super::attributes::Attributes;
use super::entry::{Entry, Found};
use super::trouble::{BUSY, trouble};

/// A file that is not in its place yet. Dropped, nothing is left of it.
#[derive(Debug)]
pub(crate) struct Fresh {
    entry: Entry,
    name: OsString,
    file: File,
    placed: bool,
}

/// How often the name is tried: others who write the same file come and go meanwhile.
const TRIES: usize = 16;

// === impl Fresh ===

impl Fresh {
    /// An empty file that only we may read, beside its place.
    pub(crate) fn beside(entry: Entry) -> Result<Self, CallError> {
        let name = partial_name(&entry);
        let failed = |error: Errno| trouble("write to", entry.path(), error);
        for _ in 0..TRIES {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(entry.dir(), &name, flags, Mode::from_raw_mode(0o600)) {
                Ok(held) => {
                    let file = File::from(held);
                    // Between making it and locking it, somebody may have taken it for a leftover.
                    if is_locked(&file) && is_at(&entry, &name, &file) {
                        return Ok(Self { entry, name, file, placed: false });
                    }
                }
                Err(Errno::EXIST) => sweep(&entry, &name)?,
                Err(error) => return Err(failed(error)),
            }
        }
        Err(busy(&entry))
    }

    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Where it lies now.
    pub(crate) fn path(&self) -> PathBuf {
        self.entry.path().with_file_name(&self.name)
    }

    /// Gives it the labels and access lists of the file whose place it takes, as far as that is possible.
    /// What says that a program may do more than its user is for the old content only.
    pub(crate) fn take_after(&self, old: &File) {
        const NOT_KEPT: &[&[u8]] = &[b"security.capability", b"security.ima", b"security.evm"];
        let mut names = vec![0; 4096];
        let Ok(length) = rustix::fs::flistxattr(old, &mut names[..]) else { return };
        names.truncate(length);
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let mut value = vec![0; 65_536];
            if NOT_KEPT.contains(&name) {
                continue;
            }
            if let Ok(length) = rustix::fs::fgetxattr(old, name, &mut value[..]) {
                value.truncate(length);
                // Only root may set some of them, and what they say then follows from the directory.
                let _ = rustix::fs::fsetxattr(&self.file, name, &value, XattrFlags::empty());
            }
        }
    }

    /// Makes its content durable.
    pub(crate) fn sync(&self) -> Result<(), CallError> {
        self.file.sync_all().map_err(|error| trouble("write to", self.entry.path(), error))
    }

    /// Writes a whole content, gives it these attributes, and puts it into its place, durably.
    pub(crate) fn settle(mut self, content: &[u8], attributes: Attributes) -> Result<(), CallError> {
        let written = self.file.write_all(content);
        written.map_err(|error| trouble("write to", self.entry.path(), error))?;
        let now = Found::of_open(&self.file, self.entry.path())?;
        attributes.give(&self.file, &now, self.entry.path())?;
        self.sync()?;
        self.place()?;
        self.entry.sync_directory()
    }

    /// Takes its place. Durable when the directory is synced.
    pub(crate) fn place(&mut self) -> Result<(), CallError> {
        let dir = self.entry.dir();
        rustix::fs::renameat(dir, &self.name, dir, self.entry.name())
            .map_err(|error| trouble("replace", self.entry.path(), error))?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.placed {
            // If it cannot be removed, whoever writes the file next finds it.
            let _ = rustix::fs::unlinkat(self.entry.dir(), &self.name, AtFlags::empty());
        }
    }
}

/// A name that begins with a dot and does not end as the file's own, so that nothing that reads all
/// files of a directory takes it for one of them.
pub(crate) fn partial_name(entry: &Entry) -> OsString {
    use std::fmt::Write as _;
    let digest: [u8; 32] = Sha256::digest(entry.name().as_bytes()).into();
    let mut name = String::from(".windlass.");
    for byte in digest.iter().take(8) {
        // Writing into a text cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".part");
    name.into()
}

/// Whether we hold it now. File systems that know no locks count as ours.
fn is_locked(file: &File) -> bool {
    let locked = rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive);
    !matches!(locked, Err(Errno::WOULDBLOCK))
}

fn is_at(entry: &Entry, name: &OsString, file: &File) -> bool {
    let there = rustix::fs::statat(entry.dir(), name, AtFlags::SYMLINK_NOFOLLOW);
    let held = rustix::fs::fstat(file);
    matches!((there, held), (Ok(there), Ok(held)) if (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino))
}

/// Removes what a process that died has left.
fn sweep(entry: &Entry, name: &OsString) -> Result<(), CallError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let left = match rustix::fs::openat(entry.dir(), name, flags, Mode::empty()) {
        Ok(held) => Some(File::from(held)),
        Err(Errno::NOENT) => return Ok(()),
        // What is no file was put there by somebody who means ill.
        Err(_) => None,
    };
    if left.as_ref().is_some_and(|file| {
        Found::of_open(file, entry.path()).is_ok_and(|it| it.is_file()) && !is_locked(file)
    }) {
        return Err(busy(entry));
    }
    match rustix::fs::unlinkat(entry.dir(), name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(trouble("remove what was left beside", entry.path(), error)),
    }
}

fn busy(entry: &Entry) -> CallError {
    let message = format!("somebody else is writing `{}` at this moment", entry.path().display());
    CallError::retryable(BUSY, message)
}
