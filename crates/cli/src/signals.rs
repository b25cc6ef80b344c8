//! What the operating system tells us: Ctrl-C once, twice, three times; SIGTERM and SIGHUP.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use windlass_model::event::Command;

/// The signals that end a run, one step harsher each time.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Absent where whoever started us had hang-ups ignored, as `nohup` does.
    hangup: Option<Signal>,
    steps: u8,
}

/// What a signal asks for, and what to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) command: Command,
    pub(crate) why: &'static str,
    pub(crate) say: &'static str,
}

// === impl Signals ===

impl Signals {
    /// Catches them from now on. Must be called within the asynchronous runtime.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if is_hangup_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
            steps: 0,
        })
    }

    /// Whether any has come.
    pub(crate) fn have_come(&self) -> bool {
        self.steps > 0
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Step {
        tokio::select! {
            _ = self.interrupt.recv() => {
                self.steps = self.steps.saturating_add(1);
                ladder(self.steps)
            }
            _ = self.terminate.recv() => self.at_least_stop("SIGTERM"),
            () = hung_up(self.hangup.as_mut()) => self.at_least_stop("SIGHUP: the terminal went away"),
        }
    }

    fn at_least_stop(&mut self, why: &'static str) -> Step {
        self.steps = self.steps.max(1);
        Step { why, ..ladder(1) }
    }
}

async fn hung_up(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP was ignored from the beginning. Listening for it would undo that.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first of them is number 1.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

fn ladder(step: u8) -> Step {
    let (command, why, say) = match step {
        0 | 1 => (
            Command::Stop,
            "Ctrl-C",
            "stopping: nothing new starts, what is in flight ends; Ctrl-C again to cancel it",
        ),
        2 => (
            Command::Cancel,
            "Ctrl-C twice",
            "cancelling: what is in flight is asked to end; Ctrl-C again to kill it",
        ),
        _ => (
            Command::Kill,
            "Ctrl-C three times",
            "killing: what is in flight is ended now; what must run at the end still runs",
        ),
    };
    Step { command, why, say }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_harsher_and_names_the_next() {
        let commands = [1, 2, 3, 4].map(|step| ladder(step).command);
        assert_eq!(commands, [Command::Stop, Command::Cancel, Command::Kill, Command::Kill]);
        assert!(ladder(1).say.contains("again to cancel") && ladder(2).say.contains("again to kill"));
    }
}
