//! Where runs are kept, and how commands to type say so.

use std::fmt::Display;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use windlass_model::code;

use crate::args::{DATA_DIR_VARIABLE, DataDirArgs};
use crate::exit::Exit;
use crate::failure::Failure;

/// A data directory that was chosen.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// What a command must say to get there: nothing, or `--data-dir DIR`.
    flag: String,
}

// === impl DataDirArgs ===

impl DataDirArgs {
    /// The directory that was chosen, or the usual one.
    pub(crate) fn choose(&self) -> Result<DataDir, Failure> {
        let path = self.path()?;
        let is_usual = Self { data_dir: std::env::var_os(DATA_DIR_VARIABLE).map(PathBuf::from) }
            .path()
            .is_ok_and(|usual| usual == path);
        let flag = match is_usual {
            true => String::new(),
            false => format!("--data-dir {}", quoted(&path.to_string_lossy())),
        };
        Ok(DataDir { path, flag })
    }

    fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = self.data_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty()) {
            return Ok(dir.clone());
        }
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let state = variable("XDG_STATE_HOME").filter(|dir| dir.is_absolute());
        let state = state.or_else(|| variable("HOME").map(|home| home.join(".local/state")));
        state.map(|state| state.join("windlass")).ok_or_else(|| {
            Failure::new(Exit::Store, code::STORE_IO, "there is no place to keep runs in: HOME is not set")
                .help("give --data-dir DIR, or set WINDLASS_DATA_DIR")
        })
    }
}

// === impl DataDir ===

impl DataDir {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What a command must say to get there.
    pub(crate) fn flag(&self) -> &str {
        &self.flag
    }

    /// A command to type: `windlass recover --data-dir DIR`.
    pub(crate) fn command(&self, words: impl Display) -> String {
        let gap = if self.flag.is_empty() { "" } else { " " };
        format!("windlass {words}{gap}{}", self.flag)
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

/// Makes the directory, readable by its owner only, where it is not there yet.
pub(crate) fn create(path: &Path) -> Result<(), Failure> {
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
