//! Frozen targets as JSON, in a submission.
//!
//! Without anything shared they are a list of names and nodes, as they have always been. Else:
//!
//! ```json
//! {"layers": [{"origin": {"group": "web"}, "vars": {"port": 80}}],
//!  "lineages": [{"groups": ["web"], "layers": [0], "transport": {"user": "deploy"}}],
//!  "nodes": ["n1", {"name": "n2", "labels": {"rack": "r1"}}, [0, {"name": "web01"}]]}
//! ```
//!
//! A pair is a node with the number of its lineage; what it has from there is not repeated.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Detail, Frozen, Lineage, NO_LINEAGE};
use crate::target::Node;
use crate::texts::Texts;
use crate::transport::Transport;
use crate::vars::Layer;

/// A lineage with its layers by number.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbered {
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    groups: Texts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    layers: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transport: Option<Arc<Transport>>,
}

/// The layers of all lineages, each once.
#[derive(Default)]
struct Layers<'a> {
    layers: Vec<&'a Layer>,
    numbers: BTreeMap<usize, u32>,
}

// === impl Layers ===

impl<'a> Layers<'a> {
    fn number(&mut self, layer: &'a Arc<Layer>) -> u32 {
        let next = u32::try_from(self.layers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(Arc::as_ptr(layer).addr()).or_insert_with(|| {
            self.layers.push(layer);
            next
        })
    }
}

// === impl Frozen ===

impl Serialize for Frozen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.lineages.is_empty() {
            return Entries(self).serialize(serializer);
        }
        let mut layers = Layers::default();
        let lineages: Vec<Numbered> = self
            .lineages
            .iter()
            .map(|lineage| Numbered {
                groups: lineage.groups.clone(),
                layers: lineage.layers.iter().map(|layer| layers.number(layer)).collect(),
                transport: lineage.transport.clone(),
            })
            .collect();
        let mut form = serializer.serialize_struct("Frozen", 3)?;
        form.serialize_field("layers", &layers.layers)?;
        form.serialize_field("lineages", &lineages)?;
        form.serialize_field("nodes", &Entries(self))?;
        form.end()
    }
}

struct Entries<'a>(&'a Frozen);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let frozen = self.0;
        let mut list = serializer.serialize_seq(Some(frozen.len() as usize))?;
        for index in 0..frozen.len() {
            match frozen.detail(index) {
                None => list.serialize_element(frozen.name(index).unwrap_or_default())?,
                Some(Detail { node, lineage: NO_LINEAGE, .. }) => list.serialize_element(node)?,
                Some(Detail { node, lineage: number, .. }) => {
                    let heir = Heir(node, frozen.lineage(index));
                    list.serialize_element(&(number, heir))?;
                }
            }
        }
        list.end()
    }
}

/// A node without what its lineage says anyway.
struct Heir<'a>(&'a Node, Option<&'a Arc<Lineage>>);

impl Serialize for Heir<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(node, lineage) = self;
        let Node { name, addresses, labels, groups, parent, roles, transport, vars, facts, active } = node;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        if !addresses.is_empty() {
            map.serialize_entry("addresses", addresses)?;
        }
        if !labels.is_empty() {
            map.serialize_entry("labels", labels)?;
        }
        if lineage.is_none_or(|lineage| lineage.groups != *groups) {
            map.serialize_entry("groups", groups)?;
        }
        if let Some(parent) = parent {
            map.serialize_entry("parent", parent)?;
        }
        if !roles.is_empty() {
            map.serialize_entry("roles", roles)?;
        }
        if lineage.is_none_or(|lineage| lineage.transport != *transport) {
            map.serialize_entry("transport", transport)?;
        }
        if !vars.is_empty() {
            map.serialize_entry("vars", vars)?;
        }
        if !facts.is_empty() {
            map.serialize_entry("facts", facts)?;
        }
        if !active {
            map.serialize_entry("active", active)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Frozen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Frozen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes, or a map with `nodes`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<Frozen, A::Error> {
        Nodes(Vec::new()).visit_seq(entries)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Frozen, A::Error> {
        let mut layers: Vec<Arc<Layer>> = Vec::new();
        let mut lineages = Vec::new();
        let mut frozen = None;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match &*key {
                "layers" => layers = map.next_value()?,
                "lineages" => {
                    for Numbered { groups, layers: numbers, transport } in
                        map.next_value::<Vec<Numbered>>()?
                    {
                        let layers = numbers
                            .into_iter()
                            .map(|number| layers.get(number as usize).cloned())
                            .collect::<Option<Vec<_>>>()
                            .ok_or_else(|| A::Error::custom("a lineage has a layer that is not there"))?;
                        lineages.push(Arc::new(Lineage { groups, layers, transport }));
                    }
                }
                "nodes" => frozen = Some(map.next_value_seed(Nodes(std::mem::take(&mut lineages)))?),
                key => return Err(A::Error::unknown_field(key, &["layers", "lineages", "nodes"])),
            }
        }
        frozen.ok_or_else(|| A::Error::missing_field("nodes"))
    }
}

/// The list of nodes, with what they share.
struct Nodes(Vec<Arc<Lineage>>);

impl<'de> DeserializeSeed<'de> for Nodes {
    type Value = Frozen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Frozen, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Nodes {
    type Value = Frozen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Frozen, A::Error> {
        let mut frozen = Frozen { lineages: self.0, ..Frozen::default() };
        while let Some(()) = entries.next_element_seed(Entry(&mut frozen))? {}
        Ok(frozen)
    }
}

/// One node of the list, put where it belongs.
struct Entry<'a>(&'a mut Frozen);

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, a node, or a node with the number of its lineage")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<(), E> {
        self.0.push_name(name);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.0.push(Node::deserialize(MapAccessDeserializer::new(map))?);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<(), A::Error> {
        let number: u32 = pair.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let mut node: Node = pair.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        let lineage = self.0.lineages.get(number as usize);
        let lineage = lineage.ok_or_else(|| A::Error::custom("a node has a lineage that is not there"))?;
        if node.groups.is_empty() {
            node.groups = lineage.groups.clone();
        }
        node.transport = node.transport.or_else(|| lineage.transport.clone());
        self.0.push_heir(Arc::new(node), number);
        Ok(())
    }
}
