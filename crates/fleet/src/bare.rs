//! A node without an agent: scripts of a POSIX shell do what an agent would.
//!
//! ```text
//!   /bin/sh -c '<reads one line, and does what it says>'      the same command line for whatever is to be done
//!      ◀── the line: a script, with variables and arguments    so that nobody reads them in a list of processes
//!      ──▶ windlass-runs GROUP                                 what to signal, over a channel of its own
//!      ◀─▶ the program's own streams
//! ```
//!
//! Nothing is kept there: when the connection is cut, what became of the program is not known.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use windlass_model::event::Severity;
use windlass_plugin::bare::{BareEnd, BareFile, BareNode, BareProgram, BareStreams};
use windlass_plugin::{BoxFuture, Call, CallError, Stream};

use crate::elevate::{self, Become, Entered};
use crate::exec::{Channel, Exec, Exit, quoted};

mod scripts;

/// A place where no agent runs, and why.
#[derive(Clone)]
pub struct Bare {
    pub(crate) exec: Arc<dyn Exec>,
    pub(crate) other: Option<Become>,
    pub(crate) step: Duration,
    pub(crate) why: String,
}

/// How long the streams of a program may be silent after it has ended, and how long they may stay open at all.
const STREAMS_LINGER: Duration = Duration::from_millis(500);
const LONGEST_LINGER: Duration = Duration::from_secs(10);
/// How long a group may take to be gone after KILL. Longer means that it is stuck in the kernel, or that nobody
/// collects the dead, and waiting will not help.
const KILL_TAKES: Duration = Duration::from_secs(5);
/// How much of a file is moved at once, at the most.
const MOST_OF_A_FILE: usize = 64 << 20;

/// What a script printed, and how it ended.
struct Done {
    stdout: Vec<u8>,
    stderr: String,
    exit: Option<Exit>,
}

// === impl Bare ===

impl Bare {
    /// Whether there is still a way there.
    pub(crate) fn is_alive(&self) -> bool {
        self.exec.is_alive()
    }

    /// Why no agent runs there.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Starts a script, which reads what comes after it from its standard input.
    async fn begin(&self, script: &str) -> Result<Channel, CallError> {
        let entered =
            elevate::enter(&*self.exec, scripts::READ_ONE_LINE, self.other.as_ref(), self.step).await?;
        let mut channel = match entered {
            Entered::Begun(channel) => channel,
            Entered::NoShell { said } => {
                let message = format!(
                    "`{}` has no POSIX shell to run anything with; what answered said: {said}",
                    self.exec.name()
                );
                return Err(CallError::permanent("shell", message));
            }
        };
        let line = scripts::as_one_line(script);
        let written = async {
            channel.stdin.write_all(line.as_bytes()).await?;
            channel.stdin.flush().await
        };
        match tokio::time::timeout(self.step, written).await {
            Ok(Ok(())) => Ok(channel),
            Ok(Err(error)) => Err(self.lost().because(&error)),
            Err(_) => Err(self.lost()),
        }
    }

    /// Runs a short script of ours to its end, with what it reads.
    async fn do_script(&self, script: &str, stdin: &[u8], call: &Call) -> Result<Done, CallError> {
        let Channel { mut stdout, mut stderr, stdin: mut writer, ended } = self.begin(script).await?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let work = async {
            // Whoever cannot take all of it says so and reads no further, so that writing would never end.
            let write = async {
                let _ = writer.write_all(stdin).await;
                let _ = writer.shutdown().await;
                std::future::pending::<()>().await;
            };
            let most = u64::try_from(MOST_OF_A_FILE).unwrap_or(u64::MAX).saturating_add(1 << 16);
            let mut limited = (&mut stdout).take(most);
            let read = async { tokio::join!(limited.read_to_end(&mut out), stderr.read_to_end(&mut err)) };
            tokio::select! {
                _ = read => {}
                () = write => {}
            }
            ended.await.ok()
        };
        let exit = tokio::select! {
            _ = call.cancel.requested() => return Err(CallError::cancelled()),
            exit = work => exit,
        };
        if exit.is_none() && !self.is_alive() {
            return Err(self.lost());
        }
        Ok(Done { stdout: out, stderr: String::from_utf8_lossy(&err).trim().to_owned(), exit })
    }

