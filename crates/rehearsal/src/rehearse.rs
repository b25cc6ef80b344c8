//! The driver: a virtual clock, a heap of what will happen, and crashes on demand.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use windlass_engine::{AttemptCall, AttemptResult, Effect, Input, LockTable, Run, Setup};
use windlass_model::chance;
use windlass_model::element::{ElementId, Work};
use windlass_model::event::{Author, Command, Event, Severity, Verdict, What};
use windlass_model::outcome::{Failure, RunStatus};
use windlass_model::secret::Secrets;
use windlass_model::time::Time;

use crate::fault::{Fault, FaultKind};
use crate::world::{Attempted, Play, World};

/// A plan to rehearse, and what is to happen to it.
#[derive(Clone)]
pub struct Rehearsal<'a> {
    /// The plan, compiled, with its evaluator and secrets.
    pub setup: Setup,
    /// Who plays the attempts.
    pub world: &'a dyn World,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// After which events Windlass dies: the event is durable, nothing behind it is.
    pub crash_at: Vec<u64>,
    /// How long it is dead each time.
    pub down: Duration,
    /// How long it may have been dead for runs to be resumed; `None`: for ever.
    pub recovery_limit: Option<Duration>,
    /// What people do.
    pub told: Vec<Said>,
    /// How many events there may be before the rehearsal is broken off.
    pub most_events: u64,
}

/// Something that a person does at some time.
#[derive(Clone, Debug)]
pub struct Said {
    /// When.
    pub at: Time,
    /// What.
    pub what: Told,
}

/// What a person does.
#[derive(Clone, Debug)]
pub enum Told {
    /// A command.
    Command(Command),
    /// Settles whatever waits for a person.
    Resolve(Verdict),
}

/// What a rehearsal showed.
#[derive(Debug)]
pub struct Rehearsed {
    /// The run in its last state.
    pub run: Run,
    /// Its log.
    pub events: Vec<Event>,
    /// Every attempt that was really made, in the order of their beginnings.
    pub executions: Vec<Execution>,
    /// How often Windlass died.
    pub crashes: u32,
    /// Secrets that came up on the way.
    pub sealed: Secrets,
}

/// Somebody who looks on while a rehearsal is played, so that nothing of a long one need be kept.
pub trait Audience {
    /// The next event is durable.
    fn event(&mut self, event: &Event);

    /// An attempt has ended, or never will.
    fn execution(&mut self, execution: &Execution);
}

/// What is left of a rehearsal that was looked at while it was played.
#[derive(Debug)]
pub struct Played {
    /// The run in its last state.
    pub run: Run,
    /// How often Windlass died.
    pub crashes: u32,
}

/// One attempt that was really made.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// Of what.
    pub element: ElementId,
    /// Its number.
    pub n: u32,
    /// When it began.
    pub began: Time,
    /// When it ended, if it did while somebody looked.
    pub ended: Option<Time>,
    /// Whether it ended well.
    pub good: bool,
    /// What was asked for.
    pub asked: Asked,
}

/// What an attempt is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Its work.
    ToAct,
    /// To say what that would change.
    ToForesee,
}

/// An attempt that is being played.
struct Playing {
    /// Its place in the list of executions, if that is kept.
    place: usize,
    execution: Execution,
    n: u32,
    ends: Option<Time>,
    heeds_term: bool,
    result: AttemptResult,
    outlives_us: bool,
    ticket: u64,
}

struct Driver<'a, 'b> {
    plan: Rehearsal<'a>,
    audience: Option<&'b mut dyn Audience>,
    /// Whether events and executions are kept: for the caller, or for crashes, after which the log is read again.
    keeps: bool,
    run: Run,
    locks: LockTable,
    now: Time,
    events: Vec<Event>,
    executions: Vec<Execution>,
    playing: BTreeMap<ElementId, Playing>,
    /// Ends to come: time, then the order in which they were begun.
    ends: BinaryHeap<Reverse<(Time, u64, ElementId)>>,
    tickets: u64,
    crash_at: std::collections::VecDeque<u64>,
    crashes: u32,
    /// Whether anything has waited for a person.
    has_asked: bool,
    told: std::collections::VecDeque<Said>,
    secrets: Secrets,
}

