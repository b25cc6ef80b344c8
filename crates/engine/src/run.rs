//! A run: its state, and the one door through which it changes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::element::{ElementId, Level, Slot};
use windlass_model::eval::{Evaluate, RunNodes, Scope};
use windlass_model::event::{Author, Event, What};
use windlass_model::id::RunId;
use windlass_model::layout::Layout;
use windlass_model::outcome::{Reason, RunStatus};
use windlass_model::payload::Payload;
use windlass_model::secret::Secrets;
use windlass_model::span::Span;
use windlass_model::time::Time;
use windlass_model::vars::Vars;
use windlass_model::{Map, Value};

use crate::action::is_loop;
use crate::input::{Input, Refused, Step};
use crate::lock::{LockTable, Locks};
use crate::scope;
use crate::state::{Stage, State};

/// What a run needs beside its log: nothing of it changes what the log means.
#[derive(Clone)]
pub struct Setup {
    /// The plan, compiled.
    pub layout: Arc<Layout>,
    /// The template language.
    pub eval: Arc<dyn Evaluate>,
    /// The clear texts of the run's secrets.
    pub secrets: Secrets,
    /// How old a submission may be when it is started; `None`: as old as it likes.
    pub start_within: Option<Duration>,
}

/// One run: the fold of its log, and what it will do next.
pub struct Run {
    layout: Arc<Layout>,
    env: Env,
    secrets: Arc<Secrets>,
    state: State,
}

/// What does not change while a run goes on.
pub(crate) struct Env {
    pub(crate) eval: Arc<dyn Evaluate>,
    pub(crate) params: Arc<Map>,
    pub(crate) secret_params: Arc<Vec<String>>,
    pub(crate) vars: Arc<Vars>,
    pub(crate) run: Arc<Map>,
    pub(crate) nodes: Arc<dyn RunNodes>,
    pub(crate) start_within: Option<Duration>,
}

/// One input being worked off: the state, the time, and what comes out.
pub(crate) struct Turn<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) env: &'a Env,
    pub(crate) secrets: &'a mut Arc<Secrets>,
    pub(crate) state: &'a mut State,
    pub(crate) locks: &'a mut dyn Locks,
    pub(crate) now: Time,
    /// What must be taken on before this input is worked off.
    pub(crate) todo: VecDeque<Next>,
    pub(crate) out: Step,
}

/// Something to take on as far as it goes without waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    Action(ElementId),
    Sequence(u32, u32),
    Round(Level, Slot),
    Batch(u16),
}

/// Why a log cannot be folded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The log is empty or begins in the middle.
    #[error("the log does not begin with the event 1, `submitted`")]
    NoBeginning,
    /// An event is missing.
    #[error("the log goes from event {after} to event {found}")]
    Gap {
        /// The last event before the gap.
        after: u64,
        /// The first behind it.
        found: u64,
    },
}

// === impl Run ===

impl Run {
    /// A new run, with its first events.
    pub fn submit(setup: Setup, now: Time, locks: &mut dyn Locks) -> (Self, Step) {
        let mut run = Self::empty(setup);
        let step = run.turn(now, locks, |turn| {
            turn.submitted();
            Ok(())
        });
        (run, step.unwrap_or_default())
    }