    fn lost(&self) -> CallError {
        CallError::retryable("connection", format!("the connection to `{}` was lost", self.exec.name()))
    }

    /// The connection was cut while a program ran: what became of it is not known, and nothing there knows.
    fn unknown(&self) -> CallError {
        let message = format!(
            "the connection to `{}` was lost while the program ran, and without an agent nobody knows how it ended",
            self.exec.name()
        );
        CallError::permanent("interrupted", message)
    }

    /// Sends a signal to a group of processes there, over a channel of its own.
    async fn signal(&self, group: &str, how: Severity) -> Result<(), CallError> {
        let script = scripts::signal(group, how);
        let Channel { mut stdout, .. } = self.begin(&script).await?;
        let mut said = Vec::new();
        let _ = tokio::time::timeout(self.step, stdout.read_to_end(&mut said)).await;
        Ok(())
    }

    /// Waits until nothing of a group is left, and passes on what is told meanwhile.
    async fn until_gone(&self, group: &str, call: &Call, mut told: Severity) -> Result<(), CallError> {
        loop {
            let script = scripts::until_gone(group);
            let Channel { mut stdout, stdin: _open, .. } = self.begin(&script).await?;
            let mut said = Vec::new();
            let is_killed = told == Severity::Kill;
            let overdue = async move {
                if is_killed {
                    tokio::time::sleep(KILL_TAKES).await;
                } else {
                    std::future::pending().await
                }
            };
            tokio::select! {
                _ = stdout.read_to_end(&mut said) => return Ok(()),
                () = overdue => return Ok(()),
                () = async { call.cancel.reached(Severity::Kill).await; }, if told != Severity::Kill => {
                    told = Severity::Kill;
                    self.signal(group, Severity::Kill).await?;
                }
            }
        }
    }

    async fn run_program(
        &self,
        program: &BareProgram,
        call: &Call,
        streams: &mut dyn BareStreams,
    ) -> Result<BareEnd, CallError> {
        let script =
            scripts::program(program).map_err(|why| CallError::permanent(CallError::REQUEST, why))?;
        if call.cancel.level().is_some() {
            return Err(CallError::cancelled());
        }
        let mut channel = self.begin(&script).await?;
        let (group, first) = match tokio::time::timeout(self.step, first_line(&mut channel)).await {
            Ok(Some((line, rest))) => (scripts::outcome(&line, program)?, rest),
            _ => return Err(self.lost()),
        };
        let Channel { mut stdout, mut stderr, stdin: mut writer, mut ended } = channel;
        if !first.is_empty() {
            streams.take(Stream::Stdout, &first);
        }
        let feed = async {
            if let Some(bytes) = &program.stdin {
                // A program need not read what it is given.
                let _ = writer.write_all(bytes).await;
            }
            let _ = writer.shutdown().await;
        };
        let mut feed = std::pin::pin!(feed);
        let (mut out, mut err) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let (mut is_out_open, mut is_err_open, mut is_fed) = (true, true, false);
        let (mut exit, mut told): (Option<(Option<Exit>, Instant)>, Option<Severity>) = (None, None);
        let mut heard = Instant::now();
        loop {
            if exit.is_some() && !is_out_open && !is_err_open {
                break;
            }
            // What is still on its way is waited for; what somebody who was left behind prints is not.
            let linger =
                exit.as_ref().map(|(_, at)| (heard.max(*at) + STREAMS_LINGER).min(*at + LONGEST_LINGER));
            tokio::select! {
                biased;
                how = harsher(call, told) => {
                    told = Some(how);
                    self.signal(&group, how).await?;
                }
                read = stdout.read(&mut out), if is_out_open => match read {
                    Ok(count @ 1..) => {
                        streams.take(Stream::Stdout, out.get(..count).unwrap_or_default());
                        streams.room().await;
                        heard = Instant::now();
                    }
                    _ => is_out_open = false,
                },
                read = stderr.read(&mut err), if is_err_open => match read {
                    Ok(count @ 1..) => {
                        streams.take(Stream::Stderr, err.get(..count).unwrap_or_default());
                        streams.room().await;
                        heard = Instant::now();
                    }
                    _ => is_err_open = false,
                },
                () = &mut feed, if !is_fed => is_fed = true,
                end = &mut ended, if exit.is_none() => exit = Some((end.ok(), Instant::now())),
                () = tokio::time::sleep_until(linger.unwrap_or_else(Instant::now)), if linger.is_some() => {
                    if told.is_none() {
                        call.output.note("it left something running that keeps its output open; going on without");
                    }
                    break;
                }
            }
        }
        if let Some(told) = told {
            self.until_gone(&group, call, told).await?;
        }
        match exit {
            Some((Some(Exit::Code(code)), _)) => Ok(BareEnd::Code(i32::try_from(code).unwrap_or(i32::MAX))),
            Some((Some(Exit::Signal(name)), _)) => Ok(BareEnd::Signal(name)),
            _ => Err(self.unknown()),
        }
    }
}

