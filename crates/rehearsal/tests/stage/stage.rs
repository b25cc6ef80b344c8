//! The stage on which scenarios are played: plans from JSON, a world that does as it is told.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use windlass_engine::{AttemptResult, Run, SelectCall, Setup};
use windlass_model::Value;
use windlass_model::element::ElementId;
use windlass_model::eval::{EvalError, Evaluate, Rendered, Scope};
use windlass_model::event::{Event, What};
use windlass_model::fact::{Catalog, PluginFacts, PluginKind, Recovery};
use windlass_model::id::{GroupId, RunId};
use windlass_model::late::{Chosen, Late};
use windlass_model::layout::Layout;
use windlass_model::outcome::{Failure, Outcome, ReasonKind, RunStatus, Status};
use windlass_model::plan::{Block, Plan, Resolve};
use windlass_model::submission::Submission;
use windlass_model::target::{Frozen, Node, NodeEntry};
use windlass_model::time::Time;
use windlass_rehearsal::{Attempted, Fault, Pattern, Play, Rehearsal, Rehearsed, Said, Told, World};

/// Plays attempts by their addresses; what no rule says takes a second and succeeds.
#[derive(Default)]
pub(crate) struct Theatre {
    rules: Vec<(Pattern, Rule)>,
    select: Option<Select>,
}

type Rule = Box<dyn Fn(&Attempted<'_>) -> Play>;

/// What is chosen of the nodes that a block writes down, when it is asked for the nth time in a scene.
type Select = Box<dyn Fn(&[Node], u32) -> Result<Vec<Node>, Failure>>;

/// A theatre with the nodes of the plan that it plays.
struct Stage<'a> {
    theatre: &'a Theatre,
    late: BTreeMap<u32, Vec<Node>>,
    asked: Cell<u32>,
}

/// A scenario: a plan and what happens to it.
pub(crate) struct Scene {
    plan: Value,
    theatre: Theatre,
    faults: Vec<Fault>,
    crash_at: Vec<u64>,
    told: Vec<Said>,
    seed: u64,
    done: Vec<Vec<u32>>,
    noop: bool,
    done_blocks: Vec<u32>,
    recovery: Recovery,
    down: Duration,
    recovery_limit: Option<Duration>,
}

/// What came of it.
pub(crate) struct Seen {
    pub(crate) rehearsed: Rehearsed,
    pub(crate) statuses: BTreeMap<String, Status>,
}

/// A template language for tests: `true`, `false`, and `{{ name }}` of `store`, `params` and `node`.
pub(crate) struct Plain;

impl World for Stage<'_> {
    fn select(&self, call: &SelectCall) -> Result<Chosen, Failure> {
        let nth = self.asked.replace(self.asked.get() + 1);
        let nodes = self.late.get(&call.block).map_or(&[][..], Vec::as_slice);
        let chosen = match &self.theatre.select {
            Some(select) => select(nodes, nth)?,
            None => nodes.to_vec(),
        };
        let mut targets = Frozen::default();
        chosen.into_iter().for_each(|node| targets.push(node));
        Ok(Chosen { targets, others: Frozen::default() })
    }

    fn play(&self, attempt: &Attempted<'_>) -> Play {
        let rule = self.theatre.rules.iter().rev().find(|(pattern, _)| pattern.matches(attempt.address));
        rule.map_or_else(|| Play::good(Duration::from_secs(1)), |(_, rule)| rule(attempt))
    }
}

impl Evaluate for Plain {
    fn render(&self, value: &Value, scope: &Scope) -> Result<Rendered, EvalError> {
        let mut text = value.to_string();
        for (prefix, map) in [("store", &scope.store), ("params", &scope.params)] {
            for (name, value) in map.iter() {
                let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text = text.replace(&format!("{{{{ {prefix}.{name} }}}}"), &shown);
            }
        }
        if let Some(node) = &scope.node {
            text = text.replace("{{ node.name }}", &node.name);
        }
        if let Some(at) = text.find("{{") {
            return Err(EvalError::wrong(format!("unknown name in {}", &text[at..])));
        }
        let clear = serde_json::from_str(&text).map_err(|why| EvalError::wrong(why.to_string()))?;
        Ok(Rendered::plain(clear))
    }

    fn condition(&self, expression: &str, _: &Scope) -> Result<bool, EvalError> {
        expression.parse().map_err(|_| EvalError::wrong(format!("`{expression}` is not defined")))
    }
}

