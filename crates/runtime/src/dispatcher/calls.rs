//! What callers ask, answered.

use tokio::sync::broadcast;
use windlass_engine::{Input, Run};
use windlass_model::event::Author;
use windlass_model::id::RunId;
use windlass_model::time::Time;
use windlass_store::StoreError;

use super::Dispatcher;
use super::live::Live;
use super::park::Phase;
use super::part::Ack;
use crate::call::{Answer, Call, Standing, Taken, Waited};
use crate::error::Error;
use crate::events::TAIL;
use crate::request::Start;
use crate::submit::Prepared;
use crate::view::Condition;

impl Dispatcher {
    pub(super) fn answer(&mut self, call: Call, now: Time) {
        match call {
            Call::Submit { run, answer } => self.submit(run, answer, now),
            Call::Input { run, input, answer } => self.input(run, input, answer, now),
            Call::Resolve { run, address, verdict, by, answer } => {
                let element = match self.runs.get(&run) {
                    None => None,
                    Some(live) => match live.run.layout().find(&address) {
                        Some(element) => Some(element),
                        None => return drop(answer.send(Err(Error::UnknownElement { run, address }))),
                    },
                };
                let element = element.unwrap_or(windlass_model::element::ElementId::Run);
                self.input(run, Input::Resolve { element, verdict, by }, answer, now);
            }
            Call::Standing { run, answer } => drop(answer.send(Ok(self.standing(run)))),
            Call::Wait { run, answer } => self.wait(run, answer),
            Call::Follow { run, answer } => drop(answer.send(Ok(self.follow(run)))),
            Call::Unpark { run, answer } => {
                self.unpark(run);
                drop(answer.send(Ok(())));
            }
            Call::GivenUp { run, answer } => {
                self.left.remove(&run);
                self.forget_locks(run);
                drop(answer.send(Ok(())));
            }
            Call::Respect { runs, answer } => {
                runs.into_iter().for_each(|run| self.respect(run));
                drop(answer.send(Ok(())));
            }
            Call::Budgets { budgets, answer } => {
                if let Some(budgets) = budgets {
                    self.locks.set_budgets(budgets);
                    self.offer_locks();
                }
                let seats = self.locks.budgets().map(|(name, seats)| (name.to_owned(), seats));
                drop(answer.send(Ok(seats.collect())));
            }
            Call::Lock { name, answer } => drop(answer.send(Ok(self.locks.standing(&name)))),
            Call::Tally { answer } => drop(answer.send(Ok(self.tally()))),
            Call::Shutdown { grace, answer } => self.close(grace, answer, now),
        }
    }

    fn submit(&mut self, prepared: Box<Prepared>, answer: Answer<()>, now: Time) {
        let run = prepared.view.id;
        if let Err(error) = self.open_for_more() {
            return drop(answer.send(Err(error)));
        }
        if self.runs.contains_key(&run) || self.parked.contains_key(&run) {
            return drop(answer.send(Err(Error::Exists(run))));
        }
        let setup = prepared.setup.clone();
        let start = prepared.start;
        let by = Author::new(prepared.view.user.clone());
        let (engine, step) = Run::submit(setup, now, &mut self.locks);
        let output = self.output(&prepared.view);
        let mut live = Live::admitted(engine, prepared, output);
        live.part.add(step);
        live.part.acks.push(Ack::Submitted(answer));
        self.runs.insert(run, live);
        self.touched.push(run);
        if start == Start::Now {
            // Awaiting approval, it begins with that instead.
            self.step(run, Input::Start { by }, None, now);
        }
    }

    fn input(&mut self, run: RunId, input: Input, answer: Answer<Taken>, now: Time) {
        if self.runs.contains_key(&run) {
            return match self.open_for_more() {
                Ok(()) => self.step(run, input, Some(answer), now),
                Err(error) => drop(answer.send(Err(error))),
            };
        }
        let result = match (self.open_for_more(), self.parked.get(&run), self.left.get(&run)) {
            (Err(error), ..) => Err(error),
            _ if self.blocked.contains_key(&run) => Err(self.blocked_error(run)),
            (_, Some(parked), _) => Err(Error::Parked { run, why: parked.why.clone() }),
            (.., Some(Condition::Unrunnable { missing })) => {
                Err(Error::Unrunnable { run, missing: missing.clone() })
            }
            (.., Some(Condition::Damaged { detail })) => Err(Error::Damaged { run, detail: detail.clone() }),
            (.., Some(Condition::Sealed { why })) => Err(Error::Sealed { run, why: why.clone() }),
            _ => Ok(Taken::NotDriven),
        };
        drop(answer.send(result));
    }

