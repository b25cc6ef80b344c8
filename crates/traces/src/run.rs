//! The trace of a run: the fold of its log into spans, each of which is there when what it is about has ended.

use std::collections::HashMap;
use std::sync::Arc;

use windlass_model::element::{ElementId, Work};
use windlass_model::event::{Event, What};
use windlass_model::late::Growing;
use windlass_model::layout::Layout;
use windlass_model::outcome::{Failure, Outcome, Reason, RunStatus};
use windlass_model::time::Time;

use crate::context::Context;
use crate::span::{Note, Says, Sort, Span, Word};

/// What a run's log has told so far and no span was made of yet.
#[derive(Debug)]
pub(crate) struct RunTrace {
    trace: [u8; 16],
    growing: Growing,
    open: HashMap<Place, Open>,
    reason: Option<Reason>,
    /// The label of a plan that names its namespace.
    namespace: &'static str,
}

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Element(ElementId),
    Attempt(ElementId, u32),
    /// The wait for people to agree.
    Approval,
}

/// Something that has begun.
#[derive(Debug)]
struct Open {
    begun: Time,
    /// The number of the event that began it: no other span of the trace has it.
    seq: u64,
    notes: Vec<Note>,
    unnoted: u32,
}

/// How something ended.
#[derive(Debug, Default)]
struct End {
    says: Vec<Says>,
    failed: Option<String>,
}

/// How many notes a span has at most.
const NOTES: usize = 64;

// === impl RunTrace ===

impl RunTrace {
    pub(crate) fn new(layout: Arc<Layout>, namespace: &'static str) -> Self {
        let trace = layout.submission.run.0.into_bytes();
        Self { trace, growing: Growing::new(layout), open: HashMap::new(), reason: None, namespace }
    }

    /// Takes the next event in; what has ended with it is added to `spans`.
    pub(crate) fn apply(&mut self, event: &Event, spans: &mut Vec<Span>) {
        self.growing.apply(&event.what);
        self.note(event);
        match &event.what {
            What::Submitted { .. } => self.begin(Place::Element(ElementId::Run), event),
            What::ApprovalAwaited { .. } => self.begin(Place::Approval, event),
            What::Started { .. } => spans.extend(self.end(Place::Approval, event.at, End::default())),
            What::Began(element) | What::ActionBegan { element, .. } => {
                self.begin(Place::Element(*element), event);
            }
            What::AttemptBegan { element, n } => self.begin(Place::Attempt(*element, *n), event),
            What::AttemptEnded { element, n, end } => {
                let mut told = End::of_failure(end.failure.as_ref());
                told.says.push(("windlass.changed", end.changed.into()));
                spans.extend(self.end(Place::Attempt(*element, *n), event.at, told));
            }
            What::Ended { element, outcome } => {
                spans.extend(self.end(Place::Element(*element), event.at, End::of_outcome(*outcome, None)));
            }
            What::ActionEnded { element, outcome, failure, .. } => {
                let told = End::of_outcome(*outcome, failure.as_ref());
                spans.extend(self.end(Place::Element(*element), event.at, told));
            }
            What::Caused(reason) if self.reason.is_none() => self.reason = Some(reason.clone()),
            What::Finished { status } => self.finish(*status, event.at, spans),
            _ => {}
        }
    }

    fn begin(&mut self, place: Place, event: &Event) {
        let open = Open { begun: event.at, seq: event.seq, notes: Vec::new(), unnoted: 0 };
        self.open.insert(place, open);
    }

    /// The span of something that has ended; none, if it never began.
    fn end(&mut self, place: Place, at: Time, end: End) -> Option<Span> {
        let open = self.open.remove(&place)?;
        let mut says = self.says(place);
        says.extend(end.says);
        Some(Span {
            context: Context { trace: self.trace, span: open.seq.to_be_bytes(), is_sampled: true },
            parent: self.parent(place).map(u64::to_be_bytes),
            link: None,
            name: self.name(place),
            sort: Sort::Inside,
            begun: open.begun,
            ended: at,
            says,
            notes: open.notes,
            unnoted: open.unnoted,
            failed: end.failed,
        })
    }

