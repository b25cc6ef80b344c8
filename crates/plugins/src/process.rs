//! Runs one program as a group of its own, and ends it, all of it, when told to.
//!
//! ```text
//!   spawn ──▶ main process ──exit──▶ wait for the pipes ──closed, or 500 ms──▶ Finished
//!     │            │ stdout, stderr ──▶ Capture ──▶ lines to the Output, a bounded text to keep
//!     └── Term ────┴──▶ TERM to the group ── Kill ──▶ KILL to the group ──▶ until the group is gone
//! ```
//!
//! A program that leaves something running in the background (a daemon that keeps our pipe open) does
//! not hold the attempt up, and what it left is left alone. A program that was told to end counts as
//! running until nothing of its group is. What moved into a session of its own is out of reach.
//! If Windlass itself is killed with KILL, its programs live on: nothing that is safe code can prevent it.

mod bare;
mod capture;
mod group;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};
use windlass_plugin::{Call, CallError, Severity, Stream};

pub(crate) use capture::{Captured, Watch};

use capture::Capture;
use group::Group;

/// A program to run.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    /// Variables to set, or to remove, in the environment that we have ourselves.
    pub(crate) env: BTreeMap<String, Option<String>>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) stdin: Option<String>,
    /// How much of each stream is kept.
    pub(crate) kept: Kept,
}

/// How much of a stream is kept: this much of its beginning and as much of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    half: usize,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
    pub(crate) took: Duration,
    /// Whether it was told to end.
    pub(crate) stopped: Option<Severity>,
}

/// What the names of variables begin with in which parameters of plans and secrets are given.
const GIVEN: [&[u8]; 2] = [b"WINDLASS_PARAM_", b"WINDLASS_SECRET_"];

/// How long the pipes may stay open after the main process has ended.
const PIPES_LINGER: Duration = Duration::from_millis(500);

/// How much is read at once: little of the many programs that print little, as much as a pipe holds of the others.
const LITTLE: usize = 4 << 10;
const MUCH: usize = 64 << 10;

/// How long the group may take to be gone after KILL. Longer means that it is stuck in the kernel, and
/// waiting will not help.
const KILL_TAKES: Duration = Duration::from_secs(5);

/// How often is looked whether a group is gone; there is no event for that, and looking costs the more
/// the more processes there are.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(100);

// === impl Kept ===

impl Kept {
    /// For a plugin that reads it.
    pub(crate) const TO_READ: Self = Self { half: 512 * 1024 };
    /// For a response, at most. What a run records of a text ends at 256 KiB, and what is more would cross the line for nothing.
    pub(crate) const TO_ANSWER: Self = Self { half: 120 * 1024 };

    /// So many bytes, as far as these are not fewer.
    pub(crate) fn at_most(self, bytes: usize) -> Self {
        Self { half: self.half.min(bytes / 2) }
    }

    pub(crate) fn bytes(self) -> usize {
        self.half * 2
    }
}

/// Runs a program to its end.
pub(crate) async fn run(job: Job, call: &Call, watch: &Watch) -> Result<Finished, CallError> {
    if call.cancel.level().is_some() {
        return Err(CallError::cancelled());
    }
    if let Some(node) = &call.bare {
        return bare::run(job, &**node, call, watch).await;
    }
    let begun = Instant::now();
    let mut command = command(&job);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Err(not_started(&job, error).await),
    };
    let group = Group::of(&child);
    let id = child.id();
    // At once: should this process be killed, whoever comes after it must know what it left.
    id.into_iter().for_each(|id| call.programs.begun(id));
    let mut stdout = Capture::new(Stream::Stdout, &call.output, watch, job.kept);
    let mut stderr = Capture::new(Stream::Stderr, &call.output, watch, job.kept);
    let mut stopped = None;
    let status: ExitStatus = {
        let mut pumps = pin!({
            let (out, err, stdin) = (child.stdout.take(), child.stderr.take(), child.stdin.take());
            let (stdout, stderr, text) = (&mut stdout, &mut stderr, job.stdin.as_deref());
            async move {
                tokio::join!(pump(out, stdout), pump(err, stderr), feed(stdin, text));
            }
        });
        let (mut pumped, mut ended) = (false, None);
        loop {
            let linger =
                ended.map(|(_, at): (ExitStatus, Instant)| PIPES_LINGER.saturating_sub(at.elapsed()));
            tokio::select! {
                biased;
                harsher = harsher(call, stopped) => {
                    stopped = Some(harsher);
                    group.signal(harsher);
                }
                // Output before the end, so that what was printed last is not lost to the linger.
                () = &mut pumps, if !pumped => pumped = true,
                status = child.wait(), if ended.is_none() => ended = Some((status?, Instant::now())),
                () = tokio::time::sleep(linger.unwrap_or_default()), if linger.is_some() && !pumped => {
                    if stopped.is_none() {
                        call.output.note("it left something running that keeps its output open; going on without");
                    }
                    break;
                }
                else => break,
            }
            if pumped && ended.is_some() {
                break;
            }
        }
        match ended {
            Some((status, _)) => status,
            None => child.wait().await?,
        }
    };
    if stopped.is_some() {
        stopped = end_group(&group, call, stopped).await;
    }
    group.leave_alone();
    id.into_iter().for_each(|id| call.programs.ended(id));
    Ok(Finished {
        exit_code: status.code(),
        signal: status.signal(),
        stdout: stdout.finish(),
        stderr: stderr.finish(),
        took: begun.elapsed(),
        stopped,
    })
}