// === impl Rehearsal ===

impl<'a> Rehearsal<'a> {
    /// A rehearsal in which nothing goes wrong that the plan or the plugins do not bring about.
    pub fn new(setup: Setup, world: &'a dyn World) -> Self {
        Self {
            setup,
            world,
            faults: Vec::new(),
            crash_at: Vec::new(),
            down: Duration::ZERO,
            recovery_limit: None,
            told: Vec::new(),
            most_events: 50_000_000,
        }
    }

    /// Plays it to its end, or until only a person could take it on.
    #[must_use]
    pub fn play(self) -> Rehearsed {
        let driver = self.driver(None).played();
        Rehearsed {
            run: driver.run,
            events: driver.events,
            executions: driver.executions,
            crashes: driver.crashes,
            sealed: driver.secrets,
        }
    }

    /// The same for somebody who looks on. Nothing is kept but what a crash needs, so that memory is that of the engine.
    pub fn play_to(self, audience: &mut dyn Audience) -> Played {
        let mut driver = self.driver(Some(audience)).played();
        let open = std::mem::take(&mut driver.playing);
        if let Some(audience) = &mut driver.audience {
            open.values().for_each(|playing| audience.execution(&playing.execution));
        }
        Played { run: driver.run, crashes: driver.crashes }
    }

    fn driver<'b>(self, audience: Option<&'b mut dyn Audience>) -> Driver<'a, 'b> {
        let mut locks = LockTable::default();
        let (run, step) = Run::submit(self.setup.clone(), Time::ZERO, &mut locks);
        let mut crash_at = self.crash_at.clone();
        crash_at.sort_unstable();
        crash_at.dedup();
        let mut told = self.told.clone();
        told.sort_by_key(|said| said.at);
        let mut driver = Driver {
            keeps: audience.is_none() || !crash_at.is_empty(),
            audience,
            run,
            locks,
            now: Time::ZERO,
            events: Vec::new(),
            executions: Vec::new(),
            playing: BTreeMap::new(),
            ends: BinaryHeap::new(),
            tickets: 0,
            crash_at: crash_at.into(),
            crashes: 0,
            has_asked: false,
            told: told.into(),
            secrets: self.setup.secrets.clone(),
            plan: self,
        };
        driver.take(step);
        driver
    }
}

impl std::fmt::Debug for Rehearsal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rehearsal")
            .field("faults", &self.faults)
            .field("crash_at", &self.crash_at)
            .finish_non_exhaustive()
    }
}

// === impl Driver ===

impl Driver<'_, '_> {
    fn played(mut self) -> Self {
        self.open();
        while self.advance() {}
        self
    }

    /// Approves what must be approved, and starts.
    fn open(&mut self) {
        for n in 1..=100 {
            if self.run.status() != RunStatus::AwaitingApproval {
                break;
            }
            let by = Author::new(format!("approver-{n}"));
            let digest = self.run.layout().submission.digest();
            self.input(Input::Approve { by, digest });
        }
        let by = Author::new(self.run.layout().submission.user.clone());
        self.input(Input::Start { by });
    }

    /// Goes on to the next thing that happens. `false` when nothing will.
    fn advance(&mut self) -> bool {
        if self.run.status().is_terminal() || self.run.seq() >= self.plan.most_events {
            return false;
        }
        // Continuous checks would go on for ever while a person is waited for who does not come.
        if self.has_asked && self.told.is_empty() && self.run.needs_person() {
            return false;
        }
        let end = self.next_end();
        let wake = self.run.wake_at();
        let said = self.told.front().map(|said| said.at);
        let Some(next) = [end.map(|(at, _)| at), wake, said].into_iter().flatten().min() else {
            return false;
        };
        self.now = self.now.max(next);
        if let Some((_, element)) = end.filter(|(at, _)| *at <= self.now) {
            self.ends.pop();
            self.end(element);
        } else if said.is_some_and(|at| at <= self.now) {
            if let Some(said) = self.told.pop_front() {
                self.say(said.what);
            }
        } else {
            self.input(Input::Tick);
        }
        true
    }

