//! What people tell a run: pause, resume, stop, cancel, kill, approve, reject, resolve.

use windlass_model::element::ElementId;
use windlass_model::event::{Author, CancelCause, Command, Severity, Verdict, What};
use windlass_model::outcome::{Reason, ReasonKind, RunStatus};
use windlass_model::submission::Digest;

use crate::input::Refused;
use crate::run::{Next, Turn};
use crate::state::Stage;

impl Turn<'_> {
    /// A person's command. Repeating one is fine and changes nothing.
    pub(crate) fn command(&mut self, command: Command, by: Author) -> Result<(), Refused> {
        match command {
            Command::Pause if self.state.stopping.is_some() => {
                return Err(Refused::NotNow("the run is being stopped and cannot be paused".into()));
            }
            Command::Pause if !self.state.paused => self.emit(What::Commanded { command, by }),
            Command::Resume if self.state.paused => {
                self.emit(What::Commanded { command, by });
                self.take_everything_on();
            }
            Command::Pause | Command::Resume => {}
            Command::Stop | Command::Cancel | Command::Kill => self.stop(command, by),
        }
        Ok(())
    }

    /// A command to a run that is over: asking for what is so already is fine.
    pub(crate) fn after_the_end(&self, command: Command) -> Result<(), Refused> {
        let stop = matches!(command, Command::Stop | Command::Cancel | Command::Kill);
        if stop && self.state.status == RunStatus::Stopped {
            return Ok(());
        }
        Err(Refused::Ended(self.state.status.word()))
    }

    pub(crate) fn approve(&mut self, by: Author, digest: Digest) -> Result<(), Refused> {
        if self.state.status != RunStatus::AwaitingApproval {
            return Err(Refused::NotNow("the run does not await approval".into()));
        }
        // Nobody may have been there to end the run when its time was over.
        if let Some(until) = self.state.approval_until.filter(|until| *until <= self.now) {
            return Err(Refused::TooLate(until));
        }
        let submission = &self.layout.submission;
        let actual = submission.digest();
        if digest != actual {
            return Err(Refused::Digest { given: digest, actual });
        }
        let Some(approval) = &submission.plan.spec.approval else { return Ok(()) };
        if by.user == submission.user && !approval.allow_author {
            return Err(Refused::SelfApproval(by.user));
        }
        if self.state.approvals.contains(&by.user) {
            return Ok(());
        }
        let quorum = approval.quorum.max(1) as usize;
        self.emit(What::Approved { by: by.clone() });
        if self.state.approvals.len() >= quorum {
            self.emit(What::Started { by });
        }
        Ok(())
    }

    pub(crate) fn reject(&mut self, by: Author) -> Result<(), Refused> {
        if self.state.status != RunStatus::AwaitingApproval {
            return Err(Refused::NotNow("the run does not await approval".into()));
        }
        let message = said("rejected", &by);
        self.emit(What::Rejected { by });
        self.caused(Reason { kind: ReasonKind::Stopped, element: ElementId::Run, message });
        self.finish();
        Ok(())
    }

    pub(crate) fn resolve(
        &mut self,
        element: ElementId,
        verdict: Verdict,
        by: Author,
    ) -> Result<(), Refused> {
        let asked = self
            .state
            .actions
            .get(&element)
            .is_some_and(|action| matches!(action.stage, Stage::Asked { .. }));
        if !asked {
            return Err(Refused::NotAsked(self.layout.address(element)));
        }
        self.emit(What::Resolved { element, verdict, by });
        self.todo.push_back(Next::Action(element));
        Ok(())
    }

    /// Looks at everything that has begun and not ended, and takes it on where it can go on.
    pub(crate) fn take_everything_on(&mut self) {
        let mut actions: Vec<ElementId> = self.state.actions.keys().copied().collect();
        actions.sort_unstable();
        self.todo.extend(actions.into_iter().map(Next::Action));
        if let Some(block) = self.state.block.as_deref() {
            self.todo.extend(block.active.keys().map(|seq| Next::Sequence(block.index, *seq)));
        }
        let batches = 0..u16::try_from(self.state.batches.len()).unwrap_or(u16::MAX);
        self.todo.extend(batches.map(Next::Batch));
    }

    fn stop(&mut self, command: Command, by: Author) {
        let begun = !matches!(self.state.status, RunStatus::Submitted | RunStatus::AwaitingApproval);
        let how = match command {
            Command::Cancel => Some(Severity::Term),
            Command::Kill => Some(Severity::Kill),
            _ => None,
        };
        let mut flying: Vec<ElementId> = Vec::new();
        for (element, action) in &self.state.actions {
            if let Stage::InFlight { cancelled } = action.stage
                && how.is_some_and(|how| cancelled.is_none_or(|(before, _)| before < how))
            {
                flying.push(*element);
            }
        }
        flying.sort_unstable();
        let harsher = matches!(
            (self.state.stopping, command),
            (None, _)
                | (Some(Command::Stop), Command::Cancel | Command::Kill)
                | (Some(Command::Cancel), Command::Kill)
        );
        if !harsher && flying.is_empty() {
            return;
        }
        let message = said("stopped", &by);
        self.caused(Reason { kind: ReasonKind::Stopped, element: ElementId::Run, message });
        self.emit(What::Commanded { command, by });
        if !begun {
            return self.finish();
        }
        for element in flying {
            self.cancel_attempt(element, how.unwrap_or(Severity::Term), CancelCause::Command);
        }
        self.take_everything_on();
    }
}

pub(crate) fn said(what: &str, by: &Author) -> String {
    let user = if by.user.is_empty() { "somebody" } else { &by.user };
    if by.why.is_empty() { format!("{what} by {user}") } else { format!("{what} by {user}: {}", by.why) }
}
