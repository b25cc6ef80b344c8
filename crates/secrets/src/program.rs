//! A program that gives a secret: no shell, few variables, bounded time, and an end for all that it started.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::source::LONGEST;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) argv: Vec<String>,
    pub(crate) directory: PathBuf,
    pub(crate) within: Duration,
    /// Variables that it gets beside [`ALWAYS`].
    pub(crate) pass: Vec<String>,
}

/// The variables that every program gets, where they are set: what finds programs, people and terminals.
const ALWAYS: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"];
/// How much of its standard error is told.
const TOLD: usize = 2_000;

// === impl Program ===

impl Program {
    pub(crate) fn name(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    /// What it prints; else why there is nothing to be had.
    pub(crate) async fn run(&self) -> Result<Vec<u8>, String> {
        let mut command = Command::new(self.name());
        command.args(self.argv.iter().skip(1)).env_clear().process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.directory.as_os_str() != "" {
            command.current_dir(&self.directory);
        }
        for name in ALWAYS.iter().copied().chain(self.pass.iter().map(String::as_str)) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let mut child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
        let group = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let (out, err) = tokio::join!(bounded(out, LONGEST), bounded(err, LONGEST));
            (child.wait().await, out, err)
        };
        let ended = tokio::time::timeout(self.within, work).await;
        let Ok((status, out, err)) = ended else {
            // With all that it started.
            if let Some(group) = group {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = child.wait().await;
            return Err(format!(
                "it did not end within {} and was killed",
                windlass_model::span::Span(self.within)
            ));
        };
        let status = status.map_err(|error| error.to_string())?;
        if status.success() {
            return Ok(out);
        }
        let text = String::from_utf8_lossy(&err);
        let said = text.trim();
        let from = said.len().saturating_sub(TOLD);
        let from = (from..=said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(0);
        let said = said.get(from..).unwrap_or_default();
        let how = status
            .code()
            .map_or_else(|| "it was ended by a signal".to_owned(), |code| format!("exit code {code}"));
        Err(if said.is_empty() { how } else { format!("{how}: {said}") })
    }
}

async fn bounded(stream: Option<impl AsyncRead + Unpin>, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What cannot be read is not there, which its reader sees.
        let _ = stream.take(most as u64 + 1).read_to_end(&mut bytes).await;
    }
    bytes
}
