//! Indexes: names in order, labels by value, children by parent.

use std::collections::{BTreeMap, HashMap};

use windlass_model::selector::{LabelSelector, Test};
use windlass_model::target::Node;

use crate::contents::Item;
use crate::set::{Ids, Set};

/// No node.
pub(crate) const NONE: u32 = u32::MAX;

/// The nodes in the order of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Ids);

/// A label: which nodes have it, and with which values.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) key: String,
    /// The nodes that have it.
    pub(crate) any: Ids,
    values: HashMap<String, Ids>,
}

// === impl Names ===

impl Names {
    pub(super) fn new(nodes: &[Item<Node>]) -> Self {
        let mut ids: Ids = (0..).take(nodes.len()).collect();
        let name = |id: &u32| nodes.get(*id as usize).map(|item| item.what.name.as_str());
        ids.sort_by(|a, b| name(a).cmp(&name(b)).then(a.cmp(b)));
        Self(ids)
    }

    pub(super) fn in_order(&self) -> &[u32] {
        &self.0
    }

    /// The node of a name; `name_of` knows the names.
    pub(crate) fn find<'a>(&self, name: &str, name_of: impl Fn(u32) -> &'a str) -> Option<u32> {
        let at = self.0.partition_point(|id| name_of(*id) < name);
        self.0.get(at).copied().filter(|id| name_of(*id) == name)
    }

    /// The nodes whose names begin so.
    pub(crate) fn beginning<'a>(&self, prefix: &str, name_of: impl Fn(u32) -> &'a str) -> &[u32] {
        let from = self.0.partition_point(|id| name_of(*id) < prefix);
        let rest = self.0.get(from..).unwrap_or(&[]);
        let count = rest.partition_point(|id| name_of(*id).starts_with(prefix));
        rest.get(..count).unwrap_or(&[])
    }
}

// === impl Label ===

impl Label {
    /// The nodes that pass a test on this label.
    fn passing(&self, test: &Test, size: u32) -> Set {
        let mut set = Set::empty(size);
        match test {
            Test::Exists => set.add_all(&self.any),
            Test::Absent => {
                set.add_all(&self.any);
                set.invert();
            }
            Test::In(values) => {
                for value in values {
                    set.add_all(self.values.get(value).map_or(&[], Vec::as_slice));
                }
            }
            Test::NotIn(values) => {
                for value in values {
                    set.add_all(self.values.get(value).map_or(&[], Vec::as_slice));
                }
                set.invert();
            }
            Test::Above(_) | Test::Below(_) => {
                for ids in self.values.iter().filter(|(value, _)| test.holds(Some(value))).map(|(_, ids)| ids)
                {
                    set.add_all(ids);
                }
            }
        }
        set
    }
}

/// Which nodes have which labels.
pub(super) fn labels(nodes: &[Item<Node>]) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::new();
    for (item, id) in nodes.iter().zip(0..) {
        // Nodes mostly have the same labels in the same order.
        let mut expected = 0;
        for (key, value) in &item.what.labels {
            let is_it = |label: &Label| label.key == *key;
            let at = match labels.get(expected).is_some_and(is_it) {
                true => expected,
                false => labels.iter().position(is_it).unwrap_or(labels.len()),
            };
            expected = at + 1;
            if at == labels.len() {
                labels.push(Label { key: key.clone(), any: Ids::new(), values: HashMap::new() });
            }
            let Some(label) = labels.get_mut(at) else { continue };
            label.any.push(id);
            match label.values.get_mut(value) {
                Some(ids) => ids.push(id),
                None => {
                    label.values.insert(value.clone(), vec![id]);
                }
            }
        }
    }
    labels
}

/// The nodes that fit a label selector.
pub(crate) fn fitting(labels: &[Label], selector: &LabelSelector, size: u32) -> Set {
    let mut fit: Option<Set> = None;
    for requirement in &selector.requirements {
        let label = labels.iter().find(|label| label.key == requirement.key);
        let one = match label {
            Some(label) => label.passing(&requirement.test, size),
            None => {
                let mut none = Set::empty(size);
                if requirement.test.holds(None) {
                    none.invert();
                }
                none
            }
        };
        match &mut fit {
            Some(fit) => fit.keep(&one),
            None => fit = Some(one),
        }
    }
    fit.unwrap_or_else(|| Set::empty(size))
}

/// The nodes that are a part of each.
pub(super) fn children(parents: &[u32]) -> BTreeMap<u32, Ids> {
    let mut children: BTreeMap<u32, Ids> = BTreeMap::new();
    for (parent, id) in parents.iter().zip(0..).filter(|(parent, _)| **parent != NONE) {
        children.entry(*parent).or_default().push(id);
    }
    children
}
