//! Runs of Puppet, and what their ends mean.

use std::path::Path;
use std::time::SystemTime;

use windlass_plugin::{Call, CallError, Diff, Foresight, Reply};

use super::lock::Paths;
use super::report::{MOST, Report, Summary};
use super::{Response, Ways};
use crate::process::Watch;
use crate::system::conf;
use crate::system::tool::{self, Ran, Tool};

/// Puppet, about to be run.
#[derive(Debug)]
pub(super) struct Puppet<'a> {
    program: String,
    ways: &'a Ways,
    args: Vec<String>,
    stdin: Option<String>,
    call: &'a Call,
    watch: Watch,
}

/// What the agent says when another one was faster.
const ALREADY: &str = "Run of Puppet configuration client already in progress";
/// Where the vendor's own packages put it.
const VENDOR: &str = "/opt/puppetlabs/bin/puppet";
/// How often somebody else may be faster.
const FASTER: u32 = 20;

// === impl Puppet ===

impl<'a> Puppet<'a> {
    pub(super) fn new(
        ways: &'a Ways,
        args: Vec<String>,
        stdin: Option<String>,
        call: &'a Call,
    ) -> Result<Self, CallError> {
        let refuse = |problems: Vec<String>| CallError::permanent(CallError::REQUEST, problems.join("; "));
        let watch = ways.output.watch().map_err(refuse)?;
        let program = match &ways.program {
            Some(program) => program.display().to_string(),
            None if tool::find("puppet").is_some() => "puppet".to_owned(),
            None if Path::new(VENDOR).exists() => VENDOR.to_owned(),
            None => return Err(tool::missing("puppet", "install it first, with `use: package`")),
        };
        Ok(Self { program, ways, args, stdin, call, watch })
    }

    /// Runs it, as often as it takes, and judges the last run.
    pub(super) async fn run(&self, noop: bool) -> Result<Reply<Response>, CallError> {
        let paths = self.paths().await?;
        let mut response = Response::default();
        let mut has_changed = false;
        loop {
            let begun = SystemTime::now();
            let ran = self.once(&paths, noop).await?;
            response.runs += 1;
            self.add(&ran, &paths, begun, &mut response).await;
            let failure = self.failure(&ran, &response);
            let changed = matches!(ran.code, 2 | 6) && !noop;
            has_changed |= changed;
            let again =
                (failure.is_some() && self.ways.rerun_on_error) || (changed && self.ways.rerun_on_change);
            let reruns = response.runs.saturating_sub(1);
            if again && reruns < self.ways.most_reruns {
                let why = if failure.is_some() { "it failed" } else { "it changed something" };
                self.call.output.note(&format!(
                    "{why}; running it again ({} of {})",
                    reruns + 1,
                    self.ways.most_reruns
                ));
                continue;
            }
            if again && failure.is_none() {
                let note =
                    format!("it still changed something in run {}; no further run is allowed", response.runs);
                self.call.output.note(&note);
                response.warnings.push(note);
            }
            return match failure {
                Some(failure) => Err(failure.with_response(response)),
                None => Ok(Reply { response, changed: has_changed }),
            };
        }
    }

    /// What it would change, by its own means.
    pub(super) async fn foresee(&self) -> Result<Foresight, CallError> {
        let paths = self.paths().await?;
        let ran = self.once(&paths, true).await?;
        let mut response = Response::default();
        self.add(&ran, &paths, SystemTime::UNIX_EPOCH, &mut response).await;
        // Its exit code says nothing here except that it could not.
        if !matches!(ran.code, 0 | 2) {
            return Err(self.failure(&ran, &response).unwrap_or_else(|| ran.failure()));
        }
        let diff = response.diff.unwrap_or_default();
        Ok(Foresight::of(diff))
    }

    /// Where it keeps its files. It has to be asked, because all of that is configured.
    async fn paths(&self) -> Result<Paths, CallError> {
        let tool = self.tool(Tool::look(&self.program)).args(["config", "print"]).args(self.settings());
        let ran = tool.args(Paths::NAMES).args(["--section", "agent"]).done(self.call).await?;
        Ok(Paths::read(&ran.stdout))
    }

    /// One run, when no other is on its way.
    async fn once(&self, paths: &Paths, noop: bool) -> Result<Ran, CallError> {
        let is_agent = self.args.first().is_some_and(|verb| verb == "agent");
        for _ in 0..FASTER {
            if let Some(why) = paths.disabled().await?.filter(|_| is_agent) {
                let message = format!(
                    "the agent is disabled on this machine: {why}; `puppet agent --enable` ends that"
                );
                return Err(CallError::retryable("disabled", message));
            }
            paths.free(self.call, self.ways.lock_wait).await?;
            let mut tool = self.tool(Tool::act(&self.program)).watched(self.watch.clone());
            tool = tool.args(&self.args).arg("--color=false").args(self.settings());
            if noop {
                tool = tool.arg("--noop");
            }
            if !self.ways.tags.is_empty() {
                tool = tool.arg("--tags").arg(self.ways.tags.join(","));
            }
            if let Some(text) = &self.stdin {
                tool = tool.stdin(text.clone());
            }
            let ran = tool.args(&self.ways.args).run(self.call).await?;
            if !(is_agent && ran.says(ALREADY)) {
                return Ok(ran);
            }
            self.call.output.note("another agent was faster; waiting for its end");
            if self.ways.lock_wait.is_zero() {
                break;
            }
        }
        Err(CallError::retryable("locked", "another agent of Puppet was always faster"))
    }

