//! Levels: what the plan and its blocks have in common: the phases around their work.
//!
//! ```text
//! bypass ─▶ gate ─▶ work ─▶ loop drain ─▶ post ─▶ (undo, deferred batches) ─▶ deferred checks
//! ```
//!
//! What the work is, and what lies between, [`crate::block`] and [`crate::plan`] know.

use windlass_model::element::{Level, Slot};
use windlass_model::event::{Phase, What};
use windlass_model::outcome::{Outcome, Skip};

use crate::run::Turn;

impl Turn<'_> {
    /// Whether no new work may start at a level because something there or above has failed or was stopped.
    pub(crate) fn is_halted(&self, level: Level) -> bool {
        self.state.stopping.is_some()
            || self.state.plan.failing
            || self.state.level(level).is_some_and(|level| level.failing)
    }

    /// Takes a level into a phase, past those that have nothing to do: an empty slot is no slot.
    pub(crate) fn enter(&mut self, level: Level, phase: Phase) {
        let empty = |slot| self.is_empty_slot(level, slot);
        let phase = match phase {
            Phase::Bypass if empty(Slot::Bypass) => return self.enter(level, Phase::Gate),
            Phase::Gate if empty(Slot::Pre) && empty(Slot::Continuous) => Phase::Work,
            phase => phase,
        };
        self.emit(What::Phase { level, phase });
    }

    /// Goes on behind the work of a level: its loop ends, then its post checks run, if all is well.
    pub(crate) fn leave_work(&mut self, level: Level) {
        let looping = !self.is_empty_slot(level, Slot::Continuous);
        let post = !self.is_empty_slot(level, Slot::Post) && !self.is_halted(level);
        if looping || (post && self.state.paused) {
            self.enter(level, Phase::LoopDrain);
        } else if post {
            self.enter(level, Phase::Post);
        } else {
            self.close(level);
        }
    }

    /// Goes on behind the last check that decides how the work of a level ended.
    pub(crate) fn close(&mut self, level: Level) {
        match level {
            Level::Block(block) => self.enter_undo(block),
            Level::Plan if self.layout.batches.is_empty() => self.enter_deferred_checks(level),
            Level::Plan => self.enter(level, Phase::DeferredBatches),
        }
    }

    /// Goes on to the deferred checks of a level, or past them.
    pub(crate) fn enter_deferred_checks(&mut self, level: Level) {
        if self.is_empty_slot(level, Slot::Deferred) {
            self.leave_level(level);
        } else {
            self.enter(level, Phase::DeferredChecks);
        }
    }

    fn leave_level(&mut self, level: Level) {
        match level {
            Level::Block(block) => self.leave_block(block),
            Level::Plan => self.finish(),
        }
    }

    fn end_bypassed(&mut self, level: Level) {
        let outcome = Outcome::Skipped(Skip::Bypassed);
        self.emit(What::Ended { element: level.element(), outcome });
        if level == Level::Plan {
            self.finish();
        }
    }

    /// Takes a level on by one of the phases in which nothing but its checks runs.
    pub(crate) fn go_on_with_checks(&mut self, level: Level, phase: Phase) {
        let paused = self.state.paused;
        match phase {
            Phase::Bypass if self.run_slot(level, Slot::Bypass) => {
                if self.is_bypassed(level) && self.state.stopping.is_none() {
                    self.end_bypassed(level);
                } else if self.is_halted(level) {
                    self.leave_work(level);
                } else if !paused {
                    self.enter(level, Phase::Gate);
                }
            }
            Phase::Gate if self.run_gate(level) => {
                if self.is_halted(level) {
                    self.leave_work(level);
                } else if !paused {
                    self.enter(level, Phase::Work);
                }
            }
            // A round that is still in flight counts, whatever it finds.
            Phase::LoopDrain if self.drain_loop(level) => {
                if self.is_halted(level) || self.is_empty_slot(level, Slot::Post) {
                    self.close(level);
                } else if !paused {
                    self.enter(level, Phase::Post);
                }
            }
            Phase::Post if self.run_slot(level, Slot::Post) => self.close(level),
            Phase::DeferredChecks if self.run_slot(level, Slot::Deferred) => self.leave_level(level),
            _ => {}
        }
    }

    /// Whether all bypass checks of a level passed.
    fn is_bypassed(&self, level: Level) -> bool {
        !self.is_empty_slot(level, Slot::Bypass)
            && self.slot(level, Slot::Bypass).is_some_and(|slot| slot.passed == Some(true))
    }
}
