//! The run as a whole: its phases from the first check to the end, and its alarms.
//!
//! ```text
//! bypass ─▶ gate ─▶ work (block after block) ─▶ loop drain ─▶ post
//!                       ─▶ deferred batches ─▶ deferred checks ─▶ done
//! ```

use windlass_model::element::{ElementId, Level};
use windlass_model::event::{CancelCause, Phase, Severity, What};
use windlass_model::outcome::{Outcome, Reason, ReasonKind, RunStatus, Skip};
use windlass_model::span::Span;

use crate::run::{Next, Turn};
use crate::state::{Stage, Timer};

impl Turn<'_> {
    /// Takes the run on by one phase, if it can go on. No block runs.
    pub(crate) fn go_on_with_plan(&mut self) {
        let level = Level::Plan;
        let (paused, halted) = (self.state.paused, self.is_halted(level));
        let phase = self.state.plan.phase;
        match phase {
            Phase::Idle if !paused => self.enter(level, Phase::Bypass),
            Phase::Work if halted => self.leave_work(level),
            Phase::Work if self.state.next_block >= self.layout.block_count() => {
                self.leave_work(level);
            }
            Phase::Work if !paused => self.begin_block(self.state.next_block),
            Phase::DeferredBatches => self.go_on_with_batches(),
            phase => self.go_on_with_checks(level, phase),
        }
    }

    /// Time has passed: everything whose time has come.
    pub(crate) fn tick(&mut self) {
        while let Some((at, timer)) = self.state.timers.0.first().copied().filter(|(at, _)| *at <= self.now) {
            self.state.timers.0.remove(&(at, timer));
            match timer {
                Timer::Timeout(element) => {
                    self.cancel_attempt(element, Severity::Term, CancelCause::Timeout);
                }
                Timer::Grace(element) => self.cancel_attempt(element, Severity::Kill, CancelCause::Timeout),
                Timer::Deadline(element) => self.deadline(element),
                Timer::Backoff(element) => self.todo.push_back(Next::Action(element)),
                Timer::Round(level) => self.round_due(level),
                Timer::Approval if self.state.status == RunStatus::AwaitingApproval => {
                    let age = Span(self.now.since(self.layout.submission.at));
                    let message = format!("not enough people approved the run within {age}");
                    self.caused(Reason { kind: ReasonKind::Deadline, element: ElementId::Run, message });
                    self.finish();
                }
                Timer::Delay(_) | Timer::Approval => {}
            }
        }
    }

    /// Ends the run.
    pub(crate) fn finish(&mut self) {
        let status = match &self.state.cause {
            None => RunStatus::Succeeded,
            Some(reason) if reason.kind == ReasonKind::Stopped => RunStatus::Stopped,
            Some(_) => RunStatus::Failed,
        };
        self.emit(What::Finished { status });
        self.locks.leave(self.layout.submission.run);
    }

    fn begin_block(&mut self, block: u32) {
        self.emit(What::Began(ElementId::Block(block)));
        let Some(def) = self.layout.block(block) else { return };
        // One whose own checks have failed is judged again, though all of its sequences are done.
        if def.is_done {
            let outcome = Outcome::Skipped(Skip::DoneBefore);
            self.emit(What::Ended { element: ElementId::Block(block), outcome });
        }
    }

    fn deadline(&mut self, element: ElementId) {
        let Some(action) = self.state.actions.get(&element) else { return };
        match action.stage {
            Stage::InFlight { .. } => self.cancel_attempt(element, Severity::Term, CancelCause::Deadline),
            Stage::Backoff | Stage::Ready => {
                if let Some(failure) = self.past_deadline(element) {
                    self.fail_action(element, failure);
                }
            }
            // What is being verified ends first: no attempt is made then.
            _ => {}
        }
    }
}
