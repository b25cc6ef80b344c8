//! The nodes of a run by their names: its targets, then those beside them that actions go to.
//!
//! The index is made when it is first asked for; most plans never do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::Layout;
use crate::eval::RunNodes;
use crate::target::{Frozen, Node};
use crate::vars::Vars;

/// Where each name stands: among which targets, and at which position.
#[derive(Clone, Debug, Default)]
pub(super) struct Index(OnceLock<BTreeMap<String, (usize, u32)>>);

impl Layout {
    /// The targets of each block, then the others.
    fn lists(&self) -> impl Iterator<Item = &Frozen> {
        let targets = self.blocks.iter().filter_map(|block| block.sequences.targets());
        let late = self.late_others.iter().map(|others| &**others);
        targets.chain(std::iter::once(&self.submission.others)).chain(late)
    }

    /// The nodes beside the targets that actions go to.
    #[must_use]
    pub fn others(&self) -> Frozen {
        let mut all = self.submission.others.clone();
        for late in &self.late_others {
            let known: BTreeSet<String> = all.names().map(str::to_owned).collect();
            all.append(&late.filtered(|name| !known.contains(name)));
        }
        all
    }

    /// Whether anything is said of how any node of the run is reached. Where it is not, all of them are this machine.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        let mut nodes = self.lists().flat_map(|list| (0..list.len()).filter_map(|at| list.details(at)));
        nodes.any(|node| node.transport.is_some())
    }

    fn place(&self, name: &str) -> Option<(&Frozen, u32)> {
        let index = self.nodes.0.get_or_init(|| {
            let mut index = BTreeMap::new();
            for (list, targets) in self.lists().enumerate() {
                for (at, name) in (0_u32..).zip(targets.names()) {
                    index.entry(name.to_owned()).or_insert((list, at));
                }
            }
            index
        });
        let (list, at) = *index.get(name)?;
        Some((self.lists().nth(list)?, at))
    }
}

impl RunNodes for Layout {
    fn node(&self, name: &str) -> Option<Arc<Node>> {
        let (targets, at) = self.place(name)?;
        targets.node(at)
    }

    fn vars(&self, name: &str) -> Vars {
        let mut vars = Vars::from(self.submission.plan.spec.vars.clone());
        if let Some((targets, at)) = self.place(name) {
            targets.add_vars(at, &mut vars);
        }
        vars
    }

    fn names(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let all = self.lists().flat_map(Frozen::names);
        all.filter(|name| seen.insert(*name)).map(str::to_owned).collect()
    }
}
