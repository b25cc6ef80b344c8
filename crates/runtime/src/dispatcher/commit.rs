//! Transactions under way: what happens when they are durable, and when they are not.

use std::task::{Context, Poll};

use windlass_engine::Input;
use windlass_model::id::RunId;
use windlass_model::time::Time;
use windlass_store::{BoxFuture, Class, Revision, StoreError};

use super::live::{Adopted, Stall};
use super::park::Job;
use super::part::{Ack, Written};
use super::{Dispatcher, transaction};
use crate::call::Waited;
use crate::error::Error;
use crate::view::RunView;

/// A transaction under way.
pub(crate) struct Commit {
    /// Resolves when it is durable; `None` where there was nothing to write.
    future: Option<BoxFuture<'static, Result<Revision, StoreError>>>,
    pub(super) parts: Vec<Written>,
}

/// The first wait before a write is tried again, and the longest: a disk that is full for a moment
/// is soon free again, and one that is full for long is not asked more often than helps.
const FIRST_WAIT: std::time::Duration = std::time::Duration::from_millis(50);
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(5);

impl Dispatcher {
    /// Queues a transaction.
    pub(super) fn commit(&mut self, parts: Vec<Written>) {
        let empty = parts.iter().all(|part| part.ops.is_empty());
        if empty && self.commits.is_empty() {
            return self.durable(parts);
        }
        // With nothing else to do, waiting for the disk where we are spares two hand-overs.
        let idle =
            self.commits.is_empty() && self.inbox.is_empty() && self.ends.is_empty() && self.calls.is_empty();
        let store = self.archive.store();
        let commit = |txn| if idle { store.commit_here(txn) } else { store.commit(txn) };
        let future = (!empty).then(|| commit(transaction(&parts)));
        self.commits.push_back(Commit { future, parts });
    }

