//! A node of the inventory.

use std::sync::OnceLock;

use serde_json::json;
use windlass_inventory::NodeSpec;
use windlass_model::Value;

use super::{fine, schema};
use crate::kind::{Kind, Reference, Scope};
use windlass_contract::Object;

/// See [`NodeSpec`].
pub static NODE: Kind = Kind {
    name: "Node",
    plural: "nodes",
    short: &["no"],
    about: "a machine that plans work on: how it is reached, what it is a part of, its variables",
    scope: Scope::Global,
    schema: schema::<NodeSpec>,
    check: fine,
    refers,
    secret: None,
    example: || json!({"addresses": ["10.0.0.7"], "groups": ["web"], "vars": {"port": 8080}}),
    whole: OnceLock::new(),
};

fn refers(node: &Object) -> Vec<Reference> {
    let parent = node.spec.get("parent").and_then(Value::as_str);
    let parent = parent.map(|parent| Reference::global("nodes", parent, "/spec/parent"));
    let groups = super::node_group::names(node.spec.get("groups"), "/spec/groups");
    parent.into_iter().chain(groups).collect()
}
