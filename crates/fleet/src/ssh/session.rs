//! A connection to a host, and channels on it.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::Pty;
use russh::client::{self, Handle};
use russh::keys::{Algorithm, PublicKey};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use windlass_model::span::Span;
use windlass_plugin::{BoxFuture, CallError};

use super::kept::Kept;
use super::known_hosts::{self, Known, Verdict};
use super::login;
use super::settings::{HostKeys, Settings};
use super::streams::streams;
use crate::exec::{Channel, Exec, Terminal};

/// A connection to a host, logged in. Dropped, it is closed.
pub struct Session {
    ssh: Handle<Judge>,
    name: String,
    step: Duration,
    /// The host that it goes through.
    _jump: Option<Box<Session>>,
}

/// Judges the host's key in the handshake.
pub(super) struct Judge {
    known: Known,
    name: String,
    settings: Settings,
    /// Why the key was not accepted.
    refused: Arc<Mutex<Option<CallError>>>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Programs run over it.
    Work,
    /// A connection to another host goes through it.
    Passage,
}

/// How many messages may wait here of a connection that passes through another. When no more may, the outer one stops to read, and
/// what it would hear next may be that the inner one can go on writing, which it does before it reads: neither would ever go on. A host
/// that takes in a file says every 100 KB or so that it did; the usual 100 messages are those of 10 MB.
const PASSING: usize = 1024;

// === impl Session ===

impl Session {
    /// Reaches a host and logs in.
    ///
    /// # Errors
    ///
    /// Which step failed, at which address, and what can be done about it.
    pub async fn open(settings: &Settings) -> Result<Self, CallError> {
        Self::open_with(settings, &Kept::default()).await
    }

    /// The same, with what was read for other hosts already.
    pub(super) async fn open_with(settings: &Settings, kept: &Kept) -> Result<Self, CallError> {
        Self::open_for(settings, kept, Use::Work).await
    }

    fn open_for<'a>(
        settings: &'a Settings,
        kept: &'a Kept,
        what_for: Use,
    ) -> BoxFuture<'a, Result<Self, CallError>> {
        Box::pin(async move {
            let jump = match &settings.jump {
                Some(jump) => {
                    let opened = Self::open_for(jump, kept, Use::Passage).await;
                    Some(Box::new(opened.map_err(|error| through(settings, jump, error))?))
                }
                None => None,
            };
            let mut failures: Vec<CallError> = Vec::new();
            for address in &settings.addresses {
                match reach(settings, address, jump.as_deref(), kept, what_for).await {
                    Ok(ssh) => {
                        let (name, step) = (settings.name.clone(), settings.step);
                        return Ok(Self { ssh, name, step, _jump: jump });
                    }
                    // Another address leads to the same host: a key or a login that is refused stays refused.
                    Err(error) if matches!(error.code.as_str(), "hostKey" | "auth") => return Err(error),
                    Err(error) => failures.push(error),
                }
            }
            for (settings, address) in recorded(settings, kept) {
                match reach(&settings, &address, jump.as_deref(), kept, what_for).await {
                    Ok(ssh) => {
                        let (name, step) = (settings.name.clone(), settings.step);
                        return Ok(Self { ssh, name, step, _jump: jump });
                    }
                    // It is somebody else's by now, or not that of the host: what went before is what is wrong.
                    Err(error) => failures.push(error),
                }
            }
            Err(worst(settings, failures))
        })
    }

    /// Whether the connection is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ssh.is_closed()
    }

    /// Runs a program, as the login shell understands it.
    ///
    /// # Errors
    ///
    /// No channel could be opened in time.
    pub async fn exec(&self, command: &str, terminal: Terminal) -> Result<Channel, CallError> {
        let opened = async {
            let channel = self.ssh.channel_open_session().await?;
            if terminal == Terminal::With {
                // As plain as can be: it is there to be asked for passwords on, and nobody looks at it.
                channel.request_pty(false, "dumb", 80, 24, 0, 0, &[(Pty::ECHO, 0)]).await?;
            }
            channel.exec(true, command).await?;
            Ok::<_, russh::Error>(channel)
        };
        let channel = within(self.step, opened)
            .await
            .map_err(|why| self.failed("a program cannot be started", &why))?;
        Ok(streams(channel))
    }

    /// A stream to somewhere that the host can reach.
    async fn forward(
        &self,
        host: &str,
        port: u16,
        step: Duration,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, String> {
        let opened = self.ssh.channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0);
        within(step, opened).await.map(russh::Channel::into_stream)
    }

    fn failed(&self, what: &str, why: &str) -> CallError {
        CallError::retryable("connection", format!("{what} on `{}`: {why}", self.name))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Session").field(&self.name).finish()
    }
}

