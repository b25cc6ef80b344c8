//! Files that the system reads: read whole, replaced at once.
//!
//! A reader sees the old text or the new one and nothing between; owner and mode stay as they were. How a file
//! gets into its place, the modules about files know.

use std::io;
use std::path::{Path, PathBuf};

use windlass_plugin::CallError;

use crate::files::attributes::Attributes;
use crate::files::blocking::blocking;
use crate::files::entry::{Entry, Found, in_the_way};
use crate::files::fresh::Fresh;
use crate::files::trouble::{BUSY, trouble};

/// The text of a file; `None` where there is none.
pub(crate) async fn read(path: &Path) -> Result<Option<String>, CallError> {
    match tokio::fs::read(path).await {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => {
                let message = format!("`{}` is not UTF-8, and is left as it is", path.display());
                Err(CallError::permanent("content", message))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble("read", path, error)),
    }
}

/// Whether two texts say different things. How their lines end, and whether the last one does, says nothing.
pub(crate) fn differ(before: &str, after: &str) -> bool {
    !before.lines().eq(after.lines())
}

/// Gives a file this text; one that is new gets this mode. What a link leads to is replaced, not the link.
pub(crate) async fn replace(path: &Path, text: &str, mode: u32) -> Result<(), CallError> {
    let (path, text) = (path.to_owned(), text.to_owned());
    blocking(move || replaced(&path, &text, mode)).await
}

/// Sees to it that there is no such file.
pub(crate) async fn remove(path: &Path) -> Result<(), CallError> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(trouble("remove", path, error)),
        _ => Ok(()),
    }
}

fn replaced(path: &Path, text: &str, mode: u32) -> Result<(), CallError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| trouble("create", parent, error))?;
    }
    let (entry, found) = Entry::resolved(path, true)?;
    if let Some(found) = found.filter(|found| !found.is_file()) {
        return Err(in_the_way(entry.path(), found.kind, ""));
    }
    let place: PathBuf = entry.path().to_owned();
    let settled = settled(entry, found.as_ref(), text, mode);
    match settled {
        // A file that is mounted by itself, as containers do with some, has a place of its own.
        Err(error) if error.code == BUSY && found.is_some() => {
            std::fs::write(&place, text).map_err(|error| trouble("write to", &place, error))
        }
        settled => settled,
    }
}

fn settled(entry: Entry, found: Option<&Found>, text: &str, mode: u32) -> Result<(), CallError> {
    let old = found.map(|_| entry.read()).transpose()?;
    let fresh = Fresh::beside(entry)?;
    if let Some(old) = old {
        fresh.take_after(&old);
    }
    let attributes = Attributes {
        uid: found.map(|found| found.uid),
        gid: found.map(|found| found.gid),
        mode: Some(found.map_or(mode, |found| found.mode)),
    };
    fresh.settle(text.as_bytes(), attributes)
}
