//! How a node is reached: settings as they are written at nodes, groups and levels, and as they are frozen with a target.
//!
//! Every setting may be left out; then the one from farther away counts, and in the end the default.
//! No secret stands here in clear: passwords and inline keys are references (`{{ secret('name') }}`).

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::span::Span;
use crate::texts::Texts;

/// How a node is reached. What is left out is inherited, each setting by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transport {
    /// Over what: `ssh` unless given.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<Way>,
    /// The user to log in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The port; 22 unless given here or in the user's `ssh_config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What to log in with, tried in this order; what `ssh_config` and the ssh-agent offer unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<Credential>>,
    /// The hosts to go through, nearest to us first; an empty list goes straight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<Vec<Hop>>,
    /// What to do about host keys that are not known; `check` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_keys: Option<HostKeys>,
    /// Files of known host keys, instead of the user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<Texts>,
    /// How long a connection may take to be there; 10s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Span>,
    /// How long a connection may be silent before it is asked whether it lives; 15s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<Span>,
    /// The user to act as, if another one than who logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#become: Option<Become>,
    /// The container to act in, with `use: container`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// Whether the agent may be placed on the node; `auto` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentUse>,
}

/// Over what a node is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// A connection by SSH.
    #[default]
    Ssh,
    /// It is this machine.
    Local,
    /// A running container on this machine.
    Container,
    /// An agent that runs there by itself.
    Agent,
}

/// Something to log in with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expects" = "`agent`, {key: PATH} or {password: \"{{ secret('name') }}\"}"))]
pub enum Credential {
    /// The ssh-agent of whoever runs Windlass.
    Agent(AgentWord),
    /// A private key.
    Key(KeyCredential),
    /// A password, also for keyboard-interactive login.
    Password(PasswordCredential),
}

/// The word `agent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AgentWord {
    /// The ssh-agent.
    Agent,
}

/// A private key to log in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyCredential {
    /// A path, or a secret that holds the key itself.
    pub key: TextOrSecret,
    /// The path of the certificate that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// What opens the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretRef>,
}

/// A password to log in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordCredential {
    /// The password.
    pub password: SecretRef,
}

/// A host to go through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expects" = "a node, `user@host:port`, or a map with `name`"))]
pub enum Hop {
    /// A node of the inventory, or `user@host:port`.
    Name(String),
    /// A host written out; nodes of the inventory become this when they are frozen.
    Host(Box<HopHost>),
}

/// A host to go through, written out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HopHost {
    /// What it is called.
    pub name: String,
    /// Where it is, tried in this order; its name unless given.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub addresses: Texts,
    /// The user to log in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What to log in with, tried in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<Credential>>,
    /// What to do about host keys that are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_keys: Option<HostKeys>,
    /// Files of known host keys, instead of the user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<Texts>,
}

/// What to do about host keys that are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HostKeys {
    /// Unknown and changed ones are errors.
    #[default]
    Check,
    /// Unknown ones are trusted and remembered; changed ones are errors.
    AcceptNew,
}

/// The user to act as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Become {
    /// The user; root unless given.
    #[serde(default = "root", skip_serializing_if = "is_root")]
    pub user: String,
    /// By what; sudo unless given.
    #[serde(default)]
    pub method: BecomeMethod,
    /// The password that the method asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
}

/// By what one becomes another user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BecomeMethod {
    /// `sudo`.
    #[default]
    Sudo,
    /// `doas`.
    Doas,
    /// `su`.
    Su,
}

/// A container to act in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Its name or id; the node's name unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The program that reaches into it; `docker` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
}

/// Whether the agent may be placed on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AgentUse {
    /// Where it can run.
    #[default]
    Auto,
    /// Not at all: plain commands and file transfer only.
    Never,
}

/// The name of a secret, written `{{ secret('name') }}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRef(pub String);

/// A text, or a secret in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextOrSecret {
    /// The text.
    Text(String),
    /// The secret.
    Secret(SecretRef),
}

fn root() -> String {
    "root".to_owned()
}

fn is_root(user: &str) -> bool {
    user == "root"
}

// === impl Transport ===

impl Transport {
    /// These settings where they are given, else those of `farther`.
    #[must_use]
    pub fn over(&self, farther: &Self) -> Self {
        macro_rules! nearest {
            ($($field:ident),*) => {
                Self { $($field: self.$field.clone().or_else(|| farther.$field.clone())),* }
            };
        }
        nearest!(
            uses,
            user,
            port,
            credentials,
            jump,
            host_keys,
            known_hosts,
            connect_timeout,
            keepalive,
            r#become,
            container,
            agent
        )
    }

    /// The names of the secrets that these settings refer to.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let own = self.credentials.iter().flatten();
        let hops = self.jump.iter().flatten().filter_map(|hop| match hop {
            Hop::Host(host) => host.credentials.as_deref(),
            Hop::Name(_) => None,
        });
        let logins = own.chain(hops.flatten()).flat_map(Credential::secrets);
        let other = self.r#become.iter().filter_map(|other| other.password.as_ref());
        logins.chain(other).map(|secret| secret.0.as_str())
    }
}

// === impl Credential ===

impl Credential {
    fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let (key, other) = match self {
            Self::Agent(_) => (None, None),
            Self::Key(key) => (key.key.secret(), key.passphrase.as_ref()),
            Self::Password(password) => (None, Some(&password.password)),
        };
        key.into_iter().chain(other)
    }
}

// === impl SecretRef ===

impl SecretRef {
    /// The secret that a text refers to: `{{ secret('name') }}` and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
        let inner = inner.strip_prefix("secret")?.trim_start().strip_prefix('(')?.strip_suffix(')')?.trim();
        let quoted = |quote: char| inner.strip_prefix(quote)?.strip_suffix(quote);
        let name = quoted('\'').or_else(|| quoted('"'))?;
        let plain = !name.is_empty() && !name.contains(['\'', '"', '\\', '{', '}']);
        plain.then(|| Self(name.to_owned()))
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{ secret('{}') }}}}", self.0)
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The text itself may be the secret: it is not repeated.
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom("expected a reference to a secret such as {{ secret('name') }}")
        })
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^\\s*\\{\\{\\s*secret\\s*\\(\\s*('[^'\"\\\\{}]+'|\"[^'\"\\\\{}]+\")\\s*\\)\\s*\\}\\}\\s*$",
            "description": "A reference to a secret: `{{ secret('name') }}`. The secret itself stands elsewhere.",
            "x-expects": "a reference to a secret such as \"{{ secret('name') }}\"",
            "x-secret": true,
        })
    }
}

// === impl TextOrSecret ===

impl TextOrSecret {
    fn secret(&self) -> Option<&SecretRef> {
        match self {
            Self::Text(_) => None,
            Self::Secret(secret) => Some(secret),
        }
    }
}

impl Serialize for TextOrSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Secret(secret) => secret.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TextOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match SecretRef::parse(&text) {
            Some(secret) => Self::Secret(secret),
            None => Self::Text(text),
        })
    }
}

impl JsonSchema for TextOrSecret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TextOrSecret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "A path, or a reference to a secret that holds the content: `{{ secret('name') }}`.",
        })
    }
}

#[cfg(test)]
mod tests;
