//! A run that is driven here: the engine's run, and what the dispatcher keeps beside it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use windlass_engine::{Input, Run};
use windlass_model::element::ElementId;
use windlass_model::event::{Event, What};
use windlass_model::freeze::Nodes;
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::secret::Secrets;
use windlass_model::time::Time;
use windlass_plugin::Output;
use windlass_store::{Op, Precondition, StoreError};

use super::part::{Part, Written, admission};
use super::snapshots::Snapshots;
use crate::call::{Answer, Taken};
use crate::keys;
use crate::output::{RunOutput, Story};
use crate::seal::RunKey;
use crate::submit::Prepared;
use crate::view::{ReasonView, RunView};

/// A run that is driven here.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) run: Run,
    /// As it stands with everything that was queued for the disk.
    view: Arc<RunView>,
    /// As it durably stands; `None` before it is known to.
    pub(crate) shown: Option<Arc<RunView>>,
    /// What has come out in this turn.
    pub(crate) part: Part,
    /// What a new run's record begins with, until it is queued.
    pub(crate) admission: Option<Box<Prepared>>,
    /// The number of the newest event that is durable; zero before the run is.
    pub(crate) durable: u64,
    /// How many parts of it are on their way to the disk.
    pub(crate) unresolved: u32,
    /// The first event of the newest chunk that was queued.
    chunk: Option<u64>,
    /// Attempts, by element and number, that may stand in its record and were never made.
    pub(crate) never_made: BTreeSet<(ElementId, u32)>,
    /// For when it is registered to be woken.
    pub(crate) wake: Option<Time>,
    /// Why it does not go on at the moment.
    pub(crate) stall: Option<Stall>,
    /// Whether it was loaded from the store.
    pub(crate) adopted: Adopted,
    /// What its secrets are sealed with, where it has some or may come to have some.
    pub(crate) key: Option<Arc<RunKey>>,
    pub(crate) snapshots: Snapshots,
    /// Where the output of its attempts goes.
    pub(crate) output: Option<Arc<RunOutput>>,
    /// The inventory that it was submitted with, if that was in this process.
    pub(crate) nodes: Option<Arc<dyn Nodes>>,
    pub(crate) plan: String,
    /// What its id looks like in the keys of calls.
    pub(crate) id_text: String,
}

/// Whether a run was loaded from the store. What it then held of locks may be more than it gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adopted {
    Yes,
    No,
}

/// A write of a run has failed and is to be tried again. Meanwhile nothing of the run goes on.
#[derive(Debug)]
pub(crate) struct Stall {
    /// What could not be written, in order.
    pub(crate) parts: VecDeque<Written>,
    /// What has come in since.
    pub(crate) held: VecDeque<(Input, Option<Answer<Taken>>)>,
    pub(crate) since: Time,
    pub(crate) tries: u32,
    pub(crate) error: StoreError,
    /// Whether the parts failed together with those of other runs, which may be to blame.
    pub(crate) in_company: bool,
    /// When to try again.
    pub(crate) due: Option<Time>,
}

// === impl Live ===

impl Live {
    pub(crate) fn new(
        run: Run,
        view: RunView,
        key: Option<Arc<RunKey>>,
        output: Option<Arc<RunOutput>>,
    ) -> Self {
        let (durable, view) = (run.seq(), Arc::new(view));
        Self {
            plan: view.plan.clone(),
            id_text: view.id.to_string(),
            run,
            shown: Some(Arc::clone(&view)),
            view,
            part: Part::default(),
            admission: None,
            durable,
            unresolved: 0,
            chunk: None,
            never_made: BTreeSet::new(),
            wake: None,
            stall: None,
            adopted: Adopted::Yes,
            key,
            nodes: None,
            snapshots: Snapshots::of_adopted(),
            output,
        }
    }

    /// A run of which nothing is durable yet.
    pub(crate) fn admitted(run: Run, prepared: Box<Prepared>, output: Option<Arc<RunOutput>>) -> Self {
        let (view, key, nodes) = (prepared.view.clone(), prepared.key.clone(), prepared.nodes.clone());
        Self {
            durable: 0,
            shown: None,
            admission: Some(prepared),
            adopted: Adopted::No,
            nodes,
            snapshots: Snapshots::of_new(),
            ..Self::new(run, view, key, output)
        }
    }

    pub(crate) fn id(&self) -> RunId {
        self.view.id
    }

    /// When it must be looked at: because it waits for that time, or to say that it is alive.
    pub(crate) fn next_wake(&self, heartbeat: Option<Duration>) -> Option<Time> {
        if let Some(stall) = &self.stall {
            return stall.due;
        }
        let beat = heartbeat.filter(|_| self.run.status() == RunStatus::Running);
        let beat = beat.map(|every| self.run.last_at() + every);
        [self.run.wake_at(), beat].into_iter().flatten().min()
    }

