//! An agent that is a child of this process: on this machine, or behind a program that reaches into a container.

use std::ffi::OsString;
use std::process::Stdio;

use tokio::process::{Child, Command};
use windlass_plugin::{BoxFuture, CallError};

use crate::connect::{Connect, Connection, Destination};

/// A program whose standard input and output lead to an agent.
#[derive(Clone, Debug)]
pub struct Program {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

/// A child whose pipes are closed when it is dropped, which ends an agent as soon as its work allows.
struct Kept(#[expect(dead_code, reason = "it is there to be dropped")] Child);

// === impl Program ===

impl Program {
    /// This program with these arguments.
    pub fn new(program: impl Into<OsString>, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { program: program.into(), args: args.into_iter().map(Into::into).collect(), env: Vec::new() }
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}

impl Connect for Program {
    fn connect<'a>(&'a self, to: &'a Destination) -> BoxFuture<'a, Result<Connection, CallError>> {
        Box::pin(async move {
            let mut command = Command::new(&self.program);
            command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
            let mut child = command.spawn().map_err(|error| {
                let message = format!(
                    "`{}` cannot be reached: `{}` cannot be started",
                    to.node.name,
                    self.program.display()
                );
                CallError::permanent("transport", message).because(&error)
            })?;
            let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
                return Err(CallError::retryable("transport", "a child has no pipes"));
            };
            Ok(Connection { reader: Box::pin(stdout), writer: Box::pin(stdin), keep: Box::new(Kept(child)) })
        })
    }
}
