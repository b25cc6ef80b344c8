//! Lineages: what nodes have from levels, groups and ancestors, worked out once for all that have it from the same ones.
//!
//! ```text
//! cluster → namespace → groups, the outermost first → ancestors, the farthest first
//! ```
//!
//! Groups are walked in their order; each step of a node from one set of groups to the next is looked up
//! in a tree that all nodes share, so that no list of groups is made twice. Ancestors give variables and
//! nothing else: how a switch is reached says nothing about the servers behind it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use windlass_model::target::{Lineage, Node};
use windlass_model::texts::Texts;
use windlass_model::transport::{Transport, Way};
use windlass_model::vars::{Layer, Origin};

use super::groups::Group;
use super::index::NONE;
use crate::contents::{Item, Level};
use crate::set::Ids;

/// What nodes have from others.
pub(super) struct Heritage {
    /// The layers of cluster and namespace.
    levels: Vec<Arc<Layer>>,
    tree: Vec<Branch>,
    /// Where in the tree each node is.
    place: Ids,
    /// The nearest ancestor of each node that has variables.
    ancestor: Ids,
    /// The ancestors that have variables: the layer, and the next such ancestor.
    ancestors: BTreeMap<u32, (Arc<Layer>, u32)>,
}

/// A set of groups: one more than the branch that it grows from.
struct Branch {
    from: u32,
    group: Option<Arc<str>>,
    layer: Option<Arc<Layer>>,
    transport: Option<Arc<Transport>>,
}

// === impl Heritage ===

impl Heritage {
    pub(super) fn new(
        groups: &[Group],
        levels: &[(&str, Option<Item<Level>>)],
        nodes: &[Item<Node>],
        parents: &[u32],
    ) -> Self {
        let mut layers = Vec::new();
        // Who comes from an inventory is reached over SSH unless somebody says otherwise; that is said with it, so that
        // a target of which nothing is said can be told from it.
        let mut transport = Some(Arc::new(Transport { uses: Some(Way::Ssh), ..Transport::default() }));
        for (kind, level) in levels {
            let Some(Item { what: level, .. }) = level else { continue };
            let origin = match *kind {
                "cluster" => Origin::Cluster(level.name.clone()),
                _ => Origin::Namespace(level.name.clone()),
            };
            if !level.vars.is_empty() {
                layers.push(Layer::new(origin, level.vars.clone()));
            }
            transport = nearer(level.transport.as_ref(), transport.as_ref());
        }
        let mut tree = vec![Branch { from: NONE, group: None, layer: None, transport }];
        let place = grow(&mut tree, groups, nodes.len());
        let (ancestor, ancestors) = ancestors(nodes, parents);
        Self { levels: layers, tree, place, ancestor, ancestors }
    }

    /// Gives every node its groups and settings, and the lineages with the number of each node's.
    pub(super) fn assign(self, nodes: &mut [Item<Node>]) -> (Vec<Arc<Lineage>>, Ids) {
        let mut lineages: Vec<Arc<Lineage>> = Vec::new();
        let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
        let mut lineage_of = Vec::with_capacity(nodes.len());
        let mut last: Option<((u32, u32), u32)> = None;
        for ((item, place), ancestor) in nodes.iter_mut().zip(&self.place).zip(&self.ancestor) {
            let key = (*place, *ancestor);
            let number = match last {
                Some((known, number)) if known == key => number,
                _ => *numbers.entry(key).or_insert_with(|| {
                    lineages.push(Arc::new(self.lineage(*place, *ancestor)));
                    u32::try_from(lineages.len() - 1).unwrap_or(u32::MAX)
                }),
            };
            last = Some((key, number));
            lineage_of.push(number);
            let Some(lineage) = lineages.get(number as usize) else { continue };
            let node = &mut item.what;
            node.groups = lineage.groups.clone();
            node.transport = nearer(node.transport.as_ref(), lineage.transport.as_ref());
        }
        (lineages, lineage_of)
    }

