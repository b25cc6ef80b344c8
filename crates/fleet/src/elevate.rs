//! A shell where a node is, as another user if so: the dialogue before a script begins.
//!
//! ```text
//!   exec ──▶ sudo, doas, su ──prompt──▶ the password, once ──▶ /bin/sh ──▶ ENTERED ──▶ the script
//!                 └── refuses, or prompts again ──▶ what is wrong, and what to do
//! ```
//!
//! A password goes to the prompt that asks for it and nowhere else: it stands on no command line, and is not
//! sent where nobody asks. What a login shell prints before the script begins is left behind.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use windlass_model::span::Span;
use windlass_plugin::CallError;

use crate::exec::{Channel, Exec, Exit, Terminal};

/// The user to act as.
#[derive(Clone)]
pub struct Become {
    /// Whom.
    pub user: String,
    /// By what.
    pub method: Method,
    /// The password that it asks for.
    pub password: Option<String>,
}

/// By what one becomes another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `sudo`.
    Sudo,
    /// `doas`.
    Doas,
    /// `su`.
    Su,
}

/// What came of going there.
pub(crate) enum Entered {
    /// The script has begun.
    Begun(Channel),
    /// No POSIX shell took the script.
    NoShell {
        /// What was said instead.
        said: String,
    },
}

/// What a shell says when it is there.
const ENTERED: &str = "windlass-entered";
/// What sudo is told to ask with.
const PROMPT: &str = "windlass-asks-for-the-password:";
/// How much may be said before.
const MOST_SAID: usize = 64 << 10;
/// How long the end of a program that has closed its output may take to be known.
const END_FOLLOWS: Duration = Duration::from_secs(5);

/// Runs a script by `/bin/sh`, as another user if so, until it has begun. It has no single quotes in it.
pub(crate) async fn enter(
    exec: &dyn Exec,
    script: &str,
    other: Option<&Become>,
    within: Duration,
) -> Result<Entered, CallError> {
    let wants_terminal = other.is_some_and(Become::wants_terminal);
    let first = if wants_terminal { Terminal::With } else { Terminal::Without };
    match attempt(exec, script, other, within, first).await? {
        Attempt::Entered(channel) => Ok(Entered::Begun(channel)),
        // It is configured to work only on terminals.
        Attempt::Refused(said) if first == Terminal::Without && said.is(&NEEDS_TERMINAL) => {
            match attempt(exec, script, other, within, Terminal::With).await? {
                Attempt::Entered(channel) => Ok(Entered::Begun(channel)),
                Attempt::Refused(said) => refused(exec, other, said),
            }
        }
        Attempt::Refused(said) => refused(exec, other, said),
    }
}

enum Attempt {
    Entered(Channel),
    Refused(Said),
}

/// What was said instead of entering.
#[derive(Debug, Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    exit: Option<Exit>,
    /// Whether it asked again after it had an answer.
    asked_again: bool,
}

async fn attempt(
    exec: &dyn Exec,
    script: &str,
    other: Option<&Become>,
    within: Duration,
    terminal: Terminal,
) -> Result<Attempt, CallError> {
    let command = command(script, other, terminal, exec.name())?;
    let channel = exec.exec(&command, terminal).await?;
    let password = other.and_then(|other| other.password.as_deref());
    let talked = tokio::time::timeout(within, talk(channel, password)).await;
    talked.map_err(|_| {
        let what =
            other.map_or("the shell".to_owned(), |other| format!("{} for `{}`", other.method, other.user));
        let message = format!("`{}`: {what} did not answer within {}", exec.name(), Span(within));
        CallError::retryable("timeout", message)
    })
}