    fn say(&mut self, what: Told) {
        let by = Author::new("operator");
        match what {
            Told::Command(command) => self.input(Input::Command { command, by }),
            Told::Resolve(verdict) => {
                for element in self.run.asked() {
                    self.input(Input::Resolve { element, verdict, by: by.clone() });
                }
            }
        }
    }

    fn input(&mut self, input: Input) {
        // A command that is refused has done nothing, which is what is to be seen.
        if let Ok(step) = self.run.step(input, self.now, &mut self.locks) {
            self.take(step);
        }
        while !self.locks.take_freed().is_empty() {
            if let Ok(step) = self.run.step(Input::LockFreed, self.now, &mut self.locks) {
                self.take(step);
            }
        }
    }

    /// Makes a step's events durable and releases its effects, unless Windlass dies in between.
    fn take(&mut self, step: windlass_engine::Step) {
        let dies = self.crash_at.front().copied();
        let last = step.events.last().map_or(0, |event| event.seq);
        self.has_asked |= step.events.iter().any(|event| matches!(event.what, What::Asked { .. }));
        match dies.filter(|at| *at <= last) {
            Some(at) => {
                self.crash_at.pop_front();
                self.record(step.events.into_iter().take_while(|event| event.seq <= at));
                // What was sealed goes with the transaction of which a part is cut off only here.
                self.secrets.extend(step.seals.into_iter().map(|seal| (seal.name, seal.clear)));
                self.crash();
            }
            None => {
                self.secrets.extend(step.seals.into_iter().map(|seal| (seal.name, seal.clear)));
                self.record(step.events);
                let alive = self.crashes;
                for effect in step.effects {
                    // What a dead process was about to do, it does not do.
                    if self.crashes == alive {
                        self.carry_out(effect);
                    }
                }
            }
        }
    }

    fn record(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if let Some(audience) = &mut self.audience {
                audience.event(&event);
            }
            if self.keeps {
                self.events.push(event);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Attempt(call) => self.begin(&call, Asked::ToAct),
            Effect::Foresee(call) => self.begin(&call, Asked::ToForesee),
            Effect::Cancel { element, n, how } => self.cancel(element, n, how),
            Effect::Select(call) => {
                let result = self.plan.world.select(&call);
                self.input(Input::Selected { block: call.block, result });
            }
            Effect::Reattach(call) => {
                if self.playing.get(&call.element).is_none_or(|playing| playing.n != call.n) {
                    self.input(Input::Lost { element: call.element, n: call.n });
                }
            }
            Effect::Inquire(call) => {
                let done = self
                    .executions
                    .iter()
                    .rev()
                    .find(|done| (done.element, done.n) == (call.element, call.n));
                let done = done.map(|done| done.good && done.ended.is_some());
                self.input(Input::Known { element: call.element, n: call.n, done });
            }
        }
    }

    fn begin(&mut self, call: &AttemptCall, asked: Asked) {
        let layout = self.run.layout().clone();
        let Some(def) = layout.action(call.element) else { return };
        let address = layout.address(call.element);
        // A check runs again and again; its rounds differ in time only.
        let check = matches!(call.element.work(), Some(Work::Check { .. }));
        let subject = (call.element, call.n, check.then_some(self.now));
        let draw = chance::draw(layout.submission.seed, subject);
        let attempt = Attempted {
            element: call.element,
            def,
            address: &address,
            n: call.n,
            at: self.now,
            request: &call.request,
            node: call.node.as_ref().map(|node| node.name.as_str()),
            draw,
        };
        let play = match asked {
            Asked::ToAct => self.plan.world.play(&attempt),
            Asked::ToForesee => self.plan.world.foresee(&attempt),
        };
        let play = self.struck(&attempt, play);
        let execution =
            Execution { element: call.element, n: call.n, began: self.now, ended: None, good: false, asked };
        let place = self.executions.len();
        if self.keeps {
            self.executions.push(execution.clone());
        }
        let ends = play.after.map(|after| self.now + after);
        self.tickets += 1;
        let playing = Playing {
            place,
            execution,
            n: call.n,
            ends,
            heeds_term: play.heeds_term,
            result: play.result,
            outlives_us: asked == Asked::ToAct && self.plan.world.outlives_us(def),
            ticket: self.tickets,
        };
        if let Some(ends) = ends {
            self.ends.push(Reverse((ends, self.tickets, call.element)));
        }
        self.playing.insert(call.element, playing);
    }

