//! Starting an agent where a node is: in one round trip where it lies there already, else after placing it.
//!
//! It lies in the user's cache under a name made of its content's hash, so that nobody ever runs another one than
//! meant, and one placement serves every run of this version. Where programs in the cache cannot be executed,
//! other directories of the user's own are tried.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use windlass_model::span::Span;
use windlass_plugin::CallError;
use windlass_wire::{MAGIC, MOST_NOISE};

use crate::agents::Binary;
use crate::elevate::{self, Become, Entered};
use crate::exec::{Channel, Exec, Exit, Terminal};

/// What came of starting an agent.
pub(crate) enum Start {
    /// It runs.
    Runs(Channel),
    /// It is not there; the machine is of this kind.
    Missing { system: String },
    /// It is there and does not run.
    Broken { why: String },
    /// No POSIX shell took the script.
    NoShell { said: String },
}

/// What came of placing an agent.
pub(crate) enum Placed {
    /// It is there.
    Yes,
    /// It cannot be there, however often it is tried.
    No { why: String },
}

/// What the script prints when there is no agent. It stands otherwise in the script: what shows that back has not run it.
const MISSING: &str = "windlass-agent-is-missing";
/// Where an agent may lie, best first: directories of the user's own. What ends with a dash is followed by who that is.
const PLACES: &str = "\"${XDG_CACHE_HOME:-$HOME/.cache}/windlass\" \"${TMPDIR:-/var/tmp}/windlass-\" /tmp/windlass- /dev/shm/windlass-";
/// Says which machine this is. A file says it sooner than a program, where there is one.
const MACHINE: &str = "m=; read -r m 2>/dev/null < /proc/sys/kernel/arch; m=${m:-$(uname -m)}";
/// Finishes the name of such a directory. It is seldom needed, and asking who one is takes as long as starting an agent.
const WHOSE: &str = "case $d in *-) o=${o:-$(id -u)}; d=$d$o;; esac";
/// How long the end of a program that has closed its output may take to be known.
const END_FOLLOWS: Duration = Duration::from_secs(5);
/// How much of an agent is handed to a connection at a time. Larger pieces leave larger holes in memory where many hosts get one.
const PIECE: usize = 8 << 10;

/// Starts the agent for the machine, where it lies there. The script means the same to every POSIX shell.
///
/// Homes may be shared by machines of several kinds, and a shell that cannot execute a program takes it for a script: what
/// stands in it by chance would be done.
pub(crate) async fn start(
    exec: &dyn Exec,
    agents: &BTreeMap<String, Binary>,
    other: Option<&Become>,
    within: Duration,
) -> Result<Start, CallError> {
    let fit = agents.iter().filter(|(machine, agent)| agent.unfit(machine).is_none());
    let names = fit.map(|(machine, agent)| format!("{machine}) a={};; ", agent.name()));
    let script = format!(
        "{{ {MACHINE}; }} 2>/dev/null; a=; case $m in {}esac; o=; \
         if [ -n \"$a\" ]; then for d in {PLACES}; do {WHOSE}; [ -L \"$d\" ] && continue; \
         if [ -x \"$d/$a\" ] && [ -O \"$d/$a\" ]; then exec \"$d/$a\" serve; fi; done; fi; \
         echo windlass-agent-is-\"missing\" $(uname -sm)",
        names.collect::<String>()
    );
    // Most login shells take the script as it is, which spares the host another shell; that costs as much as an agent. What
    // those that do not take it make of it does nothing and ends at once.
    if other.is_none() {
        let channel = exec.exec(&script, Terminal::Without).await?;
        if let start @ (Start::Runs(_) | Start::Missing { .. }) = started(exec, channel, within).await? {
            return Ok(start);
        }
    }
    match elevate::enter(exec, &script, other, within).await? {
        Entered::Begun(channel) => started(exec, channel, within).await,
        Entered::NoShell { said } => Ok(Start::NoShell { said }),
    }
}