/// Answers a prompt and waits for the shell.
async fn talk(mut channel: Channel, password: Option<&str>) -> Attempt {
    let mut said = Said::default();
    // Little is said, and what this takes is taken for every connection that is being made.
    let (mut out, mut err) = ([0; 1024], [0; 512]);
    let (mut is_out_open, mut is_err_open, mut answered) = (true, true, false);
    while is_out_open || is_err_open {
        let mut complained = 0;
        tokio::select! {
            read = channel.stderr.read(&mut err), if is_err_open => match read {
                Ok(count @ 1..) => complained = count,
                _ => is_err_open = false,
            },
            read = channel.stdout.read(&mut out), if is_out_open => said.heard(read, &out, &mut is_out_open),
        }
        if complained > 0 && is_out_open {
            // A shell that is there says so before its script complains: then that is here by now, too.
            tokio::select! {
                biased;
                read = channel.stdout.read(&mut out) => said.heard(read, &out, &mut is_out_open),
                () = std::future::ready(()) => {}
            }
        }
        let complaint = err.get(..complained).unwrap_or_default();
        if let Some(rest) = after_entering(&said.stdout) {
            return Attempt::Entered(Channel {
                stdout: Box::pin(std::io::Cursor::new(rest).chain(channel.stdout)),
                stderr: Box::pin(std::io::Cursor::new(complaint.to_vec()).chain(channel.stderr)),
                ..channel
            });
        }
        said.stderr.extend_from_slice(complaint);
        if said.stdout.len().max(said.stderr.len()) > MOST_SAID {
            return Attempt::Refused(said);
        }
        if asks(&said.stdout) || asks(&said.stderr) {
            match password {
                Some(password) if !answered => {
                    answered = true;
                    // The prompt is dealt with; another one is another question.
                    said.stdout.push(b'\n');
                    said.stderr.push(b'\n');
                    let _ = channel.stdin.write_all(format!("{password}\n").as_bytes()).await;
                    let _ = channel.stdin.flush().await;
                }
                _ => {
                    said.asked_again = answered;
                    return Attempt::Refused(said);
                }
            }
        }
    }
    if let Ok(Ok(exit)) = tokio::time::timeout(END_FOLLOWS, channel.ended).await {
        said.exit = Some(exit);
    }
    Attempt::Refused(said)
}

/// What follows the line that says that the shell is there.
fn after_entering(stdout: &[u8]) -> Option<Vec<u8>> {
    let at = stdout.windows(ENTERED.len()).position(|window| window == ENTERED.as_bytes())?;
    let rest = stdout.get(at.checked_add(ENTERED.len())?..)?;
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    rest.strip_prefix(b"\n").map(<[u8]>::to_vec)
}

/// Whether the last line, which has no end yet, asks for a password.
fn asks(said: &[u8]) -> bool {
    let last = said.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let last = String::from_utf8_lossy(last).trim().to_lowercase();
    last.ends_with("password:") || last.ends_with(PROMPT)
}

/// The script as a command for whatever login shell there is.
fn command(
    script: &str,
    other: Option<&Become>,
    terminal: Terminal,
    name: &str,
) -> Result<String, CallError> {
    // No quotes and no exclamation marks: every login shell there is must hand it on as it is.
    let Some(Become { user, method, password }) = other else {
        return Ok(format!("exec /bin/sh -c 'echo {ENTERED}; {script}'"));
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.$@".contains(c);
    if user.is_empty() || user.starts_with('-') || !user.chars().all(is_plain) {
        let message = format!("`{name}`: `{user}` is no name of a user to become");
        return Err(CallError::permanent("become", message));
    }
    let raw = if terminal == Terminal::With { "stty raw -echo; " } else { "" };
    let script = format!("{raw}unset LC_ALL; cd \"$HOME\" 2>/dev/null || cd /; echo {ENTERED}; {script}");
    let user = format!("'{user}'");
    let method = match (method, password) {
        (Method::Sudo, None) => format!("sudo -n -H -u {user} -- /bin/sh -c"),
        (Method::Sudo, Some(_)) => format!("sudo -S -p {PROMPT} -H -u {user} -- /bin/sh -c"),
        (Method::Doas, None) => format!("doas -n -u {user} /bin/sh -c"),
        (Method::Doas, Some(_)) => format!("doas -u {user} /bin/sh -c"),
        (Method::Su, _) => format!("su - {user} -s /bin/sh -c"),
    };
    // What it says is looked at below, so it has to be said in one language.
    Ok(format!("exec env LC_ALL=C {method} '{script}'"))
}

const NEEDS_TERMINAL: [&str; 4] =
    ["must have a tty", "terminal is required", "tty is required", "must be run from a terminal"];
const NOT_THERE: [&str; 3] = ["not found", "no such file", "unknown command"];
const NOT_ALLOWED: [&str; 5] = [
    "not in the sudoers",
    "is not allowed to",
    "may not run sudo",
    "operation not permitted",
    "permission denied",
];
const WANTS_PASSWORD: [&str; 4] = [
    "a password is required",
    "authentication required",
    "authorization required",
    "no password was provided",
];
const WRONG_PASSWORD: [&str; 4] =
    ["incorrect password", "sorry, try again", "authentication fail", "authorization failed"];
const NO_USER: [&str; 4] = ["unknown user", "does not exist", "no passwd entry", "no such user"];

/// What is wrong, and what to do.
fn refused(exec: &dyn Exec, other: Option<&Become>, said: Said) -> Result<Entered, CallError> {
    let (name, text) = (exec.name(), said.text());
    if let Some(error) = exec.explain(&text) {
        return Err(error);
    }
    let Some(Become { user, method, password }) = other else {
        return Ok(Entered::NoShell { said: text });
    };
    let wrong = said.asked_again || said.is(&WRONG_PASSWORD);
    let what = if wrong {
        format!("the password for {method} is wrong")
    } else if said.is(&NO_USER) {
        format!("there is no user `{user}` to become")
    } else if said.is(&NOT_ALLOWED) {
        format!("{method} does not let who logs in become `{user}`")
    } else if said.is(&WANTS_PASSWORD) || (password.is_none() && (asks(&said.stderr) || asks(&said.stdout))) {
        format!("{method} asks for a password, and none is given; name one as `password` of `become`")
    } else if said.exit == Some(Exit::Code(127)) || said.is(&NOT_THERE) {
        format!("{method} is not installed")
    } else if said.is(&NEEDS_TERMINAL) {
        format!("{method} works only on a terminal, and did not on the one that it got")
    } else {
        format!("{method} did not lead to a shell of `{user}`")
    };
    let mut error = CallError::permanent("become", format!("`{name}`: {what}"));
    if !text.is_empty() {
        error.causes.push(format!("it said: {text}"));
    }
    Err(error)
}

// === impl Method ===

impl Method {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sudo, Self::Doas, Self::Su];
}