    /// What the faults make of an attempt.
    fn struck(&self, attempt: &Attempted<'_>, play: Play) -> Play {
        let mut play = play;
        for (index, fault) in self.plan.faults.iter().enumerate() {
            let chance = chance::unit(chance::draw(attempt.draw, index));
            if !fault.strikes(attempt.address, attempt.n, attempt.at, chance) {
                continue;
            }
            match fault.kind {
                FaultKind::Fail => {
                    play.result = AttemptResult::failed(Failure::new("fault", "fault injected: fail"));
                }
                FaultKind::Permanent => {
                    let failure = Failure::permanent("fault", "fault injected: permanent");
                    play.result = AttemptResult::failed(failure);
                }
                FaultKind::Hang => play.after = None,
                FaultKind::Stubborn => (play.after, play.heeds_term) = (None, false),
                FaultKind::Slow(span) => play.after = Some(span),
            }
        }
        play
    }

    fn cancel(&mut self, element: ElementId, n: u32, how: Severity) {
        let Some(playing) = self.playing.get_mut(&element).filter(|playing| playing.n == n) else { return };
        if playing.heeds_term || how == Severity::Kill {
            playing.result = AttemptResult::failed(Failure::new(Failure::CANCELLED, "was told to end"));
            self.end(element);
        }
    }

    /// The next attempt that ends, past those that ended otherwise.
    fn next_end(&mut self) -> Option<(Time, ElementId)> {
        loop {
            let Reverse((at, ticket, element)) = *self.ends.peek()?;
            if self.playing.get(&element).is_some_and(|playing| playing.ticket == ticket) {
                return Some((at, element));
            }
            self.ends.pop();
        }
    }

    fn end(&mut self, element: ElementId) {
        let Some(mut playing) = self.playing.remove(&element) else { return };
        playing.execution.ended = Some(self.now);
        playing.execution.good = playing.result.failure.is_none();
        self.has_ended(&playing);
        self.input(Input::Ended { element, n: playing.n, result: playing.result });
    }

    fn has_ended(&mut self, playing: &Playing) {
        if let Some(audience) = &mut self.audience {
            audience.execution(&playing.execution);
        }
        if let Some(kept) = self.executions.get_mut(playing.place) {
            kept.clone_from(&playing.execution);
        }
    }

    /// Windlass dies, is dead for a while, and takes its run over again.
    fn crash(&mut self) {
        self.crashes += 1;
        // What does not outlive us ends with us; whether it had done its work, nobody knows.
        let playing = std::mem::take(&mut self.playing).into_iter();
        let (left, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = playing.partition(|(_, it)| it.outlives_us);
        self.playing = left;
        gone.values().for_each(|playing| self.has_ended(playing));
        self.now = self.now + self.plan.down;
        let overdue =
            self.playing.values_mut().filter(|playing| playing.ends.is_some_and(|at| at < self.now));
        for playing in overdue {
            playing.ends = Some(self.now);
        }
        self.locks = LockTable::default();
        let setup = Setup { secrets: self.secrets.clone(), ..self.plan.setup.clone() };
        // The log is our own and has no gap.
        if let Ok(run) = Run::fold(setup, &self.events) {
            self.run = run;
            if self.run.status() == RunStatus::Submitted || self.run.status() == RunStatus::AwaitingApproval {
                self.open();
            } else {
                let limit = self.plan.recovery_limit;
                self.input(Input::Recover { by: "rehearsal".into(), limit, never_made: BTreeSet::new() });
            }
        }
    }
}