    fn tool(&self, tool: Tool) -> Tool {
        // Facts and files may hold any text; in the locale C, Ruby takes everything for ASCII.
        let tool = tool.env("LC_ALL", "C.UTF-8");
        self.ways.env.iter().fold(tool, |tool, (name, value)| match value {
            Some(value) => tool.env(name, value),
            None => tool.without(name),
        })
    }

    fn settings(&self) -> Vec<String> {
        self.ways.settings.iter().flat_map(|(name, value)| [format!("--{name}"), value.clone()]).collect()
    }

    /// Adds what a run printed and reported.
    async fn add(&self, ran: &Ran, paths: &Paths, begun: SystemTime, response: &mut Response) {
        response.exit_code = Some(ran.code);
        response.warnings.clone_from(&ran.warnings);
        let diff = response.diff.take().unwrap_or_default();
        response.diff = ran.stdout.lines().filter_map(changed).fold(diff, Diff::line).some();
        let summary = Summary::read(&fresh(&paths.summary, begun).await.unwrap_or_default());
        response.resources = summary.resources;
        response.config_version = summary.config_version;
        let report = Report::read(&fresh(&paths.report, begun).await.unwrap_or_default());
        response.failed = report.failed;
        for resource in report.changed {
            if response.changed.len() < MOST && !response.changed.contains(&resource) {
                response.changed.push(resource);
            }
        }
    }

    /// Why a run is no success.
    fn failure(&self, ran: &Ran, response: &Response) -> Option<CallError> {
        let shown = |line: &String| tool::shortened(line, 300);
        if !self.ways.exit_codes.accept(ran.code) {
            let what = match ran.code {
                0 => "it changed nothing, which is not accepted here",
                1 => "it could not run",
                2 => "it changed something, which is not accepted here",
                4 => "resources failed",
                6 => "resources failed, others were changed",
                _ => "it failed",
            };
            let mut message = format!("exit code {}: {what}", ran.code);
            if !response.failed.is_empty() {
                let named: Vec<&str> = response.failed.iter().take(5).map(String::as_str).collect();
                let more = response.failed.len().saturating_sub(named.len());
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                message = format!("{message}: {}{more}", named.join(", "));
            }
            let mut error = CallError::retryable("exit", message);
            error.causes.extend(ran.error.as_ref().map(shown));
            return Some(error);
        }
        if let Some(line) = &ran.error {
            return Some(CallError::retryable("output", format!("the output has an error: {}", shown(line))));
        }
        let warning = ran.warnings.first().filter(|_| self.ways.output.fail_on_warning);
        warning
            .map(|line| CallError::retryable("output", format!("the output has a warning: {}", shown(line))))
    }
}

/// The text of a file that this run wrote.
async fn fresh(path: &Path, begun: SystemTime) -> Option<String> {
    let written = tokio::fs::metadata(path).await.ok()?.modified().ok()?;
    // Clocks of file systems are coarser than ours.
    let begun = begun.checked_sub(std::time::Duration::from_secs(1)).unwrap_or(begun);
    if written < begun {
        return None;
    }
    conf::read(path).await.ok().flatten()
}

/// The line of a change, made or only foreseen: `/Stage[main]/Main/File[/x]/ensure: defined content as …`.
fn changed(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("Notice: /Stage[")?;
    // What is said of a resource as a whole is no change of a property.
    let (place, said) = rest.split_once(": ")?;
    let is_property =
        !place.ends_with(']') || said.starts_with("Triggered") || said.starts_with("Would have triggered");
    is_property.then(|| line.strip_prefix("Notice: ")).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_changes() {
        for line in [
            "/Stage[main]/Main/File[/tmp/a b]/ensure: defined content as '{sha256}58'",
            "/Stage[main]/Main/File[/tmp/a b]/ensure: current_value 'absent', should be 'file' (noop)",
            "/Stage[main]/Main/Service[x]: Triggered 'refresh' from 1 event",
        ] {
            assert_eq!(changed(&format!("Notice: {line}")), Some(line));
        }
        for line in [
            "Notice: Applied catalog in 0.16 seconds",
            "Notice: a message",
            "Notice: /Stage[main]/Main/File[/tmp/x]: Dependency Exec[/bin/false] has failures: true",
            "Error: /Stage[main]/Main/Exec[/bin/false]/returns: failed",
        ] {
            assert_eq!(changed(line), None, "{line}");
        }
    }
}