    /// Takes the transactions that are durable, or failed, in the order in which they were queued.
    pub(super) fn poll_commits(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Some(front) = self.commits.front_mut() {
            let outcome = match &mut front.future {
                None => Ok(0),
                Some(future) => match future.as_mut().poll(cx) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => break,
                },
            };
            any = true;
            let Some(commit) = self.commits.pop_front() else { break };
            match outcome {
                Ok(_) => self.durable(commit.parts),
                Err(error @ (StoreError::Stopped { .. } | StoreError::Closed)) => {
                    self.commits.push_front(commit);
                    self.stopped(error);
                }
                Err(error) => self.failed(commit, &error),
            }
        }
        any
    }

    fn durable(&mut self, parts: Vec<Written>) {
        for part in parts {
            let Written { run, effects, acks, returned, last, told, head, ends, snapshot, story, .. } = part;
            if let (Some(story), Some(live)) = (&story, self.runs.get(&run)) {
                // Before anybody hears of it: whoever sees the run end finds the end in its log.
                live.tell(story);
            }
            if let Some(tail) = self.tails.get(&run) {
                // Who began to follow meanwhile is told to look; nobody has to be listening any more.
                let _ = tail.send(told.unwrap_or_default());
            }
            acks.into_iter().for_each(Ack::done);
            if !returned.is_empty() {
                returned.iter().for_each(|returned| self.locks.given_back(returned));
                self.offer_locks();
            }
            let Some(live) = self.runs.get_mut(&run) else { continue };
            live.unresolved = live.unresolved.saturating_sub(1);
            live.durable = last.unwrap_or(live.durable);
            live.shown = head.or_else(|| live.shown.take());
            live.snapshots.durable(snapshot);
            let stalled = live.stall.as_ref().is_some_and(|stall| stall.parts.is_empty());
            self.carry_out(run, effects);
            if ends {
                self.ended(run);
            } else if stalled {
                self.revive(run);
            }
        }
    }

    /// A run is over, and everybody can know.
    fn ended(&mut self, run: RunId) {
        self.tails.remove(&run);
        let Some(live) = self.runs.remove(&run) else { return };
        if let Some(at) = live.wake {
            self.wakes.remove(&(at, run));
        }
        if live.adopted == Adopted::Yes {
            self.forget_locks(run);
        }
        self.unblock();
        let Some(view) = live.shown else { return };
        if live.key.is_some() {
            // Whoever waits for the end may rely on it that the secrets are gone.
            self.shredding.insert(run, view);
            let archive = self.archive.clone();
            let shredding = async move {
                archive.shred_key(run).await;
                Job::Shredded(run)
            };
            self.jobs.spawn_on(shredding, &self.host);
        } else {
            self.tell_ended(run, &view);
        }
    }

    /// Nothing can open the secrets of a run any more.
    pub(super) fn shredded(&mut self, run: RunId) {
        if let Some(view) = self.shredding.remove(&run) {
            self.tell_ended(run, &view);
        }
    }

    fn tell_ended(&mut self, run: RunId, view: &RunView) {
        for answer in self.waits.remove(&run).unwrap_or_default() {
            drop(answer.send(Ok(Waited::Ended(Box::new(view.clone())))));
        }
    }

    /// A transaction has failed; nothing of it was stored. Each run in it is tried again alone.
    fn failed(&mut self, commit: Commit, error: &StoreError) {
        let now = self.options.clock.now();
        let in_company = commit.parts.len() > 1;
        for part in commit.parts {
            let run = part.run;
            let Some(live) = self.runs.get_mut(&run) else {
                let error = Error::Store(error.clone());
                part.acks.into_iter().for_each(|ack| ack.fail(error.clone()));
                continue;
            };
            live.unresolved = live.unresolved.saturating_sub(1);
            let stall = live.stall.get_or_insert_with(|| Stall::new(now, error.clone()));
            if stall.parts.is_empty() {
                // What fails behind it only fails because of it.
                stall.error = error.clone();
                stall.in_company = in_company;
            }
            stall.parts.push_back(part);
            let all_are_in = live.unresolved == 0;
            self.leave_locks(run);
            if all_are_in {
                self.stalled(run, now);
            }
        }
    }

    /// Everything of a run that was under way has failed: decides what becomes of it.
    fn stalled(&mut self, run: RunId, now: Time) {
        let patience = self.options.storage_patience;
        let Some(live) = self.runs.get_mut(&run) else { return };
        let Some(stall) = &mut live.stall else { return };
        let again = match stall.error.class() {
            Class::Retryable if now.since(stall.since) > patience => None,
            Class::Retryable => {
                let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(stall.tries).unwrap_or(u32::MAX));
                Some(now + wait.min(LONGEST_WAIT))
            }
            // Some other run's part may be to blame.
            Class::Terminal => stall.in_company.then_some(now),
        };
        tracing::warn!(%run, error = %stall.error, again = again.is_some(), "a run cannot be written");
        stall.tries = stall.tries.saturating_add(1);
        stall.due = again;
        match again {
            Some(_) => self.set_wake(run),
            None => self.park(run, Vec::new()),
        }
    }

    /// Tries again to write what a run could not write.
    pub(super) fn retry(&mut self, run: RunId, now: Time) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let Some(stall) = live.stall.as_mut().filter(|stall| stall.due.is_some_and(|due| due <= now)) else {
            return;
        };
        stall.due = None;
        let mut parts = std::mem::take(&mut stall.parts).into_iter();
        let Some(mut whole) = parts.next() else { return };
        for part in parts {
            whole.ops.extend(part.ops);
            whole.effects.extend(part.effects);
            whole.acks.extend(part.acks);
            whole.returned.extend(part.returned);
            whole.last = part.last.or(whole.last);
            whole.head = part.head.or(whole.head);
            whole.ends |= part.ends;
            whole.snapshot = part.snapshot.or(whole.snapshot);
            match (&mut whole.story, part.story) {
                (Some(first), Some(then)) => first.extend(then),
                (none, then) => *none = none.take().or(then),
            }
            whole.told = match (whole.told.take(), part.told) {
                (Some(first), Some(then)) => Some(first.iter().chain(then.iter()).cloned().collect()),
                // Who hears of a part only reads the rest from the store.
                (first, then) => first.or(then),
            };
        }
        live.unresolved = 1;
        self.commit(vec![whole]);
    }

    /// A run that was stalled goes on with what it was not told meanwhile.
    fn revive(&mut self, run: RunId) {
        let now = self.options.clock.now();
        let Some(stall) = self.runs.get_mut(&run).and_then(|live| live.stall.take()) else { return };
        tracing::info!(%run, "a run can be written again");
        // Others were offered meanwhile what it waited for; it asks for it anew.
        self.step(run, Input::LockFreed, None, now);
        for (input, answer) in stall.held {
            self.step(run, input, answer, now);
        }
        self.set_wake(run);
    }
}

impl std::fmt::Debug for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commit").field("parts", &self.parts.len()).finish_non_exhaustive()
    }
}
