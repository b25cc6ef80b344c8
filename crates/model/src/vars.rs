//! Variables in layers: who supplies them, and which of them counts. The nearest layer that has a key wins, whole.
//!
//! ```text
//! plan → cluster → namespace → groups → ancestors → node → block → sequence
//! farthest                                                          nearest
//! ```
//!
//! Nothing is merged: layers are shared by all that see them, and a key is looked up from the nearest.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::target::Node;
use crate::{Map, Value};

/// Variables and who supplies them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Who.
    pub origin: Origin,
    /// The variables.
    pub vars: Map,
}

/// Who supplies variables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The plan.
    Plan,
    /// The cluster of this name.
    Cluster(String),
    /// The namespace of this name.
    Namespace(String),
    /// The group of this name.
    Group(String),
    /// The node of this name, which the target is a part of.
    Ancestor(String),
    /// The target itself.
    Node(String),
    /// The block of this name.
    Block(String),
    /// The sequence.
    Sequence,
}

/// The variables that something sees, layer over layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vars {
    /// The farthest first.
    layers: Vec<Held>,
}

#[derive(Clone, Debug, PartialEq)]
enum Held {
    Layer(Arc<Layer>),
    Node(Arc<Node>),
}

/// A key, its value, who supplied it, and what it hides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Blame {
    /// The key.
    pub key: String,
    /// Its value; a computed one is the expression.
    pub value: Value,
    /// Who supplied it.
    pub from: Origin,
    /// Whose values it hides, the nearest first.
    pub hides: Vec<Hidden>,
}

/// A value that a nearer one hides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hidden {
    /// Who supplied it.
    pub from: Origin,
    /// The value.
    pub value: Value,
}

// === impl Layer ===

impl Layer {
    /// Variables and who supplies them.
    #[must_use]
    pub fn new(origin: Origin, vars: Map) -> Arc<Self> {
        Arc::new(Self { origin, vars })
    }
}

// === impl Origin ===

impl Origin {
    /// Whether the variables belong to the target rather than to what is done on it.
    #[must_use]
    pub fn is_of_target(&self) -> bool {
        !matches!(self, Self::Plan | Self::Block(_) | Self::Sequence)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => f.write_str("plan"),
            Self::Cluster(name) => write!(f, "cluster {name}"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Ancestor(name) => write!(f, "ancestor {name}"),
            Self::Node(name) => write!(f, "node {name}"),
            Self::Block(name) => write!(f, "block {name}"),
            Self::Sequence => f.write_str("sequence"),
        }
    }
}

// === impl Held ===

impl Held {
    fn map(&self) -> &Map {
        match self {
            Self::Layer(layer) => &layer.vars,
            Self::Node(node) => &node.vars,
        }
    }

    fn origin(&self) -> Origin {
        match self {
            Self::Layer(layer) => layer.origin.clone(),
            Self::Node(node) => Origin::Node(node.name.clone()),
        }
    }

    fn is_of_target(&self) -> bool {
        match self {
            Self::Layer(layer) => layer.origin.is_of_target(),
            Self::Node(_) => true,
        }
    }
}

// === impl Vars ===

impl Vars {
    /// Adds a layer that is nearer than all before it.
    pub fn push(&mut self, layer: &Arc<Layer>) {
        if !layer.vars.is_empty() {
            self.layers.push(Held::Layer(Arc::clone(layer)));
        }
    }

    /// Adds a node's own variables, nearer than all before them.
    pub fn push_node(&mut self, node: &Arc<Node>) {
        if !node.vars.is_empty() {
            self.layers.push(Held::Node(Arc::clone(node)));
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The value of a key: that of the nearest layer that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.layers.iter().rev().find_map(|layer| layer.map().get(key))
    }

    /// Every key once, in the order in which the layers bring them, from the farthest.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().enumerate().flat_map(|(index, layer)| {
            let farther = self.layers.get(..index).unwrap_or(&[]);
            let new = move |key: &&String| !farther.iter().any(|layer| layer.map().contains_key(*key));
            layer.map().keys().filter(new).map(String::as_str)
        })
    }

    /// Every key with the value that counts.
    #[must_use]
    pub fn resolved(&self) -> Map {
        let mut map = Map::new();
        for layer in &self.layers {
            map.extend(layer.map().iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        map
    }

    /// Every key with who supplied it and what it hides.
    #[must_use]
    pub fn blame(&self) -> Vec<Blame> {
        let one = |key: &str| {
            let mut suppliers =
                self.layers.iter().rev().filter_map(|layer| Some((layer.origin(), layer.map().get(key)?)));
            let (from, value) = suppliers.next()?;
            let hides = suppliers.map(|(from, value)| Hidden { from, value: value.clone() }).collect();
            Some(Blame { key: key.to_owned(), value: value.clone(), from, hides })
        };
        self.keys().filter_map(one).collect()
    }

    /// The layers that belong to the target rather than to what is done on it.
    #[must_use]
    pub fn of_target(&self) -> Self {
        Self { layers: self.layers.iter().filter(|layer| layer.is_of_target()).cloned().collect() }
    }
}

impl FromIterator<Arc<Layer>> for Vars {
    fn from_iter<I: IntoIterator<Item = Arc<Layer>>>(layers: I) -> Self {
        let mut vars = Self::default();
        layers.into_iter().for_each(|layer| vars.push(&layer));
        vars
    }
}

/// Variables without a layer of their own, as those of the plan.
impl From<Map> for Vars {
    fn from(vars: Map) -> Self {
        Self::from_iter([Layer::new(Origin::Plan, vars)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layer(origin: Origin, vars: Value) -> Arc<Layer> {
        Layer::new(origin, vars.as_object().cloned().unwrap_or_default())
    }

    fn vars() -> Vars {
        let mut vars: Vars = [
            layer(Origin::Plan, json!({"a": 1, "b": {"x": 1, "y": 2}})),
            layer(Origin::Cluster("c".into()), json!({})),
            layer(Origin::Group("web".into()), json!({"b": {"x": 3}, "c": 4})),
        ]
        .into_iter()
        .collect();
        let node = json!({"name": "n", "vars": {"a": 5}});
        vars.push_node(&Arc::new(serde_json::from_value(node).unwrap()));
        vars.push(&layer(Origin::Block("b".into()), json!({"d": 6})));
        vars
    }

    #[test]
    fn the_nearest_wins_whole() {
        let vars = vars();
        assert_eq!(vars.get("a"), Some(&json!(5)));
        assert_eq!(vars.get("b"), Some(&json!({"x": 3})));
        assert_eq!(vars.get("nope"), None);
        assert_eq!(vars.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(Value::Object(vars.resolved()), json!({"a": 5, "b": {"x": 3}, "c": 4, "d": 6}));
        let own = vars.of_target();
        assert_eq!(Value::Object(own.resolved()), json!({"b": {"x": 3}, "c": 4, "a": 5}));
    }

    #[test]
    fn blame_names_suppliers_and_what_is_hidden() {
        let blame = vars().blame();
        let shown: Vec<String> = blame
            .iter()
            .map(|one| {
                let hides: Vec<String> = one.hides.iter().map(|hidden| hidden.from.to_string()).collect();
                format!("{}: {} hides [{}]", one.key, one.from, hides.join(", "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "a: node n hides [plan]",
                "b: group web hides [plan]",
                "c: group web hides []",
                "d: block b hides []"
            ]
        );
    }
}
