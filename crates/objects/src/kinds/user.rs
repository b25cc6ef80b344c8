//! People and programs that may sign in.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_model::texts::Texts;

use super::{alone, fine, schema};
use crate::kind::{Kind, Scope};

/// Somebody who may sign in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserSpec {
    /// What people call them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// The groups of people that they belong to, which roles may be bound to.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub groups: Texts,
    /// What they are called by providers of identities: who signs in there as one of these is this user.
    #[serde(default, skip_serializing_if = "<[UserIdentity]>::is_empty")]
    pub identities: Vec<UserIdentity>,
    /// Whether they may not sign in for now; their tokens stop working at once.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
}

/// Somebody whom a provider of identities knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserIdentity {
    /// The provider, by its address: `oidc.issuer` of the server's settings.
    pub issuer: String,
    /// What they are called there, by the claim that `oidc.user-claim` names: `sub` unless set.
    pub subject: String,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// See [`UserSpec`].
pub static USER: Kind = Kind {
    name: "User",
    plural: "users",
    short: &["us"],
    about: "somebody who may sign in: a person or a program",
    scope: Scope::Global,
    schema: schema::<UserSpec>,
    check: fine,
    refers: alone,
    secret: None,
    example: || json!({"displayName": "Alice", "groups": ["web-team"]}),
    whole: OnceLock::new(),
};