    /// The run that a log tells of.
    pub fn fold<'a>(setup: Setup, log: impl IntoIterator<Item = &'a Event>) -> Result<Self, FoldError> {
        let mut run = Self::empty(setup);
        for event in log {
            run.replay(event)?;
        }
        if run.state.seq == 0 { Err(FoldError::NoBeginning) } else { Ok(run) }
    }

    /// Folds one more event of the log in.
    pub fn replay(&mut self, event: &Event) -> Result<(), FoldError> {
        if self.state.seq == 0 && !matches!((event.seq, &event.what), (1, What::Submitted { .. })) {
            return Err(FoldError::NoBeginning);
        }
        if event.seq != self.state.seq.saturating_add(1) {
            return Err(FoldError::Gap { after: self.state.seq, found: event.seq });
        }
        self.state.apply(&self.layout, &self.secrets, event);
        if let What::Selected { block, more: false, .. } = event.what {
            self.lay_out(block);
        }
        Ok(())
    }

    /// Works off one input. An error says that nothing has happened.
    pub fn step(&mut self, input: Input, now: Time, locks: &mut dyn Locks) -> Result<Step, Refused> {
        if let Input::Selected { block, result } = input {
            return self.selected(block, result, now, locks);
        }
        self.turn(now, locks, |turn| {
            let is_offer = matches!(input, Input::LockFreed);
            let taken = turn.take(input);
            if is_offer {
                turn.locks.settle(turn.layout.submission.run);
            }
            taken
        })
    }

    /// Takes the locks that the run's record says it holds, and returns those that another run has: with
    /// any of these it must not go on.
    ///
    /// Whoever takes over several runs calls this for all of them before any of them goes on, so
    /// that none takes what another one holds.
    pub fn hold_locks(&mut self, locks: &mut dyn Locks) -> Vec<String> {
        let now = self.state.last_at;
        let mut refused = Vec::new();
        // Nothing is decided here, so nothing can be refused and nothing comes out.
        let _ = self.turn(now, locks, |turn| {
            refused = turn.hold_locks();
            Ok(())
        });
        refused
    }

    /// When the run must get [`Input::Tick`] at the latest.
    #[must_use]
    pub fn wake_at(&self) -> Option<Time> {
        if self.state.status.is_terminal() {
            return None;
        }
        self.state.timers.0.first().map(|(at, _)| *at)
    }

    /// Where the run stands.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        self.state.status
    }

    /// The first true cause of its failure or stop, as soon as there is one.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.state.cause.as_ref()
    }

    /// The number of its newest event.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.state.seq
    }

    /// When its newest event happened.
    #[must_use]
    pub fn last_at(&self) -> Time {
        self.state.last_at
    }

    /// Which run it is.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.layout.submission.run
    }

    /// Its plan, compiled.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Its secrets, those that came up on the way included.
    #[must_use]
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    /// What the templates of an element see now.
    #[must_use]
    pub fn scope_of(&mut self, element: ElementId) -> Scope {
        let (mut scope, mut locks) = (Scope::default(), LockTable::default());
        let now = self.state.last_at;
        // Nothing is decided here, so nothing can be refused and nothing comes out.
        let _ = self.turn(now, &mut locks, |turn| {
            scope = turn.scope(element);
            Ok(())
        });
        scope
    }

    /// What was recorded, with its secrets in clear.
    #[must_use]
    pub fn reveal(&self, payload: &Payload) -> Value {
        scope::reveal(&self.secrets, payload)
    }

    /// How many attempts are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.state.actions.values().filter(|action| matches!(action.stage, Stage::InFlight { .. })).count()
    }

    /// What waits for a person to settle it, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<ElementId> {
        let asked =
            self.state.actions.iter().filter(|(_, action)| matches!(action.stage, Stage::Asked { .. }));
        let mut asked: Vec<ElementId> = asked.map(|(element, _)| *element).collect();
        asked.sort_unstable();
        asked
    }

    /// Whether nothing will go on before a person approves, resumes or settles something. Continuous
    /// checks go on meanwhile, and take the run nowhere.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match self.state.status {
            RunStatus::AwaitingApproval => true,
            RunStatus::Running => {
                let mut others = self.state.actions.iter().filter(|(element, _)| !is_loop(**element));
                !self.asked().is_empty()
                    && others.all(|(_, action)| matches!(action.stage, Stage::Asked { .. }))
            }
            _ => false,
        }
    }

    /// Whether two runs are in the same state. What tests hold the fold against.
    #[must_use]
    pub fn same_state(&self, other: &Self) -> bool {
        self.state == other.state
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn set_layout(&mut self, layout: Arc<Layout>) {
        self.env.nodes = layout.clone();
        self.layout = layout;
    }

    fn empty(setup: Setup) -> Self {
        Self::with_state(setup, State::default())
    }

    pub(crate) fn with_state(setup: Setup, state: State) -> Self {
        let Setup { layout, eval, mut secrets, start_within } = setup;
        if layout.is_sensitive() {
            secrets.expect_more();
        }
        let submission = &layout.submission;
        let mut params = submission.params.clone();
        let mut secret_params = Vec::new();
        for (name, value) in &mut params {
            if scope::is_token(value, name) {
                secret_params.push(name.clone());
                *value = secrets.get(name).map_or(Value::Null, Value::from);
            } else {
                *value = secrets.reveal_value(value);
            }
        }
        let mut facts = Map::new();
        facts.insert("id".into(), submission.run.to_string().into());
        facts.insert("group".into(), submission.group.to_string().into());
        facts.insert("plan".into(), submission.plan.metadata.name.clone().into());
        facts.insert("stepSet".into(), submission.step_set.clone().into());
        facts.insert("user".into(), submission.user.clone().into());
        facts.insert("start".into(), submission.at.to_string().into());
        let env = Env {
            eval,
            params: Arc::new(params),
            secret_params: Arc::new(secret_params),
            vars: Arc::new(Vars::from(submission.plan.spec.vars.clone())),
            run: Arc::new(facts),
            nodes: layout.clone(),
            start_within,
        };
        let mut run = Self { layout, env, secrets: Arc::new(secrets), state };
        let chosen: Vec<u32> = run.state.chosen.keys().copied().collect();
        chosen.into_iter().for_each(|block| run.lay_out(block));
        run
    }

    pub(crate) fn turn(
        &mut self,
        now: Time,
        locks: &mut dyn Locks,
        work: impl FnOnce(&mut Turn<'_>) -> Result<(), Refused>,
    ) -> Result<Step, Refused> {
        let layout = self.layout.clone();
        let mut turn = Turn {
            layout: &layout,
            env: &self.env,
            secrets: &mut self.secrets,
            // A clock that was set back must not make the log go back.
            now: now.max(self.state.last_at),
            state: &mut self.state,
            locks,
            todo: VecDeque::new(),
            out: Step::default(),
        };
        work(&mut turn)?;
        Ok(turn.out)
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("id", &self.id()).field("state", &self.state).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("run", &self.layout.submission.run).finish_non_exhaustive()
    }
}

// === impl Turn ===

impl Turn<'_> {
    /// Appends an event: the only way in which anything changes.
    pub(crate) fn emit(&mut self, mut what: What) {
        if !self.secrets.is_empty() {
            what.redact(self.secrets);
        }
        let event = Event { seq: self.state.seq.saturating_add(1), at: self.now, what };
        self.state.apply(self.layout, self.secrets, &event);
        self.out.events.push(event);
    }

    /// Takes everything on as far as it goes without waiting.
    pub(crate) fn go_on(&mut self) {
        loop {
            while let Some(next) = self.todo.pop_front() {
                match next {
                    Next::Action(element) => self.go_on_with(element),
                    Next::Sequence(block, seq) => self.go_on_with_sequence(block, seq),
                    Next::Round(level, slot) => self.go_on_with_round(level, slot),
                    Next::Batch(batch) => self.go_on_with_batch(batch),
                }
            }
            let before = self.state.seq;
            if matches!(self.state.status, RunStatus::Running | RunStatus::Paused) {
                match &self.state.block {
                    Some(block) => self.go_on_with_block(block.index),
                    None => self.go_on_with_plan(),
                }
            }
            if self.state.seq == before && self.todo.is_empty() {
                return;
            }
        }
    }

    fn take(&mut self, input: Input) -> Result<(), Refused> {
        if self.state.status.is_terminal() {
            return match input {
                Input::Approve { .. } | Input::Reject { .. } | Input::Resolve { .. } => {
                    Err(Refused::Ended(self.state.status.word()))
                }
                Input::Command { command, .. } => self.after_the_end(command),
                _ => Ok(()),
            };
        }
        match input {
            Input::Start { by } => self.start(by)?,
            Input::Approve { by, digest } => self.approve(by, digest)?,
            Input::Reject { by } => self.reject(by)?,
            Input::Command { command, by } => self.command(command, by)?,
            Input::Resolve { element, verdict, by } => self.resolve(element, verdict, by)?,
            Input::Ended { element, n, result } => self.attempt_ended(element, n, result),
            Input::EndedMeanwhile { element, n, result } => {
                self.attempt_ended_meanwhile(element, n, result);
                return Ok(());
            }
            Input::Lost { element, n } => self.lost(element, n),
            Input::Known { element, n, done } => self.known(element, n, done),
            // Its layout changes with it, so it does not come here.
            Input::Selected { .. } => {}
            Input::Tick => self.tick(),
            Input::LockFreed => self.lock_freed(),
            Input::Recover { by, limit, never_made } => self.recover(by, limit, &never_made),
            Input::GiveUp { by } => {
                self.give_up(by);
                return Ok(());
            }
            Input::Heartbeat => self.emit(What::Heartbeat),
        }
        self.go_on();
        Ok(())
    }

    fn submitted(&mut self) {
        let submission = self.layout.submission.clone();
        let targets = submission.targets.iter().map(windlass_model::target::Frozen::len).sum();
        let digest = submission.digest();
        self.emit(What::Submitted { user: submission.user.clone(), digest, targets, seed: submission.seed });
        // What changes nothing needs nobody to agree, and whoever must agree wants to see it first.
        if let Some(approval) = submission.plan.spec.approval.as_ref().filter(|_| !submission.noop) {
            let until = self.now + approval.expires.0;
            self.emit(What::ApprovalAwaited { quorum: approval.quorum.max(1), until });
        }
    }

    fn start(&mut self, by: Author) -> Result<(), Refused> {
        match self.state.status {
            RunStatus::AwaitingApproval => {
                Err(Refused::NotNow("the run awaits approval and begins with it".into()))
            }
            RunStatus::Submitted => {
                let age = self.now.since(self.layout.submission.at);
                if let Some(limit) = self.env.start_within.filter(|limit| age > *limit) {
                    return Err(Refused::Expired { age: Span(age), limit: Span(limit) });
                }
                self.emit(What::Started { by });
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
