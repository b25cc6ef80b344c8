//! The targets of a block as they were resolved at submit.
//!
//! What many of them share is kept once: the layers of variables, and the lineages that say which of
//! the layers a target sees. A target of which only the name is known costs its name.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::Node;
use crate::Map;
use crate::texts::Texts;
use crate::transport::Transport;
use crate::vars::{Layer, Vars};

mod form;

/// The targets of a block as they were resolved at submit: frozen, in order, each once.
///
/// A million names fit in a few tens of megabytes: one text with offsets; what is known beyond the
/// name is kept only for the nodes of which more is known.
#[derive(Clone, Debug, Default)]
pub struct Frozen {
    text: String,
    ends: Vec<u32>,
    /// In the order of their positions.
    details: Vec<Detail>,
    lineages: Vec<Arc<Lineage>>,
}

/// What a target has from others, shared by all that have it from the same ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lineage {
    /// The groups, the outermost first.
    pub groups: Texts,
    /// The variables of levels, groups and ancestors, the farthest first.
    pub layers: Vec<Arc<Layer>>,
    /// How it is reached, unless it says otherwise.
    pub transport: Option<Arc<Transport>>,
}

#[derive(Clone, Debug)]
struct Detail {
    /// The position of the node.
    index: u32,
    /// Which of the lineages it has, or [`NO_LINEAGE`].
    lineage: u32,
    node: Arc<Node>,
}

/// None of the lineages, of which there are fewer.
const NO_LINEAGE: u32 = u32::MAX;

// === impl Frozen ===

impl Frozen {
    /// None yet, with room for so many.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self { ends: Vec::with_capacity(count), ..Self::default() }
    }

    /// Adds a node at the end. Whoever calls sees to it that no name comes twice.
    pub fn push(&mut self, node: Node) {
        let index = self.push_name(&node.name);
        if node.is_detailed() {
            self.details.push(Detail { index, lineage: NO_LINEAGE, node: Arc::new(node) });
        }
    }

    /// Adds a node of which only the name is known.
    pub fn push_name(&mut self, name: &str) -> u32 {
        let index = self.len();
        self.text.push_str(name);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        index
    }

    /// Adds a node with what it has from others, as [`Frozen::share`] numbered it.
    pub fn push_heir(&mut self, node: Arc<Node>, lineage: u32) {
        let index = self.push_name(&node.name);
        self.details.push(Detail { index, lineage, node });
    }

    /// Takes in what several nodes share, and gives the number under which it is kept.
    pub fn share(&mut self, lineage: Arc<Lineage>) -> u32 {
        let number = u32::try_from(self.lineages.len()).unwrap_or(u32::MAX);
        self.lineages.push(lineage);
        number
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
    pub fn details(&self, index: u32) -> Option<&Arc<Node>> {
        self.detail(index).map(|detail| &detail.node)
    }

    fn detail(&self, index: u32) -> Option<&Detail> {
        // Mostly more is known of each.
        let at_once = self.details.get(index as usize).filter(|detail| detail.index == index);
        at_once.or_else(|| {
            let found = self.details.binary_search_by_key(&index, |detail| detail.index).ok()?;
            self.details.get(found)
        })
    }

    /// What the node at a position has from others.
    #[must_use]
    pub fn lineage(&self, index: u32) -> Option<&Arc<Lineage>> {
        self.lineages.get(self.detail(index)?.lineage as usize)
    }

    /// The node at a position, with everything that is known of it.
    #[must_use]
    pub fn node(&self, index: u32) -> Option<Arc<Node>> {
        match self.details(index) {
            Some(node) => Some(Arc::clone(node)),
            None => Some(Arc::new(Node::named(self.name(index)?))),
        }
    }

    /// Adds the variables of the node at a position to those that are farther away.
    pub fn add_vars(&self, index: u32, vars: &mut Vars) {
        for layer in self.lineage(index).into_iter().flat_map(|lineage| &lineage.layers) {
            vars.push(layer);
        }
        if let Some(node) = self.details(index) {
            vars.push_node(node);
        }
    }

    /// The variables of all that any of the nodes sees, map by map.
    pub fn var_maps(&self) -> impl Iterator<Item = &Map> {
        let layers = self.lineages.iter().flat_map(|lineage| lineage.layers.iter().map(|layer| &layer.vars));
        layers.chain(self.details.iter().map(|detail| &detail.node.vars))
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

    /// Only those whose names are kept.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        let mut left = Self::default();
        left.take_from(self, (0..self.len()).filter(|index| self.name(*index).is_some_and(&keep)));
        left
    }

    /// Only those at these positions.
    #[must_use]
    pub fn part(&self, positions: Range<u32>) -> Self {
        let mut part = Self::default();
        part.take_from(self, positions);
        part
    }

    /// Adds all of others at the end. Whoever calls sees to it that no name comes twice.
    pub fn append(&mut self, others: &Self) {
        self.take_from(others, 0..others.len());
    }

    fn take_from(&mut self, others: &Self, positions: impl Iterator<Item = u32>) {
        let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
        for index in positions {
            let Some(name) = others.name(index) else { continue };
            let Some(Detail { node, lineage: number, .. }) = others.detail(index) else {
                self.push_name(name);
                continue;
            };
            let lineage = match others.lineages.get(*number as usize) {
                Some(lineage) => *numbers.entry(*number).or_insert_with(|| self.share(Arc::clone(lineage))),
                None => NO_LINEAGE,
            };
            let index = self.push_name(name);
            self.details.push(Detail { index, lineage, node: Arc::clone(node) });
        }
    }
}

/// Equal targets know the same of the same nodes, however it is shared.
impl PartialEq for Frozen {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
            && self.ends == other.ends
            && self.details.len() == other.details.len()
            && self.details.iter().all(|Detail { index, node, .. }| {
                other.details(*index) == Some(node) && self.lineage(*index) == other.lineage(*index)
            })
    }
}

impl FromIterator<String> for Frozen {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let mut frozen = Self::default();
        for name in names {
            frozen.push_name(&name);
        }
        frozen
    }
}

#[cfg(test)]
mod tests;
