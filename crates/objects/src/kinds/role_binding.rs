//! Who has which role where.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_model::problem::Problem;
use windlass_model::texts::Texts;
use windlass_model::{Value, code};

use super::role::BUILT_IN;
use super::schema;
use crate::kind::{Kind, Reference, Scope, Surroundings};
use windlass_contract::Object;

/// People, and the role that they have in namespaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleBindingSpec {
    /// The role: viewer, operator, approver, author, admin, or the name of a Role.
    pub role: String,
    /// Users who have it.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub users: Texts,
    /// Groups of people who have it.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub groups: Texts,
    /// Where they have it: namespaces, or `*` for all of them and for what is of the whole cluster.
    pub namespaces: Texts,
}

/// See [`RoleBindingSpec`].
pub static ROLE_BINDING: Kind = Kind {
    name: "RoleBinding",
    plural: "rolebindings",
    short: &["rb"],
    about: "who may do what, and where",
    scope: Scope::Global,
    schema: schema::<RoleBindingSpec>,
    check,
    refers,
    secret: None,
    example: || json!({"role": "operator", "groups": ["web-team"], "namespaces": ["web"]}),
    whole: OnceLock::new(),
};

/// Everywhere.
const ALL: &str = "*";

fn check(object: &Object, _: &Surroundings<'_>) -> Vec<Problem> {
    let is_empty = |key: &str| match object.spec.get(key) {
        None => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    };
    let mut problems = Vec::new();
    if is_empty("users") && is_empty("groups") {
        let message = "it binds a role to nobody";
        problems
            .push(Problem::new(code::BAD_COMBINATION, "", "/spec", message).help("name `users` or `groups`"));
    }
    if is_empty("namespaces") {
        let problem = Problem::new(code::EMPTY_CONTAINER, "", "/spec/namespaces", "it binds a role nowhere");
        problems.push(problem.help("name namespaces, or write \"*\" for everywhere"));
    }
    problems
}

fn refers(object: &Object) -> Vec<Reference> {
    let named = |key: &'static str, plural: &'static str| {
        let list = match object.spec.get(key) {
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        list.into_iter()
            .filter(|name| *name != ALL)
            .map(move |name| Reference::global(plural, name, format!("/spec/{key}")))
            .collect::<Vec<_>>()
    };
    let role = object.spec.get("role").and_then(Value::as_str).filter(|role| !BUILT_IN.contains(role));
    let role = role.map(|role| Reference::global("roles", role, "/spec/role"));
    [named("users", "users"), named("namespaces", "namespaces"), Vec::from_iter(role)].concat()
}
