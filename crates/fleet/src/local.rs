//! Programs on this machine, and in containers on it: children of this process.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};

use tokio::process::Command;
use tokio::sync::oneshot;
use windlass_plugin::{BoxFuture, CallError};

use crate::container::Container;
use crate::exec::{Channel, Exec, Exit, Terminal};

/// A program that hands commands to a shell: `/bin/sh -c COMMAND` here, `docker exec -i NAME /bin/sh -c COMMAND`
/// in a container.
#[derive(Clone, Debug)]
pub struct Child {
    name: String,
    program: OsString,
    args: Vec<OsString>,
    /// The container that it leads into, if it leads into one.
    container: Option<Container>,
}

// === impl Child ===

impl Child {
    /// This machine, for the sake of a node.
    #[must_use]
    pub fn here(node: &str) -> Self {
        Self { name: node.to_owned(), program: "/bin/sh".into(), args: vec!["-c".into()], container: None }
    }

    /// A container that runs on this machine. `runtime` is `docker` or a program that is called like it.
    #[must_use]
    pub fn container(node: &str, runtime: &str, container: &str, user: Option<&str>) -> Self {
        let mut args: Vec<OsString> = vec!["exec".into(), "-i".into()];
        if let Some(user) = user {
            args.extend(["--user".into(), user.into()]);
        }
        args.extend([container, "/bin/sh", "-c"].map(OsString::from));
        let inside = Container { name: container.to_owned(), runtime: runtime.to_owned() };
        Self { name: node.to_owned(), program: runtime.into(), args, container: Some(inside) }
    }
}

impl Exec for Child {
    fn name(&self) -> &str {
        &self.name
    }

    fn explain(&self, said: &str) -> Option<CallError> {
        self.container.as_ref()?.explain(&self.name, said)
    }

    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> BoxFuture<'a, Result<Channel, CallError>> {
        Box::pin(async move {
            if terminal == Terminal::With {
                let message = format!(
                    "`{}`: a terminal was asked for, and there is none over this transport",
                    self.name
                );
                return Err(CallError::permanent("terminal", message));
            }
            let mut child = Command::new(&self.program);
            child.args(&self.args).arg(command).process_group(0);
            child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = child.spawn().map_err(|error| {
                let program = self.program.display();
                let message = format!("`{}` cannot be reached: `{program}` cannot be started", self.name);
                CallError::permanent("transport", message).because(&error)
            })?;
            let (Some(stdin), Some(stdout), Some(stderr)) =
                (child.stdin.take(), child.stdout.take(), child.stderr.take())
            else {
                return Err(CallError::retryable("transport", "a child has no pipes"));
            };
            let (end, ended) = oneshot::channel();
            // It is waited for, whoever still wants to know: the dead are to be collected.
            tokio::spawn(async move {
                if let Ok(status) = child.wait().await {
                    let _ = end.send(exit(status));
                }
            });
            Ok(Channel { stdout: Box::pin(stdout), stderr: Box::pin(stderr), stdin: Box::pin(stdin), ended })
        })
    }
}

fn exit(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(u32::try_from(code).unwrap_or(u32::MAX)),
        (None, signal) => Exit::Signal(signal.unwrap_or_default().to_string()),
    }
}
