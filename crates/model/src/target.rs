//! Targets: which nodes a block works on, as written and as frozen.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Map;

/// Which nodes a block works on, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Targets {
    /// The nodes: names, or patterns that can be written out (`web0[2-9]`, `db{1..12}`, `{red,blue}-1`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeEntry>,
    /// Names and patterns to leave out; `*` and `?` may be used here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_nodes: Vec<String>,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, String>,
    /// Its variables.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map,
    /// What it reported of itself.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub facts: Map,
}

/// The targets of a block as they were resolved at submit: frozen, in order, each once.
///
/// A million names fit in a few tens of megabytes: one text with offsets; labels and variables are
/// kept only for the nodes that have any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frozen {
    text: String,
    ends: Vec<u32>,
    details: std::collections::BTreeMap<u32, Node>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

// === impl Frozen ===

impl Frozen {
    /// Adds a node at the end. Whoever calls sees to it that no name comes twice.
    pub fn push(&mut self, node: Node) {
        let index = self.len();
        self.text.push_str(&node.name);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        if !node.labels.is_empty() || !node.vars.is_empty() || !node.facts.is_empty() {
            self.details.insert(index, node);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The name of the node at a position.
    #[must_use]
    pub fn name(&self, index: u32) -> Option<&str> {
        let at = index as usize;
        let end = *self.ends.get(at)? as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.text.get(start..end)
    }

    /// What is known of the node at a position beyond its name.
    #[must_use]
    pub fn details(&self, index: u32) -> Option<&Node> {
        self.details.get(&index)
    }

    /// All names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.name(index))
    }

    /// The position of a name. Linear; for people's commands, not for the engine's path.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        (0..self.len()).find(|index| self.name(*index) == Some(name))
    }
}

impl FromIterator<String> for Frozen {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let mut frozen = Self::default();
        for name in names {
            frozen.push(Node { name, ..Node::default() });
        }
        frozen
    }
}

impl Serialize for Frozen {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.len()).map(|index| match self.details(index) {
            Some(node) => NodeEntry::Node(Box::new(node.clone())),
            None => NodeEntry::Name(self.name(index).unwrap_or_default().to_owned()),
        }))
    }
}

impl<'de> Deserialize<'de> for Frozen {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> serde::de::Visitor<'de> for V {
            type Value = Frozen;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of nodes")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut entries: A) -> Result<Frozen, A::Error> {
                let mut frozen = Frozen::default();
                while let Some(entry) = entries.next_element::<NodeEntry>()? {
                    frozen.push(match entry {
                        NodeEntry::Name(name) => Node { name, ..Node::default() },
                        NodeEntry::Node(node) => *node,
                    });
                }
                Ok(frozen)
            }
        }
        deserializer.deserialize_seq(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_names_in_order_and_round_trips() {
        let mut frozen: Frozen = ["web01", "db1"].map(str::to_owned).into_iter().collect();
        frozen.push(Node {
            name: "x".into(),
            labels: IndexMap::from([("rack".into(), "r1".into())]),
            ..Node::default()
        });
        assert_eq!(frozen.names().collect::<Vec<_>>(), ["web01", "db1", "x"]);
        assert_eq!(frozen.find("x"), Some(2));
        let text = serde_json::to_string(&frozen).unwrap();
        assert_eq!(serde_json::from_str::<Frozen>(&text).unwrap(), frozen);
    }
}
