//! From what is said of a node to how it is reached: its own settings, then the user's `ssh_config`, then defaults.
//!
//! `ssh_config` is asked for the node's name, as `ssh NAME` would.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use windlass_model::texts::Texts;
use windlass_model::transport::{self, Credential, Hop, HopHost, SecretRef, TextOrSecret, Transport};
use windlass_plugin::{BoxFuture, CallError, Node, Secret};

use super::config::{Config, HostConfig};
use super::reach::Target;
use super::settings::{HostKeys, Key, Login, Settings};
use crate::elevate::{Become, Method};
use crate::here::Here;

/// Resolves the settings of nodes.
#[derive(Debug)]
pub struct Resolver {
    here: Here,
    /// Read when a node is first asked for: most runs reach none.
    config: OnceLock<Result<Config, String>>,
}

/// What is said of a host, whether it is a node or one on the way.
#[derive(Clone, Copy, Debug, Default)]
struct Said<'a> {
    name: &'a str,
    addresses: &'a [String],
    user: Option<&'a str>,
    port: Option<u16>,
    credentials: Option<&'a [Credential]>,
    host_keys: Option<transport::HostKeys>,
    known_hosts: Option<&'a Texts>,
    step: Option<Duration>,
    keepalive: Option<Duration>,
}

/// What OpenSSH tries where nothing says what to log in with.
const USUAL_KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

// === impl Resolver ===

impl Resolver {
    /// By the `ssh_config` of the user.
    #[must_use]
    pub fn new(here: Here) -> Self {
        Self { here, config: OnceLock::new() }
    }

    fn config(&self, name: &str) -> Result<&Config, CallError> {
        let read = || match &self.here.ssh_config {
            Some(path) => Config::of_file(path, &self.here.home),
            None => Config::of_user(&self.here.home),
        };
        let config = self.config.get_or_init(|| read().map_err(|error| error.to_string()));
        config.as_ref().map_err(|error| {
            let message =
                format!("`{name}` cannot be reached: the configuration of ssh cannot be read: {error}");
            CallError::permanent("sshConfig", message)
        })
    }

