//! `cron`: sees to a job of cron, in a user's table or in a file of `/etc/cron.d`.

mod schedule;

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation};

use super::conf;
use super::state::{Done, State, judged, one_line, replied};
use super::tool::{self, Tool};

/// Sees to a job of cron.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cron;

/// What `cron` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// What the job is known by: it stands in a comment above its line.
    pub name: String,
    /// Whether it shall be there.
    #[serde(default)]
    pub state: State,
    /// When it runs: `minute hour day month weekday`, such as `30 3 * * 1-5`, or `@daily` and its kin.
    #[serde(default)]
    pub schedule: Option<String>,
    /// What runs: a line for the shell. A `%` that is meant as one is written `\%`, as cron wants it.
    #[serde(default)]
    pub command: Option<String>,
    /// Whose job it is.
    #[serde(default = "root")]
    pub user: String,
    /// The name of a file in `/etc/cron.d`; the user's own table where this is left out.
    #[serde(default)]
    pub file: Option<String>,
    /// Whether its line is there and does not run.
    #[serde(default)]
    pub disabled: bool,
}

fn root() -> String {
    "root".into()
}

const FILES: &str = "/etc/cron.d";
const MARK: &str = "# windlass: ";
const OFF: &str = "#off ";

// === impl Request ===

impl Request {
    fn file(&self) -> Option<PathBuf> {
        self.file.as_ref().map(|file| Path::new(FILES).join(file))
    }

    fn line(&self) -> Option<String> {
        let (schedule, command) = (self.schedule.as_ref()?, self.command.as_ref()?);
        let off = if self.disabled { OFF } else { "" };
        let fields: Vec<&str> = schedule.split_whitespace().collect();
        let user = if self.file.is_some() { format!("{} ", self.user) } else { String::new() };
        Some(format!("{off}{} {user}{command}", fields.join(" ")))
    }

    /// The table with the job as it shall be. It is the line below its mark.
    fn merged(&self, text: &str) -> String {
        let mark = format!("{MARK}{}", self.name);
        let line = self.line().filter(|_| self.state == State::Present);
        let mut lines: Vec<&str> = Vec::new();
        let mut is_said = false;
        let mut there = text.lines();
        while let Some(next) = there.next() {
            if next.trim_end() != mark {
                lines.push(next);
                continue;
            }
            there.next();
            if let Some(line) = line.as_deref().filter(|_| !is_said) {
                is_said = true;
                lines.extend([mark.as_str(), line]);
            }
        }
        if let Some(line) = line.as_deref().filter(|_| !is_said) {
            lines.extend([mark.as_str(), line]);
        }
        lines.iter().flat_map(|line| [line, "\n"]).collect()
    }

    async fn before(&self, call: &Call) -> Result<Option<String>, CallError> {
        if let Some(file) = self.file() {
            return conf::read(&file).await;
        }
        if tool::find("crontab").is_none() {
            return Err(tool::missing("crontab", "install `cron` or `cronie` first, or give `file`"));
        }
        let ran = self.crontab(Tool::look("crontab")).await?.arg("-l").run(call).await?;
        if ran.code == 0 {
            return Ok(Some(ran.stdout));
        }
        // So they all say that there is none; whoever does not exist is something else.
        let is_none = ran.says("no crontab for") || ran.says("can't open");
        if is_none { Ok(None) } else { Err(ran.failure()) }
    }

    /// Only root may name a user, even its own.
    async fn crontab(&self, tool: Tool) -> Result<Tool, CallError> {
        let own = rustix::process::geteuid();
        let account = super::accounts::account(&self.user).await?;
        let is_own = !own.is_root() && account.is_some_and(|account| account.uid == own.as_raw());
        Ok(if is_own { tool } else { tool.args(["-u", &self.user]) })
    }

    fn diff(&self, before: Option<&str>, after: &str) -> Diff {
        let shown = self
            .file()
            .map_or_else(|| format!("crontab of {}", self.user), |file| file.display().to_string());
        if before.unwrap_or_default() == after {
            return Diff::default();
        }
        let is_gone = after.is_empty() && self.file.is_some();
        Diff::of_texts(&shown, before, (!is_gone).then_some(after))
    }
}