/// What came of a script that starts an agent.
async fn started(exec: &dyn Exec, mut channel: Channel, within: Duration) -> Result<Start, CallError> {
    let looked = tokio::time::timeout(within, look(&mut channel)).await;
    let Looked { said, stderr } = looked.map_err(|_| {
        let message = format!("no agent started on `{}` within {}", exec.name(), Span(within));
        CallError::retryable("timeout", message)
    })?;
    if find(&said, &MAGIC).is_some() {
        let stdout = Box::pin(std::io::Cursor::new(said).chain(channel.stdout));
        return Ok(Start::Runs(Channel { stdout, ..channel }));
    }
    let text = String::from_utf8_lossy(&said).into_owned();
    if let Some((_, system)) = text.split_once(MISSING) {
        return Ok(Start::Missing { system: system.trim().to_owned() });
    }
    let exit = tokio::time::timeout(END_FOLLOWS, channel.ended).await.ok().and_then(Result::ok);
    let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
    let what = match (stderr.is_empty(), text.trim().is_empty()) {
        (false, _) => stderr,
        (true, false) => text.trim().to_owned(),
        (true, true) => "it said nothing".to_owned(),
    };
    let what: String = what.chars().take(300).collect();
    Ok(Start::Broken { why: exit.map_or(what.clone(), |exit: Exit| format!("{what} ({exit})")) })
}

struct Looked {
    said: Vec<u8>,
    stderr: Vec<u8>,
}

/// Reads until an agent answers, or it is clear that none will.
async fn look(channel: &mut Channel) -> Looked {
    let (mut said, mut stderr) = (Vec::new(), Vec::new());
    let (mut out, mut err) = ([0; 1024], [0; 512]);
    let (mut is_out_open, mut is_err_open) = (true, true);
    while is_out_open || is_err_open {
        tokio::select! {
            read = channel.stdout.read(&mut out), if is_out_open => match read {
                Ok(count @ 1..) => said.extend_from_slice(out.get(..count).unwrap_or_default()),
                _ => is_out_open = false,
            },
            read = channel.stderr.read(&mut err), if is_err_open => match read {
                Ok(count @ 1..) if stderr.len() < MOST_NOISE => {
                    stderr.extend_from_slice(err.get(..count).unwrap_or_default());
                }
                Ok(1..) => {}
                _ => is_err_open = false,
            },
        }
        if find(&said, &MAGIC).is_some() || said.len() > MOST_NOISE || has_missing_line(&said) {
            break;
        }
    }
    Looked { said, stderr }
}

