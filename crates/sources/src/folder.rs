//! The folder that a plan file lies in: what the plan refers to beside itself.

use std::path::{Path, PathBuf};

use windlass_lang::Beside;

/// The folder that a plan file lies in.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// The largest template file that is read.
const LARGEST_TEMPLATE: u64 = 1 << 20;

// === impl Folder ===

impl Folder {
    /// Where relative paths of a plan begin; for one from standard input (`-`) where the program was started.
    #[must_use]
    pub fn of(plan: &Path) -> Self {
        let folder = plan.parent().filter(|_| plan.as_os_str() != "-").unwrap_or(Path::new(""));
        let here = std::env::current_dir().unwrap_or_default();
        Self(here.join(folder))
    }
}

impl Beside for Folder {
    fn absolute(&self, path: &str) -> String {
        self.0.join(path).to_string_lossy().into_owned()
    }

    fn template(&self, path: &Path) -> Result<String, String> {
        let found = std::fs::metadata(path).map_err(|error| error.to_string())?;
        if !found.is_file() {
            return Err("it is no plain file".to_owned());
        }
        if found.len() > LARGEST_TEMPLATE {
            return Err(format!("it has {} bytes; at most {LARGEST_TEMPLATE} are read", found.len()));
        }
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
    }
}