    fn finish(&mut self, status: RunStatus, at: Time, spans: &mut Vec<Span>) {
        let root = Place::Element(ElementId::Run);
        // What a run left behind, as one that was killed does, ends with it: the innermost first, so that each finds its parent.
        let mut left: Vec<(u64, Place)> =
            self.open.iter().map(|(place, open)| (open.seq, *place)).filter(|(_, at)| *at != root).collect();
        left.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        for (_, place) in left {
            spans.extend(self.end(place, at, End::default()));
        }
        let word = match status {
            RunStatus::Failed => "failed",
            RunStatus::Stopped => "stopped",
            _ => "succeeded",
        };
        let reason = self.reason.take();
        let mut says = vec![("windlass.outcome", word.into())];
        if let Some(reason) = &reason {
            says.push(("windlass.cause", self.growing.layout().address(reason.element).into()));
        }
        let failed =
            (status == RunStatus::Failed).then(|| reason.map_or_else(String::new, |reason| reason.message));
        spans.extend(self.end(root, at, End { says, failed }));
    }

    /// The number of the innermost span around something.
    fn parent(&self, place: Place) -> Option<u64> {
        let mut around = match place {
            Place::Attempt(element, _) => Some(element),
            Place::Approval => Some(ElementId::Run),
            Place::Element(element) => enclosing(element),
        };
        while let Some(element) = around {
            if let Some(open) = self.open.get(&Place::Element(element)) {
                return Some(open.seq);
            }
            around = enclosing(element);
        }
        None
    }

    /// What people know it by. Not the name of a node: then every node would be a sort of span of its own.
    fn name(&self, place: Place) -> String {
        let layout = self.growing.layout();
        let element = match place {
            Place::Attempt(..) => return "attempt".to_owned(),
            Place::Approval => return "approval".to_owned(),
            Place::Element(element) => element,
        };
        let action = || layout.action(element).map_or("?", |def| def.action.name.as_str());
        let block = |block: u32| layout.block(block).map_or("?", |def| def.name.as_str());
        match element {
            ElementId::Run => format!("run {}", layout.submission.plan.metadata.name),
            ElementId::Block(at) => format!("block {}", block(at)),
            ElementId::Sequence { block: at, .. } => format!("sequence of {}", block(at)),
            ElementId::Slot { slot, .. } => format!("checks.{}", slot.key()),
            ElementId::Batch(_) => layout.address(element),
            ElementId::Work(Work::Check { .. }) => format!("check {}", action()),
            ElementId::Verify { .. } => format!("verify {}", action()),
            ElementId::Work(Work::Undo { .. }) => format!("undo {}", action()),
            ElementId::Work(Work::Action { .. } | Work::Deferred { .. }) => format!("action {}", action()),
        }
    }

    fn says(&self, place: Place) -> Vec<Says> {
        let layout = self.growing.layout();
        let (element, mut says) = match place {
            Place::Approval => return Vec::new(),
            Place::Element(ElementId::Run) => return self.says_of_run(layout),
            Place::Element(element) => (element, Vec::new()),
            Place::Attempt(element, n) => (element, vec![("windlass.attempt", Word::from(n))]),
        };
        says.push(("windlass.address", layout.address(element).into()));
        if let Some(def) = layout.action(element) {
            says.push(("windlass.plugin", def.action.uses.as_str().into()));
        }
        if let Some(node) = node(layout, element) {
            says.push(("windlass.node", node.into()));
        }
        says
    }

    fn says_of_run(&self, layout: &Layout) -> Vec<Says> {
        let submission = &layout.submission;
        let metadata = &submission.plan.metadata;
        let targets = submission.targets.iter().fold(0_u32, |sum, block| sum.saturating_add(block.len()));
        let mut says = vec![
            ("windlass.run", submission.run.to_string().into()),
            ("windlass.group", submission.group.to_string().into()),
            ("windlass.plan", metadata.name.as_str().into()),
            ("windlass.user", submission.user.as_str().into()),
            ("windlass.targets", targets.into()),
            ("windlass.noop", submission.noop.into()),
        ];
        if let Some(namespace) = metadata.labels.get(self.namespace) {
            says.push(("windlass.namespace", namespace.as_str().into()));
        }
        if let Some(retried) = submission.retry_of {
            says.push(("windlass.retry_of", retried.to_string().into()));
        }
        says
    }

