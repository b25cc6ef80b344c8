//! Roles of one's own, beside those that Windlass comes with.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_contract::{Object, Verb};
use windlass_model::name::nearest;
use windlass_model::problem::Problem;
use windlass_model::texts::Texts;
use windlass_model::{Value, code};

use super::{alone, schema};
use crate::kind::{Kind, Scope, Surroundings};

/// What somebody may do to whom it is bound: what the roles say that it includes, and what it allows itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleSpec {
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Roles that Windlass comes with: viewer, operator, approver, author, admin.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub includes: Texts,
    /// What it allows beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Rule>,
}

/// Things that may be done to things.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// What may be done: view, write, submit, command, approve, resolve.
    pub verbs: Texts,
    /// To which kinds: those of objects, `Run`, `Inventory`, `Audit`, `Token`, `Password`, `Agent`, `AgentToken`, `Server`; or `*`
    /// for all of them.
    pub kinds: Texts,
}

/// The roles that Windlass comes with.
pub const BUILT_IN: [&str; 5] = ["viewer", "operator", "approver", "author", "admin"];

/// What may be allowed beside kinds of objects.
const OTHERS: [&str; 8] = ["Run", "Inventory", "Audit", "Token", "Password", "Agent", "AgentToken", "Server"];

/// See [`RoleSpec`].
pub static ROLE: Kind = Kind {
    name: "Role",
    plural: "roles",
    short: &["ro"],
    about: "what somebody may do to whom a RoleBinding gives it",
    scope: Scope::Global,
    schema: schema::<RoleSpec>,
    check,
    refers: alone,
    secret: None,
    example: || json!({"includes": ["viewer"], "allow": [{"verbs": ["command"], "kinds": ["Run"]}]}),
    whole: OnceLock::new(),
};

fn check(object: &Object, _: &Surroundings<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if BUILT_IN.contains(&object.metadata.name.as_str()) {
        let message = format!("`{}` is a role that Windlass comes with", object.metadata.name);
        let problem = Problem::new(code::BAD_COMBINATION, "", "/metadata/name", message);
        problems.push(problem.help("give it another name, and let it include that one"));
    }
    let Ok(spec) = serde_json::from_value::<RoleSpec>(object.spec.clone()) else { return problems };
    if spec.includes.is_empty() && spec.allow.is_empty() {
        let problem = Problem::new(code::EMPTY_CONTAINER, "", "/spec", "it allows nothing");
        problems.push(problem.help("name roles in `includes`, or rules in `allow`"));
    }
    let mut known = |text: &str, among: &[&str], pointer: String, what: &str| {
        if !among.contains(&text) {
            let problem = Problem::new(code::UNKNOWN_KEY, "", pointer, format!("`{text}` is no {what}"));
            problems.push(match nearest(text, among.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("there are {}", among.join(", "))),
            });
        }
    };
    for (index, role) in spec.includes.iter().enumerate() {
        known(role, &BUILT_IN, format!("/spec/includes/{index}"), "role that Windlass comes with");
    }
    let verbs = Verb::ALL.map(Verb::word);
    let kinds: Vec<&str> =
        super::all().iter().map(|kind| kind.name).chain(OTHERS).chain(std::iter::once("*")).collect();
    for (n, rule) in spec.allow.iter().enumerate() {
        for (index, verb) in rule.verbs.iter().enumerate() {
            known(verb, &verbs, format!("/spec/allow/{n}/verbs/{index}"), "verb");
        }
        for (index, kind) in rule.kinds.iter().enumerate() {
            known(kind, &kinds, format!("/spec/allow/{n}/kinds/{index}"), "kind");
        }
    }
    problems
}

// === impl RoleSpec ===

impl RoleSpec {
    /// What it allows, as policies of Cedar with places for whom and where.
    #[must_use]
    pub fn cedar(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let rule = |rule: &Rule| {
            let verbs: Vec<String> =
                rule.verbs.iter().map(|verb| format!("Action::{}", quoted(verb))).collect();
            let kinds: Vec<String> = rule.kinds.iter().map(|kind| quoted(kind)).collect();
            let head = format!(
                "permit (principal in ?principal, action in [{}], resource in ?resource)",
                verbs.join(", ")
            );
            match rule.kinds.has("*") {
                true => format!("{head};\n"),
                false => format!("{head}\nwhen {{ [{}].contains(resource.kind) }};\n", kinds.join(", ")),
            }
        };
        // A rule without verbs or kinds would be no policy, and allows nothing.
        let says = |rule: &&Rule| !rule.verbs.is_empty() && !rule.kinds.is_empty();
        self.allow.iter().filter(says).map(rule).collect()
    }
}