fn has_missing_line(said: &[u8]) -> bool {
    find(said, MISSING.as_bytes()).is_some_and(|at| said.get(at..).unwrap_or_default().contains(&b'\n'))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Places an agent where it can be executed: written beside, compared, and moved into its place.
pub(crate) async fn place(
    exec: &dyn Exec,
    binary: &Binary,
    other: Option<&Become>,
    step: Duration,
    within: Duration,
) -> Result<Placed, CallError> {
    let content = binary.packed().await?;
    let (name, len, packed) = (binary.name(), binary.len(), content.len());
    // Whether programs can be executed there shows when one is: a file of one harmless line.
    let script = format!(
        "umask 077; why=; o=; for d in {PLACES}; do {WHOSE}; t=; [ -L \"$d\" ] && continue; \
         mkdir -p \"$d\" 2>/dev/null && [ -O \"$d\" ] && [ -w \"$d\" ] || {{ why=\"$why $d cannot be written;\"; continue; }}; \
         t=\"$d/.{name}.$$\"; \
         echo : > \"$t\" 2>/dev/null && chmod 700 \"$t\" || {{ rm -f \"$t\"; why=\"$why $d is full;\"; t=; continue; }}; \
         \"$t\" 2>/dev/null && break; rm -f \"$t\"; why=\"$why nothing in $d may be executed;\"; t=; done; \
         [ -n \"$t\" ] || {{ echo nowhere $why; exit 1; }}; \
         rm -f \"$t\"; if command -v gzip >/dev/null; then echo ready for gzip; head -c {packed} | gzip -dc > \"$t\" 2>/dev/null; \
         else echo ready; head -c {len} > \"$t\" 2>/dev/null; fi; chmod 700 \"$t\"; \
         if command -v sha256sum >/dev/null; then set -- $(sha256sum < \"$t\"); else set -- unknown; fi; \
         if [ \"$(wc -c < \"$t\")\" -eq {len} ]; then mv -f \"$t\" \"$d/{name}\" && echo placed $1; \
         else rm -f \"$t\"; echo nowhere not all of it could be written in $d, which may be full; exit 1; fi"
    );
    let mut channel = match elevate::enter(exec, &script, other, step).await? {
        Entered::Begun(channel) => channel,
        Entered::NoShell { said } => return Ok(Placed::No { why: said }),
    };
    let placed = async {
        let mut said = Vec::new();
        if let Some(why) = wait_for(&mut channel.stdout, &mut channel.stderr, &mut said, "ready").await? {
            return Ok(Placed::No { why });
        }
        let bytes = match find(&said, b"ready for gzip") {
            Some(_) => content,
            None => binary.plain().await.map_err(|error| error.message)?,
        };
        // Whoever cannot take all of it says so and reads no further, so that writing would never end.
        let mut stdin = channel.stdin;
        let write = async {
            for piece in bytes.chunks(PIECE) {
                if stdin.write_all(piece).await.is_err() {
                    break;
                }
            }
            let _ = stdin.flush().await;
            std::future::pending::<()>().await;
        };
        let answer = tokio::select! {
            answer = wait_for(&mut channel.stdout, &mut channel.stderr, &mut said, "placed") => answer?,
            () = write => None,
        };
        if let Some(why) = answer {
            return Ok(Placed::No { why });
        }
        let text = String::from_utf8_lossy(&said).into_owned();
        let hash = text.rsplit_once("placed").map_or("", |(_, hash)| hash.trim());
        if hash == "unknown" || hash == binary.hash() {
            Ok(Placed::Yes)
        } else {
            Err("what arrived is not what was sent".to_owned())
        }
    };
    let placed = tokio::time::timeout(within, placed).await;
    let placed = placed.unwrap_or_else(|_| Err(format!("it took longer than {}", Span(within))));
    placed.map_err(|why| {
        CallError::retryable("agent", format!("the agent cannot be placed on `{}`: {why}", exec.name()))
    })
}

/// Waits for a line that begins with a word; what it says where it begins with `nowhere` instead.
async fn wait_for(
    stdout: &mut (impl AsyncRead + Unpin),
    stderr: &mut (impl AsyncRead + Unpin),
    said: &mut Vec<u8>,
    word: &str,
) -> Result<Option<String>, String> {
    let mut bytes = [0; 1024];
    loop {
        let text = String::from_utf8_lossy(said).into_owned();
        if said.ends_with(b"\n") {
            if text.lines().any(|line| line.starts_with(word)) {
                return Ok(None);
            }
            if let Some(why) = text.lines().find_map(|line| line.strip_prefix("nowhere ")) {
                return Ok(Some(why.trim_end_matches(';').to_owned()));
            }
        }
        match stdout.read(&mut bytes).await {
            Ok(count @ 1..) => said.extend_from_slice(bytes.get(..count).unwrap_or_default()),
            _ => {
                let mut told = String::new();
                let _ = tokio::time::timeout(END_FOLLOWS, stderr.read_to_string(&mut told)).await;
                let (text, told) = (text.trim(), told.trim());
                return Err(if told.is_empty() { text.to_owned() } else { told.to_owned() });
            }
        }
    }
}

#[cfg(test)]
mod tests;