// === impl Cron ===

impl Plugin for Cron {
    type Request = Request;
    type Response = Done;

    fn about(&self) -> About {
        About::acting("cron", "sees to a job of cron")
            .on_target()
            .description(
                "The job is known by a comment, `# windlass: NAME`, above its line; all other lines stay as they are. A file in \
                 `/etc/cron.d` of which nothing is left is removed. Cron reads changed tables by itself.",
            )
            .idempotent()
            .example(
                "save the database every night",
                json!({"name": "save", "schedule": "30 3 * * *", "command": "/usr/local/bin/save --all", "user": "postgres"}),
            )
            .example(
                "in a file of its own",
                json!({"name": "report", "file": "report", "schedule": "@weekly", "command": "/usr/local/bin/report"}),
            )
            .example("remove a job", json!({"name": "save", "user": "postgres", "state": "absent"}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> =
            super::accounts::bad_name("user", &request.user).into_iter().collect();
        if request.name.trim() != request.name || request.name.is_empty() {
            problems.push("`name`: it is empty, or has a space at an end".into());
        }
        problems.extend(one_line("name", &request.name));
        match (&request.schedule, request.state) {
            (Some(schedule), _) => {
                problems.extend(schedule::wrong(schedule).map(|why| format!("`schedule`: {why}")))
            }
            (None, State::Present) => problems.push("`schedule`: it is missing".into()),
            (None, State::Absent) => {}
        }
        match (&request.command, request.state) {
            (Some(command), _) => {
                problems.extend(one_line("command", command));
                if command.trim().is_empty() {
                    problems.push("`command`: it is empty".into());
                }
            }
            (None, State::Present) => problems.push("`command`: it is missing".into()),
            (None, State::Absent) => {}
        }
        // Cron leaves files with other names alone, without a word.
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if request.file.as_ref().is_some_and(|file| file.is_empty() || !file.chars().all(is_part)) {
            problems.push("`file`: cron reads only names of letters, digits, `_` and `-`".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Done>, CallError> {
        let before = request.before(&call).await?;
        let after = request.merged(before.as_deref().unwrap_or_default());
        let diff = request.diff(before.as_deref(), &after);
        if diff.is_empty() {
            return Ok(replied(diff));
        }
        match request.file() {
            Some(file) if after.is_empty() => conf::remove(&file).await?,
            Some(file) => conf::replace(&file, &after, 0o644).await?,
            None => {
                let tool = request.crontab(Tool::act("crontab")).await?.arg("-").stdin(after);
                tool.done(&call).await?;
            }
        }
        Ok(replied(diff))
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let before = match request.before(&call).await {
            Ok(before) => before,
            // An earlier action may install cron, or add the user.
            Err(error) => return Ok(Foresight::unknown(error.to_string())),
        };
        let after = request.merged(before.as_deref().unwrap_or_default());
        Ok(Foresight::of(request.diff(before.as_deref(), &after)))
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Done> {
        let after = simulation.plausible(Duration::from_millis(10), Duration::from_millis(100));
        let diff = request.diff(None, &request.merged(""));
        Simulated::changed(after, Some(Done { diff: diff.some() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: windlass_plugin::Value) -> Request {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_job_is_the_line_below_its_mark() {
        let request = of(json!({"name": "save", "schedule": "0  3 * * *", "command": "save"}));
        let mine = "MAILTO=ops\n5 * * * * mine\n";
        let after = request.merged(mine);
        assert_eq!(after, format!("{mine}# windlass: save\n0 3 * * * save\n"));
        assert_eq!(request.merged(&after), after);
        let off = of(json!({"name": "save", "schedule": "0 4 * * *", "command": "save", "disabled": true}));
        assert_eq!(off.merged(&after), format!("{mine}# windlass: save\n#off 0 4 * * * save\n"));
        assert_eq!(of(json!({"name": "save", "state": "absent"})).merged(&after), mine);
        assert_eq!(of(json!({"name": "other", "state": "absent"})).merged(&after), after);
    }
}
