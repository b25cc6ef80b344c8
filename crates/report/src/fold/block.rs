//! The fold of what happens to blocks: limits, batches, delays, phases.

use std::sync::Arc;

use windlass_model::event::{Phase, Wait, What};
use windlass_model::layout::BlockDef;
use windlass_model::outcome::{Outcome, Status};
use windlass_model::time::Time;

use super::Fold;
use crate::view::{BatchView, BlockView, Delay, Retrying};

/// The sequences of a block that the retried run had done: sorted, each once, none that does not exist.
pub(super) fn done(def: &BlockDef) -> Vec<u32> {
    let total = def.sequences.len();
    let mut done: Vec<u32> = def.done.iter().copied().filter(|seq| *seq < total).collect();
    done.sort_unstable();
    done.dedup();
    done
}

/// A block that has not begun.
pub(super) fn view(def: &BlockDef, done: &[u32]) -> BlockView {
    let total = def.sequences.len();
    let skipped = u32::try_from(done.len()).unwrap_or(u32::MAX);
    BlockView { total, skipped, not_started: total.saturating_sub(skipped), ..BlockView::default() }
}

impl Fold {
    /// Targets were chosen as their block began.
    pub(super) fn selected(&mut self, what: &What) {
        let Some(block) = self.layout.apply(what) else { return };
        let layout = Arc::clone(self.layout());
        let at = block as usize;
        if let (Some(def), Some(now), Some(done)) =
            (layout.block(block), self.blocks.get_mut(at), self.done.get_mut(at))
        {
            *done = self::done(def);
            let BlockView { total, skipped, not_started, .. } = view(def, done);
            (now.total, now.skipped, now.not_started) = (total, skipped, not_started);
        }
    }

    pub(super) fn phase(&mut self, block: u32, phase: Phase, at: Time) {
        let Some(block) = self.block_mut(block) else { return };
        end_delay(block, at);
        block.phases.push((phase, at));
    }

    pub(super) fn batch_began(&mut self, block: u32, n: u32, size: u32, canary: &[u32], at: Time) {
        let Some(block) = self.block_mut(block) else { return };
        end_delay(block, at);
        if let Some(before) = block.batches.last_mut() {
            before.ended_at.get_or_insert(at);
        }
        if !canary.is_empty() {
            block.canary = canary.to_vec();
        }
        let canary = !canary.is_empty();
        block.batches.push(BatchView { n, size, ended: 0, failed: 0, canary, began_at: at, ended_at: None });
    }

    pub(super) fn delayed(&mut self, block: u32, wait: Wait, until: Time, at: Time) {
        let Some(block) = self.block_mut(block) else { return };
        end_delay(block, at);
        block.delays.push(Delay { wait, from: at, until, ended_at: None });
    }

    /// An action of a sequence has failed and is tried again.
    pub(super) fn retry_began(&mut self, block: u32, at: Time) {
        let Some(block) = self.block_mut(block) else { return };
        block.retrying = block.retrying.saturating_add(1);
        match block.retries.last_mut().filter(|retrying| retrying.ended_at.is_none()) {
            Some(retrying) => retrying.actions = retrying.actions.saturating_add(1),
            None => block.retries.push(Retrying { actions: 1, began_at: at, ended_at: None }),
        }
    }

    /// It has ended.
    pub(super) fn retry_ended(&mut self, block: u32, at: Time) {
        let Some(block) = self.block_mut(block) else { return };
        block.retrying = block.retrying.saturating_sub(1);
        if let (0, Some(retrying)) = (block.retrying, block.retries.last_mut()) {
            retrying.ended_at.get_or_insert(at);
        }
    }

    pub(super) fn block_ended(&mut self, block: u32, at: Time) {
        let Some(block) = self.block_mut(block) else { return };
        end_delay(block, at);
        if let Some(batch) = block.batches.last_mut() {
            batch.ended_at.get_or_insert(at);
        }
        if let Some(retrying) = block.retries.last_mut() {
            retrying.ended_at.get_or_insert(at);
        }
    }

    /// A sequence began that stood at `before`.
    pub(super) fn sequence_began(&mut self, block: u32, seq: u32, before: Status) {
        let done = self.is_done_before(block, seq);
        let Some(block) = self.block_mut(block) else { return };
        if before == Status::Running {
            return;
        }
        if before == Status::Pending && !done {
            block.not_started = block.not_started.saturating_sub(1);
        }
        block.active = block.active.saturating_add(1);
        block.peak_active = block.peak_active.max(block.active);
    }

    /// A sequence ended that stood at `before`.
    pub(super) fn sequence_ended(
        &mut self,
        block: u32,
        seq: u32,
        before: Status,
        outcome: Outcome,
        at: Time,
    ) {
        let done = self.is_done_before(block, seq);
        let Some(block) = self.block_mut(block) else { return };
        match before {
            Status::Running => block.active = block.active.saturating_sub(1),
            // An unreachable target fails, and one done before is skipped, without having begun.
            Status::Pending if !done => block.not_started = block.not_started.saturating_sub(1),
            _ => {}
        }
        let count = match outcome {
            Outcome::Succeeded { .. } => &mut block.succeeded,
            Outcome::Foreseen(would) => {
                let count = block.would.of(would);
                *count = count.saturating_add(1);
                &mut block.succeeded
            }
            Outcome::Failed => &mut block.failed,
            Outcome::Skipped(_) if done => return,
            Outcome::Skipped(_) => &mut block.skipped,
            Outcome::Stopped => &mut block.stopped,
        };
        *count = count.saturating_add(1);
        if let Some(batch) = block.batches.last_mut() {
            batch.ended = batch.ended.saturating_add(1);
            batch.failed = batch.failed.saturating_add(u32::from(outcome == Outcome::Failed));
            if batch.ended >= batch.size {
                batch.ended_at.get_or_insert(at);
            }
        }
    }

    fn block_mut(&mut self, block: u32) -> Option<&mut BlockView> {
        self.blocks.get_mut(block as usize)
    }
}

/// What comes next ends a delay, even where a pause had made it longer.
fn end_delay(block: &mut BlockView, at: Time) {
    if let Some(delay) = block.delays.last_mut() {
        delay.ended_at.get_or_insert(at);
    }
}
