//! Where runs are kept, and who else is there.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use windlass_model::code;

use crate::args::DataDirArgs;
use crate::exit::Exit;
use crate::failure::Failure;

// === impl DataDirArgs ===

impl DataDirArgs {
    /// The directory that was chosen, or the usual one.
    pub(crate) fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.data_dir {
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
