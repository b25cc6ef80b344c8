//! How a file is written: what requests about the content of one file have in common.

use std::ffi::OsString;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use windlass_plugin::{Call, CallError};

use super::entry::Found;
use crate::process::{self, Job, Kept, Watch};

/// How a file is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Writing {
    /// Whether what stood there before is kept beside it, as `NAME.20261231T235959Z.bak`.
    #[serde(default)]
    pub backup: bool,
    /// A program with arguments that judges the new content before it takes the place of the old one; `%s`
    /// in an argument stands for the path of a file with it. Where the program fails, nothing is changed.
    #[serde(default)]
    pub validate: Option<Vec<String>>,
    /// Whether a symbolic link in the last place of the path is followed. Without it such a link is an error.
    #[serde(default)]
    pub follow: bool,
    /// Whether lines of the file are shown in the diff. Left out, they are shown where everybody may read the
    /// file, before and after; other files may hold secrets that Windlass does not know.
    #[serde(default)]
    pub diff: Option<bool>,
}

// === impl Writing ===

impl Writing {
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(argv) = &self.validate {
            if argv.first().is_none_or(String::is_empty) {
                problems.push("`validate`: the program is missing".into());
            } else if !argv.iter().any(|arg| arg.contains("%s")) {
                problems.push(
                    "`validate`: `%s` stands in none of its arguments; put it where the path belongs".into(),
                );
            }
            if argv.iter().any(|arg| arg.contains('\0')) {
                problems.push("`validate`: an argument holds a NUL character".into());
            }
        }
        problems
    }

    /// Whether lines of the content may be shown.
    pub(crate) fn shows(&self, before: Option<&Found>, mode_after: u32) -> bool {
        self.diff.unwrap_or_else(|| before.is_none_or(Found::is_public) && mode_after & 0o004 != 0)
    }

    /// Lets the program judge a file.
    pub(crate) async fn judge(&self, call: &Call, path: &Path) -> Result<(), CallError> {
        let Some((program, args)) = self.validate.as_deref().and_then(<[String]>::split_first) else {
            return Ok(());
        };
        let shown = path.to_string_lossy();
        let filled = |arg: &String| OsString::from(arg.replace("%s", &shown));
        let job = Job {
            program: filled(program),
            args: args.iter().map(filled).collect(),
            env: std::collections::BTreeMap::new(),
            cwd: None,
            stdin: None,
            kept: Kept::TO_READ,
        };
        let finished = process::run(job, call, &Watch::default()).await?;
        if finished.stopped.is_some() {
            return Err(CallError::cancelled());
        }
        if finished.exit_code == Some(0) {
            return Ok(());
        }
        let how = match (finished.exit_code, finished.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        };
        let last = finished.stderr.last_line.or(finished.stdout.last_line);
        let last = last.map(|line| format!(": {}", crate::program::shortened(&line))).unwrap_or_default();
        let message =
            format!("`{program}` did not accept the new content, so nothing was changed ({how}{last})");
        Err(CallError::permanent("validate", message))
    }
}
