//! The checkout: where it is, which files belong to it, how cargo is called in it.
//!
//! Must not know any rule or command.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use ignore::WalkBuilder;

/// A checkout of Windlass.
#[derive(Debug)]
pub(crate) struct Repo {
    root: PathBuf,
}

/// A text file of the checkout.
#[derive(Debug, Clone)]
pub(crate) struct TextFile {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Repo {
    /// The checkout that this xtask belongs to, wherever it was called from.
    pub(crate) fn find() -> Result<Self> {
        let manifest =
            std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("the folder of xtask has no parent")?;
        Ok(Self { root: root.to_path_buf() })
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where cargo and xtask put what they make.
    pub(crate) fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.path("target"), |dir| self.root.join(dir))
    }

    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        command.args(args);
        command
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Every text file that is, or could be, committed; sorted by path.
    pub(crate) fn text_files(&self) -> Result<Vec<TextFile>> {
        let mut files = Vec::new();
        let walk = WalkBuilder::new(&self.root)
            .hidden(false)
            .require_git(false)
            .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some(".git" | "node_modules")))
            .build();
        for entry in walk {
            let entry = entry.context("cannot walk the checkout")?;
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            // What is not UTF-8 is not text, and no rule speaks about it; but links lead to pictures.
            let is_picture = entry.path().extension().is_some_and(|extension| extension == "png");
            let text = match std::fs::read_to_string(entry.path()) {
                Ok(text) => text,
                Err(_) if is_picture => String::new(),
                Err(_) => continue,
            };
            let relative = entry.path().strip_prefix(&self.root).context("a file outside the checkout")?;
            files.push(TextFile { path: relative.to_string_lossy().replace('\\', "/"), text });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

/// Whether a continuous-integration machine runs this, where a skipped test is a failure.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}
