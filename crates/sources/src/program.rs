//! A program that prints an inventory: run without a shell, with `--list`, for a bounded time and a bounded output.
//!
//! ```text
//! spawn ─┬─ reader of stdout ─┐
//!        ├─ reader of stderr ─┼─► what came of it, within the time ─► Text
//!        └─ waiter ───────────┘        else the whole group of processes is killed
//! ```
//!
//! Standard error is kept to its last lines and shown when the program fails.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use windlass_inventory::{Form, Text};
use windlass_lang::{Findings, Source};
use windlass_model::code;
use windlass_model::problem::Problem;
use windlass_model::span::Span;

use crate::files::refusal;
use crate::load::Options;

/// What Ansible calls such a program with, and so do we.
const ARGUMENT: &str = "--list";

/// Parameters of plans may be secrets; a program that lists nodes has no use for them.
const PARAMETERS: &str = "WINDLASS_PARAM_";

/// How much of standard error is kept.
const KEPT: usize = 4096;

/// How long is waited for the end of what a program said that had to be ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How many lines of it are shown.
const SHOWN: usize = 10;

/// What the threads tell.
enum Said {
    Out(io::Result<Vec<u8>>),
    Err(Vec<u8>),
    Ended,
}

/// What became of a program.
struct Ended {
    status: ExitStatus,
    out: Vec<u8>,
    err: Vec<u8>,
}

/// Runs a program and gives what it printed.
pub(crate) fn run(path: &Path, options: Options) -> Result<Text, Findings> {
    let name = path.display().to_string();
    let failed = |what: String, err: &[u8]| {
        let message = format!("the inventory program `{name} {ARGUMENT}` {what}");
        let problem = Problem::new(code::INVENTORY_PROGRAM, "", "", message);
        let said = last_lines(err);
        refusal(&name, if said.is_empty() { problem } else { problem.help(format!("it said:\n{said}")) })
    };
    let child = match start(path) {
        Ok(child) => child,
        Err(why) => {
            let message = format!("the inventory program `{name}` cannot be started: {why}");
            let problem = Problem::new(code::INVENTORY_PROGRAM, "", "", message)
                .help("a file that may be executed is run; if it is to be read, take that permission away (chmod -x)");
            return Err(refusal(&name, problem));
        }
    };
    let Ended { status, out, err } = match conduct(child, options) {
        Ok(ended) => ended,
        Err((what, err)) => return Err(failed(what, &err)),
    };
    if !status.success() {
        let what = match status.signal() {
            Some(signal) => format!("was ended by signal {signal}"),
            None => format!("exited with {}", status.code().unwrap_or(-1)),
        };
        return Err(failed(what, &err));
    }
    let text = windlass_lang::decode(&name, out)?;
    if text.trim().is_empty() {
        return Err(failed("printed nothing".to_owned(), &err));
    }
    Ok(Text { source: Source::new(&name, &text), form: Form::Yaml })
}

fn start(path: &Path) -> io::Result<Child> {
    let mut command = Command::new(std::path::absolute(path)?);
    command.arg(ARGUMENT).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(PARAMETERS)) {
        command.env_remove(name);
    }
    command.spawn()
}

/// Sees a program to its end, or puts an end to it: then what it did, and what it said.
fn conduct(mut child: Child, options: Options) -> Result<Ended, (String, Vec<u8>)> {
    let until = Instant::now() + options.within;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (sender, receiver) = mpsc::channel();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let most = options.most;
    tell(&sender, move || Said::Out(out.map_or_else(|| Ok(Vec::new()), |out| bounded(out, most))));
    tell(&sender, move || Said::Err(err.map(tail).unwrap_or_default()));
    // Waits without taking the process away, so that its number stays its own until it is known to have ended.
    tell(&sender, move || {
        if let Some(pid) = pid {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
        Said::Ended
    });
    drop(sender);
    let mut heard = Heard::default();
    let unheard = heard.listen(&receiver, until, most).err();
    if unheard.is_some() {
        // What it started may hold its output open: all of them go.
        if let Some(pid) = pid {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        // Why it took so long stands in what it said last.
        let _ = heard.listen(&receiver, Instant::now() + LAST_WORDS, usize::MAX);
    }
    let status = child.wait();
    let Heard { out, err } = heard;
    match (unheard, status) {
        (None, Ok(status)) => Ok(Ended { status, out, err }),
        (None, Err(why)) => Err((format!("cannot be waited for: {why}"), err)),
        (Some(Unheard::Late), _) => Err((format!("did not end within {}", Span(options.within)), err)),
        (Some(Unheard::TooMuch), _) => Err((format!("printed more than {} MiB", most >> 20), err)),
        (Some(Unheard::Broken(why)), _) => Err((format!("cannot be read: {why}"), err)),
    }
}

/// What a program said.
#[derive(Default)]
struct Heard {
    out: Vec<u8>,
    err: Vec<u8>,
}

/// Why a program was not heard out.
enum Unheard {
    Late,
    TooMuch,
    Broken(io::Error),
}

fn tell(sender: &Sender<Said>, work: impl FnOnce() -> Said + Send + 'static) {
    let sender = sender.clone();
    // Nobody listens any more when the time is over.
    thread::spawn(move || drop(sender.send(work())));
}

// === impl Heard ===

impl Heard {
    /// Listens until all three threads have said what they had to say.
    fn listen(&mut self, receiver: &Receiver<Said>, until: Instant, most: usize) -> Result<(), Unheard> {
        loop {
            match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Said::Out(Ok(bytes))) if bytes.len() > most => return Err(Unheard::TooMuch),
                Ok(Said::Out(Ok(bytes))) => self.out = bytes,
                Ok(Said::Out(Err(why))) => return Err(Unheard::Broken(why)),
                Ok(Said::Err(bytes)) => self.err = bytes,
                Ok(Said::Ended) => {}
                Err(RecvTimeoutError::Timeout) => return Err(Unheard::Late),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }
}

fn bounded(from: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The end of what a stream gives, read to its end.
fn tail(mut from: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut part = [0; KEPT];
    while let Ok(read) = from.read(&mut part) {
        if read == 0 {
            break;
        }
        kept.extend_from_slice(part.get(..read).unwrap_or(&[]));
        let spare = kept.len().saturating_sub(KEPT);
        kept.drain(..spare);
    }
    kept
}

fn last_lines(err: &[u8]) -> String {
    let text = String::from_utf8_lossy(err);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(SHOWN);
    lines.get(from..).unwrap_or(&[]).join("\n")
}
