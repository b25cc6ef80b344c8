//! Which version of the layout a directory has, written before anything else is. It also tells
//! whether the first open came to its end: until then nothing was acknowledged, and what lies there
//! may be thrown away.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use windlass_store::StoreError;

/// The newest version that this crate reads, and the one that it writes.
pub const FORMAT_VERSION: u32 = 1;

const FILE: &str = "FORMAT";
const NAME: &str = "windlass-store";

/// How far a directory has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There is no store yet.
    Empty,
    /// Somebody began to create one.
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

/// Writes the file as a whole or not at all.
pub(crate) fn write(directory: &Path, stage: Stage) -> Result<(), StoreError> {
    let stage = match stage {
        Stage::Empty | Stage::Creating => "creating",
        Stage::Ready => "ready",
    };
    let text = format!("{NAME} {FORMAT_VERSION} {stage}\n");
    let path = directory.join(FILE);
    replace(directory, FILE, |file| file.write_all(text.as_bytes()))
        .map_err(|error| StoreError::io("write", path, error))
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
