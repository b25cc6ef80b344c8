//! The nodes beside the targets that actions go to: those that `on` names.
//!
//! What `on` says may depend on the target, and on what only a run knows. What can be rendered before it is
//! looked up in the inventory and frozen, so that a run knows how to reach it whatever becomes of the inventory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Value;
use windlass_model::eval::{Scope, is_template};
use windlass_model::freeze::{Asked, Inventory, Key, What, Wish};
use windlass_model::plan::{Action, Block, Plan};
use windlass_model::problem::Problem;
use windlass_model::target::Frozen;
use windlass_model::validate::walk;
use windlass_model::vars::{Layer, Origin};

/// The nodes that actions of a step set go to, without those that are targets of it.
///
/// # Errors
///
/// Names that the inventory does not know, each at the first action that says them.
pub(super) fn of(
    plan: &Plan,
    step_set: &str,
    targets: &[Frozen],
    inventory: &Inventory<'_>,
) -> Result<Frozen, Vec<Problem>> {
    let blocks = plan.step_set(step_set).unwrap_or_default();
    let mut finder = Finder { inventory, said: BTreeMap::new() };
    for on in plan.spec.deferred.iter().flat_map(|batch| &batch.actions).flat_map(elsewhere) {
        finder.add(on, inventory.scope);
    }
    for (block, targets) in blocks.iter().zip(targets) {
        finder.add_block(block, targets);
    }
    for name in targets.iter().flat_map(Frozen::names) {
        finder.said.remove(name);
    }
    finder.choose(plan)
}

/// The same for a block whose targets were chosen as it began.
pub(super) fn of_block(
    plan: &Plan,
    step_set: &str,
    block: u32,
    targets: &Frozen,
    inventory: &Inventory<'_>,
) -> Result<Frozen, Vec<Problem>> {
    let mut finder = Finder { inventory, said: BTreeMap::new() };
    let blocks = plan.step_set(step_set).unwrap_or_default();
    if let Some(block) = blocks.get(block as usize) {
        finder.add_block(block, targets);
    }
    for name in targets.names() {
        finder.said.remove(name);
    }
    finder.choose(plan)
}
/// Names, each with what `on` says that gives it.
struct Finder<'a> {
    inventory: &'a Inventory<'a>,
    said: BTreeMap<String, &'a str>,
}

// === impl Finder ===

impl<'a> Finder<'a> {
    fn add_block(&mut self, block: &'a Block, targets: &Frozen) {
        let written = block.sequences.iter().flat_map(|sequence| &sequence.actions);
        let template = block.sequence.iter().flat_map(|template| &template.actions);
        let ons: BTreeSet<&str> = written.chain(template).flat_map(elsewhere).collect();
        for on in ons {
            if !is_template(on) || block.sequence.is_none() {
                self.add(on, self.inventory.scope);
                continue;
            }
            for index in 0..targets.len() {
                let mut vars = (*self.inventory.scope.vars).clone();
                targets.add_vars(index, &mut vars);
                vars.push(&Layer::new(Origin::Block(block.name.clone()), block.vars.clone()));
                if let Some(template) = &block.sequence {
                    vars.push(&Layer::new(Origin::Sequence, template.vars.clone()));
                }
                let (vars, node) = (Arc::new(vars), targets.node(index));
                self.add(on, &Scope { vars, node, ..self.inventory.scope.clone() });
            }
        }
    }

    /// Looks them up.
    fn choose(self, plan: &Plan) -> Result<Frozen, Vec<Problem>> {
        let Self { inventory, said } = self;
        let wish =
            |(index, name): (usize, &String)| Wish { what: What::Node(name.clone()), key: Key::Nodes, index };
        let include = said.keys().enumerate().map(wish).collect();
        let choice = inventory.nodes.choose(&Asked { include, exclude: Vec::new() }, inventory);
        if choice.problems.is_empty() {
            return Ok(choice.targets);
        }
        let ons: Vec<&str> = said.values().copied().collect();
        let place = |problem: Problem| {
            let index = problem.pointer.rsplit('/').next().and_then(|index| index.parse::<usize>().ok());
            let (address, pointer) =
                index.and_then(|index| said_at(plan, ons.get(index)?)).unwrap_or_default();
            Problem { address, pointer, message: format!("`on`: {}", problem.message), ..problem }
        };
        Err(choice.problems.into_iter().map(place).collect())
    }

    fn add(&mut self, on: &'a str, scope: &Scope) {
        if let Some(name) = rendered(on, scope, self.inventory) {
            self.said.entry(name).or_insert(on);
        }
    }
}

/// The address and the pointer of the first action that says this.
fn said_at(plan: &Plan, on: &str) -> Option<(String, String)> {
    let mut found = None;
    walk::actions(plan, &mut |at| {
        if found.is_none() && at.action.on.as_deref() == Some(on) {
            found = Some((at.address.to_owned(), format!("{}/on", at.pointer)));
        }
    });
    found
}

/// Where an action and its undo go, if that is elsewhere.
fn elsewhere(action: &Action) -> impl Iterator<Item = &str> {
    action.on.iter().chain(action.undo.iter().filter_map(|undo| undo.on.as_ref())).map(String::as_str)
}

/// The name, if it is known before the run.
fn rendered(on: &str, scope: &Scope, inventory: &Inventory<'_>) -> Option<String> {
    if !is_template(on) {
        return Some(on.to_owned());
    }
    let rendered = inventory.eval.render(&Value::from(on), scope).ok()?;
    rendered.clear.as_str().map(str::to_owned)
}
