//! What it takes to reach a host: everything decided, nothing inherited any more.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How a host is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What it is called in messages.
    pub name: String,
    /// Where it is, tried in this order.
    pub addresses: Vec<String>,
    /// Its port.
    pub port: u16,
    /// Whom to log in as.
    pub user: String,
    /// What to log in with, tried in this order.
    pub logins: Vec<Login>,
    /// The host to go through.
    pub jump: Option<Box<Settings>>,
    /// What to do about a host key that is not known.
    pub host_keys: HostKeys,
    /// The name under which its key is known, where that is not its address.
    pub host_key_alias: Option<String>,
    /// Files of known host keys. The first one is added to.
    pub known_hosts: Vec<PathBuf>,
    /// How long each step on the way may take: resolving, connecting, the handshake, logging in.
    pub step: Duration,
    /// How long silence may last before it is asked whether anybody is there.
    pub keepalive: Duration,
    /// How often it is asked before the connection counts as lost.
    pub keepalives: usize,
}

/// Something to log in with.
#[derive(Clone, PartialEq)]
pub enum Login {
    /// Whatever keys an ssh-agent has.
    Agent {
        /// Its socket; that of the environment where it is not given.
        socket: Option<PathBuf>,
    },
    /// A private key.
    Key {
        /// The key.
        key: Key,
        /// The certificate that goes with it.
        certificate: Option<PathBuf>,
        /// What opens it.
        passphrase: Option<String>,
    },
    /// A password, also for keyboard-interactive login.
    Password(String),
}

/// Where a private key is.
#[derive(Clone, PartialEq)]
pub enum Key {
    /// In a file.
    File(PathBuf),
    /// Here.
    Text(String),
}

/// What to do about a host key that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostKeys {
    /// It is an error.
    #[default]
    Check,
    /// It is trusted, and remembered.
    AcceptNew,
}

// === impl Settings ===

impl Settings {
    /// A host by its address, with nothing special about it.
    pub fn of(name: impl Into<String>, user: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            addresses: vec![name.clone()],
            name,
            port: 22,
            user: user.into(),
            logins: Vec::new(),
            jump: None,
            host_keys: HostKeys::Check,
            host_key_alias: None,
            known_hosts: Vec::new(),
            step: Duration::from_secs(10),
            keepalive: Duration::from_secs(15),
            keepalives: 3,
        }
    }
}

// === impl Login ===

impl fmt::Debug for Login {
    /// What it is, never the secret in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => fmt::Debug::fmt(path, f),
            Self::Text(_) => f.write_str("(a secret)"),
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent { socket: None } => f.write_str("the keys of the ssh-agent"),
            Self::Agent { socket: Some(socket) } => {
                write!(f, "the keys of the ssh-agent at {}", socket.display())
            }
            Self::Key { key: Key::File(path), .. } => write!(f, "the key {}", path.display()),
            Self::Key { key: Key::Text(_), .. } => f.write_str("a key from a secret"),
            Self::Password(_) => f.write_str("a password"),
        }
    }
}
