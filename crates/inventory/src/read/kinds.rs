//! The kinds of documents that make an inventory, and their JSON Schemas.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::target::{Node, NodeEntry};
use windlass_model::texts::Texts;
use windlass_model::transport::Transport;
use windlass_model::{Map, Value};

use crate::contents::{Level, NodeGroup};

/// A document of an inventory file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Kind {
    /// Nodes and groups together.
    Inventory(InventoryFile),
    /// One node.
    Node(NodeFile),
    /// One group of nodes.
    NodeGroup(NodeGroupFile),
}

/// An inventory: nodes, groups, and the levels above them. Several documents and files make one inventory together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Inventory")]
pub(super) struct InventoryFile {
    /// The format's version: `windlass.dev/v1`.
    #[schemars(extend("const" = "windlass.dev/v1"))]
    pub api_version: String,
    /// Always `Inventory`.
    #[schemars(extend("const" = "Inventory"))]
    pub kind: String,
    /// What it is called.
    #[serde(default, skip_serializing_if = "InventoryMetadata::is_empty")]
    pub metadata: InventoryMetadata,
    /// What is in it.
    pub spec: InventorySpec,
}

/// What an inventory is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InventoryMetadata {
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// What is in an inventory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InventorySpec {
    /// The label whose value is a node's role; `role` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_label: Option<String>,
    /// The cluster that all nodes belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Level>,
    /// The namespace that all nodes belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Level>,
    /// The groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<NodeGroup>,
    /// The nodes: names, or nodes written out. A name may be a series: `web[01-40]` are forty nodes that are alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeEntry>,
}

/// A node by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NodeDocument")]
pub(super) struct NodeFile {
    /// The format's version: `windlass.dev/v1`.
    #[schemars(extend("const" = "windlass.dev/v1"))]
    pub api_version: String,
    /// Always `Node`.
    #[schemars(extend("const" = "Node"))]
    pub kind: String,
    /// What it is called.
    pub metadata: NodeMetadata,
    /// What is known of it.
    #[serde(default, skip_serializing_if = "NodeSpec::is_empty")]
    pub spec: NodeSpec,
}

/// What a node is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NodeMetadata {
    /// Its name; a series stands for as many nodes that are alike.
    pub name: String,
    /// Its labels.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, String>,
}

/// What is known of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeSpec {
    /// Where it is reached, tried in this order; its name unless given.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub addresses: Texts,
    /// The groups that it is in.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub groups: Texts,
    /// The node that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What it is there for; the value of its label `role` unless given.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub roles: Texts,
    /// How it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Arc<Transport>>,
    /// Its variables.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map,
    /// What it reported of itself.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub facts: Map,
    /// Whether it is in service; what is not is never selected.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub active: bool,
}

/// A group of nodes by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NodeGroupDocument")]
pub(super) struct NodeGroupFile {
    /// The format's version: `windlass.dev/v1`.
    #[schemars(extend("const" = "windlass.dev/v1"))]
    pub api_version: String,
    /// Always `NodeGroup`.
    #[schemars(extend("const" = "NodeGroup"))]
    pub kind: String,
    /// What it is called.
    pub metadata: NodeGroupMetadata,
    /// Which nodes belong to it, and what they have from it.
    #[serde(default)]
    pub spec: NodeGroupSpec,
}

/// What a group is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NodeGroupMetadata {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// Which nodes belong to a group, and what they have from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeGroupSpec {
    /// The nodes whose labels fit one of these selectors belong to it.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub labels: Texts,
    /// These nodes belong to it: names, series, globs and `/regular expressions/`.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub nodes: Texts,
    /// The group that it is a part of; its nodes belong to that one too.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub parent: Texts,
    /// Among groups that are equally deep, the variables of the one with the higher priority win; 1 unless given.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub priority: i64,
    /// Variables of its nodes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map,
    /// How its nodes are reached, unless they say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Arc<Transport>>,
}

fn yes() -> bool {
    true
}

fn is_true(flag: &bool) -> bool {
    *flag
}

fn one() -> i64 {
    1
}

fn is_one(priority: &i64) -> bool {
    *priority == 1
}

/// The schema of inventory files (JSON Schema 2020-12), for editors and for `windlass schema inventory`.
#[must_use]
pub fn inventory_schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema = schemars::schema_for!(Kind);
        schema.insert("$id".into(), "https://windlass.dev/schema/inventory.json".into());
        schema.insert("title".into(), "Windlass inventory".into());
        schema.insert("examples".into(), serde_json::json!([example()]));
        schema.to_value()
    })
}

/// The schema of one kind, for messages that speak of that kind alone.
pub(super) fn schema_of(kind: &str) -> Option<&'static Value> {
    static INVENTORY: OnceLock<Value> = OnceLock::new();
    static NODE: OnceLock<Value> = OnceLock::new();
    static GROUP: OnceLock<Value> = OnceLock::new();
    match kind {
        "Inventory" => Some(INVENTORY.get_or_init(|| schemars::schema_for!(InventoryFile).to_value())),
        "Node" => Some(NODE.get_or_init(|| schemars::schema_for!(NodeFile).to_value())),
        "NodeGroup" => Some(GROUP.get_or_init(|| schemars::schema_for!(NodeGroupFile).to_value())),
        _ => None,
    }
}

fn example() -> Value {
    serde_json::json!({
        "apiVersion": "windlass.dev/v1",
        "kind": "Inventory",
        "spec": {
            "groups": [{"name": "web", "labels": "role=web", "vars": {"port": 8080}}],
            "nodes": [{"name": "web[01-20]", "labels": {"role": "web", "rack": "r1"}}],
        },
    })
}

// === impl InventoryMetadata ===

impl InventoryMetadata {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

// === impl NodeFile ===

impl From<NodeFile> for Node {
    fn from(file: NodeFile) -> Self {
        let NodeFile { metadata: NodeMetadata { name, labels }, spec, .. } = file;
        let NodeSpec { addresses, groups, parent, roles, transport, vars, facts, active } = spec;
        Self { name, labels, addresses, groups, parent, roles, transport, vars, facts, active }
    }
}

// === impl NodeSpec ===

impl NodeSpec {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for NodeSpec {
    fn default() -> Self {
        Self {
            addresses: Texts::default(),
            groups: Texts::default(),
            parent: None,
            roles: Texts::default(),
            transport: None,
            vars: Map::new(),
            facts: Map::new(),
            active: true,
        }
    }
}

// === impl NodeGroupFile ===

impl From<NodeGroupFile> for NodeGroup {
    fn from(file: NodeGroupFile) -> Self {
        let NodeGroupFile { metadata: NodeGroupMetadata { name, description }, spec, .. } = file;
        let NodeGroupSpec { labels, nodes, parent, priority, vars, transport } = spec;
        Self { name, description, labels, nodes, parent, priority, vars, transport }
    }
}

// === impl NodeGroupSpec ===

impl Default for NodeGroupSpec {
    fn default() -> Self {
        let NodeGroup { labels, nodes, parent, priority, vars, transport, .. } = NodeGroup::default();
        Self { labels, nodes, parent, priority, vars, transport }
    }
}
