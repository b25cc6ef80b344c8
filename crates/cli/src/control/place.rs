//! Where the socket is. Paths of sockets are short: where the data directory's own is too long, the socket lies in
//! the directory for temporary files, and a file in the data directory says where.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

const SOCKET: &str = "control.sock";
const POINTER: &str = "control.path";
/// What the kernel takes, without the zero at its end.
const LONGEST: usize = 107;

/// Where the owner of a data directory listens; for the owner to bind.
pub(super) fn make(data_dir: &Path) -> io::Result<PathBuf> {
    let pointer = data_dir.join(POINTER);
    let own = data_dir.join(SOCKET);
    if own.as_os_str().as_bytes().len() <= LONGEST {
        remove(&pointer)?;
        remove(&own)?;
        return Ok(own);
    }
    let uid = rustix::process::getuid().as_raw();
    let name = uuid::Uuid::now_v7().simple();
    let dir = std::env::temp_dir().join(format!("windlass-{uid}-{name}"));
    // Fails if it is there already, so that nobody else can have prepared it.
    DirBuilder::new().mode(0o700).create(&dir)?;
    let short = dir.join(SOCKET);
    if short.as_os_str().as_bytes().len() > LONGEST {
        return Err(io::Error::other("the directory for temporary files has too long a path for a socket"));
    }
    if let Some(stale) = pointed(&pointer) {
        sweep(&stale);
    }
    fs::write(&pointer, short.as_os_str().as_bytes())?;
    Ok(short)
}

/// Where somebody may listen.
pub(super) fn find(data_dir: &Path) -> Option<PathBuf> {
    let own = data_dir.join(SOCKET);
    if own.as_os_str().as_bytes().len() <= LONGEST {
        return own.exists().then_some(own);
    }
    let path = pointed(&data_dir.join(POINTER))?;
    // Only what this user made: anybody may write into the directory for temporary files.
    let is_own =
        fs::metadata(path.parent()?).is_ok_and(|dir| dir.uid() == rustix::process::getuid().as_raw());
    (is_own && path.exists()).then_some(path)
}

/// Takes the socket away, and what was made for it.
pub(super) fn clear(data_dir: &Path, socket: &Path) {
    // What cannot be removed is found stale by the next owner.
    let _ = remove(socket);
    if !socket.starts_with(data_dir) {
        sweep(socket);
        let _ = remove(&data_dir.join(POINTER));
    }
}

fn sweep(socket: &Path) {
    let _ = remove(socket);
    if let Some(dir) = socket.parent() {
        let _ = fs::remove_dir(dir);
    }
}

fn pointed(pointer: &Path) -> Option<PathBuf> {
    let text = fs::read(pointer).ok()?;
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(&text));
    (path.is_absolute() && path.ends_with(SOCKET)).then_some(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_falls_back_to_a_short_one() {
        let dir = tempfile::tempdir().unwrap();
        let short = make(dir.path()).unwrap();
        assert_eq!(short, dir.path().join(SOCKET));
        let long = dir.path().join("d".repeat(120));
        fs::create_dir(&long).unwrap();
        let socket = make(&long).unwrap();
        assert!(!socket.starts_with(&long), "{}", socket.display());
        assert_eq!(find(&long), None, "nobody listens yet");
        fs::write(&socket, "").unwrap();
        assert_eq!(find(&long), Some(socket.clone()));
        clear(&long, &socket);
        assert!(!socket.exists() && !long.join(POINTER).exists());
    }
}