/// A scenario with this `spec`.
pub(crate) fn scene(spec: Value) -> Scene {
    Scene {
        plan: spec,
        theatre: Theatre::default(),
        faults: Vec::new(),
        crash_at: Vec::new(),
        told: Vec::new(),
        seed: 7,
        done: Vec::new(),
        noop: false,
        done_blocks: Vec::new(),
        recovery: Recovery::Idempotent,
        down: Duration::ZERO,
        recovery_limit: None,
    }
}

/// An action of this name that works.
pub(crate) fn act(name: &str) -> Value {
    serde_json::json!({"name": name, "use": "work", "timeout": "1h"})
}

/// A check of this name.
pub(crate) fn check(name: &str) -> Value {
    serde_json::json!({"name": name, "use": "look", "timeout": "1h"})
}

/// A block over targets t0, t1, … with one action `do` each, and more keys.
pub(crate) fn block(name: &str, targets: u32, more: Value) -> Value {
    let nodes: Vec<String> = (0..targets).map(|n| format!("t{n}")).collect();
    let mut block = serde_json::json!({"name": name, "targets": {"nodes": nodes}, "sequence": [act("do")]});
    if let (Value::Object(block), Value::Object(more)) = (&mut block, more) {
        block.extend(more);
    }
    block
}

pub(crate) fn secs(seconds: u64) -> Time {
    Time(seconds * 1_000_000)
}

pub(crate) fn failing() -> Failure {
    Failure::new("broken", "it broke")
}

/// When the targets of each block are chosen, and among which nodes.
fn written(plan: &Plan) -> Vec<(Resolve, Vec<Node>)> {
    let node = |entry: &NodeEntry| match entry {
        NodeEntry::Name(name) => Node::named(name.clone()),
        NodeEntry::Node(node) => (**node).clone(),
    };
    let blocks = plan.step_set("default").unwrap().iter();
    let nodes = |block: &Block| block.targets.iter().flat_map(|targets| &targets.nodes).map(node).collect();
    blocks.map(|block| (block.resolve, nodes(block))).collect()
}

// === impl Scene ===

