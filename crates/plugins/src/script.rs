//! `script`: runs a script that the node does not have: a file of Windlass's side, or a text of the plan.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use windlass_plugin::{
    About, BareEnd, BareFile, BareNode, BareProgram, BareStreams, BoxFuture, Call, CallError, Cancel,
    Foresight, OriginUse, Output, Plugin, Reply, Simulated, Simulation, Stream,
};

use crate::command::ENDS;
use crate::program::{Response, Surroundings, Unless, foresight, reply, simulated};

/// Runs a script that is brought along.
#[derive(Clone, Copy, Debug, Default)]
pub struct Script;

/// What `script` is asked. Exactly one of `source` and `content` is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The script, a file on the side of Windlass; a relative path begins beside the plan.
    #[serde(default)]
    #[schemars(extend("x-origin-path" = true))]
    pub source: Option<PathBuf>,
    /// The script itself.
    #[serde(default)]
    pub content: Option<String>,
    /// What interprets it, with arguments of its own; what its first line says where this is left out, and `/bin/sh`
    /// where that says nothing.
    #[serde(default)]
    pub interpreter: Vec<String>,
    /// What the script sees as its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// What makes running it unnecessary.
    #[serde(flatten)]
    pub unless: Unless,
    /// What surrounds it.
    #[serde(flatten)]
    pub surroundings: Surroundings,
}

/// A file that is gone when nobody needs it any more.
struct Brought(PathBuf);

// === impl Brought ===

impl Brought {
    async fn put(text: &[u8]) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("windlass-script-{}-{count}", std::process::id());
        let mut options = tokio::fs::OpenOptions::new();
        let path = std::env::temp_dir().join(name);
        // An older process of the same number may have been killed with its script in place.
        let _ = tokio::fs::remove_file(&path).await;
        let mut file = options.write(true).create_new(true).mode(0o600).open(&path).await?;
        let brought = Self(path);
        file.write_all(text).await?;
        file.flush().await?;
        Ok(brought)
    }
}

impl Drop for Brought {
    fn drop(&mut self) {
        // One that cannot be removed can be read by nobody else.
        let _ = std::fs::remove_file(&self.0);
    }
}

// === impl Script ===

