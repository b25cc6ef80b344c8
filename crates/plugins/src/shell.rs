//! `shell` and `shell.check`: run a script in a shell.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Foresight, Plugin, Reply, Simulated, Simulation};

use crate::command::ENDS;
use crate::program::{Response, Surroundings, Unless, foresight, reply, simulated};

/// Runs a script in a shell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shell;

/// Passes when a script succeeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShellCheck;

/// What `shell` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The script. Begin it with `set -eu` to end it at the first command that fails.
    pub script: String,
    /// The shell: any that understands what POSIX says of `sh`.
    #[serde(default = "shell")]
    pub shell: PathBuf,
    /// What the script sees as `$1`, `$2`, …
    #[serde(default)]
    pub args: Vec<String>,
    /// What makes running it unnecessary.
    #[serde(flatten)]
    pub unless: Unless,
    /// What surrounds it.
    #[serde(flatten)]
    pub surroundings: Surroundings,
}

/// What `shell.check` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckRequest {
    /// The script. Begin it with `set -eu` to end it at the first command that fails.
    pub script: String,
    /// The shell: any that understands what POSIX says of `sh`.
    #[serde(default = "shell")]
    pub shell: PathBuf,
    /// What the script sees as `$1`, `$2`, …
    #[serde(default)]
    pub args: Vec<String>,
    /// What surrounds it.
    #[serde(flatten)]
    pub surroundings: Surroundings,
}

/// The variable in which the script travels.
///
/// A command line can be read by every user of the machine, and a script may hold secrets; the
/// environment can be read only by the script's own user. It is gone before the script begins.
const SCRIPT: &str = "WINDLASS_SCRIPT";
const BOOTSTRAP: &str = "eval \"unset WINDLASS_SCRIPT; $WINDLASS_SCRIPT\"";

/// The longest text that Linux takes in one variable, with its name.
const LONGEST: usize = 128 * 1024 - 32;

const WITHOUT_A_SHELL: &str =
    "Where no shell is needed, `command` is the safer choice: nothing in a value can turn into code.";

fn shell() -> PathBuf {
    "/bin/sh".into()
}

// === impl Shell ===

impl Plugin for Shell {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("shell", "runs a script in a shell")
            .on_target()
            .works_bare()
            .description(format!("{WITHOUT_A_SHELL}\n\n{ENDS}"))
            .example("run a script", json!({"script": "set -eu\napt-get update\napt-get -y upgrade\n"}))
            .example(
                "hand values over as arguments",
                json!({"script": "install -m 0644 \"$1\" /etc/app/", "args": ["app.conf"], "cwd": "/srv/release"}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        validate(&request.script, &request.args, &request.surroundings)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let Request { script, shell, args, unless, surroundings } = request;
        if let Some(response) = unless.nothing_to_do(surroundings.cwd.as_deref(), &call).await? {
            return Ok(reply(response));
        }
        run(script, shell, args, surroundings, &call).await.map(reply)
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let Request { script, unless, surroundings, .. } = request;
        let skipped = unless.nothing_to_do(surroundings.cwd.as_deref(), &call).await?;
        Ok(foresight(skipped, &format!("the script `{}`", script.trim())))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Response> {
        let (after, response) = simulated(simulation);
        Simulated::changed(after, Some(response))
    }
}

// === impl ShellCheck ===

impl Plugin for ShellCheck {
    type Request = CheckRequest;
    type Response = Response;

    fn about(&self) -> About {
        About::check("shell.check", "passes when a script succeeds")
            .on_target()
            .works_bare()
            .description(format!("{WITHOUT_A_SHELL}\n\n{ENDS}"))
            .example(
                "compare a figure",
                json!({"script": "test \"$(df --output=pcent / | tail -1 | tr -dc 0-9)\" -lt 90"}),
            )
    }

    fn validate(&self, request: &CheckRequest) -> Result<(), Vec<String>> {
        validate(&request.script, &request.args, &request.surroundings)
    }

    async fn call(&self, call: Call, request: CheckRequest) -> Result<Reply<Response>, CallError> {
        let CheckRequest { script, shell, args, surroundings } = request;
        run(script, shell, args, surroundings, &call).await.map(Reply::unchanged)
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &CheckRequest) -> Simulated<Response> {
        let (after, response) = simulated(simulation);
        Simulated::unchanged(after, Some(response))
    }
}

fn validate(script: &str, args: &[String], surroundings: &Surroundings) -> Result<(), Vec<String>> {
    let mut problems = surroundings.validate().err().unwrap_or_default();
    if script.contains('\0') || args.iter().any(|arg| arg.contains('\0')) {
        problems.push("the script or an argument holds a NUL character".into());
    }
    if script.len() > LONGEST {
        problems.push(format!("`script`: it has {} bytes; at most {LONGEST} are accepted", script.len()));
    }
    if surroundings.env.contains_key(SCRIPT) {
        problems.push(format!("`env`: `{SCRIPT}` is taken"));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

async fn run(
    script: String,
    shell: PathBuf,
    args: Vec<String>,
    mut surroundings: Surroundings,
    call: &Call,
) -> Result<Response, CallError> {
    surroundings.env.insert(SCRIPT.into(), Some(script));
    let name = shell.file_name().map_or_else(|| "sh".into(), ToOwned::to_owned);
    let mut argv = vec!["-c".into(), BOOTSTRAP.into(), name];
    argv.extend(args.into_iter().map(Into::into));
    surroundings.run(shell.into_os_string(), argv, call).await
}
