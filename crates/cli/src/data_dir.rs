//! Where runs are kept, and how commands to type say so.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use windlass_model::code;

use crate::args::{DATA_DIR_VARIABLE, DataDirArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::typed::Typed;

/// A data directory that was chosen.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    typed: Typed,
}

// === impl DataDirArgs ===

impl DataDirArgs {
    /// The directory that was chosen, or the usual one.
    pub(crate) fn choose(&self) -> Result<DataDir, Failure> {
        if let Some(dir) = &self.data_dir {
            let flag = format!("--data-dir {}", quoted(&dir.to_string_lossy()));
            return Ok(DataDir { path: dir.clone(), typed: Typed::here(flag) });
        }
        Ok(DataDir { path: usual()?, typed: Typed::here(String::new()) })
    }
}

/// Where runs are kept when no flag says so.
fn usual() -> Result<PathBuf, Failure> {
    match variable(DATA_DIR_VARIABLE) {
        Some(dir) => Ok(dir),
        None => beside("windlass"),
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where this user keeps what is called so, beside what else is kept here.
pub(crate) fn beside(name: &str) -> Result<PathBuf, Failure> {
    let state = variable("XDG_STATE_HOME").filter(|dir| dir.is_absolute());
    let state = state.or_else(|| variable("HOME").map(|home| home.join(".local/state")));
    state.map(|state| state.join(name)).ok_or_else(|| {
        Failure::new(Exit::Store, code::STORE_IO, "there is no place to keep runs in: HOME is not set")
            .help("give --data-dir DIR, or set WINDLASS_DATA_DIR")
    })
}

// === impl DataDir ===

impl DataDir {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How commands to type say that it is meant.
    pub(crate) fn typed(&self) -> &Typed {
        &self.typed
    }
}

/// A text as it can be pasted into a shell.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_./:@".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

// === impl DataDir: what is there ===

impl DataDir {
    /// Fails where nobody has kept runs yet: whoever looks for runs must not make a directory for them.
    pub(crate) fn must_hold_runs(&self) -> Result<(), Failure> {
        let what = match std::fs::symlink_metadata(self.path.join(windlass_store_fjall::FORMAT_FILE)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match self.path.exists() {
                true => "it holds no store",
                false => "it does not exist",
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                return Err(no_directory(&self.path));
            }
            // Whatever else is wrong is said when it is opened.
            _ => return Ok(()),
        };
        let message = format!("there are no runs in {}: {what}", self.path.display());
        Err(Failure::new(Exit::Invalid, code::UNKNOWN_RUN, message)
            .help("`windlass run FILE` makes the first one; another directory is chosen with --data-dir DIR"))
    }

    /// Whether others than its owner can read what is in it.
    pub(crate) fn is_open_to_others(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|directory| directory.permissions().mode() & 0o077 != 0)
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| Failure::file("write", path, &error))
}

fn no_directory(path: &Path) -> Failure {
    let message = format!("{} is a file, and runs are kept in a directory", path.display());
    Failure::new(Exit::Store, code::STORE_IO, message).help("choose a directory with --data-dir DIR")
}

/// Makes the directory, readable by its owner only, where it is not there yet.
pub(crate) fn create(path: &Path) -> Result<(), Failure> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_dir()) {
        return Err(no_directory(path));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                code::STORE_READ_ONLY
            }
            std::io::ErrorKind::StorageFull => code::STORE_FULL,
            _ => code::STORE_IO,
        };
        Failure::new(Exit::Store, code, format!("cannot create the data directory {}", path.display()))
            .because(&error)
            .help("make its parent writable for this user, or choose another with --data-dir DIR")
    })
}