    /// Turns what has come out in this turn into operations.
    pub(crate) fn write(&mut self, followed: bool) -> Written {
        let mut part = std::mem::take(&mut self.part);
        let run = self.id();
        let mut ops = Vec::with_capacity(2);
        let mut preconditions = Vec::new();
        if let Some(prepared) = self.admission.take() {
            preconditions.push(admission(&prepared, &mut ops));
        } else if self.unresolved > 0
            && let Some(chunk) = self.chunk
        {
            // What goes before is not durable yet. If it fails, this must fail too.
            preconditions.push(Precondition::Present(keys::chunk(run, chunk)));
        }
        part.chunks(run, &mut ops);
        for seal in &part.seals {
            match self.key.as_ref().and_then(|key| key.seal(&seal.name, &seal.clear)) {
                Some(value) => ops.push(Op::Put { key: keys::sealed_name(run, &seal.name), value }),
                // Rather nothing than a secret in clear, or a run that has lost one: no entry is called so,
                // and the write is refused.
                None => preconditions.push(Precondition::Present(keys::sealed(run))),
            }
        }
        let head = self.write_head(&part.events, &mut ops);
        let story = self.output.as_ref().map(|output| output.story(&part.events, self.run.layout()));
        let ends = head.as_ref().is_some_and(|head| head.status.is_terminal());
        self.chunk = part.events.first().map_or(self.chunk, |first| Some(first.seq));
        self.unresolved = self.unresolved.saturating_add(1);
        Written {
            run,
            preconditions,
            ops,
            effects: part.effects,
            acks: part.acks,
            returned: part.returned,
            last: part.events.last().map(|last| last.seq),
            told: followed.then(|| Part::told(std::mem::take(&mut part.events))),
            head,
            ends,
            snapshot: None,
            story,
        }
    }

    /// Writes the head, and returns it, when the run has come to stand elsewhere.
    fn write_head(&mut self, events: &[Event], ops: &mut Vec<Op>) -> Option<Arc<RunView>> {
        let (status, run) = (self.run.status(), self.id());
        let is_asked =
            |event: &Event| matches!(event.what, What::ApprovalAwaited { .. } | What::Approved { .. });
        let asked = events.iter().any(is_asked);
        if status == self.view.status && self.view.seq > 0 && !asked {
            return None;
        }
        let view = Arc::make_mut(&mut self.view);
        for event in events.iter().filter(|_| asked) {
            view.asked_for_approval(&event.what);
        }
        view.status = status;
        view.seq = self.run.seq();
        let started = events.iter().find(|event| matches!(event.what, What::Started { .. }));
        view.started_at = view.started_at.or(started.map(|event| event.at));
        view.reason = self.run.reason().map(|reason| ReasonView::of(reason, self.run.layout()));
        if status.is_terminal() {
            view.ended_at = Some(self.run.last_at());
            ops.push(Op::Delete { key: keys::open(run) });
            ops.extend(self.snapshots.removed(run));
            if !self.run.secrets().is_empty() {
                // Nothing will need them again.
                let windlass_store::Range { start, end, .. } =
                    windlass_store::Range::prefix(keys::sealed(run));
                ops.extend(end.map(|end| Op::DeleteRange { start, end }));
            }
        }
        ops.push(Op::Put { key: keys::head(run), value: self.view.to_bytes() });
        Some(Arc::clone(&self.view))
    }

    /// Where the output of an attempt goes.
    pub(crate) fn output(&self, address: &str, n: u32, node: Option<&str>) -> Output {
        match &self.output {
            None => Output::default(),
            Some(output) => output.attempt(address, n, node, self.secrets()),
        }
    }

    /// The same of an attempt that is looked for, and that began then.
    pub(crate) fn output_again(&self, address: &str, n: u32, node: Option<&str>, began: Time) -> Output {
        match &self.output {
            None => Output::default(),
            Some(output) => output.attempt_again(address, n, node, self.secrets(), began),
        }
    }

    /// Writes into the log of the run what is durable now.
    pub(crate) fn tell(&self, story: &Story) {
        if let Some(output) = &self.output {
            output.tell(story);
        }
    }

    fn secrets(&self) -> Option<Arc<Secrets>> {
        let secrets = self.run.secrets();
        (!secrets.is_empty()).then(|| Arc::clone(secrets))
    }
}

// === impl Stall ===

impl Stall {
    pub(crate) fn new(since: Time, error: StoreError) -> Self {
        Self {
            parts: VecDeque::new(),
            held: VecDeque::new(),
            since,
            tries: 0,
            error,
            in_company: false,
            due: None,
        }
    }
}
