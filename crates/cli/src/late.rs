//! Nodes for blocks that choose their targets when they begin: the inventory of the run, read again, with facts
//! that are asked for anew where the block selects by them.

use std::path::PathBuf;
use std::sync::Arc;

use windlass_fleet::Fleet;
use windlass_inventory::Inventory;
use windlass_lang::{Evaluator, Findings};
use windlass_model::eval::Scope;
use windlass_model::freeze::Nodes;
use windlass_model::submission::Submission;
use windlass_model::target::{Node, Targets};
use windlass_plugin::{BoxFuture, Registry};
use windlass_runtime::{Inventories, Wanted};

use crate::facts::{self, Kept};
use crate::failure::Failure;

/// Reads the inventory of a run again.
#[derive(Debug)]
pub(crate) struct ReadAgain {
    registry: Registry,
    fleet: Fleet,
}

/// What of the facts a block needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Facts {
    /// It selects by them: they are asked for.
    Asked,
    /// They may be mentioned elsewhere: what is kept will do.
    Kept,
    None,
}

// === impl ReadAgain ===

impl ReadAgain {
    pub(crate) fn new(registry: &Registry, fleet: &Fleet) -> Self {
        Self { registry: registry.clone(), fleet: fleet.clone() }
    }

    async fn read(&self, wanted: Wanted) -> Result<Option<Arc<dyn Nodes>>, String> {
        let Wanted { submission, block, output } = wanted;
        if submission.late.inventory.is_empty() {
            return Ok(None);
        }
        let paths: Vec<PathBuf> = submission.late.inventory.iter().map(PathBuf::from).collect();
        let read = tokio::task::spawn_blocking(move || windlass_sources::load(&paths)).await;
        let read = read.map_err(|error| error.to_string())?;
        let mut inventory =
            read.map_err(|found| format!("the inventory cannot be read again: {}", first(&found)))?.inventory;
        let facts = facts_of(&submission, block);
        if facts != Facts::None {
            let cannot = |failure: Failure| format!("facts cannot be kept: {}", failure.in_words());
            let kept = Kept::usual().map_err(cannot)?;
            if facts == Facts::Asked {
                let nodes = in_question(&inventory, submission.late.selection.as_ref());
                let answers = facts::ask(nodes, &self.registry, &self.fleet, &kept).await;
                for (node, answer) in answers.map_err(cannot)? {
                    if let Err(error) = answer {
                        output.note(&format!("the facts of {} cannot be asked for: {error}", node.name));
                    }
                }
            }
            kept.add(&mut inventory);
        }
        Ok(Some(Arc::new(inventory)))
    }
}

impl Inventories for ReadAgain {
    fn now(&self, wanted: Wanted) -> BoxFuture<'_, Result<Option<Arc<dyn Nodes>>, String>> {
        Box::pin(self.read(wanted))
    }
}

fn facts_of(submission: &Submission, block: u32) -> Facts {
    let blocks = submission.plan.step_set(&submission.step_set).unwrap_or_default();
    let targets = blocks.get(block as usize).map(|block| &block.targets);
    let selects = serde_json::to_string(&(targets, &submission.late.selection)).unwrap_or_default();
    if facts::are_looked_at(&selects) {
        return Facts::Asked;
    }
    let plan = serde_json::to_string(&*submission.plan).unwrap_or_default();
    if facts::are_looked_at(&plan) || plan.contains("maxPer") { Facts::Kept } else { Facts::None }
}

/// The first of what is wrong with an inventory.
fn first(found: &[Findings]) -> String {
    found.iter().find(|findings| !findings.is_empty()).map(ToString::to_string).unwrap_or_default()
}

/// The nodes in service that the block could be about.
fn in_question(inventory: &Inventory, selection: Option<&Targets>) -> Vec<Arc<Node>> {
    let in_service = |node: &&Arc<Node>| node.active;
    let by_facts =
        |selection: &&Targets| facts::are_looked_at(&serde_json::to_string(selection).unwrap_or_default());
    match selection.filter(|selection| !by_facts(selection)) {
        None => inventory.nodes().filter(in_service).cloned().collect(),
        Some(selection) => {
            let choice = inventory.select(selection, &Evaluator::new(), &Scope::default());
            let ids = choice.targets.names().filter_map(|name| inventory.find(name));
            ids.filter_map(|id| inventory.node(id)).filter(in_service).cloned().collect()
        }
    }
}
