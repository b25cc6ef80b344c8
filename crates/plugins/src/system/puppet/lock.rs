//! Whether an agent runs, or may not run, by the files that it keeps.

use std::path::PathBuf;

use windlass_plugin::{Call, CallError, Span};

use crate::system::conf;
use crate::system::poll::{NOT_YET, Poll};

/// Where Puppet keeps its files.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    pub(super) lock: PathBuf,
    pub(super) disabled: PathBuf,
    pub(super) summary: PathBuf,
    pub(super) report: PathBuf,
}

const LOOK_AGAIN: Span = Span::secs(1);

// === impl Paths ===

impl Paths {
    /// What is asked for them.
    pub(super) const NAMES: &[&str] =
        &["agent_catalog_run_lockfile", "agent_disabled_lockfile", "lastrunfile", "lastrunreport"];

    /// `name = value` lines.
    pub(super) fn read(text: &str) -> Self {
        let of = |name: &str| {
            let line =
                text.lines().filter_map(|line| line.split_once(" = ")).find(|(key, _)| key.trim() == name);
            PathBuf::from(line.map_or("", |(_, value)| value.trim()))
        };
        let [lock, disabled, summary, report] =
            ["agent_catalog_run_lockfile", "agent_disabled_lockfile", "lastrunfile", "lastrunreport"].map(of);
        Self { lock, disabled, summary, report }
    }

    /// Waits while an agent runs.
    pub(super) async fn free(&self, call: &Call, at_most: Span) -> Result<(), CallError> {
        if let Some(pid) = self.holder().await? {
            call.output
                .note(&format!("an agent of Puppet runs already (process {pid}); waiting for its end"));
        } else {
            return Ok(());
        }
        match (Poll { at_most, every: LOOK_AGAIN }).until(call, |_| self.looked()).await {
            Ok(_) => Ok(()),
            Err(error) if error.code == NOT_YET => Err(CallError { code: "locked".into(), ..error }),
            Err(error) => Err(error),
        }
    }

    async fn looked(&self) -> Result<(), CallError> {
        match self.holder().await? {
            None => Ok(()),
            Some(pid) => {
                Err(CallError::retryable("locked", format!("an agent of Puppet runs (process {pid})")))
            }
        }
    }

    /// The process that holds the lock. Where it lives no more, or is something else by now, the lock is an old one.
    async fn holder(&self) -> Result<Option<u32>, CallError> {
        let Some(text) = conf::read(&self.lock).await? else { return Ok(None) };
        let Ok(pid) = text.trim().parse::<u32>() else { return Ok(None) };
        let command = tokio::fs::read(format!("/proc/{pid}/cmdline")).await.unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let is_puppet = ["puppet", "ruby"].iter().any(|name| command.contains(name));
        Ok(is_puppet.then_some(pid))
    }

    /// Why somebody said that the agent shall not run.
    pub(super) async fn disabled(&self) -> Result<Option<String>, CallError> {
        let Some(text) = conf::read(&self.disabled).await? else { return Ok(None) };
        let said = serde_json::from_str::<windlass_plugin::Value>(&text).ok();
        let message = said.and_then(|said| said.get("disabled_message")?.as_str().map(str::to_owned));
        Ok(Some(message.unwrap_or_else(|| "no reason was given".into())))
    }
}