    fn lineage(&self, place: u32, ancestor: u32) -> Lineage {
        let mut branches = Vec::new();
        let mut at = self.tree.get(place as usize);
        while let Some(branch) = at {
            branches.push(branch);
            at = self.tree.get(branch.from as usize);
        }
        branches.reverse();
        let mut elders = Vec::new();
        let mut at = self.ancestors.get(&ancestor);
        while let Some((layer, next)) = at {
            elders.push(Arc::clone(layer));
            at = self.ancestors.get(next);
        }
        let of_groups = branches.iter().filter_map(|branch| branch.layer.clone());
        let layers = self.levels.iter().cloned().chain(of_groups).chain(elders.into_iter().rev());
        let groups: Texts =
            branches.iter().filter_map(|branch| branch.group.as_deref().map(str::to_owned)).collect();
        let transport = branches.last().and_then(|branch| branch.transport.clone());
        Lineage { groups, layers: layers.collect(), transport }
    }
}

/// The nearer settings laid over the farther ones; shared where only one of them says anything.
fn nearer(near: Option<&Arc<Transport>>, far: Option<&Arc<Transport>>) -> Option<Arc<Transport>> {
    match (near, far) {
        (Some(near), Some(far)) => Some(Arc::new(near.over(far))),
        (one, other) => one.or(other).cloned(),
    }
}

/// Walks every node through its groups; gives where each ends.
fn grow(tree: &mut Vec<Branch>, groups: &[Group], size: usize) -> Ids {
    let mut place: Ids = vec![0; size];
    let mut next: HashMap<u32, u32> = HashMap::new();
    for group in groups {
        next.clear();
        let definition = &group.definition;
        let origin = || Origin::Group(definition.name.clone());
        let layer = (!definition.vars.is_empty()).then(|| Layer::new(origin(), definition.vars.clone()));
        let name: Arc<str> = definition.name.as_str().into();
        let mut last: Option<(u32, u32)> = None;
        for id in &group.members {
            let Some(slot) = place.get_mut(*id as usize) else { continue };
            let to = match last {
                Some((from, to)) if from == *slot => to,
                _ => *next.entry(*slot).or_insert_with(|| {
                    let far = tree.get(*slot as usize).and_then(|branch| branch.transport.clone());
                    tree.push(Branch {
                        from: *slot,
                        group: Some(Arc::clone(&name)),
                        layer: layer.clone(),
                        transport: nearer(definition.transport.as_ref(), far.as_ref()),
                    });
                    u32::try_from(tree.len() - 1).unwrap_or(u32::MAX)
                }),
            };
            last = Some((*slot, to));
            *slot = to;
        }
    }
    place
}

/// The nearest ancestor of each node that has variables, and those ancestors with the next ones.
fn ancestors(nodes: &[Item<Node>], parents: &[u32]) -> (Ids, BTreeMap<u32, (Arc<Layer>, u32)>) {
    let parent = |id: u32| parents.get(id as usize).copied().unwrap_or(NONE);
    let node = |id: u32| nodes.get(id as usize).map(|item| &item.what);
    let mut nearest: Ids = vec![NONE; nodes.len()];
    let mut known: Vec<bool> = vec![false; nodes.len()];
    for start in (0..).take(nodes.len()) {
        let mut way = Vec::new();
        let mut at = start;
        while known.get(at as usize) == Some(&false) {
            way.push(at);
            at = parent(at);
        }
        for id in way.into_iter().rev() {
            let above = parent(id);
            let found = match node(above) {
                None => NONE,
                Some(above_node) if !above_node.vars.is_empty() => above,
                Some(_) => nearest.get(above as usize).copied().unwrap_or(NONE),
            };
            if let (Some(slot), Some(known)) = (nearest.get_mut(id as usize), known.get_mut(id as usize)) {
                (*slot, *known) = (found, true);
            }
        }
    }
    let mut layers = BTreeMap::new();
    for id in &nearest {
        if *id == NONE || layers.contains_key(id) {
            continue;
        }
        let Some(node) = node(*id) else { continue };
        let layer = Layer::new(Origin::Ancestor(node.name.clone()), node.vars.clone());
        layers.insert(*id, (layer, nearest.get(*id as usize).copied().unwrap_or(NONE)));
    }
    (nearest, layers)
}
