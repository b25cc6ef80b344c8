//! Every block and everything that calls a plugin, with address and place, in the order of the plan.

use crate::Map;
use crate::element::Slot;
use crate::plan::{Action, Block, Checks, DEFAULT_STEP_SET, Plan, VerifyAfter};
use crate::schema::escape;

/// What an action is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is a step of a sequence.
    Work,
    /// It takes a step of a sequence back.
    Undo,
    /// It is a check in a slot.
    Check(Slot),
    /// It is a check of `verify`.
    Verify,
    /// It is a check of `verifyAfter`.
    VerifyAfter,
    /// It is a step of a deferred batch.
    Deferred,
}

/// A block and where it stands.
#[derive(Clone, Debug)]
pub struct BlockAt<'a> {
    /// The block.
    pub block: &'a Block,
    /// Its address.
    pub address: String,
    /// Its place in the document.
    pub pointer: String,
}

/// Something that calls a plugin, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct ActionAt<'a> {
    /// The action, or an undo in the form of one.
    pub action: &'a Action,
    /// What it is there for.
    pub role: Role,
    /// Its address.
    pub address: &'a str,
    /// Its place in the document.
    pub pointer: &'a str,
    /// The block that it is in, if any.
    pub block: Option<&'a Block>,
    /// The variables of the sequence that it is in, if any.
    pub vars: Option<&'a Map>,
    /// The actions before it in its sequence or deferred batch.
    pub earlier: &'a [Action],
    /// The action that it verifies or takes back.
    pub of: Option<&'a Action>,
}

/// What to do with each action.
pub type Visit<'v> = dyn FnMut(ActionAt<'_>) + 'v;

/// The address of a child by its name, or by its position where it has none.
#[must_use]
pub fn child(parent: &str, name: &str, index: usize) -> String {
    match (parent.is_empty(), name.trim().is_empty()) {
        (true, false) => name.to_owned(),
        (false, false) => [parent, name].join("/"),
        (true, true) => format!("[{index}]"),
        (false, true) => format!("{parent}/[{index}]"),
    }
}

/// Visits every block of every step set.
pub fn blocks(plan: &Plan, visit: &mut dyn FnMut(BlockAt<'_>)) {
    let one = |block: &Block, set: &str, index, pointer: String, visit: &mut dyn FnMut(BlockAt<'_>)| {
        let name = child("", &block.name, index);
        let address = if set == DEFAULT_STEP_SET { name } else { format!("{set}:{name}") };
        visit(BlockAt { block, address, pointer });
    };
    for (index, block) in plan.spec.blocks.iter().enumerate() {
        one(block, DEFAULT_STEP_SET, index, format!("/spec/blocks/{index}"), visit);
    }
    for (set, blocks) in &plan.spec.stepsets {
        for (index, block) in blocks.blocks.iter().enumerate() {
            one(block, set, index, format!("/spec/stepsets/{}/blocks/{index}", escape(set)), visit);
        }
    }
}

/// Visits everything that calls a plugin.
pub fn actions(plan: &Plan, visit: &mut Visit<'_>) {
    let nowhere = Around { block: None, vars: None };
    slots(&plan.spec.checks, "", "/spec/checks", nowhere, visit);
    blocks(plan, &mut |at| {
        let around = Around { block: Some(at.block), vars: None };
        slots(
            &at.block.checks,
            &format!("{}/", at.address),
            &format!("{}/checks", at.pointer),
            around,
            visit,
        );
        if let Some(template) = &at.block.sequence {
            let around = Around { vars: Some(&template.vars), ..around };
            let list = match template.lock.is_some() || !template.vars.is_empty() {
                true => "sequence/actions",
                false => "sequence",
            };
            let address = format!("{}/*", at.address);
            let pointer = format!("{}/{list}", at.pointer);
            steps(&template.actions, Role::Work, &address, &pointer, around, visit);
        }
        for (index, sequence) in at.block.sequences.iter().enumerate() {
            let around = Around { vars: Some(&sequence.vars), ..around };
            let address = child(&at.address, &sequence.name, index);
            let pointer = format!("{}/sequences/{index}/actions", at.pointer);
            steps(&sequence.actions, Role::Work, &address, &pointer, around, visit);
        }
    });
    for (index, batch) in plan.spec.deferred.iter().enumerate() {
        let address = child("deferred", &batch.name, index);
        let pointer = format!("/spec/deferred/{index}/actions");
        steps(&batch.actions, Role::Deferred, &address, &pointer, nowhere, visit);
    }
}

#[derive(Clone, Copy)]
struct Around<'a> {
    block: Option<&'a Block>,
    vars: Option<&'a Map>,
}

fn slots(checks: &Checks, prefix: &str, pointer: &str, around: Around<'_>, visit: &mut Visit<'_>) {
    for slot in Slot::ALL {
        let address = format!("{prefix}checks.{}", slot.key());
        for (index, action) in checks.slot(slot).iter().enumerate() {
            let at = ActionAt {
                action,
                role: Role::Check(slot),
                address: &child(&address, &action.name, index),
                pointer: &format!("{pointer}/{}/{index}", slot.key()),
                block: around.block,
                vars: around.vars,
                earlier: &[],
                of: None,
            };
            with_its_own(at, visit);
        }
    }
}

fn steps(
    actions: &[Action],
    role: Role,
    parent: &str,
    pointer: &str,
    around: Around<'_>,
    visit: &mut Visit<'_>,
) {
    for (index, action) in actions.iter().enumerate() {
        let at = ActionAt {
            action,
            role,
            address: &child(parent, &action.name, index),
            pointer: &format!("{pointer}/{index}"),
            block: around.block,
            vars: around.vars,
            earlier: actions.get(..index).unwrap_or(&[]),
            of: None,
        };
        with_its_own(at, visit);
    }
}

/// An action, then what verifies it and what takes it back.
fn with_its_own(at: ActionAt<'_>, visit: &mut Visit<'_>) {
    visit(at);
    let mut checks = |checks: &[Action], role: Role, word: &str| {
        for (index, check) in checks.iter().enumerate() {
            let name = if check.name.is_empty() { &check.uses } else { &check.name };
            visit(ActionAt {
                action: check,
                role,
                address: &child(&format!("{}!{word}", at.address), name, index),
                pointer: &format!("{}/{word}/{index}", at.pointer),
                of: Some(at.action),
                ..at
            });
        }
    };
    checks(&at.action.verify, Role::Verify, "verify");
    if let Some(VerifyAfter::Checks(after)) = &at.action.verify_after {
        checks(after, Role::VerifyAfter, "verifyAfter");
    }
    if let Some(undo) = &at.action.undo {
        visit(ActionAt {
            action: &undo.to_action(),
            role: Role::Undo,
            address: &format!("{}!undo", at.address),
            pointer: &format!("{}/undo", at.pointer),
            of: Some(at.action),
            ..at
        });
    }
}
