//! What `command` and `shell` have in common: the fields around a program, and the judgement of its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;
use rustix::process::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_plugin::{Call, CallError, Foresight, Reply, Severity, Simulation};

use crate::process::{self, Finished, Job, Kept, Watch};

/// What surrounds a program.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Surroundings {
    /// Variables to add to the environment that Windlass itself has; null removes one. Parameters that
    /// were given in the environment, `WINDLASS_PARAM_…`, are not handed on.
    #[serde(default)]
    pub env: BTreeMap<String, Option<String>>,
    /// The directory to run in; the one that Windlass runs in where this is left out.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// What the program reads from its standard input; nothing where this is left out.
    #[serde(default)]
    pub stdin: Option<String>,
    /// The exit codes that count as success. A program ended by a signal never succeeded.
    #[serde(default)]
    pub exit_codes: ExitCodes,
    /// What lines of its output mean.
    #[serde(default)]
    pub output: OutputRules,
}

/// The exit codes that count as success.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expects" = "an exit code, a list of them such as [0, 2], or all"))]
pub enum ExitCodes {
    /// These.
    These(Vec<u8>),
    /// This one alone.
    One(u8),
    /// Every one.
    Word(All),
}

/// The word for every exit code.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub enum All {
    /// Every exit code counts as success.
    #[serde(rename = "all")]
    All,
}

/// What lines of the output mean, on both streams.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutputRules {
    /// Regular expressions; a line that matches one makes the attempt fail whatever the exit code.
    #[serde(default)]
    pub error: Vec<String>,
    /// Regular expressions; lines that match one are listed in the response.
    #[serde(default)]
    pub warning: Vec<String>,
    /// Whether a warning makes the attempt fail.
    #[serde(default)]
    pub fail_on_warning: bool,
    /// How many bytes of each stream the response keeps, half of them from its beginning and half from its end; 240 KiB, which is
    /// the most, where this is left out. The log has everything, whatever is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<usize>,
}

/// What makes running a program unnecessary.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unless {
    /// A file that it creates: where it exists already, nothing is run and nothing changed.
    #[serde(default)]
    pub creates: Option<PathBuf>,
    /// A file that it removes: where it does not exist, nothing is run and nothing changed.
    #[serde(default)]
    pub removes: Option<PathBuf>,
}

/// How a program ended.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Its exit code; null where a signal ended it or nothing was run.
    pub exit_code: Option<i32>,
    /// The signal that ended it, where one did.
    pub signal: Option<i32>,
    /// What it printed: the first and the last 120 KiB unless `output.keep` says otherwise, with what is no UTF-8 replaced.
    pub stdout: String,
    /// What it printed on its standard error, likewise.
    pub stderr: String,
    /// How long it ran.
    pub duration_ms: u64,
    /// Whether more was printed than is kept here. The log has it all.
    pub truncated: bool,
    /// The lines that match `output.warning`, at most 100 of each stream.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why nothing was run, where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

// === impl ExitCodes ===

impl Default for ExitCodes {
    fn default() -> Self {
        Self::These(vec![0])
    }
}

impl ExitCodes {
    pub(crate) fn accept(&self, code: i32) -> bool {
        match self {
            Self::These(codes) => codes.iter().any(|accepted| i32::from(*accepted) == code),
            Self::One(accepted) => i32::from(*accepted) == code,
            Self::Word(All::All) => true,
        }
    }
}

// === impl OutputRules ===

impl OutputRules {
    pub(crate) fn watch(&self) -> Result<Watch, Vec<String>> {
        let mut problems = Vec::new();
        let mut compiled = |field: &str, patterns: &[String]| -> Vec<Regex> {
            let compile = |(index, pattern): (usize, &String)| match Regex::new(pattern) {
                Ok(regex) => Some(regex),
                Err(error) => {
                    problems.push(format!("`output.{field}.{index}`: {}", one_line(&error)));
                    None
                }
            };
            patterns.iter().enumerate().filter_map(compile).collect()
        };
        let (errors, warnings) = (compiled("error", &self.error), compiled("warning", &self.warning));
        if problems.is_empty() { Ok(Watch { errors, warnings }) } else { Err(problems) }
    }
}

// === impl Unless ===

impl Unless {
    /// Why there is nothing to do, if so.
    pub(crate) async fn nothing_to_do(
        &self,
        cwd: Option<&Path>,
        call: &Call,
    ) -> Result<Option<Response>, CallError> {
        let is_there = async |path: &Path| match &call.bare {
            Some(node) => node.exists(path, cwd, call).await,
            None => {
                let path = cwd.map_or_else(|| path.to_owned(), |cwd| cwd.join(path));
                Ok(tokio::fs::symlink_metadata(path).await.is_ok())
            }
        };
        let skipped = |why: String| Ok(Some(Response { skipped: Some(why), ..Response::default() }));
        if let Some(path) = &self.creates
            && is_there(path).await?
        {
            return skipped(format!("`{}` exists", path.display()));
        }
        if let Some(path) = &self.removes
            && !is_there(path).await?
        {
            return skipped(format!("`{}` does not exist", path.display()));
        }
        Ok(None)
    }
}

// === impl Surroundings ===

