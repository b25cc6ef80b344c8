//! Undo: what succeeded in a failed block is taken back, each sequence from its end.

use windlass_model::element::{ElementId, Level, Work};
use windlass_model::event::{Phase, What};
use windlass_model::plan::OnFailure;

use crate::lock::Lacking;
use crate::run::Turn;
use crate::state::Undoing;

impl Turn<'_> {
    /// Goes on to the undo of a block, or past it where there is nothing to take back.
    pub(crate) fn enter_undo(&mut self, block: u32) {
        let level = Level::Block(block);
        let Some(def) = self.layout.block(block) else { return };
        let failed = self.state.plan.failing || self.state.level(level).is_some_and(|level| level.failing);
        let anything = self.state.block_at(block).is_some_and(|state| !state.undoable.is_empty());
        let wanted = def.on_failure == OnFailure::Undo && failed && anything && self.state.stopping.is_none();
        if wanted {
            self.enter(level, Phase::Undo);
        } else {
            self.enter_deferred_checks(level);
        }
    }

    /// Begins as many undos as the block's concurrency allows, and goes on when all have ended.
    pub(crate) fn go_on_with_undo(&mut self, block: u32) {
        let Some(def) = self.layout.block(block) else { return };
        let run = self.layout.submission.run;
        let stopping = self.state.stopping.is_some();
        let Some(state) = self.state.block_at_mut(block) else { return };
        // What is not taken back any more gives its node to others.
        for (seq, undoing) in state.undoing.iter_mut().filter(|(_, undoing)| stopping && !undoing.busy) {
            if let Some(claim) = undoing.claim.0.take() {
                self.locks.release(&claim, run, ElementId::Sequence { block, seq: *seq });
            }
        }
        let busy = state.undoing.values().any(|undoing| undoing.busy);
        let over = !busy && (stopping || state.undoable.is_empty());
        if over {
            return self.enter_deferred_checks(Level::Block(block));
        }
        if stopping || self.state.paused {
            return;
        }
        let Some(state) = self.state.block_at(block) else { return };
        let waiting = state
            .undoable
            .iter()
            .filter(|(seq, _)| state.undoing.get(seq).is_none_or(|undoing| !undoing.busy));
        let waiting: Vec<(u32, u16)> =
            waiting.filter_map(|(seq, undoable)| Some((*seq, *undoable.actions.last()?))).collect();
        for (seq, action) in waiting {
            let Some(state) = self.state.block_at(block) else { return };
            let begun = state.undoing.contains_key(&seq);
            let room = u32::try_from(state.undoing.len()).unwrap_or(u32::MAX) < def.concurrency;
            let undo = Work::Undo { block, seq, action }.into();
            if begun || room && self.lock_for_undo(block, seq, undo) {
                self.begin_action(undo);
            }
        }
    }

    /// Ends an undo; the last one of its sequence gives the lock back.
    pub(crate) fn end_undo(&mut self, block: u32, seq: u32, ended: What) {
        let undoing = self.state.block_at(block).and_then(|state| state.undoing.get(&seq));
        let claim = undoing.and_then(|undoing| undoing.claim.0.clone());
        self.emit(ended);
        let over = self.state.block_at(block).is_none_or(|state| !state.undoing.contains_key(&seq));
        if let Some(claim) = claim.filter(|_| over) {
            let element = ElementId::Sequence { block, seq };
            self.locks.release(&claim, self.layout.submission.run, element);
        }
    }

    fn lock_for_undo(&mut self, block: u32, seq: u32, undo: ElementId) -> bool {
        let claim = self.claim(block, seq);
        let element = ElementId::Sequence { block, seq };
        if let Some(claim) = &claim
            && let Err(Lacking { what, holder }) =
                self.locks.acquire(claim, self.layout.submission.run, element)
        {
            let state = self.state.block_at_mut(block);
            if state.is_some_and(|state| state.queue.0.announced.insert(seq)) {
                self.emit(What::LockAwaited { element: undo, lock: what, holder });
            }
            return false;
        }
        if let Some(state) = self.state.block_at_mut(block) {
            let undoing = state.undoing.entry(seq).or_insert_with(Undoing::default);
            undoing.claim.0 = claim;
        }
        true
    }
}
