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
const ENDING: &str = ".log";

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

    /// The file with the lines of a node, where something was printed on it.
    #[must_use]
    pub fn node(&self, node: &str) -> PathBuf {
        self.directory.join("nodes").join(node_file_name(node))
    }
}

/// A name that no file system refuses; nodes whose names are very long may share a file.
#[must_use]
pub fn node_file_name(node: &str) -> String {
    safe(node).chain(ENDING.chars()).collect()
}

/// Whether a file has that node's name.
pub(crate) fn is_file_of(file: &str, node: &str) -> bool {
    file.strip_suffix(ENDING).is_some_and(|name| name.chars().eq(safe(node)))
}

fn safe(node: &str) -> impl Iterator<Item = char> {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.:@%[]".contains(c);
    let hidden = node.starts_with('.').then_some('_');
    hidden.into_iter().chain(node.chars().take(LONGEST_NAME).map(move |c| if is_safe(c) { c } else { '_' }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_elsewhere() {
        assert_eq!(node_file_name("web01:22"), "web01:22.log");
        assert_eq!(node_file_name("../../etc/passwd"), "_.._.._etc_passwd.log");
        assert_eq!(node_file_name(&"x".repeat(300)).len(), LONGEST_NAME + 4);
        for node in ["web01:22", "../../etc/passwd", &"x".repeat(300)] {
            assert!(is_file_of(&node_file_name(node), node));
        }
        assert!(!is_file_of("web01.log", "web02") && !is_file_of("web01", "web01"));
    }
}
