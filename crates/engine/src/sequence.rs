//! Sequences: ordered actions for one target, under the limits of their block.

use std::sync::Arc;

use windlass_model::element::{ElementId, Level, Work};
use windlass_model::eval;
use windlass_model::event::What;
use windlass_model::outcome::{Failure, Outcome, Reason, ReasonKind};
use windlass_model::plan::OnFailure;

use crate::lock::{Claim, Lacking};
use crate::run::{Next, Turn};
use crate::state::SequenceStatus;

impl Turn<'_> {
    /// Takes a sequence on: its next action, or its end.
    pub(crate) fn go_on_with_sequence(&mut self, block: u32, seq: u32) {
        let layout = self.layout;
        let Some(def) = layout.block(block) else { return };
        let Some(body) = def.sequences.body(seq) else { return };
        let Some(state) = self.state.block_at(block).and_then(|state| state.active.get(&seq)) else { return };
        if state.busy {
            return;
        }
        let over = usize::from(state.action) >= body.actions.len();
        let (action, verdict) = (state.action, state.verdict);
        let good = self.good(state.changed, state.foreseen);
        let failing = self.state.level(Level::Block(block)).is_some_and(|level| level.failing);
        let halting = def.on_failure == OnFailure::Halt && (failing || self.state.plan.failing);
        if let Some(outcome) = verdict {
            self.end_sequence(block, seq, outcome);
        } else if over {
            self.end_sequence(block, seq, good);
        } else if halting || self.state.stopping.is_some() {
            self.end_sequence(block, seq, Outcome::Stopped);
        } else if !self.state.paused {
            let element = Work::Action { block, seq, action }.into();
            match self.unlockable(block, seq) {
                None => self.begin_action(element),
                // Without its lock nothing of it is done.
                Some(failure) => {
                    self.emit(What::ActionBegan { element, request: None });
                    self.fail_action(element, failure);
                }
            }
        }
    }

    /// Begins as many sequences of the batch as the limits allow.
    pub(crate) fn fill(&mut self, block: u32) {
        let Some(def) = self.layout.block(block) else { return };
        loop {
            let Some(state) = self.state.block_at(block) else { return };
            let active = u32::try_from(state.active.len()).unwrap_or(u32::MAX);
            let full = active >= def.concurrency
                || state.batch_begun >= state.batch_size
                || (def.strict
                    && def.failures.is_some_and(|most| state.failed.saturating_add(active) > most));
            if full || self.state.held_back() || self.is_halted(Level::Block(block)) {
                return;
            }
            let Some(seq) = self.next_sequence(block) else { return };
            match self.obstacle(block, seq) {
                None => self.begin_sequence(block, seq),
                Some(by) => {
                    if let Some(state) = self.state.block_at_mut(block) {
                        state.queue.0.held.entry(by).or_default().push_back(seq);
                    }
                }
            }
        }
    }

    /// Says that what a key held up may be tried again.
    pub(crate) fn free(&mut self, block: u32, key: &str) {
        if let Some(state) = self.state.block_at_mut(block)
            && state.queue.0.held.contains_key(key)
        {
            state.queue.0.freed.insert(key.to_owned());
        }
    }

    /// A lock that was waited for is offered: all are tried, now or when the run may go on.
    pub(crate) fn lock_freed(&mut self) {
        let Some(state) = self.state.block.as_deref_mut() else { return };
        let locks = state.queue.0.held.keys().filter(|key| key.starts_with("lock:")).cloned();
        let locks: Vec<String> = locks.collect();
        state.queue.0.freed.extend(locks);
    }

    /// Why the lock of a sequence cannot be named.
    pub(crate) fn unlockable(&self, block: u32, seq: u32) -> Option<Failure> {
        let lock = self.layout.block(block)?.sequences.body(seq)?.lock.as_ref()?;
        eval::is_template(lock).then(|| self.lock_of(block, seq).err())?
    }

    /// The lock of a sequence: what it says, else the node that it works on.
    pub(crate) fn lock_of(&self, block: u32, seq: u32) -> Result<Option<String>, Failure> {
        let Some(def) = self.layout.block(block) else { return Ok(None) };
        let Some(lock) = def.sequences.body(seq).and_then(|body| body.lock.as_ref()) else {
            return Ok(def.sequences.target(seq).map(|node| format!("node/{node}")));
        };
        if lock.is_empty() || lock == "none" {
            return Ok(None);
        }
        let scope = || eval::Scope {
            // What is saved while the sequence runs must not change under which name its lock is held.
            store: Arc::default(),
            targets: Arc::default(),
            steps: Arc::default(),
            nodes: None,
            ..self.scope(Work::Action { block, seq, action: 0 }.into())
        };
        self.render_name("lock", lock, scope).map(Some)
    }

    /// What a sequence takes, its lock where that can be named. A noop does nothing that others would have to
    /// be kept away from.
    pub(crate) fn claim(&self, block: u32, seq: u32) -> Option<Claim> {
        if self.is_noop() {
            return None;
        }
        let node = self.layout.block(block).and_then(|def| def.sequences.target(seq));
        let claim = Claim {
            // A lock that cannot be named holds nothing up: the sequence begins, and fails.
            lock: self.lock_of(block, seq).ok().flatten(),
            node: node.map(Arc::from),
        };
        (claim != Claim::default()).then_some(claim)
    }

    /// What `maxPer` counts a sequence under.
    pub(crate) fn per_keys(&self, block: u32, seq: u32) -> Vec<(String, u32)> {
        let Some(def) = self.layout.block(block).filter(|def| !def.max_per.is_empty()) else {
            return Vec::new();
        };
        let keys = def
            .max_per
            .iter()
            .filter_map(|(label, most)| Some((format!("per:{label}={}", def.value_of(label, seq)?), *most)));
        keys.collect()
    }

    fn begin_sequence(&mut self, block: u32, seq: u32) {
        self.emit(What::Began(ElementId::Sequence { block, seq }));
        let claim = self.claim(block, seq);
        let keys = self.per_keys(block, seq);
        if let Some(state) = self.state.block_at_mut(block) {
            for (key, _) in keys {
                let count = state.queue.0.per.entry(key).or_default();
                *count = count.saturating_add(1);
            }
            if let Some(sequence) = state.active.get_mut(&seq) {
                sequence.claim.0 = claim;
            }
        }
        self.todo.push_back(Next::Sequence(block, seq));
    }

    fn end_sequence(&mut self, block: u32, seq: u32, outcome: Outcome) {
        let keys = self.per_keys(block, seq);
        let Some(state) = self.state.block_at_mut(block) else { return };
        state.queue.0.announced.remove(&seq);
        let Some(sequence) = state.active.get_mut(&seq) else { return };
        let (claim, failure) = (sequence.claim.0.take(), sequence.failure.clone());
        for (key, _) in &keys {
            if let Some(count) = state.queue.0.per.get_mut(key) {
                *count = count.saturating_sub(1);
            }
        }
        let element = ElementId::Sequence { block, seq };
        if let Some((cause, failure)) = failure.filter(|_| outcome == Outcome::Failed && self.crosses(block))
        {
            let kind = match failure.code.as_str() {
                Failure::DEADLINE => ReasonKind::Deadline,
                Failure::INTERRUPTED => ReasonKind::Interrupted,
                _ => ReasonKind::Action,
            };
            self.caused(Reason { kind, element: cause, message: failure.message });
        }
        self.emit(What::Ended { element, outcome });
        if let Some(claim) = claim {
            self.locks.release(&claim, self.layout.submission.run, element);
            if let Some(lock) = claim.lock {
                self.free(block, &format!("lock:{lock}"));
            }
        }
        for (key, _) in keys {
            self.free(block, &key);
        }
    }

    /// Whether one more failure crosses the block's limit.
    fn crosses(&self, block: u32) -> bool {
        let Some(def) = self.layout.block(block) else { return false };
        let state = self.state.block_at(block).filter(|state| !state.level.failing);
        state.is_some_and(|state| {
            !state.canary.is_empty() || def.failures.is_some_and(|most| state.failed.saturating_add(1) > most)
        })
    }

    /// The next sequence to look at: what was held up and may go, canaries, then the plan's order.
    fn next_sequence(&mut self, block: u32) -> Option<u32> {
        let state = self.state.block_at_mut(block)?;
        let queue = &mut state.queue.0;
        while let Some(key) = queue.freed.first().cloned() {
            let next = queue.held.get_mut(&key).and_then(std::collections::VecDeque::pop_front);
            let emptied = queue.held.get(&key).is_none_or(std::collections::VecDeque::is_empty);
            if emptied {
                queue.held.remove(&key);
                queue.freed.remove(&key);
            }
            if next.is_some() {
                return next;
            }
        }
        if !state.canary.is_empty() {
            while let Some(seq) = queue.canaries.pop_front() {
                if state.sequences.get(seq as usize) == Some(&SequenceStatus::Pending) {
                    return Some(seq);
                }
            }
            return None;
        }
        // What is held up belongs to this batch: no more is looked at than the batch has room for.
        let held: usize = queue.held.values().map(std::collections::VecDeque::len).sum();
        let room = state.batch_size.saturating_sub(state.batch_begun);
        if held >= room as usize {
            return None;
        }
        while let Some(status) = state.sequences.get(queue.cursor as usize) {
            let seq = queue.cursor;
            queue.cursor = queue.cursor.saturating_add(1);
            if *status == SequenceStatus::Pending {
                return Some(seq);
            }
        }
        None
    }

    /// What keeps a sequence from starting, by its name in the queue; takes its lock when nothing does.
    fn obstacle(&mut self, block: u32, seq: u32) -> Option<String> {
        for (key, most) in self.per_keys(block, seq) {
            let queue = &mut self.state.block_at_mut(block)?.queue.0;
            if queue.per.get(&key).copied().unwrap_or(0) >= most {
                queue.freed.remove(&key);
                return Some(key);
            }
        }
        let claim = self.claim(block, seq)?;
        let element = ElementId::Sequence { block, seq };
        let Lacking { what, holder } =
            self.locks.acquire(&claim, self.layout.submission.run, element).err()?;
        let key = format!("lock:{what}");
        let queue = &mut self.state.block_at_mut(block)?.queue.0;
        // Where many wait for the same, whoever is next says so, and not all of them.
        let is_next =
            queue.freed.remove(&key) || claim.lock.as_ref() == Some(&what) || !queue.held.contains_key(&key);
        if is_next && queue.announced.insert(seq) {
            self.emit(What::LockAwaited { element, lock: what, holder });
        }
        Some(key)
    }
}
