//! Starting an agent on a host: in one round trip where it lies there already, else after placing it.
//!
//! It lies in the user's cache under a name made of its content's hash, so that nobody ever runs another one than
//! meant, and one placement serves every run of this version.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use windlass_model::span::Span;
use windlass_plugin::CallError;
use windlass_wire::{MAGIC, MOST_NOISE};

use super::reach::Become;
use super::session::{Channel, Exit, Session};

/// The agents that can be placed, by what `uname -m` calls the machine.
#[derive(Clone, Debug, Default)]
pub struct Agents(BTreeMap<String, Binary>);

/// An agent's program.
#[derive(Clone)]
pub struct Binary {
    bytes: Arc<[u8]>,
    hash: String,
}

/// What the agent's first bytes turned out to be.
pub(super) enum Start {
    /// It runs; these bytes of its were read already.
    Runs(Channel, Vec<u8>),
    /// It is not there; the machine is of this kind.
    Missing { system: String },
    /// It is there and does not run.
    Broken { why: String },
}

/// What the script prints when there is no agent.
const MISSING: &str = "windlass-agent-is-missing";

// === impl Agents ===

impl Agents {
    /// The agents that lie beside this program: `windlass-agent` for machines like this one, and
    /// `windlass-agent-<machine>` for others.
    ///
    /// # Errors
    ///
    /// One is there and cannot be read.
    pub fn beside_this_program() -> io::Result<Self> {
        let mut agents = Self::default();
        let Some(directory) = std::env::current_exe()?.parent().map(Path::to_owned) else {
            return Ok(agents);
        };
        agents.add(std::env::consts::ARCH, &directory.join("windlass-agent"))?;
        for machine in ["x86_64", "aarch64", "armv7l", "riscv64", "ppc64le", "s390x"] {
            agents.add(machine, &directory.join(format!("windlass-agent-{machine}")))?;
        }
        Ok(agents)
    }

    /// This agent, for machines of a kind.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn of(machine: &str, path: &Path) -> io::Result<Self> {
        let mut agents = Self::default();
        agents.add(machine, path)?;
        Ok(agents)
    }

    fn add(&mut self, machine: &str, path: &Path) -> io::Result<()> {
        match std::fs::read(path) {
            Ok(bytes) => {
                self.0.insert(machine.to_owned(), Binary::new(bytes));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Binary> {
        self.0.values()
    }

    /// The one for a system, as `uname -sm` calls it.
    pub(super) fn fit(&self, system: &str) -> Option<&Binary> {
        self.0.get(system.strip_prefix("Linux ")?)
    }
}

// === impl Binary ===

impl Binary {
    /// An agent with this content.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let hash = digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Self { bytes: bytes.into(), hash }
    }

    /// What it is called on a host.
    fn name(&self) -> String {
        format!("agent-{}", self.hash.get(..16).unwrap_or(&self.hash))
    }
}

impl std::fmt::Debug for Binary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Binary").field(&self.hash).finish()
    }
}

/// Starts the first of these agents that lies in the user's cache.
pub(super) async fn start(
    session: &Session,
    agents: &Agents,
    other: Option<&Become>,
    within: Duration,
) -> Result<Start, CallError> {
    let names: Vec<String> = agents.all().map(Binary::name).collect();
    // No quotes and no exclamation marks: every login shell there is must hand it on as it is.
    let script = format!(
        "for d in \"${{XDG_CACHE_HOME:-$HOME/.cache}}/windlass\" \"/var/tmp/windlass-$(id -u)\"; do for a in {}; do \
         if [ -x \"$d/$a\" ] && [ -O \"$d/$a\" ]; then exec \"$d/$a\" serve; fi; done; done; \
         echo {MISSING} $(uname -sm)",
        names.join(" ")
    );
    let mut channel = session.exec(&command(&script, other)).await?;
    if let Some(password) = other.and_then(|other| other.password.as_deref()) {
        // If nobody asks for it, the agent takes it for the noise of a login shell.
        let line = format!("{password}\n");
        let _ = channel.stdin.write_all(line.as_bytes()).await;
        let _ = channel.stdin.flush().await;
    }
    let looked = tokio::time::timeout(within, look(&mut channel)).await;
    let (said, stderr, exit) = looked
        .map_err(|_| CallError::retryable("timeout", format!("no agent started within {}", Span(within))))?;
    if find(&said, &MAGIC).is_some() {
        return Ok(Start::Runs(channel, said));
    }
    let text = String::from_utf8_lossy(&said).into_owned();
    if let Some((_, system)) = text.split_once(MISSING) {
        return Ok(Start::Missing { system: system.trim().to_owned() });
    }
    let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
    let what = match (stderr.is_empty(), text.trim().is_empty()) {
        (false, _) => stderr,
        (true, false) => text.trim().to_owned(),
        (true, true) => "it said nothing".to_owned(),
    };
    let what: String = what.chars().take(300).collect();
    Ok(Start::Broken { why: exit.map_or(what.clone(), |exit| format!("{what} (exit code {exit})")) })
}

