//! Files that the system reads: read whole, replaced at once.
//!
//! A reader sees the old text or the new one and nothing between; owner and mode stay as they were.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncWriteExt as _;
use windlass_plugin::CallError;

/// The text of a file; `None` where there is none.
pub(crate) async fn read(path: &Path) -> Result<Option<String>, CallError> {
    match fs::read(path).await {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => {
                let message = format!("`{}` is not UTF-8, and is left as it is", path.display());
                Err(CallError::permanent("content", message))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

/// Gives a file this text; one that is new gets this mode.
pub(crate) async fn replace(path: &Path, text: &str, mode: u32) -> Result<(), CallError> {
    // What a link leads to is replaced, not the link.
    let path = fs::canonicalize(path).await.unwrap_or_else(|_| path.to_owned());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).await.map_err(|error| cannot("create", parent, &error))?;
    }
    let old = fs::metadata(&path).await.ok();
    let beside = beside(&path);
    let written = write(&beside, text, mode, old.as_ref()).await;
    let moved = match written {
        Ok(()) => fs::rename(&beside, &path).await,
        Err(error) => Err(error),
    };
    let Err(error) = moved else {
        return match path.parent() {
            Some(parent) => synced(parent).await.map_err(|error| cannot("write", &path, &error)),
            None => Ok(()),
        };
    };
    // Nobody reads what was not finished.
    let _ = fs::remove_file(&beside).await;
    // A file that is mounted by itself, as containers do with some, has a place of its own.
    if error.kind() == io::ErrorKind::ResourceBusy {
        return fs::write(&path, text).await.map_err(|error| cannot("write", &path, &error));
    }
    Err(cannot("write", &path, &error))
}

/// Sees to it that there is no such file.
pub(crate) async fn remove(path: &Path) -> Result<(), CallError> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot("remove", path, &error)),
        _ => Ok(()),
    }
}

/// That something cannot be done to a file. Another attempt may help where the disk is full, and not where
/// we are not allowed to.
pub(crate) fn cannot(what: &str, path: &Path, error: &io::Error) -> CallError {
    let message = format!("cannot {what} `{}`", path.display());
    let failure = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            CallError::permanent("denied", message)
        }
        _ => CallError::retryable("io", message),
    };
    failure.because(error)
}

async fn write(beside: &Path, text: &str, mode: u32, old: Option<&std::fs::Metadata>) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mode = old.map_or(mode, |old| old.permissions().mode() & 0o7777);
    let mut file = options.write(true).create_new(true).mode(mode & 0o700).open(beside).await?;
    file.write_all(text.as_bytes()).await?;
    if let Some(old) = old {
        std::os::unix::fs::chown(beside, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode)).await?;
    file.sync_all().await
}

async fn synced(directory: &Path) -> io::Result<()> {
    fs::File::open(directory).await?.sync_all().await
}

/// A name in the same directory that nobody else uses at the same time, and that no program takes for one
/// of its files.
fn beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.windlass-{}-{count}", std::process::id()))
}
