//! Deferred batches: actions that run at the end, on success, on failure, or always.

use windlass_model::element::{ElementId, Level, Work};
use windlass_model::event::What;
use windlass_model::outcome::{Outcome, Reason, ReasonKind};
use windlass_model::plan::When;

use crate::run::{Next, Turn};

impl Turn<'_> {
    /// Begins the batches whose time has come, and goes on when all have ended.
    pub(crate) fn go_on_with_batches(&mut self) {
        if self.state.paused {
            return;
        }
        let good = self.state.closing_good;
        let due = self.layout.batches.iter().zip(&self.state.batches).enumerate();
        let due = due.filter(|(_, (def, state))| {
            let selected = match def.when {
                When::Success => good,
                When::Failure => !good,
                When::Always => true,
            };
            selected && !state.begun && !def.actions.is_empty()
        });
        let due: Vec<u16> = due.filter_map(|(index, _)| u16::try_from(index).ok()).collect();
        for batch in &due {
            self.emit(What::Began(ElementId::Batch(*batch)));
            self.todo.push_back(Next::Batch(*batch));
        }
        if due.is_empty() && self.state.batches.iter().all(|batch| batch.ended || !batch.begun) {
            self.enter_deferred_checks(Level::Plan);
        }
    }

    /// Takes a batch on: its next action, or its end.
    pub(crate) fn go_on_with_batch(&mut self, index: u16) {
        let Some(def) = self.layout.batches.get(usize::from(index)) else { return };
        let Some(batch) = self.state.batches.get(usize::from(index)) else { return };
        if batch.busy || batch.ended || !batch.begun {
            return;
        }
        let over = usize::from(batch.action) >= def.actions.len();
        let outcome = match batch.verdict {
            Some(outcome) => outcome,
            None if over => self.good(batch.changed, batch.foreseen),
            None if self.state.paused => return,
            None => {
                let action = batch.action;
                return self.begin_action(Work::Deferred { batch: index, action }.into());
            }
        };
        let failure = batch.failure.clone();
        if let Some((element, failure)) = failure.filter(|_| def.fail_plan && outcome == Outcome::Failed) {
            let message = failure.message;
            self.caused(Reason { kind: ReasonKind::DeferredBatch, element, message });
        }
        self.emit(What::Ended { element: ElementId::Batch(index), outcome });
    }
}