/// Reads until an agent answers, or it is clear that none will.
async fn look(channel: &mut Channel) -> (Vec<u8>, Vec<u8>, Option<u32>) {
    let (mut said, mut stderr, mut exit) = (Vec::new(), Vec::new(), None);
    let mut bytes = [0; 4096];
    loop {
        tokio::select! {
            read = channel.stdout.read(&mut bytes) => match read {
                Ok(count @ 1..) => said.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                _ => break,
            },
            Some(event) = channel.events.recv() => match event {
                Exit::Stderr(more) => stderr.extend(more.into_iter().take(4096)),
                Exit::Code(code) => exit = Some(code),
                Exit::Signal(_) => {}
            },
        }
        if find(&said, &MAGIC).is_some() || said.len() > MOST_NOISE || has_missing_line(&said) {
            return (said, stderr, exit);
        }
    }
    // What it printed and how it ended may come after the end of its output.
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(500), channel.events.recv()).await
    {
        match event {
            Exit::Stderr(more) => stderr.extend(more.into_iter().take(4096)),
            Exit::Code(code) => exit = Some(code),
            Exit::Signal(_) => {}
        }
    }
    (said, stderr, exit)
}

fn has_missing_line(said: &[u8]) -> bool {
    find(said, MISSING.as_bytes()).is_some_and(|at| said.get(at..).unwrap_or_default().contains(&b'\n'))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Places an agent: written beside, compared, and moved into its place.
pub(super) async fn place(
    session: &Session,
    binary: &Binary,
    other: Option<&Become>,
    within: Duration,
) -> Result<(), CallError> {
    let (name, len) = (binary.name(), binary.bytes.len());
    let script = format!(
        "umask 077; for d in \"${{XDG_CACHE_HOME:-$HOME/.cache}}/windlass\" \"/var/tmp/windlass-$(id -u)\"; do \
         mkdir -p \"$d\" 2>/dev/null && [ -O \"$d\" ] && [ -w \"$d\" ] && t=\"$d/.{name}.$$\" && \
         printf \"#/bin/sh\\n\" > \"$t\" 2>/dev/null && break; t=; done; \
         [ -n \"$t\" ] || {{ echo no directory can be written; exit 1; }}; echo ready; \
         head -c {len} > \"$t\" && chmod 700 \"$t\" && \
         if command -v sha256sum >/dev/null; then set -- $(sha256sum < \"$t\"); else set -- unknown; fi; \
         if [ \"$(wc -c < \"$t\")\" -eq {len} ]; then mv -f \"$t\" \"$d/{name}\" && echo placed $1; \
         else rm -f \"$t\"; echo not all of it arrived; exit 1; fi"
    );
    let mut channel = session.exec(&command(&script, other)).await?;
    let placed = async {
        if let Some(password) = other.and_then(|other| other.password.as_deref()) {
            let _ = channel.stdin.write_all(format!("{password}\n").as_bytes()).await;
        }
        let mut said = Vec::new();
        wait_for(&mut channel, &mut said, "ready").await?;
        let written = channel.stdin.write_all(&binary.bytes).await;
        written.and(channel.stdin.flush().await).map_err(|error| error.to_string())?;
        wait_for(&mut channel, &mut said, "placed").await?;
        let text = String::from_utf8_lossy(&said).into_owned();
        let hash = text.rsplit_once("placed").map_or("", |(_, hash)| hash.trim());
        if hash == "unknown" || hash == binary.hash {
            Ok(())
        } else {
            Err("what arrived is not what was sent".to_owned())
        }
    };
    let placed = tokio::time::timeout(within, placed).await;
    let placed = placed.unwrap_or_else(|_| Err(format!("it took longer than {}", Span(within))));
    placed.map_err(|why| CallError::retryable("agent", format!("the agent cannot be placed: {why}")))
}

async fn wait_for(channel: &mut Channel, said: &mut Vec<u8>, word: &str) -> Result<(), String> {
    let mut bytes = [0; 1024];
    loop {
        let text = String::from_utf8_lossy(said).into_owned();
        if text.lines().any(|line| line.starts_with(word)) && said.ends_with(b"\n") {
            return Ok(());
        }
        match channel.stdout.read(&mut bytes).await {
            Ok(count @ 1..) => said.extend_from_slice(bytes.get(..count).unwrap_or_default()),
            _ => {
                let mut stderr = Vec::new();
                while let Ok(Exit::Stderr(more)) = channel.events.try_recv() {
                    stderr.extend(more);
                }
                let (text, stderr) = (text.trim(), String::from_utf8_lossy(&stderr).trim().to_owned());
                return Err(if stderr.is_empty() { text.to_owned() } else { stderr });
            }
        }
    }
}

/// The script as a command for whatever login shell there is, run by another user if so.
fn command(script: &str, other: Option<&Become>) -> String {
    let plain = format!("exec /bin/sh -c '{script}'");
    match other {
        None => plain,
        Some(other) => other.command(script),
    }
}