    fn standing(&self, run: RunId) -> Standing {
        let live = self.runs.get(&run).map(|live| &live.shown);
        let view = live.or_else(|| self.parked.get(&run).map(|parked| &parked.view));
        let view = view.and_then(Option::as_ref).or_else(|| self.shredding.get(&run));
        let view = view.or_else(|| self.blocked.get(&run).map(|blocked| &blocked.view)).cloned();
        let stopped = match &self.phase {
            Phase::Reopening { why, .. } | Phase::Stopped { why, .. } => Some(why.clone()),
            Phase::Open | Phase::Closing { .. } => None,
        };
        Standing { condition: self.condition(run), view, stopped }
    }

    fn condition(&self, run: RunId) -> Condition {
        if let Some(live) = self.runs.get(&run) {
            if let Some(stall) = live.stall.as_ref().filter(|stall| stall.tries > 1) {
                return Condition::Parked { why: stall.error.clone(), since: stall.since };
            }
            let layout = live.run.layout();
            return Condition::Driven {
                seq: live.durable,
                in_flight: live.run.in_flight(),
                asked: live.run.asked().into_iter().map(|element| layout.address(element)).collect(),
                needs_person: live.run.needs_person() || self.is_stuck(run, &live.run),
            };
        }
        if let Some(blocked) = self.blocked.get(&run) {
            return blocked.condition();
        }
        if let Some(parked) = self.parked.get(&run) {
            return match &self.phase {
                Phase::Reopening { why, since, .. } | Phase::Stopped { why, since } => {
                    Condition::StoreStopped { why: why.clone(), since: *since }
                }
                _ => Condition::Parked { why: parked.why.clone(), since: parked.since },
            };
        }
        self.left.get(&run).cloned().unwrap_or_default()
    }

    fn wait(&mut self, run: RunId, answer: Answer<Waited>) {
        if let Phase::Stopped { why, .. } = &self.phase {
            return drop(answer.send(Err(Error::Store(why.clone()))));
        }
        let is_coming = self.parked.contains_key(&run) || self.blocked.contains_key(&run);
        if is_coming || self.runs.contains_key(&run) || self.shredding.contains_key(&run) {
            let waits = self.waits.entry(run).or_default();
            waits.retain(|wait| !wait.is_closed());
            return waits.push(answer);
        }
        let result = match self.left.get(&run) {
            Some(Condition::Unrunnable { missing }) => {
                Err(Error::Unrunnable { run, missing: missing.clone() })
            }
            Some(Condition::Damaged { detail }) => Err(Error::Damaged { run, detail: detail.clone() }),
            Some(Condition::Sealed { why }) => Err(Error::Sealed { run, why: why.clone() }),
            _ => Ok(Waited::NotDriven),
        };
        drop(answer.send(result));
    }

    fn follow(&mut self, run: RunId) -> Option<broadcast::Receiver<crate::events::Told>> {
        let is_coming = self.parked.contains_key(&run) || self.blocked.contains_key(&run);
        if !is_coming && !self.runs.contains_key(&run) {
            return None;
        }
        let tail = self.tails.entry(run).or_insert_with(|| broadcast::channel(TAIL).0);
        Some(tail.subscribe())
    }

    /// Whether a run waits for nothing but locks of runs that do not go on: because they are not driven
    /// here, or wait for a person themselves.
    fn is_stuck(&self, run: RunId, live: &Run) -> bool {
        if live.in_flight() > 0 || live.wake_at().is_some() {
            return false;
        }
        let mut holders = self.locks.waits_of(run).map(|(_, holder)| holder).peekable();
        let goes_on = |holder| match self.runs.get(&holder) {
            Some(live) => !live.run.needs_person(),
            None => self.parked.contains_key(&holder),
        };
        holders.peek().is_some() && !holders.any(goes_on)
    }

    fn blocked_error(&self, run: RunId) -> Error {
        match self.blocked.get(&run).map(super::blocked::Blocked::condition) {
            Some(Condition::Blocked { lock, holder }) => Error::Blocked { run, lock, holder },
            _ => Error::NotDriven(run),
        }
    }

    /// Whether anything new is taken.
    fn open_for_more(&self) -> Result<(), Error> {
        match &self.phase {
            Phase::Open => Ok(()),
            Phase::Reopening { why, .. } | Phase::Stopped { why, .. } => Err(Error::Store(why.clone())),
            Phase::Closing { .. } => Err(Error::Ended),
        }
    }

    /// Answers everybody who waits that it is over.
    pub(super) fn give_up(&mut self, why: &StoreError) {
        for answer in std::mem::take(&mut self.waits).into_values().flatten() {
            drop(answer.send(Err(Error::Store(why.clone()))));
        }
        self.tails.clear();
    }
}