impl Exec for Session {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_alive(&self) -> bool {
        !self.is_closed()
    }

    fn ignore(&self, stream: Pin<Box<dyn AsyncRead + Send>>) {
        // What nobody reads is not kept.
        drop(stream);
    }

    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> BoxFuture<'a, Result<Channel, CallError>> {
        Box::pin(Session::exec(self, command, terminal))
    }
}

/// Where the names among the addresses have led to, each with settings by which the host has to show the key that is known
/// for its name.
fn recorded(settings: &Settings, kept: &Kept) -> Vec<(Settings, String)> {
    let names = settings.addresses.iter().filter(|name| name.parse::<IpAddr>().is_err());
    let recorded = names.filter_map(|name| {
        let address = kept.led_to().recall(name)?.to_string();
        let own = settings.host_key_alias.clone();
        let alias = own.unwrap_or_else(|| known_hosts::host_name(name, settings.port));
        let settings =
            Settings { host_key_alias: Some(alias), host_keys: HostKeys::Check, ..settings.clone() };
        (!settings.addresses.contains(&address)).then_some((settings, address))
    });
    recorded.collect()
}

/// One address: resolve, connect, handshake, log in.
async fn reach(
    settings: &Settings,
    address: &str,
    jump: Option<&Session>,
    kept: &Kept,
    what_for: Use,
) -> Result<Handle<Judge>, CallError> {
    let (name, port, step) = (&settings.name, settings.port, settings.step);
    let host_name = known_hosts::host_name(
        settings.host_key_alias.as_deref().unwrap_or(address),
        match settings.host_key_alias {
            Some(_) => 22,
            None => port,
        },
    );
    let known = Known::read(kept, &settings.known_hosts, &host_name).map_err(|error| {
        CallError::permanent("hostKey", format!("`{name}`: the known host keys cannot be read: {error}"))
    })?;
    let config = Arc::new(config(settings, &known, what_for));
    let refused = Arc::new(Mutex::new(None));
    let judge = Judge { known, name: host_name, settings: settings.clone(), refused: Arc::clone(&refused) };
    let mut peer = None;
    let shaken = match jump {
        None => {
            let stream = connect(settings, address).await?;
            peer = stream.peer_addr().ok().map(|peer| peer.ip());
            within(step, client::connect_stream(config, stream, judge)).await
        }
        Some(jump) => {
            let stream = jump.forward(address, port, step).await.map_err(|why| {
                CallError::retryable(
                    "refused",
                    format!("`{name}` cannot be reached from `{}` at {address}:{port}: {why}", jump.name),
                )
            })?;
            within(step, client::connect_stream(config, stream, judge)).await
        }
    };
    let mut ssh = match shaken {
        Ok(ssh) => ssh,
        Err(why) => {
            let refused = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
            return Err(refused.unwrap_or_else(|| {
                let message =
                    format!("`{name}` at {address}:{port} does not complete the SSH handshake: {why}");
                CallError::retryable("handshake", message)
            }));
        }
    };
    match tokio::time::timeout(step, login::log_in(&mut ssh, settings, kept)).await {
        Ok(Ok(())) => {
            // Only of who has shown the key that is known.
            if let Some(peer) = peer.filter(|_| address.parse::<IpAddr>().is_err()) {
                kept.led_to().note(address, peer);
            }
            Ok(ssh)
        }
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let message = format!(
                "`{name}` at {address}:{port} did not let `{}` log in within {}",
                settings.user,
                Span(step)
            );
            Err(CallError::retryable("timeout", message))
        }
    }
}

async fn connect(settings: &Settings, address: &str) -> Result<TcpStream, CallError> {
    let (name, port, step) = (&settings.name, settings.port, settings.step);
    let resolved = tokio::time::timeout(step, tokio::net::lookup_host((address, port))).await;
    let addresses: Vec<SocketAddr> = match resolved {
        Err(_) => {
            let message = format!("`{name}`: the name {address} was not resolved within {}", Span(step));
            return Err(CallError::retryable("unresolved", message));
        }
        Ok(Err(error)) => {
            let message = format!("`{name}`: the name {address} cannot be resolved");
            return Err(CallError::retryable("unresolved", message).because(&error));
        }
        Ok(Ok(addresses)) => addresses.collect(),
    };
    let mut last = None;
    for address in addresses {
        match tokio::time::timeout(step, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Frames are small and wait for answers: they must not wait for one another.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => {
                let message = format!("`{name}` cannot be reached at {address}: {error}");
                last = Some(CallError::retryable("refused", message));
            }
            Err(_) => {
                let message = format!("`{name}` did not answer at {address} within {}", Span(step));
                last = Some(CallError::retryable("timeout", message));
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        CallError::retryable("unresolved", format!("`{name}`: the name {address} leads to no address"))
    }))
}

