//! Facts that executables of the node report.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use windlass_plugin::{Call, CallError, Value};

use crate::process::{self, Job, Kept, Watch};

/// Runs every executable of a directory, one after the other, in the order of their names.
pub(super) async fn run(directory: &Path, call: &Call) -> Result<BTreeMap<String, Value>, CallError> {
    let mut facts = BTreeMap::new();
    for path in executables(directory)? {
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let failed = |why: String| CallError::permanent("facts", format!("`{}` {why}", path.display()));
        let job = Job {
            program: path.clone().into_os_string(),
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: None,
            stdin: None,
            kept: Kept::TO_READ,
        };
        let finished = process::run(job, call, &Watch::default()).await?;
        if finished.stopped.is_some() {
            return Err(CallError::cancelled());
        }
        if finished.exit_code != Some(0) {
            let said = finished.stderr.text.trim().lines().last().unwrap_or_default().to_owned();
            let code = finished
                .exit_code
                .map_or_else(|| "was ended by a signal".to_owned(), |code| format!("exited with {code}"));
            return Err(failed(if said.is_empty() { code } else { format!("{code}: {said}") }));
        }
        let text = finished.stdout.text.trim();
        // Who does not print JSON says one thing in words.
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        facts.insert(name.to_owned(), value);
    }
    Ok(facts)
}

fn executables(directory: &Path) -> Result<Vec<PathBuf>, CallError> {
    let failed = |error: std::io::Error| {
        let message = format!("the directory `{}` cannot be read", directory.display());
        CallError::permanent("facts", message).because(&error)
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let can_run = |meta: &Metadata| meta.is_file() && meta.permissions().mode() & 0o111 != 0;
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.metadata().is_ok_and(|meta| can_run(&meta)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
