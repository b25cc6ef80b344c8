//! `command` and `command.check`: run a program without a shell between.

use std::ffi::OsString;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Foresight, Plugin, Reply, Simulated, Simulation};

use crate::program::{Response, Surroundings, Unless, foresight, reply, simulated};

/// Runs a program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Command;

/// Passes when a program succeeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandCheck;

/// What `command` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The program and its arguments, each by itself; nothing is split or expanded.
    #[schemars(length(min = 1))]
    pub argv: Vec<String>,
    /// What makes running it unnecessary.
    #[serde(flatten)]
    pub unless: Unless,
    /// What surrounds it.
    #[serde(flatten)]
    pub surroundings: Surroundings,
}

/// What `command.check` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckRequest {
    /// The program and its arguments, each by itself; nothing is split or expanded.
    #[schemars(length(min = 1))]
    pub argv: Vec<String>,
    /// What surrounds it.
    #[serde(flatten)]
    pub surroundings: Surroundings,
}

pub(crate) const ENDS: &str = "\
It runs as a process group of its own. When the attempt is cancelled or times out, the whole group gets TERM, then KILL; \
what it leaves running in the background after a normal end is left alone, and its output is no longer read (send it to a \
file). If Windlass itself is killed with KILL, the program lives on.

Arguments can be seen by every user of the machine: hand secrets over in `env` or `stdin`.

A failure has one of the codes `exit` (the exit code is not accepted), `signal`, `output` (a rule of `output`), `start`, or, \
permanently, `notFound`, `notExecutable`, `cwd`, `tooLong`. Except where nothing was run, its response is kept.";

// === impl Command ===

impl Plugin for Command {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("command", "runs a program")
            .on_target()
            .works_bare()
            .description(ENDS)
            .example("restart a service", json!({"argv": ["systemctl", "restart", "nginx"]}))
            .example(
                "make a file once",
                json!({"argv": ["ssh-keygen", "-q", "-f", "/etc/app/key"], "creates": "/etc/app/key"}),
            )
            .example(
                "accept more than success",
                json!({"argv": ["puppet", "agent", "-t"], "exitCodes": [0, 2],
                       "output": {"error": ["^Error:"], "warning": ["^Warning:"]}}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        validate(&request.argv, &request.surroundings)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let Request { argv, unless, surroundings } = request;
        if let Some(response) = unless.nothing_to_do(surroundings.cwd.as_deref(), &call).await? {
            return Ok(reply(response));
        }
        run(argv, surroundings, &call).await.map(reply)
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let Request { argv, unless, surroundings } = request;
        let skipped = unless.nothing_to_do(surroundings.cwd.as_deref(), &call).await?;
        Ok(foresight(skipped, &format!("`{}`", argv.join(" "))))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Response> {
        let (after, response) = simulated(simulation);
        Simulated::changed(after, Some(response))
    }
}

// === impl CommandCheck ===

impl Plugin for CommandCheck {
    type Request = CheckRequest;
    type Response = Response;

    fn about(&self) -> About {
        About::check("command.check", "passes when a program succeeds")
            .on_target()
            .works_bare()
            .description(ENDS)
            .example("look whether a service runs", json!({"argv": ["systemctl", "is-active", "nginx"]}))
    }

    fn validate(&self, request: &CheckRequest) -> Result<(), Vec<String>> {
        validate(&request.argv, &request.surroundings)
    }

    async fn call(&self, call: Call, request: CheckRequest) -> Result<Reply<Response>, CallError> {
        run(request.argv, request.surroundings, &call).await.map(Reply::unchanged)
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &CheckRequest) -> Simulated<Response> {
        let (after, response) = simulated(simulation);
        Simulated::unchanged(after, Some(response))
    }
}

fn validate(argv: &[String], surroundings: &Surroundings) -> Result<(), Vec<String>> {
    let mut problems = surroundings.validate().err().unwrap_or_default();
    if argv.first().is_none_or(String::is_empty) {
        problems.push("`argv.0`: the program is missing".into());
    }
    let nul = argv.iter().enumerate().filter(|(_, arg)| arg.contains('\0'));
    problems.extend(nul.map(|(index, _)| format!("`argv.{index}`: it holds a NUL character")));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

async fn run(argv: Vec<String>, surroundings: Surroundings, call: &Call) -> Result<Response, CallError> {
    let mut words = argv.into_iter().map(OsString::from);
    let Some(program) = words.next() else {
        return Err(CallError::permanent(CallError::REQUEST, "`argv`: the program is missing"));
    };
    surroundings.run(program, words.collect(), call).await
}
