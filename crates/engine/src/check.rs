//! Check slots: rounds of checks in parallel, once or again and again.

use windlass_model::element::{ElementId, Level, Slot, Work};
use windlass_model::event::{Phase, What};
use windlass_model::outcome::{Failure, Outcome, Reason, ReasonKind};

use crate::run::Turn;
use crate::state::SlotState;

impl Turn<'_> {
    /// Whether a slot has no checks: then it is no slot.
    pub(crate) fn is_empty_slot(&self, level: Level, slot: Slot) -> bool {
        self.layout.checks(level).is_none_or(|checks| checks.slot(slot).is_empty())
    }

    /// The state of a slot.
    pub(crate) fn slot(&self, level: Level, slot: Slot) -> Option<&SlotState> {
        self.state.level(level).map(|level| level.slot(slot))
    }

    /// Runs a slot once: begins its round unless that has begun, and says whether it is through.
    pub(crate) fn run_slot(&mut self, level: Level, slot: Slot) -> bool {
        if self.is_empty_slot(level, slot) {
            return true;
        }
        if self.slot(level, slot).is_some_and(|slot| slot.rounds == 0) {
            self.begin_round(level, slot);
        }
        let through = self.slot(level, slot).is_some_and(|slot| slot.rounds > 0 && !slot.in_round);
        // A log may end between the end of a round and that of its slot.
        if through && slot != Slot::Continuous && self.slot(level, slot).is_some_and(|slot| !slot.ended) {
            self.end_slot(level, slot);
        }
        through
    }

    /// Runs the gate of a level: its pre checks and a first round of the continuous ones, in parallel.
    pub(crate) fn run_gate(&mut self, level: Level) -> bool {
        let pre = self.run_slot(level, Slot::Pre);
        let continuous = self.run_slot(level, Slot::Continuous);
        pre && continuous
    }

    /// Begins a round of a slot.
    pub(crate) fn begin_round(&mut self, level: Level, slot: Slot) {
        let Some(checks) = self.layout.checks(level).map(|checks| checks.slot(slot).len()) else { return };
        let Some(state) = self.slot(level, slot) else { return };
        if checks == 0 || state.in_round || state.ended {
            return;
        }
        let n = state.rounds.saturating_add(1);
        let element = ElementId::Slot { level, slot };
        if !state.begun {
            self.emit(What::Began(element));
        }
        self.emit(What::RoundBegan { element, n });
        for index in 0..u16::try_from(checks).unwrap_or(u16::MAX) {
            self.begin_action(Work::Check { level, slot, index }.into());
        }
        self.go_on_with_round(level, slot);
    }

    /// Ends a slot's round when all its checks have ended.
    pub(crate) fn go_on_with_round(&mut self, level: Level, slot: Slot) {
        let Some(state) = self.slot(level, slot) else { return };
        let checks = self.layout.checks(level).map_or(0, |checks| checks.slot(slot).len());
        if !state.in_round || state.open > 0 || checks == 0 {
            return;
        }
        let (n, passed) = (state.rounds, !state.spoiled);
        let element = ElementId::Slot { level, slot };
        self.emit(What::RoundEnded { element, n, passed });
        if slot != Slot::Continuous {
            self.end_slot(level, slot);
        }
    }

    /// Begins the next round of continuous checks, if it is due and may run.
    pub(crate) fn round_due(&mut self, level: Level) {
        let Some(state) = self.slot(level, Slot::Continuous) else { return };
        let Some(due) = state.due.0.filter(|due| *due <= self.now) else { return };
        let goes_on = self.loop_runs(level);
        let gate = self.state.level(level).is_some_and(|level| level.phase == Phase::Gate);
        if state.in_round || !goes_on {
            // A late round is not doubled, and none follows before the gate is open: the next
            // begins on the next beat of its period.
            if (goes_on || gate)
                && let Some(every) = self.layout.checks(level).map(|checks| checks.every)
            {
                self.postpone_round(level, due, every);
            } else {
                self.move_round(level, None);
            }
            return;
        }
        self.begin_round(level, Slot::Continuous);
    }

    /// Ends the continuous checks of a level, or says that a round is still in flight.
    pub(crate) fn drain_loop(&mut self, level: Level) -> bool {
        let Some(state) = self.slot(level, Slot::Continuous) else { return true };
        if state.in_round {
            return false;
        }
        if state.rounds > 0 && !state.ended {
            self.end_slot(level, Slot::Continuous);
        }
        true
    }

    /// A check that had to pass failed.
    pub(crate) fn check_failed(&mut self, element: ElementId, slot: Slot, failure: &Failure) {
        let kind = match slot {
            Slot::Bypass => return,
            Slot::Pre => ReasonKind::PreCheck,
            Slot::Continuous => ReasonKind::ContinuousCheck,
            Slot::Post => ReasonKind::PostCheck,
            Slot::Deferred => ReasonKind::DeferredCheck,
        };
        self.caused(Reason { kind, element, message: failure.message.clone() });
    }

    /// Records the cause of a failure or stop, unless there was an earlier one.
    pub(crate) fn caused(&mut self, reason: Reason) {
        if self.state.cause.is_none() {
            self.emit(What::Caused(reason));
        }
    }

    fn loop_runs(&self, level: Level) -> bool {
        let Some(state) = self.state.level(level) else { return false };
        let failing = state.failing || (level != Level::Plan && self.state.plan.failing);
        let working = matches!(state.phase, Phase::Work | Phase::Drain);
        working && !failing && self.state.stopping.is_none()
    }

    fn end_slot(&mut self, level: Level, slot: Slot) {
        let passed = self.slot(level, slot).is_some_and(|slot| slot.passed == Some(true));
        let outcome = match (passed, self.state.stopping) {
            (true, _) => Outcome::UNCHANGED,
            (false, Some(_)) if !self.has_failed_check(level, slot) => Outcome::Stopped,
            (false, _) => Outcome::Failed,
        };
        self.emit(What::Ended { element: ElementId::Slot { level, slot }, outcome });
    }

    fn has_failed_check(&self, level: Level, slot: Slot) -> bool {
        slot != Slot::Bypass && self.state.level(level).is_some_and(|level| level.failing)
    }

    fn postpone_round(&mut self, level: Level, due: windlass_model::time::Time, every: std::time::Duration) {
        let mut next = due;
        let every = every.max(std::time::Duration::from_millis(1));
        while next <= self.now {
            next = next + every;
        }
        self.move_round(level, Some(next));
    }

    /// Moves the alarm for the next round. The alarm is an index: after a restart a round that is
    /// overdue simply begins.
    fn move_round(&mut self, level: Level, at: Option<windlass_model::time::Time>) {
        use crate::state::Timer;
        let Some(state) = self.state.level_mut(level) else { return };
        let before = std::mem::replace(&mut state.slot_mut(Slot::Continuous).due.0, at);
        if let Some(before) = before {
            self.state.timers.0.remove(&(before, Timer::Round(level)));
        }
        if let Some(at) = at {
            self.state.timers.0.insert((at, Timer::Round(level)));
        }
    }
}