// === impl Become ===

impl Become {
    /// `doas` asks for passwords on a terminal and nowhere else.
    fn wants_terminal(&self) -> bool {
        self.method == Method::Doas && self.password.is_some()
    }
}

// === impl Said ===

impl Said {
    /// Takes in what was read from its output.
    fn heard(&mut self, read: std::io::Result<usize>, out: &[u8], is_open: &mut bool) {
        match read {
            Ok(count @ 1..) => self.stdout.extend_from_slice(out.get(..count).unwrap_or_default()),
            _ => *is_open = false,
        }
    }

    fn is(&self, phrases: &[&str]) -> bool {
        let text = [&self.stderr, &self.stdout].map(|bytes| String::from_utf8_lossy(bytes).to_lowercase());
        phrases.iter().any(|phrase| text.iter().any(|text| text.contains(phrase)))
    }

    /// What a person should read of it: the standard error, or the output where that is empty.
    fn text(&self) -> String {
        let texts =
            [&self.stderr, &self.stdout].map(|bytes| String::from_utf8_lossy(bytes).replace(PROMPT, ""));
        let lines = |text: &String| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join("; ")
        };
        let said = texts.iter().map(lines).find(|text| !text.is_empty()).unwrap_or_default();
        let said: String = said.chars().take(300).collect();
        match (&self.exit, said.is_empty()) {
            (Some(exit), false) => format!("{said} ({exit})"),
            (Some(exit), true) => format!("nothing ({exit})"),
            (None, _) => said,
        }
    }
}

impl fmt::Debug for Become {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Become")
            .field("user", &self.user)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sudo => "sudo",
            Self::Doas => "doas",
            Self::Su => "su",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_a_script_complains_of_at_once_is_not_taken_for_a_prompt() {
        // Which of the streams is looked at first is a matter of chance.
        for _ in 0..64 {
            let channel = Channel {
                stdout: Box::pin(Cursor::new(format!("welcome\n{ENTERED}\nfirst\n").into_bytes())),
                stderr: Box::pin(Cursor::new(b"sh: 1: exec format error\n".to_vec())),
                stdin: Box::pin(tokio::io::sink()),
                ended: oneshot::channel().1,
            };
            let Attempt::Entered(mut channel) = talk(channel, None).await else { panic!("it did not enter") };
            let (mut out, mut err) = (String::new(), String::new());
            channel.stdout.read_to_string(&mut out).await.unwrap();
            channel.stderr.read_to_string(&mut err).await.unwrap();
            assert_eq!((out.as_str(), err.as_str()), ("first\n", "sh: 1: exec format error\n"));
        }
    }
}
