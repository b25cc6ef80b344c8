//! Running programs where a node is: what agents are started over, and all there is where none can run.

use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::oneshot;
use windlass_plugin::{BoxFuture, CallError};

/// Somewhere that programs can be run: a host behind SSH, a container, this machine.
pub trait Exec: Send + Sync + 'static {
    /// What it is called in messages.
    fn name(&self) -> &str;

    /// Whether there is still a way there, as far as anybody knows.
    fn is_alive(&self) -> bool {
        true
    }

    /// What more is printed there is of no interest, and must not hold the program up.
    fn ignore(&self, mut stream: Pin<Box<dyn AsyncRead + Send>>) {
        tokio::spawn(async move {
            let mut bytes = [0; 1024];
            while let Ok(1..) = stream.read(&mut bytes).await {}
        });
    }

    /// What it means that this was said instead of anything being run; `None` where nobody knows.
    fn explain(&self, said: &str) -> Option<CallError> {
        let _ = said;
        None
    }

    /// Runs a command, as the shell there understands it.
    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> BoxFuture<'a, Result<Channel, CallError>>;
}

/// Whether a program gets a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Terminal {
    /// Its streams are pipes.
    #[default]
    Without,
    /// It has one, because some programs ask for passwords nowhere else.
    With,
}

/// A program, while it runs. Whoever wants to see its end reads both streams.
pub struct Channel {
    /// What it prints.
    pub stdout: Pin<Box<dyn AsyncRead + Send>>,
    /// What it prints on its standard error; nothing where it has a terminal.
    pub stderr: Pin<Box<dyn AsyncRead + Send>>,
    /// What it is told.
    pub stdin: Pin<Box<dyn AsyncWrite + Send>>,
    /// How it ended. Gone unsent, nobody knows.
    pub ended: oneshot::Receiver<Exit>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(u32),
    /// By a signal of this name.
    Signal(String),
}

/// A text as one word of a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(name) => write!(f, "signal {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted("a-b/c.d"), "a-b/c.d");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
    }
}
