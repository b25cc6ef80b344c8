//! The inventory: nodes with their groups, labels, roles, ancestors and variables, ready to be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use windlass_model::Map;
use windlass_model::eval::{Evaluate, Scope};
use windlass_model::freeze::{self, Asked, Choice, KnownVars};
use windlass_model::problem::Problem;
use windlass_model::target::{Lineage, Node, Targets};
use windlass_model::vars::{Blame, Vars};

use crate::build::{self, Label, Names};
use crate::contents::{NodeGroup, Placed};
use crate::set::{Ids, Set};

/// The number of a node, in the order of the inventory.
pub type Id = u32;

/// Which nodes there are. Immutable: another inventory is built from other contents.
pub struct Inventory {
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) names: Names,
    pub(crate) parents: Ids,
    pub(crate) children: BTreeMap<u32, Ids>,
    pub(crate) lineages: Vec<Arc<Lineage>>,
    pub(crate) lineage_of: Ids,
    pub(crate) groups: Vec<build::Group>,
    pub(crate) labels: Vec<Label>,
    pub(crate) roles: BTreeMap<String, Ids>,
    pub(crate) inactive: Set,
    pub(crate) warnings: Vec<Placed>,
    pub(crate) var_names: OnceLock<BTreeSet<String>>,
}

/// A group as it stands in an inventory.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// How it was defined.
    pub definition: &'a NodeGroup,
    /// How many groups lie around it on the longest way out; variables of deeper ones win.
    pub depth: u32,
    /// Its nodes, those of groups within it too, in the order of the inventory.
    pub members: &'a [Id],
}

/// A node below another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    /// The node.
    pub id: Id,
    /// The node that it is a part of.
    pub parent: Id,
    /// How many steps it is below.
    pub depth: u32,
}

// === impl Inventory ===

impl Inventory {
    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What was odd about the contents.
    #[must_use]
    pub fn warnings(&self) -> &[Placed] {
        &self.warnings
    }

    /// Adds what nodes are known to have reported. What the inventory itself says of a node lies over it.
    pub fn add_facts(&mut self, mut known: impl FnMut(&Node) -> Option<Map>) {
        for node in &mut self.nodes {
            let Some(mut facts) = known(node) else { continue };
            let node = Arc::make_mut(node);
            facts.extend(std::mem::take(&mut node.facts));
            node.facts = facts;
        }
    }

    /// The node of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Id> {
        self.names.find(name, |id| self.name(id))
    }

    /// A node.
    #[must_use]
    pub fn node(&self, id: Id) -> Option<&Arc<Node>> {
        self.nodes.get(id as usize)
    }

    /// All nodes in order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Arc<Node>> {
        self.nodes.iter()
    }

    /// All groups in the order of their variables, the farthest first.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Group<'_>> {
        self.groups.iter().map(|group| Group {
            definition: &group.definition,
            depth: group.depth,
            members: &group.members,
        })
    }

    /// All roles with their nodes.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = (&str, &[Id])> {
        self.roles.iter().map(|(role, ids)| (role.as_str(), ids.as_slice()))
    }

    /// The variables of a node, layer over layer: those of levels, groups, ancestors, and its own.
    #[must_use]
    pub fn vars(&self, id: Id) -> Vars {
        let mut vars = Vars::default();
        self.add_vars(id, &mut vars);
        vars
    }

    /// Adds the variables of a node to those that are farther away.
    pub(crate) fn add_vars(&self, id: Id, vars: &mut Vars) {
        for layer in self.lineage(id).into_iter().flat_map(|lineage| &lineage.layers) {
            vars.push(layer);
        }
        if let Some(node) = self.node(id) {
            vars.push_node(node);
        }
    }

    /// Who supplies each variable of a node, and what it hides.
    #[must_use]
    pub fn blame(&self, id: Id) -> Vec<Blame> {
        self.vars(id).blame()
    }

    /// The node that a node is a part of.
    #[must_use]
    pub fn parent(&self, id: Id) -> Option<Id> {
        self.parents.get(id as usize).copied().filter(|parent| self.node(*parent).is_some())
    }

    /// The nodes that a node is a part of, the nearest first.
    pub fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> {
        std::iter::successors(self.parent(id), |id| self.parent(*id))
    }

    /// Everything below a node, at all depths, each after what it is a part of.
    #[must_use]
    pub fn descendants(&self, id: Id) -> Vec<Relative> {
        let below = |parent: Id, depth: u32| {
            let children = self.children.get(&parent).map_or(&[][..], Vec::as_slice);
            children.iter().rev().map(move |id| Relative { id: *id, parent, depth })
        };
        let mut left: Vec<Relative> = below(id, 1).collect();
        let mut found = Vec::new();
        while let Some(relative) = left.pop() {
            found.push(relative);
            left.extend(below(relative.id, relative.depth + 1));
        }
        found
    }

    /// Chooses nodes by a selection without templates. Expressions see `scope` and each node in turn.
    #[must_use]
    pub fn select(&self, selection: &Targets, eval: &dyn Evaluate, scope: &Scope) -> Choice {
        let render = |text: &str| Err(format!("`{text}` is a template; a selection has none"));
        match Asked::new(selection, &render) {
            Err(problems) => Choice { problems, ..Choice::default() },
            Ok(asked) => {
                let with = freeze::Inventory { nodes: self, eval, scope, with_facts: false };
                freeze::Nodes::choose(self, &asked, &with)
            }
        }
    }

    pub(crate) fn name(&self, id: Id) -> &str {
        self.nodes.get(id as usize).map_or("", |node| node.name.as_str())
    }

    pub(crate) fn lineage(&self, id: Id) -> Option<&Arc<Lineage>> {
        self.lineages.get(*self.lineage_of.get(id as usize)? as usize)
    }

    /// What is wrong with a wish, with a suggestion among what there is.
    pub(crate) fn nearest<'a>(
        problem: Problem,
        typed: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Problem {
        match windlass_model::name::nearest(typed, known) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        }
    }
}

impl KnownVars for Inventory {
    fn has_var(&self, name: &str) -> bool {
        self.known_vars().contains(name)
    }

    fn var_names(&self) -> Vec<&str> {
        self.known_vars().iter().map(String::as_str).collect()
    }
}

impl Inventory {
    fn known_vars(&self) -> &BTreeSet<String> {
        self.var_names.get_or_init(|| {
            let mut names = BTreeSet::new();
            let of_lineages =
                self.lineages.iter().flat_map(|lineage| &lineage.layers).map(|layer| &layer.vars);
            for key in of_lineages.chain(self.nodes.iter().map(|node| &node.vars)).flat_map(|map| map.keys())
            {
                if !names.contains(key) {
                    names.insert(key.clone());
                }
            }
            names
        })
    }
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory")
            .field("nodes", &self.nodes.len())
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}