fn command(job: &Job) -> Command {
    let mut command = Command::new(&job.program);
    command.args(&job.args).process_group(0).kill_on_drop(true);
    command.stdin(if job.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // Parameters, among them secrets, that were given to Windlass in its environment are for no program.
    for (name, _) in std::env::vars_os() {
        if GIVEN.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    for (name, value) in &job.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(cwd) = &job.cwd {
        command.current_dir(cwd);
    }
    command
}

/// Waits until the end is asked for more harshly than it was.
async fn harsher(call: &Call, stopped: Option<Severity>) -> Severity {
    match stopped {
        None => call.cancel.requested().await,
        Some(Severity::Term) => call.cancel.reached(Severity::Kill).await,
        Some(Severity::Kill) => std::future::pending().await,
    }
}

/// The main process is gone and was told to go; waits for the rest of its group.
async fn end_group(group: &Group, call: &Call, stopped: Option<Severity>) -> Option<Severity> {
    let mut stopped = stopped;
    let mut killed_at = (stopped == Some(Severity::Kill)).then(Instant::now);
    let mut pause = LOOK_EVERY;
    while group.is_alive() && killed_at.is_none_or(|at| at.elapsed() < KILL_TAKES) {
        tokio::select! {
            harsher = harsher(call, stopped) => {
                stopped = Some(harsher);
                killed_at = Some(Instant::now());
                group.signal(harsher);
                pause = LOOK_EVERY;
            }
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LOOK_AT_LEAST_EVERY),
        }
    }
    stopped
}

async fn pump(pipe: Option<impl tokio::io::AsyncRead + Unpin>, capture: &mut Capture<'_>) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; LITTLE];
    // A pipe that cannot be read any more has nothing more to say; how the program ended is told by its status.
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        capture.take(buffer.get(..count).unwrap_or_default());
        capture.room().await;
        if count == buffer.len() && count < MUCH {
            buffer.resize(count.saturating_mul(2), 0);
        }
    }
}

async fn feed(pipe: Option<ChildStdin>, text: Option<&str>) {
    if let (Some(mut pipe), Some(text)) = (pipe, text) {
        // A program need not read what it is given.
        let _ = pipe.write_all(text.as_bytes()).await;
        let _ = pipe.shutdown().await;
    }
}

/// Why a program could not be started, as far as looking around can tell.
async fn not_started(job: &Job, error: io::Error) -> CallError {
    let program = job.program.to_string_lossy().into_owned();
    let is_there = async |path: &std::path::Path| tokio::fs::metadata(path).await.is_ok();
    if let Some(cwd) = &job.cwd
        && !tokio::fs::metadata(cwd).await.is_ok_and(|found| found.is_dir())
    {
        return CallError::permanent("cwd", format!("the directory `{}` does not exist", cwd.display()));
    }
    let refused = match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') => {
            let path = job.cwd.clone().unwrap_or_default().join(&program);
            let what = if is_there(&path).await {
                "has an interpreter that does not exist"
            } else {
                "does not exist"
            };
            CallError::permanent("notFound", format!("the program `{program}` {what}"))
        }
        io::ErrorKind::NotFound => {
            CallError::permanent("notFound", format!("the program `{program}` is not in PATH"))
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory => {
            CallError::permanent("notExecutable", format!("the program `{program}` may not be executed"))
        }
        io::ErrorKind::ArgumentListTooLong => CallError::permanent(
            "tooLong",
            format!(
                "the arguments and environment of `{program}` are too long; hand it over by stdin or a file"
            ),
        ),
        io::ErrorKind::InvalidInput => {
            CallError::permanent("request", format!("the arguments of `{program}` hold a NUL character"))
        }
        // ENOEXEC has no kind of its own.
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => CallError::permanent(
            "notExecutable",
            format!("`{program}` is no program; does its first line lack `#!`?"),
        ),
        _ => CallError::retryable("start", format!("the program `{program}` cannot be started")),
    };
    refused.because(&error)
}