fn config(settings: &Settings, known: &Known, what_for: Use) -> client::Config {
    let mut config = client::Config {
        keepalive_interval: Some(settings.keepalive).filter(|every| !every.is_zero()),
        keepalive_max: settings.keepalives,
        nodelay: true,
        ..client::Config::default()
    };
    if what_for == Use::Passage {
        config.channel_buffer_size = PASSING;
    }
    // The kinds of keys that are known come first, or a host with several keys could show an unknown one.
    let mut kinds: Vec<Algorithm> = known.algorithms();
    kinds.extend(config.preferred.key.iter().cloned());
    let mut seen: Vec<Algorithm> = Vec::new();
    for kind in kinds.into_iter().flat_map(variants) {
        if config.preferred.key.contains(&kind) && !seen.contains(&kind) {
            seen.push(kind);
        }
    }
    config.preferred.key = seen.into();
    config
}

/// An RSA key goes by several names, one for each hash.
fn variants(kind: Algorithm) -> Vec<Algorithm> {
    use russh::keys::HashAlg;
    match kind {
        Algorithm::Rsa { hash: None } => vec![
            Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
            Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
            kind,
        ],
        other => vec![other],
    }
}

async fn within<T, E: std::fmt::Display>(
    step: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(step, work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {}", Span(step))),
    }
}

fn through(settings: &Settings, jump: &Settings, error: CallError) -> CallError {
    let message = format!("`{}` is reached through `{}`: {}", settings.name, jump.name, error.message);
    CallError { message, ..error }
}

/// One error of those of several addresses: all are named.
fn worst(settings: &Settings, failures: Vec<CallError>) -> CallError {
    let mut failures = failures.into_iter();
    let Some(mut first) = failures.next() else {
        return CallError::permanent("unresolved", format!("`{}` has no address", settings.name));
    };
    first.causes.extend(failures.map(|failure| failure.message));
    first
}

// === impl Judge ===

impl Judge {
    fn refuse(&self, message: String) -> bool {
        let error = CallError::permanent("hostKey", message);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        false
    }

    fn accept(&self, key: &PublicKey) -> bool {
        let Settings { name, host_keys, known_hosts, .. } = &self.settings;
        let print = key.fingerprint(russh::keys::HashAlg::Sha256);
        let kind = key.algorithm();
        match (self.known.judge(key), host_keys) {
            (Verdict::Known, _) => true,
            (Verdict::Unknown, HostKeys::Check) => {
                let files: Vec<String> = known_hosts.iter().map(|path| path.display().to_string()).collect();
                self.refuse(format!(
                    "the host key of `{name}` is not known: it shows {kind} {print}, and nothing stands for `{}` in {}; \
                     compare the fingerprint with the host's, then add it with `ssh-keyscan`, or trust new keys with `hostKeys: acceptNew`",
                    self.name,
                    if files.is_empty() { "any file".to_owned() } else { files.join(", ") },
                ))
            }
            (Verdict::Unknown, HostKeys::AcceptNew) => match known_hosts.first() {
                Some(path) => match known_hosts::remember(path, &self.name, key) {
                    Ok(()) => true,
                    Err(error) => self.refuse(format!("the host key of `{name}` cannot be remembered in {}: {error}", path.display())),
                },
                None => true,
            },
            (Verdict::Changed { path, line }, _) => self.refuse(format!(
                "the host key of `{name}` has changed: it shows {kind} {print}, and line {line} of {} says otherwise; \
                 somebody may be listening in. If the host was set up anew, remove that line",
                path.display()
            )),
            (Verdict::Revoked { path, line }, _) => self.refuse(format!(
                "the host key of `{name}`, {kind} {print}, is revoked by line {line} of {}",
                path.display()
            )),
        }
    }
}

impl client::Handler for Judge {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(match shown {
            russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } => self.accept(key),
            // Certificates are not asked for, so none can be shown.
            russh::keys::PublicKeyOrCertificate::Certificate(_) => false,
        })
    }
}
