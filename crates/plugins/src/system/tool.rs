//! Programs of the system that modules call: always in English, always found, always ended with the attempt.
//!
//! A program either looks, and what it prints is for us, or it acts, and what it prints is output of the
//! action. It knows nothing of any program in particular.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use windlass_plugin::{Call, CallError, Output};

use crate::process::{self, Job, Kept, Watch};

/// A program about to be run.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    program: OsString,
    args: Vec<OsString>,
    env: BTreeMap<String, Option<String>>,
    stdin: Option<String>,
    shown: bool,
    watch: Watch,
}

/// How it ended: by itself, with an exit code.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The first line that was an error, and the lines that were warnings, by what was watched for.
    pub(crate) error: Option<String>,
    pub(crate) warnings: Vec<String>,
    what: String,
}

/// Where programs of the system are, even for those whose PATH does not say so: logins without privileges,
/// and programs that are started by services.
const SYSTEM: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// How long the text of a message may be.
const LONGEST: usize = 500;

// === impl Tool ===

impl Tool {
    /// A program that only looks.
    pub(crate) fn look(program: impl Into<OsString>) -> Self {
        let env = BTreeMap::from([
            ("LC_ALL".to_owned(), Some("C".to_owned())),
            ("LANGUAGE".to_owned(), None),
            ("PATH".to_owned(), Some(path())),
        ]);
        Self {
            program: program.into(),
            args: Vec::new(),
            env,
            stdin: None,
            shown: false,
            watch: Watch::default(),
        }
    }

    /// A program that changes something; what it prints is output of the action.
    pub(crate) fn act(program: impl Into<OsString>) -> Self {
        Self { shown: true, ..Self::look(program) }
    }

    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), Some(value.into()));
        self
    }

    /// Without a variable of our own environment.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.env.insert(name.to_owned(), None);
        self
    }

    /// What it reads. Secrets go this way and never by an argument.
    pub(crate) fn stdin(self, text: impl Into<String>) -> Self {
        Self { stdin: Some(text.into()), ..self }
    }

    /// Looks at what it prints.
    pub(crate) fn watched(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// Runs it to its end, whatever its exit code. One that a signal ended has failed.
    pub(crate) async fn run(self, call: &Call) -> Result<Ran, CallError> {
        let what = self.what();
        let Self { program, args, env, stdin, shown, watch } = self;
        let quiet = Call { output: Output::default(), ..call.clone() };
        let call = if shown { call } else { &quiet };
        let job = Job { program, args, env, cwd: None, stdin, kept: Kept::TO_READ };
        let finished = process::run(job, call, &watch).await?;
        let (stdout, stderr) = (finished.stdout, finished.stderr);
        if finished.stopped.is_some() {
            return Err(CallError::cancelled());
        }
        let Some(code) = finished.exit_code else {
            let signal = finished.signal.unwrap_or_default();
            return Err(CallError::retryable("signal", format!("`{what}` was ended by signal {signal}")));
        };
        let error = stdout.first_error.or(stderr.first_error);
        let warnings = stdout.warnings.into_iter().chain(stderr.warnings).collect();
        Ok(Ran { code, stdout: stdout.text, stderr: stderr.text, error, warnings, what })
    }

    /// Runs it to its end; any other exit code than 0 is a failure.
    pub(crate) async fn done(self, call: &Call) -> Result<Ran, CallError> {
        let ran = self.run(call).await?;
        if ran.code == 0 { Ok(ran) } else { Err(ran.failure()) }
    }

    /// What is run, short enough for a message: arguments may be long, and are not secret.
    fn what(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        shortened(&words.join(" "), 120)
    }
}

// === impl Ran ===

impl Ran {
    /// That it failed, with the last thing that it said.
    pub(crate) fn failure(&self) -> CallError {
        let said =
            self.last_line().map_or_else(String::new, |line| format!(": {}", shortened(line, LONGEST)));
        let message = format!("`{}` ended with exit code {}{said}", self.what, self.code);
        CallError::retryable("exit", message)
    }

    /// The last line that says something: of the errors, else of the output.
    pub(crate) fn last_line(&self) -> Option<&str> {
        last_line(&self.stderr).or_else(|| last_line(&self.stdout))
    }

    /// Whether it said this anywhere.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.stderr.contains(text) || self.stdout.contains(text)
    }
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty())
}

/// Where a program is, if it is anywhere.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = path();
    let mut places = std::env::split_paths(OsStr::new(&path)).map(|place| place.join(program));
    places.find(|place| is_executable(place))
}

/// That a program which a module needs is not there.
pub(crate) fn missing(program: &str, what_for: &str) -> CallError {
    CallError::permanent("notFound", format!("`{program}` is not installed; {what_for}"))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Our own PATH, and behind it where programs of the system are.
fn path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    let mut places: Vec<&str> = own.split(':').filter(|place| !place.is_empty()).collect();
    for place in SYSTEM {
        if !places.contains(place) {
            places.push(place);
        }
    }
    places.join(":")
}

pub(crate) fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
