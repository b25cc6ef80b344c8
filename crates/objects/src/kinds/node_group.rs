//! A group of nodes.

use std::sync::OnceLock;

use serde_json::json;
use windlass_inventory::NodeGroupSpec;
use windlass_model::Value;

use super::{fine, schema};
use crate::kind::{Kind, Reference, Scope};
use windlass_contract::Object;

/// See [`NodeGroupSpec`].
pub static NODE_GROUP: Kind = Kind {
    name: "NodeGroup",
    plural: "nodegroups",
    short: &["ng", "groups"],
    about: "nodes that belong together, by name, by label, or because they say so, and what they have from it",
    scope: Scope::Global,
    schema: schema::<NodeGroupSpec>,
    check: fine,
    refers: |group: &Object| names(group.spec.get("parent"), "/spec/parent"),
    secret: None,
    example: || json!({"labels": "role=web", "vars": {"port": 8080}}),
    whole: OnceLock::new(),
};

/// The groups that are named by a text or a list of them.
pub(super) fn names(value: Option<&Value>, pointer: &str) -> Vec<Reference> {
    let refer = |name: &str, pointer: String| Reference::global("nodegroups", name, pointer);
    match value {
        Some(Value::String(name)) => vec![refer(name, pointer.to_owned())],
        Some(Value::Array(names)) => names
            .iter()
            .enumerate()
            .filter_map(|(index, name)| Some(refer(name.as_str()?, format!("{pointer}/{index}"))))
            .collect(),
        _ => Vec::new(),
    }
}