impl BareNode for Bare {
    fn why(&self) -> &str {
        &self.why
    }

    fn run<'a>(
        &'a self,
        program: &'a BareProgram,
        call: &'a Call,
        streams: &'a mut dyn BareStreams,
    ) -> BoxFuture<'a, Result<BareEnd, CallError>> {
        Box::pin(self.run_program(program, call, streams))
    }

    fn exists<'a>(
        &'a self,
        path: &'a Path,
        cwd: Option<&'a Path>,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<bool, CallError>> {
        Box::pin(async move {
            let path = cwd.map_or_else(|| path.to_owned(), |cwd| cwd.join(path));
            let path = quoted(&path.to_string_lossy());
            let script = format!("if [ -e {path} ] || [ -L {path} ]; then echo yes; else echo no; fi");
            let done = self.do_script(&script, b"", call).await?;
            match done.stdout.as_slice() {
                b"yes\n" => Ok(true),
                b"no\n" => Ok(false),
                _ => Err(self.failed("looking for", &path, &done)),
            }
        })
    }

    fn write<'a>(&'a self, file: &'a BareFile, call: &'a Call) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            let done = self.do_script(&scripts::write(file), &file.bytes, call).await?;
            match done.exit {
                Some(Exit::Code(0)) => Ok(()),
                _ => Err(self.failed("writing", &file.path.display().to_string(), &done)),
            }
        })
    }

    fn read<'a>(
        &'a self,
        path: &'a Path,
        most: usize,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Vec<u8>, CallError>> {
        Box::pin(async move {
            let most = most.min(MOST_OF_A_FILE);
            let script = format!("head -c {} < {}", most.saturating_add(1), quoted(&path.to_string_lossy()));
            let done = self.do_script(&script, b"", call).await?;
            let name = path.display().to_string();
            match done.exit {
                Some(Exit::Code(0)) if done.stdout.len() <= most => Ok(done.stdout),
                Some(Exit::Code(0)) => {
                    let message = format!("`{name}` on `{}` has more than {most} bytes", self.exec.name());
                    Err(CallError::permanent("tooLarge", message))
                }
                _ => Err(self.failed("reading", &name, &done)),
            }
        })
    }
}

impl Bare {
    fn failed(&self, doing: &str, path: &str, done: &Done) -> CallError {
        let said = if done.stderr.is_empty() {
            done.exit.as_ref().map_or_else(|| "it did not end".to_owned(), ToString::to_string)
        } else {
            done.stderr.clone()
        };
        CallError::retryable("file", format!("{doing} `{path}` on `{}` failed: {said}", self.exec.name()))
    }
}

/// The first line of what a script prints, without its end, and what was read beyond it.
async fn first_line(channel: &mut Channel) -> Option<(String, Vec<u8>)> {
    let (mut said, mut bytes) = (Vec::new(), [0; 1024]);
    loop {
        if let Some(end) = said.iter().position(|byte| *byte == b'\n') {
            let rest = said.split_off(end.saturating_add(1));
            said.truncate(end);
            return Some((String::from_utf8_lossy(&said).trim_end().to_owned(), rest));
        }
        match channel.stdout.read(&mut bytes).await {
            Ok(count @ 1..) => said.extend_from_slice(bytes.get(..count).unwrap_or_default()),
            _ => return None,
        }
    }
}

async fn harsher(call: &Call, told: Option<Severity>) -> Severity {
    match told {
        None => call.cancel.requested().await,
        Some(Severity::Term) => call.cancel.reached(Severity::Kill).await,
        Some(Severity::Kill) => std::future::pending().await,
    }
}

impl std::fmt::Debug for Bare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bare").field("why", &self.why).finish_non_exhaustive()
    }
}