impl Plugin for Script {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("script", "runs a script that is brought along")
            .on_target()
            .works_bare()
            .description(format!(
                "The script lies in a file of its own while it runs, which only the user that runs it can read, and is handed to its \
                 interpreter: it need not be executable, and neither must files in that place be.\n\n{ENDS}"
            ))
            .example("run a script", json!({"source": "scripts/migrate.sh", "args": ["--to", "42"]}))
            .example(
                "by an interpreter",
                json!({"source": "scripts/report.py", "interpreter": ["python3", "-I"], "creates": "/srv/report.html"}),
            )
            .example(
                "one that stands in the plan",
                json!({"content": "#!/usr/bin/env python3\nimport shutil\nprint(shutil.disk_usage('/srv').free)\n"}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = request.surroundings.validate().err().unwrap_or_default();
        if request.interpreter.first().is_some_and(String::is_empty) {
            problems.push("`interpreter.0`: the program is missing".into());
        }
        if request.interpreter.iter().chain(&request.args).any(|word| word.contains('\0')) {
            problems.push("`args`: an argument holds a NUL character".into());
        }
        match (&request.source, &request.content) {
            (None, None) => problems.push("one of `source` and `content` is needed".into()),
            (Some(_), Some(_)) => problems.push("`source` and `content` exclude each other".into()),
            _ => {}
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn origin_use(&self, _: &Call, request: &Request) -> OriginUse {
        request.source.as_ref().map_or(OriginUse::NOTHING, OriginUse::reading)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let Request { source, content, interpreter, args, unless, surroundings } = request;
        if let Some(response) = unless.nothing_to_do(surroundings.cwd.as_deref(), &call).await? {
            return Ok(reply(response));
        }
        let text = match source {
            Some(source) => call.origin.read_whole(&source).await?,
            None => content.unwrap_or_default().into_bytes(),
        };
        if let Some(node) = call.bare.clone() {
            return run_there(&*node, text, interpreter, args, surroundings, &call).await.map(reply);
        }
        let brought = Brought::put(&text).await.map_err(|error| {
            CallError::retryable("io", "the script cannot be put into a file").because(&error)
        })?;
        let mut words = interpreted(interpreter, &text, &brought.0).into_iter();
        let program = words.next().unwrap_or_else(|| "/bin/sh".into());
        let words = words.chain(args.into_iter().map(OsString::from)).collect();
        surroundings.run(program, words, &call).await.map(reply)
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let Request { source, content, unless, surroundings, .. } = request;
        let skipped = unless.nothing_to_do(surroundings.cwd.as_deref(), &call).await?;
        let what = match source {
            Some(source) => format!("the script `{}`", source.display()),
            None => match content.unwrap_or_default().lines().count() {
                1 => "a script of 1 line".to_owned(),
                count => format!("a script of {count} lines"),
            },
        };
        Ok(foresight(skipped, &what))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Response> {
        let (after, response) = simulated(simulation);
        Simulated::changed(after, Some(response))
    }
}

/// The same where no agent runs: the file is written there, and removed afterwards.
async fn run_there(
    node: &dyn BareNode,
    text: Vec<u8>,
    interpreter: Vec<String>,
    args: Vec<String>,
    surroundings: Surroundings,
    call: &Call,
) -> Result<Response, CallError> {
    let name = call.address.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let path = PathBuf::from(format!("/tmp/windlass-{}-{name}-{}", call.run, call.attempt));
    let mut words = interpreted(interpreter, &text, &path).into_iter();
    let program = words.next().unwrap_or_else(|| "/bin/sh".into());
    let words = words.chain(args.into_iter().map(OsString::from)).collect();
    node.write(&BareFile { path: path.clone(), mode: 0o600, bytes: text }, call).await?;
    let ended = surroundings.run(program, words, call).await;
    // Whatever became of it, also when it was told to end: that is not for the script's file.
    let quiet = Call { cancel: Cancel::never(), output: Output::default(), ..call.clone() };
    let argv = ["rm", "-f", "--", &path.to_string_lossy()].map(str::to_owned).to_vec();
    let removed = node.run(&BareProgram { argv, ..BareProgram::default() }, &quiet, &mut Unheard).await;
    if removed != Ok(BareEnd::Code(0)) {
        call.output.note(&format!("the script's file {} could not be removed there", path.display()));
    }
    ended
}

/// Streams that nobody wants.
struct Unheard;

impl BareStreams for Unheard {
    fn take(&mut self, _: Stream, _: &[u8]) {}

    fn room(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The interpreter and what it is handed: as it was asked for, or as the kernel would read the first line.
fn interpreted(asked: Vec<String>, text: &[u8], path: &Path) -> Vec<OsString> {
    let mut words = asked;
    if words.is_empty() {
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let said = line.strip_prefix("#!").unwrap_or("/bin/sh").trim();
        let (program, argument) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
        words.push(program.to_owned());
        // Everything behind the program is one argument to the kernel.
        words.extend(Some(argument.trim()).filter(|argument| !argument.is_empty()).map(str::to_owned));
    }
    words.into_iter().map(OsString::from).chain([path.as_os_str().to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_read_as_the_kernel_reads_it() {
        let of = |asked: &[&str], text: &str| {
            let asked = asked.iter().map(|word| (*word).to_owned()).collect();
            let words = interpreted(asked, text.as_bytes(), Path::new("/tmp/x"));
            words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join("|")
        };
        assert_eq!(of(&[], "#! /usr/bin/env  python3 -I\nprint()"), "/usr/bin/env|python3 -I|/tmp/x");
        assert_eq!(of(&[], "echo hello\n"), "/bin/sh|/tmp/x");
        assert_eq!(of(&["perl", "-w"], "#!/bin/sh\n"), "perl|-w|/tmp/x");
    }
}