impl Surroundings {
    pub(crate) fn validate(&self) -> Result<(), Vec<String>> {
        let mut problems = self.output.watch().err().unwrap_or_default();
        let most = Kept::TO_ANSWER.bytes();
        if let Some(keep) = self.output.keep.filter(|keep| *keep > most) {
            problems.push(format!(
                "`output.keep`: {keep} is more than the {most} bytes that a response may have of a stream"
            ));
        }
        let is_bad = |name: &str| name.is_empty() || name.contains(['=', '\0']);
        let bad = self.env.keys().filter(|name| is_bad(name));
        problems.extend(bad.map(|name| format!("`env`: `{name}` cannot name a variable")));
        if self.env.values().flatten().any(|value| value.contains('\0')) {
            problems.push("`env`: a value holds a NUL character".into());
        }
        if matches!(&self.exit_codes, ExitCodes::These(codes) if codes.is_empty()) {
            problems.push("`exitCodes`: the list is empty, so no end could be a success".into());
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Runs a program in these surroundings and judges how it ended.
    pub(crate) async fn run(
        self,
        program: OsString,
        args: Vec<OsString>,
        call: &Call,
    ) -> Result<Response, CallError> {
        let Self { env, cwd, stdin, exit_codes, output } = self;
        let refuse = |problems: Vec<String>| CallError::permanent(CallError::REQUEST, problems.join("; "));
        let watch = output.watch().map_err(refuse)?;
        let kept = output.keep.map_or(Kept::TO_ANSWER, |bytes| Kept::TO_ANSWER.at_most(bytes));
        let job = Job { program, args, env, cwd, stdin, kept };
        let finished = process::run(job, call, &watch).await?;
        judge(finished, &exit_codes, output.fail_on_warning)
    }
}

fn judge(finished: Finished, accepted: &ExitCodes, fail_on_warning: bool) -> Result<Response, CallError> {
    let Finished { exit_code, signal, stdout, stderr, took, stopped } = finished;
    let last_line = stderr.last_line;
    let error = stdout.first_error.or(stderr.first_error);
    let warnings: Vec<String> = stdout.warnings.into_iter().chain(stderr.warnings).collect();
    let first_warning = warnings.first().cloned();
    let response = Response {
        exit_code,
        signal,
        truncated: stdout.is_truncated || stderr.is_truncated,
        stdout: stdout.text,
        stderr: stderr.text,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        warnings,
        skipped: None,
    };
    let says = |what: String| match &last_line {
        Some(line) => format!("{what}: {}", shortened(line)),
        None => what,
    };
    let failure = if let Some(how) = stopped {
        let how = if how == Severity::Term { "TERM" } else { "KILL" };
        Some(CallError { message: format!("ended with {how}"), ..CallError::cancelled() })
    } else if let Some(signal) = signal {
        Some(CallError::retryable("signal", says(format!("ended by signal {}", signal_name(signal)))))
    } else if let Some(code) = exit_code.filter(|code| !accepted.accept(*code)) {
        Some(CallError::retryable("exit", says(format!("exit code {code}"))))
    } else if let Some(line) = error {
        Some(CallError::retryable("output", format!("the output has an error: {}", shortened(&line))))
    } else {
        let warned = first_warning.filter(|_| fail_on_warning);
        warned.map(|line| {
            CallError::retryable("output", format!("the output has a warning: {}", shortened(&line)))
        })
    };
    match failure {
        Some(failure) => Err(failure.with_response(response)),
        None => Ok(response),
    }
}

/// An answer that says whether anything was run at all.
pub(crate) fn reply(response: Response) -> Reply<Response> {
    let changed = response.skipped.is_none();
    Reply { response, changed }
}

/// What running a program would do, as far as anybody can tell without doing it.
pub(crate) fn foresight(skipped: Option<Response>, what: &str) -> Foresight {
    match skipped {
        Some(Response { skipped: Some(why), .. }) => Foresight::nothing().because(why),
        _ => Foresight::unknown(format!("it would run {}", shortened(what))),
    }
}

/// How long a simulated program runs, and how it ends: well.
pub(crate) fn simulated(simulation: &Simulation<'_>) -> (Duration, Response) {
    let after = simulation.plausible(Duration::from_millis(200), Duration::from_secs(2));
    let duration_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    (after, Response { exit_code: Some(0), duration_ms, ..Response::default() })
}

/// Signals by name.
const NAMES: &[(Signal, &str)] = &[
    (Signal::HUP, "HUP"),
    (Signal::INT, "INT"),
    (Signal::QUIT, "QUIT"),
    (Signal::ILL, "ILL"),
    (Signal::TRAP, "TRAP"),
    (Signal::ABORT, "ABRT"),
    (Signal::BUS, "BUS"),
    (Signal::FPE, "FPE"),
    (Signal::KILL, "KILL"),
    (Signal::USR1, "USR1"),
    (Signal::SEGV, "SEGV"),
    (Signal::USR2, "USR2"),
    (Signal::PIPE, "PIPE"),
    (Signal::ALARM, "ALRM"),
    (Signal::TERM, "TERM"),
    (Signal::XCPU, "XCPU"),
    (Signal::XFSZ, "XFSZ"),
    (Signal::SYS, "SYS"),
];

/// The number of a signal that somebody names; 0 where there is none of that name.
pub(crate) fn signal_number(name: &str) -> i32 {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    let known = NAMES.iter().find(|(_, known)| *known == name).map(|(signal, _)| signal.as_raw());
    known.or_else(|| name.parse().ok()).unwrap_or_default()
}

fn signal_name(number: i32) -> String {
    match NAMES.iter().find(|(signal, _)| signal.as_raw() == number) {
        Some((_, name)) => format!("{number} ({name})"),
        None => number.to_string(),
    }
}

/// A line that may be as long as a program likes, fit for a message.
pub(crate) fn shortened(line: &str) -> String {
    const LONGEST: usize = 500;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

/// A pattern's error without the drawing around it.
pub(crate) fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or(&text).trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