    /// How a node is reached, and as whom one acts there.
    ///
    /// # Errors
    ///
    /// A secret is missing, hosts are reached through each other, or `ssh_config` cannot be read.
    pub async fn target(&self, node: &Node) -> Result<Target, CallError> {
        let nothing = Transport::default();
        let transport = node.transport.as_deref().unwrap_or(&nothing);
        let said = Said {
            name: &node.name,
            addresses: &node.addresses,
            user: transport.user.as_deref(),
            port: transport.port,
            credentials: transport.credentials.as_deref(),
            host_keys: transport.host_keys,
            known_hosts: transport.known_hosts.as_ref(),
            step: transport.connect_timeout.map(|span| span.0),
            keepalive: transport.keepalive.map(|span| span.0),
        };
        let own = self.config(said.name)?.host(said.name, &self.here.user);
        let mut settings = self.host(said, &own).await?;
        let mut seen = vec![node.name.clone()];
        settings.jump = match &transport.jump {
            Some(hops) => self.chain(hops, said, &mut seen).await?,
            None => self.configured(&own, said, &mut seen).await?,
        };
        let other = match &transport.r#become {
            Some(other) => Some(self.other(&node.name, other).await?),
            None => None,
        };
        Ok(Target { settings, other })
    }

    /// Whom to become.
    pub(crate) async fn other(&self, name: &str, other: &transport::Become) -> Result<Become, CallError> {
        let password = match &other.password {
            Some(password) => Some(self.secret(name, password).await?.expose().to_owned()),
            None => None,
        };
        let method = match other.method {
            transport::BecomeMethod::Sudo => Method::Sudo,
            transport::BecomeMethod::Doas => Method::Doas,
            transport::BecomeMethod::Su => Method::Su,
        };
        Ok(Become { user: other.user.clone(), method, password })
    }

    /// One host, without those on the way to it.
    async fn host(&self, said: Said<'_>, own: &HostConfig) -> Result<Settings, CallError> {
        let Said { name, addresses, .. } = said;
        let addresses = match (addresses, &own.host_name) {
            ([_, ..], _) => addresses.to_vec(),
            ([], Some(address)) => vec![address.clone()],
            ([], None) => vec![name.to_owned()],
        };
        let host_keys = match (said.host_keys, own.strict_host_keys.as_deref()) {
            (Some(transport::HostKeys::Check), _) => HostKeys::Check,
            (Some(transport::HostKeys::AcceptNew), _) | (None, Some("accept-new" | "no" | "off")) => {
                HostKeys::AcceptNew
            }
            (None, _) => HostKeys::Check,
        };
        let known_hosts = match (said.known_hosts, &own.known_hosts) {
            (Some(files), _) => files.iter().map(|path| self.here.expand(path)).collect(),
            (None, Some(files)) => files.clone(),
            (None, None) => self.usual_known_hosts(),
        };
        let logins = match said.credentials {
            Some(credentials) => self.given(name, credentials).await?,
            None => self.usual(own),
        };
        let usual = Settings::of(name, "");
        Ok(Settings {
            addresses,
            port: said.port.or(own.port).unwrap_or(usual.port),
            user: said.user.or(own.user.as_deref()).unwrap_or(&self.here.user).to_owned(),
            logins,
            host_keys,
            host_key_alias: own.host_key_alias.clone(),
            known_hosts,
            step: said.step.or(own.connect_timeout.map(Duration::from_secs)).unwrap_or(usual.step),
            keepalive: said
                .keepalive
                .or(own.alive_interval.map(Duration::from_secs))
                .unwrap_or(usual.keepalive),
            keepalives: own.alive_count.unwrap_or(usual.keepalives),
            ..usual
        })
    }

    /// Hosts to go through, as a node's settings name them: nearest to us first.
    async fn chain(
        &self,
        hops: &[Hop],
        node: Said<'_>,
        seen: &mut Vec<String>,
    ) -> Result<Option<Box<Settings>>, CallError> {
        let mut before: Option<Box<Settings>> = None;
        for hop in hops {
            let parsed;
            let host: &HopHost = match hop {
                Hop::Host(host) => host,
                Hop::Name(name) => {
                    parsed = hop_of(name);
                    &parsed
                }
            };
            let said = Said {
                name: &host.name,
                addresses: &host.addresses,
                user: host.user.as_deref(),
                port: host.port,
                credentials: host.credentials.as_deref(),
                host_keys: host.host_keys,
                known_hosts: host.known_hosts.as_ref(),
                step: node.step,
                keepalive: node.keepalive,
            };
            before = Some(Box::new(self.hop(said, before, seen).await?));
        }
        Ok(before)
    }

    /// Hosts to go through, as `ssh_config` names them.
    async fn configured(
        &self,
        own: &HostConfig,
        node: Said<'_>,
        seen: &mut Vec<String>,
    ) -> Result<Option<Box<Settings>>, CallError> {
        let hops: Vec<Hop> = own.proxy_jump.iter().flatten().map(|hop| Hop::Name(hop.clone())).collect();
        // A pattern that fits every host fits the one on the way, too, as OpenSSH knows.
        let is_own = |hop: &Hop| matches!(hop, Hop::Name(name) if hop_of(name).name == node.name);
        if hops.iter().any(is_own) {
            return Ok(None);
        }
        self.chain(&hops, node, seen).await
    }

    /// One host on the way. The first one may have hosts on the way to itself.
    fn hop<'a>(
        &'a self,
        said: Said<'a>,
        before: Option<Box<Settings>>,
        seen: &'a mut Vec<String>,
    ) -> BoxFuture<'a, Result<Settings, CallError>> {
        Box::pin(async move {
            if seen.iter().any(|name| name == said.name) {
                let way = seen.join("` is reached through `");
                let message = format!("`{way}` is reached through `{}`: the way never ends", said.name);
                return Err(CallError::permanent("jump", message));
            }
            seen.push(said.name.to_owned());
            let own = self.config(said.name)?.host(said.name, &self.here.user);
            let mut settings = self.host(said, &own).await?;
            settings.jump = match before {
                Some(before) => Some(before),
                None => self.configured(&own, said, seen).await?,
            };
            Ok(settings)
        })
    }

    /// What a node's settings say to log in with.
    async fn given(&self, name: &str, credentials: &[Credential]) -> Result<Vec<Login>, CallError> {
        let mut logins = Vec::with_capacity(credentials.len());
        for credential in credentials {
            logins.push(match credential {
                Credential::Agent(_) => Login::Agent { socket: self.here.ssh_agent.clone() },
                Credential::Password(password) => {
                    Login::Password(self.secret(name, &password.password).await?.expose().to_owned())
                }
                Credential::Key(given) => {
                    let passphrase = match &given.passphrase {
                        Some(secret) => Some(self.secret(name, secret).await?.expose().to_owned()),
                        None => None,
                    };
                    let key = match &given.key {
                        TextOrSecret::Text(path) => Key::File(self.here.expand(path)),
                        TextOrSecret::Secret(secret) => {
                            Key::Text(self.secret(name, secret).await?.expose().to_owned())
                        }
                    };
                    let certificate = given.certificate.as_deref().map(|path| self.here.expand(path));
                    Login::Key { key, certificate, passphrase }
                }
            });
        }
        Ok(logins)
    }

    /// What OpenSSH would log in with.
    fn usual(&self, own: &HostConfig) -> Vec<Login> {
        let mut logins = Vec::new();
        let socket = match own.identity_agent.as_deref() {
            Some("none") => None,
            Some("SSH_AUTH_SOCK") | None => self.here.ssh_agent.clone(),
            Some(path) => Some(PathBuf::from(path)),
        };
        if let Some(socket) = socket.filter(|_| !own.identities_only) {
            logins.push(Login::Agent { socket: Some(socket) });
        }
        let files = match own.identity_files.as_slice() {
            [] => USUAL_KEYS.map(|name| self.here.home.join(".ssh").join(name)).to_vec(),
            files => files.to_vec(),
        };
        for (index, file) in files.into_iter().enumerate() {
            // Keys that merely might be there are no failures where they are not.
            if own.identity_files.is_empty() && !file.exists() {
                continue;
            }
            let beside = PathBuf::from(format!("{}-cert.pub", file.display()));
            let certificate =
                own.certificate_files.get(index).cloned().or_else(|| beside.exists().then_some(beside));
            if let Some(certificate) = certificate {
                let key = Key::File(file.clone());
                logins.push(Login::Key { key, certificate: Some(certificate), passphrase: None });
            }
            logins.push(Login::Key { key: Key::File(file), certificate: None, passphrase: None });
        }
        logins
    }

    fn usual_known_hosts(&self) -> Vec<PathBuf> {
        let own = ["known_hosts", "known_hosts2"].map(|name| self.here.home.join(".ssh").join(name));
        own.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect()
    }

    async fn secret(&self, node: &str, name: &SecretRef) -> Result<Secret, CallError> {
        self.here
            .secrets
            .resolve(&name.0)
            .await
            .map_err(|error| CallError::permanent("secret", format!("`{node}` cannot be reached: {error}")))
    }
}

/// A host as it is written in one word: `user@host:port`, each part of which but the host may be missing.
fn hop_of(text: &str) -> HopHost {
    let text = text.strip_prefix("ssh://").unwrap_or(text);
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, text),
    };
    // An address of IPv6 stands in brackets where a port follows.
    let (name, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, after)) => (name, after.strip_prefix(':').and_then(|port| port.parse().ok())),
        None => match rest.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => match port.parse() {
                Ok(port) => (name, Some(port)),
                Err(_) => (rest, None),
            },
            _ => (rest, None),
        },
    };
    HopHost { name: name.to_owned(), user, port, ..HopHost::default() }
}

#[cfg(test)]
mod tests;
