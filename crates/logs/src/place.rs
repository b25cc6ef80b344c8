//! Where the files of a run are.

use std::path::{Path, PathBuf};

use windlass_model::id::RunId;

/// The files of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    directory: PathBuf,
}

/// The longest name of a file of a node, without its ending.
const LONGEST_NAME: usize = 200;

// === impl RunFiles ===

impl RunFiles {
    /// Those of a run, in the directory of all logs.
    #[must_use]
    pub fn new(logs: &Path, plan: &str, run: RunId) -> Self {
        Self { directory: logs.join(plan).join(run.to_string()) }
    }

    /// Those in a directory of their own.
    #[must_use]
    pub fn within(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The directory that they are in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file with all lines.
    #[must_use]
    pub fn all(&self) -> PathBuf {
        self.directory.join("all.log")
    }

    /// The file with the lines of a node.
    #[must_use]
    pub fn node(&self, node: &str) -> PathBuf {
        self.directory.join("nodes").join(node_file_name(node))
    }
}

/// A name that no file system refuses; nodes whose names are very long may share a file.
#[must_use]
pub fn node_file_name(node: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.:@%[]".contains(c);
    let name: String = node.chars().take(LONGEST_NAME).map(|c| if safe(c) { c } else { '_' }).collect();
    let hidden = if name.starts_with('.') { "_" } else { "" };
    format!("{hidden}{name}.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_elsewhere() {
        assert_eq!(node_file_name("web01:22"), "web01:22.log");
        assert_eq!(node_file_name("../../etc/passwd"), "_.._.._etc_passwd.log");
        assert_eq!(node_file_name(&"x".repeat(300)).len(), LONGEST_NAME + 4);
    }
}