impl Scene {
    pub(crate) fn play_as(mut self, pattern: &str, rule: impl Fn(&Attempted<'_>) -> Play + 'static) -> Self {
        self.theatre.rules.push((Pattern::new(pattern), Box::new(rule)));
        self
    }

    /// Chooses so among the nodes of blocks with `resolve: late`.
    pub(crate) fn selects(
        mut self,
        select: impl Fn(&[Node], u32) -> Result<Vec<Node>, Failure> + 'static,
    ) -> Self {
        self.theatre.select = Some(Box::new(select));
        self
    }

    /// It only looks.
    pub(crate) fn noop(self) -> Self {
        Self { noop: true, ..self }
    }

    /// These attempts take so many seconds.
    pub(crate) fn takes(self, pattern: &str, seconds: u64) -> Self {
        self.play_as(pattern, move |_| Play::good(Duration::from_secs(seconds)))
    }

    /// These attempts take a second and fail.
    pub(crate) fn fails(self, pattern: &str) -> Self {
        self.play_as(pattern, |_| Play::bad(Duration::from_secs(1), failing()))
    }

    pub(crate) fn answers(self, pattern: &str, response: Value) -> Self {
        self.play_as(pattern, move |_| {
            let result =
                AttemptResult { response: Some(response.clone()), changed: true, ..AttemptResult::default() };
            Play::of(Duration::from_secs(1), result)
        })
    }

    pub(crate) fn fault(mut self, fault: &str) -> Self {
        self.faults.push(fault.parse().unwrap());
        self
    }

    pub(crate) fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    pub(crate) fn crash_at(mut self, events: impl IntoIterator<Item = u64>) -> Self {
        self.crash_at = events.into_iter().collect();
        self
    }

    pub(crate) fn told(mut self, at: Time, what: Told) -> Self {
        self.told.push(Said { at, what });
        self
    }

    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(crate) fn done(mut self, done: Vec<Vec<u32>>, blocks: Vec<u32>) -> Self {
        (self.done, self.done_blocks) = (done, blocks);
        self
    }

    pub(crate) fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Windlass is dead for so long each time, and resumes no run that was silent for longer than that.
    pub(crate) fn dead_for(mut self, down: Duration, limit: Duration) -> Self {
        (self.down, self.recovery_limit) = (down, Some(limit));
        self
    }

    pub(crate) fn setup(&self) -> Setup {
        let mut plan = Plan::named("scene");
        plan.spec = serde_json::from_value(self.plan.clone()).unwrap();
        let frozen = written(&plan).into_iter().map(|(resolve, nodes)| {
            let mut frozen = Frozen::default();
            if resolve == Resolve::Submit {
                nodes.into_iter().for_each(|node| frozen.push(node));
            }
            frozen
        });
        let late = (0_u32..).zip(written(&plan)).filter(|(_, (resolve, _))| *resolve == Resolve::Late);
        let late = Late { blocks: late.map(|(block, _)| block).collect(), ..Late::default() };
        let submission = Submission {
            run: RunId(uuid::Uuid::from_u128(1)),
            group: GroupId(uuid::Uuid::from_u128(2)),
            retry_of: None,
            step_set: "default".into(),
            params: Default::default(),
            targets: frozen.collect(),
            others: Frozen::default(),
            seed: self.seed,
            user: "author".into(),
            at: Time::ZERO,
            done: self.done.clone(),
            done_blocks: self.done_blocks.clone(),
            carried: Default::default(),
            noop: self.noop,
            late,
            secrets_file: None,
            plan: Arc::new(plan),
        };
        let mut work = PluginFacts::plain("work", PluginKind::Acting);
        work.recovery = self.recovery;
        let catalog: Catalog = [work, PluginFacts::plain("look", PluginKind::Check)].into_iter().collect();
        let layout = Arc::new(Layout::new(Arc::new(submission), &catalog));
        assert!(layout.missing.is_empty(), "{:?}", layout.missing);
        Setup { layout, eval: Arc::new(Plain), secrets: Default::default(), start_within: None }
    }

    pub(crate) fn play(&self) -> Seen {
        let setup = self.setup();
        let late = (0_u32..).zip(written(&setup.layout.submission.plan));
        let late = late.map(|(block, (_, nodes))| (block, nodes)).collect();
        let stage = Stage { theatre: &self.theatre, late, asked: Cell::new(0) };
        let mut rehearsal = Rehearsal::new(setup.clone(), &stage);
        rehearsal.faults = self.faults.clone();
        rehearsal.crash_at = self.crash_at.clone();
        rehearsal.told = self.told.clone();
        (rehearsal.down, rehearsal.recovery_limit) = (self.down, self.recovery_limit);
        rehearsal.most_events = 2_000_000;
        let rehearsed = rehearsal.play();
        let folded = Run::fold(setup.clone(), &rehearsed.events).unwrap();
        assert!(folded.same_state(&rehearsed.run), "the fold of the log is not the live state");
        // A snapshot taken anywhere leads to the same state as the whole log.
        let (before, after) = rehearsed.events.split_at(rehearsed.events.len() / 2);
        if !before.is_empty() {
            let half = Run::fold(setup.clone(), before).unwrap();
            let mut restored = Run::restore(setup.clone(), &half.snapshot().encode()).unwrap();
            assert!(restored.same_state(&half) && restored.wake_at() == half.wake_at());
            after.iter().for_each(|event| restored.replay(event).unwrap());
            assert!(restored.same_state(&folded), "a snapshot leads elsewhere");
            // A damaged one is refused or makes no sense, which whoever keeps it must notice; nothing panics.
            let mut damaged = half.snapshot().encode();
            let at = usize::try_from(self.seed).unwrap_or_default() % damaged.len();
            damaged[at] ^= 0xff;
            let _ = Run::restore(setup, &damaged);
        }
        Seen::new(rehearsed)
    }
}

// === impl Seen ===

impl Seen {
    pub(crate) fn new(rehearsed: Rehearsed) -> Self {
        let layout = rehearsed.run.layout().clone();
        let mut statuses = BTreeMap::new();
        for event in &rehearsed.events {
            let status = match &event.what {
                What::Began(_) | What::ActionBegan { .. } => Status::Running,
                What::Ended { outcome, .. } | What::ActionEnded { outcome, .. } => outcome.status(),
                _ => continue,
            };
            statuses.insert(layout.address(event.what.element()), status);
        }
        Self { rehearsed, statuses }
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.rehearsed.events
    }

    pub(crate) fn layout(&self) -> &Layout {
        self.rehearsed.run.layout()
    }

    pub(crate) fn run(&self) -> RunStatus {
        self.rehearsed.run.status()
    }

    pub(crate) fn status(&self, address: &str) -> Status {
        assert!(self.layout().find(address).is_some(), "no element {address}");
        self.statuses.get(address).copied().unwrap_or_default()
    }

