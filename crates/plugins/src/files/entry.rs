//! A name in a directory, and what is there.
//!
//! The directory is held by a descriptor, so that nobody can put another one in its place between two
//! steps. Links above the last name are followed when it is opened; the last name is never followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use windlass_plugin::CallError;

use super::trouble::{IN_THE_WAY, LINK, NO_PARENT, refuse, trouble};

/// A name in a directory.
#[derive(Debug)]
pub(crate) struct Entry {
    dir: OwnedFd,
    path: PathBuf,
    name: OsString,
}

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    /// Tells one thing from another, and a state of it from a later one.
    stamp: Stamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Link,
    /// A device, a pipe or a socket.
    Special,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

// === impl Entry ===

impl Entry {
    /// The name in which an absolute path ends.
    pub(crate) fn open(path: &Path) -> Result<Self, CallError> {
        let Some(name) = path.file_name().filter(|_| path.is_absolute()) else {
            return Err(refuse(format!("`{}` is no absolute path that ends in a name", path.display())));
        };
        let parent = path.parent().unwrap_or(Path::new("/"));
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, parent, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => {
                let message = format!("the directory `{}` does not exist", parent.display());
                CallError::permanent(NO_PARENT, message)
            }
            Errno::NOTDIR => {
                let message = format!("`{}` is no directory", parent.display());
                CallError::permanent("notADirectory", message)
            }
            error => trouble("reach", parent, error),
        })?;
        Ok(Self { dir, path: path.to_owned(), name: name.to_owned() })
    }

    /// A name in a directory that is held already.
    pub(crate) fn within(dir: OwnedFd, path: PathBuf, name: OsString) -> Self {
        Self { dir, path, name }
    }

    /// The same, after a link in the last place was followed, if that is wanted; and what is there.
    pub(crate) fn resolved(path: &Path, follow: bool) -> Result<(Self, Option<Found>), CallError> {
        let entry = Self::open(path)?;
        let found = entry.found()?;
        if !found.as_ref().is_some_and(Found::is_link) || !follow {
            return Ok((entry, found));
        }
        let path = std::fs::canonicalize(path).map_err(|error| trouble("follow the link", path, error))?;
        let entry = Self::open(&path)?;
        let found = entry.found()?;
        Ok((entry, found))
    }

    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// What is there now.
    pub(crate) fn found(&self) -> Result<Option<Found>, CallError> {
        match rustix::fs::statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Found::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(trouble("look at", &self.path, error)),
        }
    }

    /// Opens a plain file for reading.
    pub(crate) fn read(&self) -> Result<File, CallError> {
        // Without NONBLOCK, opening a pipe would wait for somebody to write.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::openat(&self.dir, &self.name, flags, Mode::empty())
            .map_err(|error| trouble("read", &self.path, error))?;
        let found = Found::of_open(&file, &self.path)?;
        match found.kind {
            Kind::File => Ok(file.into()),
            other => Err(in_the_way(&self.path, other, "")),
        }
    }

    /// Where a link leads.
    pub(crate) fn link(&self) -> Result<PathBuf, CallError> {
        let target = rustix::fs::readlinkat(&self.dir, &self.name, Vec::new())
            .map_err(|error| trouble("read", &self.path, error))?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// Opens a directory, never through a link.
    pub(crate) fn directory(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.dir, &self.name, flags, Mode::empty())
    }

    pub(crate) fn make_directory(&self, mode: u32) -> Result<(), CallError> {
        rustix::fs::mkdirat(&self.dir, &self.name, Mode::from_raw_mode(mode))
            .map_err(|error| trouble("make", &self.path, error))
    }

    pub(crate) fn remove(&self) -> Result<(), CallError> {
        rustix::fs::unlinkat(&self.dir, &self.name, AtFlags::empty())
            .map_err(|error| trouble("remove", &self.path, error))
    }

    pub(crate) fn remove_directory(&self) -> Result<(), CallError> {
        rustix::fs::unlinkat(&self.dir, &self.name, AtFlags::REMOVEDIR)
            .map_err(|error| trouble("remove", &self.path, error))
    }

    /// Changes the bits of what is no link. `fchmodat` would follow one that came in between.
    pub(crate) fn change_mode(&self, mode: u32) -> Result<(), CallError> {
        use std::os::fd::AsRawFd as _;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let held = rustix::fs::openat(&self.dir, &self.name, flags, Mode::empty());
        let held = held.map_err(|error| trouble("change the mode of", &self.path, error))?;
        if Found::of_open(&held, &self.path)?.is_link() {
            return Err(in_the_way(&self.path, Kind::Link, ""));
        }
        let path = format!("/proc/self/fd/{}", held.as_raw_fd());
        let changed = rustix::fs::chmod(&*path, Mode::from_raw_mode(mode));
        changed.map_err(|error| trouble("change the mode of", &self.path, error))
    }

    /// Makes what was done to names in the directory durable, as far as it lets itself be opened.
    pub(crate) fn sync_directory(&self) -> Result<(), CallError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(dir) = rustix::fs::openat(&self.dir, ".", flags, Mode::empty()) else { return Ok(()) };
        match rustix::fs::fsync(dir) {
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(error) => Err(trouble("write to", &self.path, error)),
        }
    }
}

// === impl Found ===

impl Found {
    fn of(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Link,
            _ => Kind::Special,
        };
        #[expect(clippy::unnecessary_cast, reason = "the types differ between machines")]
        let stamp = Stamp {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        };
        Self {
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            stamp,
        }
    }

    pub(crate) fn of_open(file: impl AsFd, path: &Path) -> Result<Self, CallError> {
        let stat = rustix::fs::fstat(file).map_err(|error| trouble("look at", path, error))?;
        Ok(Self::of(&stat))
    }

    pub(crate) fn is_link(&self) -> bool {
        self.kind == Kind::Link
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// Whether everybody may read it.
    pub(crate) fn is_public(&self) -> bool {
        self.mode & 0o004 != 0
    }

    pub(crate) fn device(&self) -> u64 {
        self.stamp.device
    }

    /// Whether it is one and the same thing.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.stamp.device, self.stamp.inode) == (other.stamp.device, other.stamp.inode)
    }
}

// === impl Kind ===

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a device, pipe or socket",
        }
    }
}

/// Something else is there than what is wanted; `help` says what to do about it.
pub(crate) fn in_the_way(path: &Path, kind: Kind, help: &str) -> CallError {
    let code = match kind {
        Kind::Directory => "isADirectory",
        Kind::Link => LINK,
        Kind::File | Kind::Special => IN_THE_WAY,
    };
    let help = if help.is_empty() { String::new() } else { format!("; {help}") };
    CallError::permanent(code, format!("`{}` is {}{help}", path.display(), kind.word()))
}

/// What is wrong with a path of a request, if anything.
pub(crate) fn path_problem(field: &str, path: &Path) -> Option<String> {
    use std::os::unix::ffi::OsStrExt as _;
    if path.as_os_str().is_empty() {
        Some(format!("`{field}`: it is empty"))
    } else if path.as_os_str().as_bytes().contains(&0) {
        Some(format!("`{field}`: it holds a NUL character"))
    } else if !path.is_absolute() {
        let message = format!("`{field}`: `{}` is not absolute; begin it with `/`", path.display());
        Some(message)
    } else if path.file_name().is_none() {
        Some(format!("`{field}`: `{}` does not end in a name", path.display()))
    } else {
        None
    }
}
