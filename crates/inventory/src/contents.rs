//! What an inventory is made of: nodes, groups and the levels above them, each with the place that it came from.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::Map;
use windlass_model::problem::Problem;
use windlass_model::target::Node;
use windlass_model::texts::Texts;
use windlass_model::transport::Transport;

/// What an inventory is made of. Nodes are in order; that order is the one in which they are selected.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The label whose value is a node's role; `role` unless given.
    pub role_label: Option<String>,
    /// The cluster that all of it belongs to.
    pub cluster: Option<Item<Level>>,
    /// The namespace that all of it belongs to.
    pub namespace: Option<Item<Level>>,
    /// The groups.
    pub groups: Vec<Item<NodeGroup>>,
    /// The nodes. A name may be a series (`web{01..40}`); then so many nodes are alike.
    pub nodes: Vec<Item<Node>>,
}

/// Something that was defined, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<T> {
    /// What.
    pub what: T,
    /// Where.
    pub place: Place,
}

/// Where something was defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of the sources.
    pub source: u32,
    /// Where in it.
    pub spot: Spot,
}

/// Where in a source something was defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// In this document of it, at this position of its list.
    Entry {
        /// The document.
        document: u32,
        /// The position.
        index: u32,
    },
    /// Between these bytes of its text.
    Bytes {
        /// From.
        start: u32,
        /// Up to.
        end: u32,
    },
}

/// A problem and the source and document that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The problem; its pointer leads into the document.
    pub problem: Problem,
    /// Where what it is about was defined.
    pub place: Place,
    /// Where the first one was defined, when it is that there are two.
    pub first: Option<Place>,
}

/// A level above all groups: a cluster or a namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Level {
    /// What it is called.
    pub name: String,
    /// Variables of all its nodes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map,
    /// How its nodes are reached, unless they or their groups say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Arc<Transport>>,
}

/// A labelled set of nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeGroup {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
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

fn one() -> i64 {
    1
}

fn is_one(priority: &i64) -> bool {
    *priority == 1
}

// === impl Item ===

impl<T> Item<T> {
    /// Something that nobody wrote into a file.
    pub fn unplaced(what: T) -> Self {
        Self { what, place: Place::default() }
    }
}

// === impl NodeGroup ===

impl Default for NodeGroup {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            labels: Texts::default(),
            nodes: Texts::default(),
            parent: Texts::default(),
            priority: one(),
            vars: Map::new(),
            transport: None,
        }
    }
}

// === impl Spot ===

impl Default for Spot {
    fn default() -> Self {
        Self::Entry { document: 0, index: 0 }
    }
}