    pub(crate) fn outcome(&self, address: &str) -> Option<Outcome> {
        let element = self.layout().find(address).unwrap_or_else(|| panic!("no element {address}"));
        self.events().iter().rev().find_map(|event| match &event.what {
            What::Ended { element: e, outcome } | What::ActionEnded { element: e, outcome, .. }
                if *e == element =>
            {
                Some(*outcome)
            }
            _ => None,
        })
    }

    /// The reason's kind, address and message.
    pub(crate) fn reason(&self) -> Option<(ReasonKind, String, String)> {
        let reason = self.rehearsed.run.reason()?;
        Some((reason.kind, self.layout().address(reason.element), reason.message.clone()))
    }

    /// How often an action was executed.
    pub(crate) fn executed(&self, address: &str) -> usize {
        let element = self.layout().find(address).unwrap_or_else(|| panic!("no element {address}"));
        self.rehearsed.executions.iter().filter(|execution| execution.element == element).count()
    }

    /// When an element began (its last beginning).
    pub(crate) fn began(&self, address: &str) -> Option<Time> {
        self.when(address, |what| matches!(what, What::Began(_) | What::ActionBegan { .. }))
    }

    /// When an element ended.
    pub(crate) fn ended(&self, address: &str) -> Option<Time> {
        self.when(address, |what| matches!(what, What::Ended { .. } | What::ActionEnded { .. }))
    }

    /// When attempts of an action began.
    pub(crate) fn attempts(&self, address: &str) -> Vec<Time> {
        let element = self.layout().find(address).unwrap_or_else(|| panic!("no element {address}"));
        let began = self
            .events()
            .iter()
            .filter(|event| matches!(&event.what, What::AttemptBegan { element: e, .. } if *e == element));
        began.map(|event| event.at).collect()
    }

    fn when(&self, address: &str, matches: impl Fn(&What) -> bool) -> Option<Time> {
        let element = self.layout().find(address).unwrap_or_else(|| panic!("no element {address}"));
        let mut found =
            self.events().iter().filter(|event| event.what.element() == element && matches(&event.what));
        found.next_back().map(|event| event.at)
    }

    /// The most sequences of a block that were active at once.
    pub(crate) fn peak(&self, block: u32) -> usize {
        let (mut active, mut peak) = (0_usize, 0);
        for event in self.events() {
            match event.what {
                What::Began(ElementId::Sequence { block: b, .. }) if b == block => active += 1,
                What::Ended { element: ElementId::Sequence { block: b, .. }, outcome }
                    if b == block && !matches!(outcome, Outcome::Skipped(_)) =>
                {
                    active -= 1;
                }
                _ => {}
            }
            peak = peak.max(active);
        }
        peak
    }

    /// How many sequences of a block ended like this.
    pub(crate) fn count(&self, block: u32, status: Status) -> usize {
        let def = self.layout().block(block).unwrap();
        let names =
            (0..def.sequences.len()).map(|seq| self.layout().address(ElementId::Sequence { block, seq }));
        names.filter(|address| self.statuses.get(address).copied().unwrap_or_default() == status).count()
    }

    /// What must be true of every terminal run.
    pub(crate) fn is_sound(&self) -> &Self {
        crate::stage::sound(self);
        self
    }
}

/// Checks what must be true of every log, whatever the plan and whatever happened.
pub(crate) fn sound(seen: &Seen) {
    let mut running: BTreeMap<ElementId, ()> = BTreeMap::new();
    let mut finished = false;
    for (index, event) in seen.events().iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1);
        assert!(!finished, "an event after the end: {event:?}");
        match &event.what {
            What::Began(element) | What::ActionBegan { element, .. } => {
                assert!(running.insert(*element, ()).is_none(), "began twice: {event:?}");
            }
            What::Ended { element, outcome } => {
                let was = running.remove(element).is_some();
                let never_begins =
                    matches!(element, ElementId::Run) || matches!(outcome, Outcome::Skipped(_));
                assert!(was || never_begins, "ended without beginning: {event:?}");
            }
            What::ActionEnded { element, .. } => {
                assert!(running.remove(element).is_some(), "ended without beginning: {event:?}");
            }
            What::Finished { .. } => finished = true,
            _ => {}
        }
    }
    if seen.run().is_terminal() {
        let left: Vec<String> = running.keys().map(|element| seen.layout().address(*element)).collect();
        assert!(left.is_empty(), "still running in a terminal run: {left:?}");
        assert!(finished);
    }
}
