//! Targets that are chosen when their block begins (`resolve: late`): what a submission keeps for that, and what
//! the log keeps of the choice.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Value;
use crate::event::What;
use crate::layout::Layout;
use crate::payload::Payload;
use crate::target::{Frozen, Targets};

/// What a submission keeps for the blocks whose targets are chosen when they begin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Late {
    /// Which blocks these are, by position.
    pub blocks: Vec<u32>,
    /// Where the inventory is read from, as whoever chooses understands it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<String>,
    /// The selection that the targets of all blocks are narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Targets>,
}

/// What was chosen for a block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// Its targets.
    pub targets: Frozen,
    /// The nodes beside the targets that its actions go to (`on`), as far as an inventory knows them.
    #[serde(default, skip_serializing_if = "Frozen::is_empty")]
    pub others: Frozen,
}

/// So many targets are written down in one event, fewer where much is known of each.
const PART: u32 = 512;
/// So long may that text be: a store takes values some times as large.
const LONGEST: usize = 1 << 20;

// === impl Late ===

impl Late {
    /// Whether there is no such block.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

// === impl Chosen ===

impl Chosen {
    /// The choice in parts of bounded size, at least one, each with how many targets are in it;
    /// [`Self::of_parts`] puts them together again.
    #[must_use]
    pub fn parts(&self) -> Vec<(u32, Payload)> {
        let mut parts = Vec::new();
        let total = self.targets.len();
        let mut from = 0;
        let mut size = PART;
        while from < total {
            let to = total.min(from.saturating_add(size));
            let part = Self { targets: self.targets.part(from..to), others: Frozen::default() };
            let part = Payload::json(&part);
            if part.as_str().len() > LONGEST && size > 1 {
                size = (size / 2).max(1);
                continue;
            }
            parts.push((to.saturating_sub(from), part));
            from = to;
        }
        if parts.is_empty() || !self.others.is_empty() {
            parts.push((0, Payload::json(&Self { targets: Frozen::default(), others: self.others.clone() })));
        }
        parts
    }

    /// The choice of which these are the parts. A part that cannot be read (a damaged log) is left out.
    #[must_use]
    pub fn of_parts(parts: impl IntoIterator<Item = Value>) -> Self {
        let mut all = Self::default();
        for part in parts {
            let part: Self = serde_json::from_value(part).unwrap_or_default();
            all.targets.append(&part.targets);
            all.others.append(&part.others);
        }
        all
    }
}

/// The layout of a run as its log goes on: with the targets that were chosen on the way.
#[derive(Clone, Debug)]
pub struct Growing {
    layout: Arc<Layout>,
    /// The parts so far of the choice that is being told.
    parts: Vec<Payload>,
}

// === impl Growing ===

impl Growing {
    /// As it was submitted.
    #[must_use]
    pub fn new(layout: Arc<Layout>) -> Self {
        Self { layout, parts: Vec::new() }
    }

    /// As far as was told.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Takes the next event in. The block of which it is known now what its targets are, if there is one.
    pub fn apply(&mut self, what: &What) -> Option<u32> {
        let What::Selected { block, n, part, more, .. } = what else { return None };
        if *n == 1 {
            self.parts.clear();
        }
        self.parts.push(part.clone());
        if *more {
            return None;
        }
        let parts = std::mem::take(&mut self.parts);
        let chosen = Chosen::of_parts(parts.iter().map(Payload::value));
        self.layout = Arc::new(self.layout.with_chosen(*block, chosen));
        Some(*block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Lineage, Node};

    fn heirs(count: u32, filler: usize) -> Chosen {
        let mut chosen = Chosen::default();
        let lineage = Lineage { groups: vec!["web".to_owned()].into(), ..Lineage::default() };
        let shared = chosen.targets.share(Arc::new(lineage));
        for n in 0..count {
            let mut node = Node { groups: vec!["web".to_owned()].into(), ..Node::named(format!("n{n}")) };
            node.vars.insert("text".into(), "x".repeat(filler).into());
            match n % 3 {
                0 => drop(chosen.targets.push_name(&node.name)),
                1 => chosen.targets.push(node),
                _ => chosen.targets.push_heir(Arc::new(node), shared),
            }
        }
        chosen.others.push_name("balancer");
        chosen
    }

    #[test]
    fn a_choice_comes_back_from_its_parts_whatever_its_size() {
        for chosen in [Chosen::default(), heirs(1, 0), heirs(2_000, 3), heirs(700, 9_000)] {
            let parts = chosen.parts();
            assert!(!parts.is_empty());
            assert!(parts.iter().all(|(_, part)| part.as_str().len() <= LONGEST));
            assert_eq!(parts.iter().map(|(count, _)| count).sum::<u32>(), chosen.targets.len());
            assert_eq!(Chosen::of_parts(parts.iter().map(|(_, part)| part.value())), chosen);
        }
        assert!(heirs(700, 9_000).parts().len() > heirs(700, 3).parts().len());
    }
}
