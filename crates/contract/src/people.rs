//! Who somebody is, and their tokens.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::span::Span;
use windlass_model::time::Time;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// Look at it.
    View,
    /// Make, change or delete it.
    Write,
    /// Submit and start a run.
    Submit,
    /// Pause, resume, stop, cancel or kill a run, or retry it.
    Command,
    /// Approve or reject a run.
    Approve,
    /// Settle what of a run waits for a person.
    Resolve,
}

/// Who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The name of the user.
    pub user: String,
    /// What people call them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// The groups of people that they belong to.
    pub groups: Vec<String>,
    /// The namespaces that this token is confined to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// What they may do to runs and plans of the whole cluster.
    pub cluster: Vec<String>,
    /// What they may do in each namespace that they may look into, such as `submit Run`; under the empty name, what they may
    /// do to what is of the whole cluster.
    #[serde(default)]
    pub rights: BTreeMap<String, Vec<String>>,
}

/// How somebody signs in for a session of a browser: by name and password, or by a token.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SignIn {
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Their password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// A token, in the place of both; the session may do what it may, and ends with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A session of a browser. What opens it is in a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Whose.
    pub user: String,
    /// What is sent as `X-Windlass-CSRF` with all that changes something.
    pub csrf: String,
    /// When it ends at the latest, in microseconds since 1970.
    #[schemars(with = "u64")]
    pub ends_at: Time,
}

/// How one signs in by a provider of identities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provided {
    /// What people call the provider.
    pub name: String,
    /// Its address, as it stands in a User.
    pub issuer: String,
    /// Where browsers go to.
    pub login: String,
    /// Whether terminals without a browser can sign in, by a code that is typed elsewhere.
    pub device: bool,
}

/// What a program comes with after the browser that it opened came back to it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComeFor {
    /// What the browser came back with; good once, and for a minute.
    pub code: String,
    /// What answers the challenge that it went with, by PKCE.
    pub verifier: String,
}

/// A sign-in at a terminal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceSignIn {
    /// What is asked with until it was done.
    pub handle: String,
    /// What somebody types.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// Where it is typed already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// How many seconds lie between two questions at the least.
    pub interval: u64,
    /// How many seconds there are to do it.
    pub expires_in: u64,
}

/// Asks how a sign-in at a terminal stands.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceQuestion {
    /// Which.
    pub handle: String,
}

/// How a sign-in at a terminal stands: one of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceStands {
    /// It was not done yet: ask again after so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
    /// It was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in: Option<SignedIn>,
}

/// A token for somebody who has signed in by a provider of identities, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Who they are here.
    pub user: String,
    /// What the token is called afterwards.
    pub id: String,
    /// The token.
    pub token: String,
    /// When it ends, in microseconds since 1970.
    #[schemars(with = "u64")]
    pub expires_at: Time,
}

/// A password to be.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPassword {
    /// The new one: 12 characters at the least.
    pub password: String,
    /// The one so far, where somebody changes their own and has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
}

/// A token to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewToken {
    /// Whose; your own, unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What it is for.
    pub note: String,
    /// How long it is good for, such as `12h` or `30d`; without end, unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
    /// The namespaces that it is confined to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// What it is confined to doing.
    #[schemars(with = "Option<Vec<String>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbs: Option<Vec<Verb>>,
}

/// A token, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewTokenMade {
    /// What it is called afterwards.
    pub id: String,
    /// The token.
    pub token: String,
}

/// A token as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// What it is called.
    pub id: String,
    /// Whose.
    pub user: String,
    /// What it is for.
    pub note: String,
    /// When it was made, in microseconds since 1970.
    #[schemars(with = "u64")]
    pub created_at: Time,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u64>")]
    pub expires_at: Option<Time>,
    /// The namespaces that it is confined to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// What it is confined to doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub verbs: Option<Vec<Verb>>,
    /// The groups that a provider of identities said that they are in, when they signed in there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// Tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// In the order of their ids.
    pub items: Vec<TokenView>,
}

// === impl SignIn ===

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("user", &self.user).finish_non_exhaustive()
    }
}

// === impl NewPassword ===

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPassword").finish_non_exhaustive()
    }
}

// === impl ComeFor ===

impl fmt::Debug for ComeFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComeFor").finish_non_exhaustive()
    }
}

// === impl DeviceSignIn ===

impl fmt::Debug for DeviceSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSignIn")
            .field("verification_uri", &self.verification_uri)
            .finish_non_exhaustive()
    }
}

// === impl DeviceQuestion ===

impl fmt::Debug for DeviceQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceQuestion").finish_non_exhaustive()
    }
}

// === impl SignedIn ===

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("user", &self.user).field("id", &self.id).finish_non_exhaustive()
    }
}

// === impl NewTokenMade ===

impl fmt::Debug for NewTokenMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTokenMade").field("id", &self.id).finish_non_exhaustive()
    }
}

// === impl Verb ===

impl Verb {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::View, Self::Write, Self::Submit, Self::Command, Self::Approve, Self::Resolve];

    /// Its name in policies.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Write => "write",
            Self::Submit => "submit",
            Self::Command => "command",
            Self::Approve => "approve",
            Self::Resolve => "resolve",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
