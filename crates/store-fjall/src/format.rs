//! Which version of the layout a directory has. The file is put there when everything else is, so it
//! also tells that there is a store.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use windlass_store::StoreError;

/// The newest version that this crate reads, and the one that it writes.
pub const FORMAT_VERSION: u32 = 1;

/// The file that says which version a directory has, and that there is a store in it.
pub const FILE: &str = "FORMAT";
const NAME: &str = "windlass-store";

/// How far a directory has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There is no store yet.
    Empty,
    /// Somebody began to create one in its place, as was done once. Nothing in it was acknowledged.
    Creating,
    /// There is a store.
    Ready,
}

/// What the directory holds.
pub(crate) fn read(directory: &Path) -> Result<Stage, StoreError> {
    let path = directory.join(FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stage::Empty),
        Err(error) => return Err(StoreError::io("read", path, error)),
    };
    let text = String::from_utf8_lossy(&text);
    let corrupt = || StoreError::Corrupt {
        path: directory.to_owned(),
        detail: "its FORMAT file is not one of a store".to_owned(),
    };
    let mut words = text.split_whitespace();
    if words.next() != Some(NAME) {
        return Err(corrupt());
    }
    let found: u32 = words.next().and_then(|version| version.parse().ok()).ok_or_else(corrupt)?;
    if found > FORMAT_VERSION {
        return Err(StoreError::Newer { path: directory.to_owned(), found, supported: FORMAT_VERSION });
    }
    match words.next() {
        Some("creating") => Ok(Stage::Creating),
        Some("ready") => Ok(Stage::Ready),
        _ => Err(corrupt()),
    }
}

/// What the file says where there is a store.
pub(crate) fn ready() -> String {
    format!("{NAME} {FORMAT_VERSION} ready\n")
}

/// Puts a file in place of another: the old one or the new one is there, never a part.
pub(crate) fn replace(
    directory: &Path,
    name: &str,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let new = directory.join(format!("{name}.new"));
    let mut file = File::create(&new)?;
    fill(&mut file)?;
    file.sync_all()?;
    fs::rename(&new, directory.join(name))?;
    sync_directory(directory)
}

/// Makes renames and removals in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