    /// What happened meanwhile stands in the innermost span that it happened in.
    fn note(&mut self, event: &Event) {
        let says = match &event.what {
            What::Approved { by } | What::Rejected { by } | What::Started { by } => {
                vec![("windlass.user", by.user.as_str().into()), ("windlass.why", by.why.as_str().into())]
            }
            What::Commanded { by, .. } | What::Resolved { by, .. } => {
                vec![("windlass.user", by.user.as_str().into()), ("windlass.why", by.why.as_str().into())]
            }
            What::Caused(reason) => vec![
                ("windlass.cause", self.growing.layout().address(reason.element).into()),
                ("windlass.why", reason.message.as_str().into()),
            ],
            What::BatchBegan { n, size, .. } => {
                vec![("windlass.batch", (*n).into()), ("windlass.batch_size", (*size).into())]
            }
            What::RoundEnded { n, passed, .. } => {
                vec![("windlass.round", (*n).into()), ("windlass.passed", (*passed).into())]
            }
            What::LockAwaited { lock, holder, .. } => {
                vec![("windlass.lock", lock.as_str().into()), ("windlass.holder", holder.as_str().into())]
            }
            What::Asked { failure, .. } => vec![("windlass.why", failure.message.as_str().into())],
            What::Recovered { by } => vec![("windlass.by", by.as_str().into())],
            What::Cancelled { n, .. } => vec![("windlass.attempt", (*n).into())],
            What::Waiting { until, .. } | What::RetryAfter { until, .. } => {
                vec![("windlass.until", until.to_string().into())]
            }
            _ => return,
        };
        let mut around = Some(event.what.element());
        while let Some(element) = around {
            if let Some(open) = self.open.get_mut(&Place::Element(element)) {
                if open.notes.len() < NOTES {
                    open.notes.push(Note { at: event.at, name: event.what.kind(), says });
                } else {
                    open.unnoted = open.unnoted.saturating_add(1);
                }
                return;
            }
            around = enclosing(element);
        }
    }
}

// === impl End ===

impl End {
    fn of_failure(failure: Option<&Failure>) -> Self {
        let Some(failure) = failure else { return Self::default() };
        Self {
            says: vec![("error.type", failure.code.as_str().into())],
            failed: Some(failure.message.clone()),
        }
    }

    fn of_outcome(outcome: Outcome, failure: Option<&Failure>) -> Self {
        let mut end = Self::of_failure(failure);
        let word = match outcome {
            Outcome::Succeeded { changed } => {
                end.says.push(("windlass.changed", changed.into()));
                "succeeded"
            }
            Outcome::Failed => {
                end.failed.get_or_insert_default();
                "failed"
            }
            Outcome::Skipped(_) => "skipped",
            Outcome::Stopped => "stopped",
            Outcome::Foreseen(_) => "foreseen",
        };
        end.says.push(("windlass.outcome", word.into()));
        end
    }
}

/// What something is directly in.
fn enclosing(element: ElementId) -> Option<ElementId> {
    Some(match element {
        ElementId::Run => return None,
        ElementId::Block(_) | ElementId::Batch(_) => ElementId::Run,
        ElementId::Sequence { block, .. } => ElementId::Block(block),
        ElementId::Slot { level, .. } => level.element(),
        ElementId::Verify { of, .. } => ElementId::Work(of),
        ElementId::Work(Work::Action { block, seq, .. } | Work::Undo { block, seq, .. }) => {
            ElementId::Sequence { block, seq }
        }
        ElementId::Work(Work::Check { level, slot, .. }) => ElementId::Slot { level, slot },
        ElementId::Work(Work::Deferred { batch, .. }) => ElementId::Batch(batch),
    })
}

/// The node that it is about.
fn node(layout: &Layout, element: ElementId) -> Option<&str> {
    let mut around = Some(element);
    while let Some(element) = around {
        if let ElementId::Sequence { block, seq } = element {
            return layout.block(block)?.sequences.target(seq);
        }
        around = enclosing(element);
    }
    None
}
