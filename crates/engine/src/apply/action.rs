//! What the end of an action means for whatever it is part of.

use std::sync::Arc;

use windlass_model::element::{ElementId, Side, Slot, Work};
use windlass_model::event::AttemptEnd;
use windlass_model::foresight::{self, Would};
use windlass_model::layout::Layout;
use windlass_model::outcome::{Failure, Outcome};
use windlass_model::plan::OnFailure;
use windlass_model::secret::Secrets;
use windlass_model::{Map, Value};

use super::weightier;
use crate::scope;
use crate::state::{ActionState, Stage, State};

type Saves<'a> = Vec<(&'a str, Value)>;

impl State {
    pub(super) fn action_ended(
        &mut self,
        layout: &Layout,
        secrets: &Secrets,
        element: ElementId,
        outcome: Outcome,
        failure: Option<&Failure>,
        saves: Saves<'_>,
    ) {
        self.clear_timers(element);
        let action = self.actions.remove(&element);
        if !matches!(element, ElementId::Verify { .. } | ElementId::Work(Work::Check { .. })) {
            self.foreseen = weightier(self.foreseen, outcome);
        }
        match element {
            ElementId::Work(Work::Action { block, seq, action: index }) => {
                let steps = layout.block(block).and_then(|def| def.sequences.body(seq));
                let steps = steps.filter(|body| body.uses_steps && outcome.is_good());
                let response = steps.and(action.as_ref()).map(|action| match outcome {
                    Outcome::Foreseen(Would::Nothing) if has_answered(action) => response(secrets, action),
                    Outcome::Foreseen(would) => foreseen(layout, element, would),
                    _ => response(secrets, action),
                });
                let keeps_undo = layout.block(block).is_some_and(|def| def.on_failure == OnFailure::Undo);
                let Some(def) = layout.action(element) else { return };
                let Some(sequence) = self.sequence_mut(block, seq) else { return };
                sequence.busy = false;
                sequence.changed |= outcome == Outcome::CHANGED;
                sequence.foreseen = weightier(sequence.foreseen, outcome);
                if outcome.is_good() {
                    sequence.action = index.saturating_add(1);
                } else {
                    sequence.verdict = Some(outcome);
                    sequence.failure = failure.map(|failure| (element, failure.clone()));
                }
                let takes_undo = match outcome {
                    Outcome::Succeeded { .. } => true,
                    // What would be done would be taken back.
                    Outcome::Foreseen(would) => would != Would::Nothing,
                    Outcome::Failed | Outcome::Skipped(_) | Outcome::Stopped => false,
                };
                if keeps_undo && def.undo.is_some() && takes_undo {
                    sequence.undoable.push(index);
                }
                if let Some(response) = response {
                    Arc::make_mut(&mut sequence.steps).insert(def.action.name.clone(), response);
                }
                save(&mut sequence.store, saves);
            }
            ElementId::Work(Work::Undo { block, seq, action: index }) => {
                if let Some(block) = self.block_at_mut(block) {
                    block.level.changed |= outcome == Outcome::CHANGED;
                    block.level.foreseen = weightier(block.level.foreseen, outcome);
                    let undoable = block.undoable.get_mut(&seq);
                    let left = undoable.is_some_and(|undoable| {
                        undoable.actions.retain(|action| *action != index);
                        outcome.is_good() && !undoable.actions.is_empty()
                    });
                    if let Some(undoing) = block.undoing.get_mut(&seq).filter(|_| left) {
                        undoing.busy = false;
                    } else {
                        block.undoable.remove(&seq);
                        block.undoing.remove(&seq);
                    }
                }
            }
            ElementId::Work(Work::Check { level, slot, .. }) => {
                if let Some(level) = self.level_mut(level) {
                    level.failing |= outcome == Outcome::Failed && slot != Slot::Bypass;
                    let state = level.slot_mut(slot);
                    state.open = state.open.saturating_sub(1);
                    // What cannot be told makes nothing unnecessary.
                    let bypasses = slot != Slot::Bypass || !matches!(outcome, Outcome::Foreseen(_));
                    state.spoiled |= !outcome.is_good() || !bypasses;
                }
                save(&mut self.store, saves);
            }
            ElementId::Work(Work::Deferred { batch, action: index }) => {
                if let Some(batch) = self.batches.get_mut(usize::from(batch)) {
                    batch.busy = false;
                    batch.changed |= outcome == Outcome::CHANGED;
                    batch.foreseen = weightier(batch.foreseen, outcome);
                    if outcome.is_good() {
                        batch.action = index.saturating_add(1);
                    } else {
                        batch.verdict = Some(outcome);
                        batch.failure = failure.map(|failure| (element, failure.clone()));
                    }
                }
                save(&mut self.store, saves);
            }
            ElementId::Verify { of, side, .. } => self.verified(of, side, outcome, failure),
            _ => {}
        }
    }

    fn verified(&mut self, of: Work, side: Side, outcome: Outcome, failure: Option<&Failure>) {
        let Some(action) = self.actions.get_mut(&ElementId::Work(of)) else { return };
        if let Stage::Verifying { open, spoiled, after } = &mut action.stage
            && after.is_some() == (side == Side::After)
        {
            *open = open.saturating_sub(1);
            let doubtful = side == Side::Before && matches!(outcome, Outcome::Foreseen(_));
            if (!outcome.is_good() || doubtful) && spoiled.is_none() {
                let stopped = || Failure::new(Failure::CANCELLED, "the check was stopped");
                *spoiled = Some(failure.cloned().unwrap_or_else(stopped));
            }
        }
    }
}

/// The end of the attempt that decided.
fn end_of(action: &ActionState) -> Option<&AttemptEnd> {
    match &action.stage {
        Stage::Judging { end, .. } | Stage::Verifying { after: Some(end), .. } => Some(end),
        _ => None,
    }
}

/// Whether a plugin that was only asked has answered all the same.
fn has_answered(action: &ActionState) -> bool {
    end_of(action).is_some_and(|end| end.response.is_some())
}

/// What `steps.<name>` is for later actions.
fn response(secrets: &Secrets, action: &ActionState) -> Value {
    let end = end_of(action);
    let response = end.and_then(|end| end.response.as_ref()).map(|payload| scope::reveal(secrets, payload));
    let mut step = Map::new();
    step.insert("response".into(), response.unwrap_or(Value::Null));
    step.insert("changed".into(), Value::Bool(end.is_some_and(|end| end.changed)));
    Value::Object(step)
}

/// The same of an action that was only asked what it would do: whether it would change something is known.
fn foreseen(layout: &Layout, element: ElementId, would: Would) -> Value {
    let name = layout.action(element).map_or("", |def| def.action.name.as_str());
    let unknown = foresight::unknown(&not_done(name));
    let mut step = Map::new();
    step.insert(
        "changed".into(),
        match would {
            Would::Nothing => Value::Bool(false),
            Would::Change => Value::Bool(true),
            Would::Unknown => unknown.clone(),
        },
    );
    step.insert("response".into(), unknown);
    Value::Object(step)
}

/// Why what an action would have given is not known.
pub(crate) fn not_done(name: &str) -> String {
    format!("`{name}` was not done")
}

fn save(store: &mut Arc<Map>, saves: Saves<'_>) {
    if saves.is_empty() {
        return;
    }
    let store = Arc::make_mut(store);
    for (name, value) in saves {
        store.insert(name.to_owned(), value);
    }
}
