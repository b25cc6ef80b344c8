//! Blocks: the phases of a block, and its batches.
//!
//! ```text
//! (targets) ─▶ entrance delay ─▶ bypass ─▶ gate ─▶ work ─▶ drain ─▶ loop drain ─▶ post ─▶ undo
//!                                                       ─▶ deferred checks ─▶ exit delay ─▶ done
//! ```

use windlass_model::element::{ElementId, Level, Slot};
use windlass_model::event::{Phase, Wait, What};
use windlass_model::outcome::{Outcome, Skip};
use windlass_model::time::Time;

use crate::chance;
use crate::run::{Next, Turn};
use crate::state::SequenceStatus;

impl Turn<'_> {
    /// Takes the block that runs on by one phase, if it can go on.
    pub(crate) fn go_on_with_block(&mut self, block: u32) {
        let level = Level::Block(block);
        let Some(def) = self.layout.block(block) else { return };
        let Some(state) = self.state.block_at(block) else { return };
        let (paused, halted) = (self.state.paused, self.is_halted(level));
        let unbegun = state.delay_until.is_none();
        let waited = state.delay_until.is_none_or(|until| until <= self.now);
        let (phase, drained) = (state.level.phase, state.active.is_empty());
        match phase {
            Phase::Idle if self.is_open(block) && halted => self.end_block(block, Outcome::Stopped),
            Phase::Idle if self.is_open(block) => {
                if !paused {
                    self.select(block);
                }
            }
            Phase::Idle if self.waits(def.entrance_delay) => self.enter(level, Phase::EntranceDelay),
            Phase::Idle if !paused => self.enter(level, Phase::Bypass),
            Phase::EntranceDelay if halted => self.end_block(block, Outcome::Stopped),
            Phase::EntranceDelay if waited && !unbegun && !paused => self.enter(level, Phase::Bypass),
            Phase::Work => self.go_on_with_work(block),
            Phase::Drain if drained => self.leave_work(level),
            Phase::Undo => self.go_on_with_undo(block),
            // A log may end between a phase and the wait that belongs to it.
            Phase::ExitDelay if unbegun => {
                let until = self.now + def.exit_delay;
                self.wait(block, Wait::Exit, until);
            }
            Phase::EntranceDelay if unbegun => {
                let until = self.now + def.entrance_delay;
                self.wait(block, Wait::Entrance, until);
            }
            Phase::ExitDelay if waited || halted => self.finish_block(block),
            phase => self.go_on_with_checks(level, phase),
        }
    }

    /// Begins a wait of the block.
    pub(crate) fn wait(&mut self, block: u32, wait: Wait, until: Time) {
        self.emit(What::Waiting { element: ElementId::Block(block), wait, until });
    }

    fn go_on_with_work(&mut self, block: u32) {
        let level = Level::Block(block);
        if self.is_halted(level) {
            self.enter(level, Phase::Drain);
            let active =
                self.state.block_at(block).map(|state| state.active.keys().copied().collect::<Vec<_>>());
            // Those between two actions end or go on, as the block's `onFailure` says.
            self.todo.extend(active.unwrap_or_default().into_iter().map(|seq| Next::Sequence(block, seq)));
            return;
        }
        let Some(state) = self.state.block_at(block) else { return };
        let total = u32::try_from(state.sequences.len()).unwrap_or(u32::MAX);
        let (batch, batch_ended, batch_size) = (state.batch, state.batch_ended, state.batch_size);
        if state.ended >= total {
            return self.leave_work(level);
        }
        if batch == 0 && self.skip_done(block) {
            return;
        }
        let in_batch = batch > 0 && batch_ended < batch_size;
        if in_batch {
            self.fill(block);
        } else if !self.state.paused && self.is_ready_for_batch(block) {
            self.begin_batch(block);
        }
    }

    /// Whether the soak is over and the continuous checks have passed once more.
    fn is_ready_for_batch(&mut self, block: u32) -> bool {
        let level = Level::Block(block);
        let Some(def) = self.layout.block(block) else { return false };
        let Some(state) = self.state.block_at(block) else { return false };
        if state.batch == 0 {
            return true;
        }
        if self.waits(def.soak) && state.soaked < state.batch {
            let until = self.now + def.soak;
            self.wait(block, Wait::Soak, until);
            return false;
        }
        if state.delay_until.is_some_and(|until| until > self.now) {
            return false;
        }
        if self.is_empty_slot(level, Slot::Continuous) {
            return true;
        }
        let since = state.delay_until.unwrap_or(state.batch_ended_at).max(state.batch_ended_at);
        let Some(slot) = self.slot(level, Slot::Continuous) else { return true };
        if slot.in_round {
            return false;
        }
        // A round that began before the soak was over says nothing of what the batch has done.
        if slot.rounds <= state.batch_rounds || slot.began < since {
            self.begin_round(level, Slot::Continuous);
            return false;
        }
        slot.passed == Some(true)
    }

    fn begin_batch(&mut self, block: u32) {
        let Some(def) = self.layout.block(block) else { return };
        let Some(state) = self.state.block_at(block) else { return };
        let n = state.batch.saturating_add(1);
        let left = u32::try_from(state.sequences.len()).unwrap_or(u32::MAX).saturating_sub(state.ended);
        let mut canary = Vec::new();
        if let Some(count) = def.canary.filter(|_| n == 1) {
            let pending =
                (0_u32..).zip(&state.sequences).filter(|(_, status)| **status == SequenceStatus::Pending);
            let pending: Vec<u32> = pending.map(|(seq, _)| seq).collect();
            let element = ElementId::Block(block);
            canary = chance::choose(self.layout.submission.seed, element, &pending, count as usize);
        }
        let size = match u32::try_from(canary.len()).unwrap_or(u32::MAX) {
            0 => def.batch_size(n.saturating_sub(u32::from(def.canary.is_some()))).min(left),
            canaries => canaries,
        };
        if let Some(state) = self.state.block_at_mut(block) {
            state.queue.0.cursor = 0;
        }
        self.emit(What::BatchBegan { block, n, size, canary });
        self.fill(block);
    }

    /// Marks what the retried run had done. Whether there was anything to mark.
    fn skip_done(&mut self, block: u32) -> bool {
        let Some(def) = self.layout.block(block) else { return false };
        let Some(state) = self.state.block_at(block) else { return false };
        let pending = |seq: &&u32| state.sequences.get(**seq as usize) == Some(&SequenceStatus::Pending);
        let done: Vec<u32> = def.done.iter().filter(pending).copied().collect();
        for seq in &done {
            let element = ElementId::Sequence { block, seq: *seq };
            self.emit(What::Ended { element, outcome: Outcome::Skipped(Skip::DoneBefore) });
        }
        !done.is_empty()
    }

    /// Goes on behind the last checks of a block: to its exit delay, or its end.
    pub(crate) fn leave_block(&mut self, block: u32) {
        let level = Level::Block(block);
        let waits = self.layout.block(block).is_some_and(|def| self.waits(def.exit_delay));
        if waits && !self.is_halted(level) {
            self.enter(level, Phase::ExitDelay);
        } else {
            self.finish_block(block);
        }
    }

    fn finish_block(&mut self, block: u32) {
        let level = Level::Block(block);
        let Some(state) = self.state.block_at(block) else { return };
        let total = u32::try_from(state.sequences.len()).unwrap_or(u32::MAX);
        let proved =
            self.is_empty_slot(level, Slot::Post) || state.level.slot(Slot::Post).passed == Some(true);
        let outcome = if state.level.failing {
            Outcome::Failed
        } else if self.is_halted(level) && (state.ended < total || !proved) {
            // Work that is done and whose post checks nobody has seen pass has not succeeded.
            Outcome::Stopped
        } else {
            self.good(state.level.changed, state.level.foreseen)
        };
        self.end_block(block, outcome);
    }

    pub(crate) fn end_block(&mut self, block: u32, outcome: Outcome) {
        self.emit(What::Ended { element: ElementId::Block(block), outcome });
    }
}
