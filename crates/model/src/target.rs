//! Targets: which nodes a block works on, as written; and what a node is.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Map;
use crate::texts::Texts;
use crate::transport::Transport;

mod frozen;

pub use self::frozen::{Frozen, Lineage};

/// Which nodes a block works on: everything that is included, minus everything that is excluded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Targets {
    /// The nodes: names and series (`web0[2-9]`, `db{1..12}`, `{red,blue}-1`); with an inventory also globs (`web*`) and `/regular expressions/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeEntry>,
    /// All nodes of these groups, those of groups within them too; globs may be used.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub groups: Texts,
    /// All nodes whose labels fit one of these selectors: `rack=r1,env!=dev,tier in (a,b),!retired`.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub labels: Texts,
    /// All nodes of these roles; globs may be used.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub roles: Texts,
    /// All nodes for which one of these expressions is true: `facts.os.name == 'debian' and vars.weight > 5`.
    #[serde(rename = "where", default, skip_serializing_if = "<[String]>::is_empty")]
    pub where_: Texts,
    /// Names and patterns to leave out; `*` and `?` may be used here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_nodes: Vec<String>,
    /// Groups to leave out.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub exclude_groups: Texts,
    /// Label selectors of what to leave out.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub exclude_labels: Texts,
    /// Roles to leave out.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub exclude_roles: Texts,
    /// Expressions for what to leave out.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub exclude_where: Texts,
    /// Whether it is fine when nothing is left.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_empty: bool,
}

/// One entry of a list of nodes: a name or pattern, or a node with its labels and variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NodeEntry {
    /// A name or a pattern.
    Name(String),
    /// A node written out.
    Node(Box<Node>),
}

/// A node: a name, and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where it is reached, tried in this order; its name unless given.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub addresses: Texts,
    /// Its labels.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, String>,
    /// The groups that it is in.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub groups: Texts,
    /// The node that it is a part of: the server of a container, the switch of a server.
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

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_true(flag: &bool) -> bool {
    *flag
}

fn yes() -> bool {
    true
}

// === impl Targets ===

impl Targets {
    /// Whether nothing is included.
    #[must_use]
    pub fn includes_nothing(&self) -> bool {
        let others = [&self.groups, &self.labels, &self.roles, &self.where_];
        self.nodes.is_empty() && others.iter().all(|texts| texts.is_empty())
    }

    /// What can only be answered by an inventory: the key and its texts, where there are any.
    pub fn of_inventory(&self) -> impl Iterator<Item = (&'static str, &Texts)> {
        [
            ("groups", &self.groups),
            ("labels", &self.labels),
            ("roles", &self.roles),
            ("where", &self.where_),
            ("excludeGroups", &self.exclude_groups),
            ("excludeLabels", &self.exclude_labels),
            ("excludeRoles", &self.exclude_roles),
            ("excludeWhere", &self.exclude_where),
        ]
        .into_iter()
        .filter(|(_, texts)| !texts.is_empty())
    }
}

// === impl Node ===

impl Node {
    /// A node of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Whether more is known of it than its name.
    #[must_use]
    pub fn is_detailed(&self) -> bool {
        let lists = [&self.addresses, &self.groups, &self.roles];
        let empty = lists.iter().all(|texts| texts.is_empty())
            && self.labels.is_empty()
            && self.parent.is_none()
            && self.transport.is_none()
            && self.vars.is_empty()
            && self.facts.is_empty()
            && self.active;
        !empty
    }
}

impl Default for Node {
    fn default() -> Self {
        Self {
            name: String::new(),
            addresses: Texts::default(),
            labels: IndexMap::new(),
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
