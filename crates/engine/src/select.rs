//! Targets that are chosen when their block begins (`resolve: late`).
//!
//! ```text
//! began(block) ─▶ Effect::Select ─▶ whoever has the inventory ─▶ Input::Selected
//!                     ─▶ `selected` in the log: frozen from here on ─▶ the block goes on
//! ```
//!
//! The choice is a part of the log, and the layout of the run follows from it: whoever folds the log
//! works with the same targets, whatever has become of the inventory meanwhile. A crash before the
//! choice is in the log asks anew.

use std::sync::Arc;

use windlass_model::element::ElementId;
use windlass_model::event::What;
use windlass_model::foresight::Would;
use windlass_model::late::Chosen;
use windlass_model::layout::Choice;
use windlass_model::outcome::{Failure, Outcome, Reason, ReasonKind};
use windlass_model::payload::Payload;
use windlass_model::time::Time;

use crate::input::{Effect, Refused, SelectCall, Step};
use crate::lock::Locks;
use crate::run::{Run, Turn};
use crate::scope;

impl Run {
    /// What was chosen for a block: recorded, then taken on with.
    pub(crate) fn selected(
        &mut self,
        block: u32,
        result: Result<Chosen, Failure>,
        now: Time,
        locks: &mut dyn Locks,
    ) -> Result<Step, Refused> {
        let mut step = self.turn(now, locks, |turn| {
            turn.selected(block, result);
            Ok(())
        })?;
        self.lay_out(block);
        let further = self.turn(now, locks, |turn| {
            turn.go_on();
            Ok(())
        })?;
        step.events.extend(further.events);
        step.seals.extend(further.seals);
        step.effects.extend(further.effects);
        Ok(step)
    }

    /// Puts the targets of a block into the layout, once all of them are known.
    pub(crate) fn lay_out(&mut self, block: u32) {
        let is_open = self.layout().block(block).is_some_and(|def| def.choice == Choice::Open);
        let Some(made) = self.state().chosen.get(&block).filter(|made| made.complete && is_open) else {
            return;
        };
        let parts = made.parts.iter().map(|part| scope::reveal(self.secrets(), part));
        let layout = self.layout().with_chosen(block, Chosen::of_parts(parts));
        self.set_layout(Arc::new(layout));
    }
}

impl Turn<'_> {
    /// Whether a block cannot go on before its targets are chosen.
    pub(crate) fn is_open(&self, block: u32) -> bool {
        self.layout.block(block).is_some_and(|def| def.choice == Choice::Open)
    }

    /// Asks for the targets of a block, unless that was done.
    pub(crate) fn select(&mut self, block: u32) {
        let element = ElementId::Block(block);
        let scope = self.scope(element);
        let Some(state) = self.state.block_at_mut(block) else { return };
        if !std::mem::replace(&mut state.asked.0, true) {
            self.out.effects.push(Effect::Select(Box::new(SelectCall { block, scope })));
        }
    }

    fn selected(&mut self, block: u32, result: Result<Chosen, Failure>) {
        // Somebody may have stopped the run meanwhile, and an earlier answer may have come late.
        let is_waited_for = self.is_open(block)
            && self.state.block_at(block).is_some()
            && self.state.chosen.get(&block).is_none_or(|made| !made.complete);
        match result {
            _ if !is_waited_for => {}
            Ok(chosen) => self.freeze(block, &chosen),
            // In a noop it may follow from what was not done.
            Err(failure) if self.is_noop() && self.may_follow(&failure) => {
                self.end_block(block, Outcome::Foreseen(Would::Unknown));
            }
            Err(failure) => {
                let element = ElementId::Block(block);
                self.caused(Reason { kind: ReasonKind::Selection, element, message: failure.message });
                self.end_block(block, Outcome::Failed);
            }
        }
    }

    fn freeze(&mut self, block: u32, chosen: &Chosen) {
        let parts = chosen.parts();
        let last = parts.len();
        for (n, (targets, part)) in (1_u32..).zip(parts) {
            let part = if self.secrets.is_idle() { part } else { Payload::of(&self.hidden(part.value())) };
            self.emit(What::Selected { block, n, targets, part, more: (n as usize) < last });
        }
    }

    fn may_follow(&self, failure: &Failure) -> bool {
        failure.code == Failure::UNKNOWN
            || self.state.plan.foreseen.is_some_and(|would| would != Would::Nothing)
    }
}
