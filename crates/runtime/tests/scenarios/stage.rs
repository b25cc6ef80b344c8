//! What the scenarios play on: a world whose plugins do what a test says, and runtimes in it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Notify;
use windlass_model::Value;
use windlass_model::event::{Author, Event, What};
use windlass_model::id::RunId;
use windlass_model::outcome::{RunStatus, Skip, Status};
use windlass_model::plan::Plan;
use windlass_model::target::Node;
use windlass_model::time::Time;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Recovery, Registry, Reply, Stream};
use windlass_runtime::{Clock, Condition, Handle, Options, Request, RunView, Runtime};
use windlass_store::Store;
use windlass_store::memory::MemoryStore;
use windlass_store_fjall::FjallStore;

/// How long a test waits for what must come: only a test that fails waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What an attempt does.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    Good,
    Fail,
    Permanent,
    Panic,
    /// Ends only when it is asked to.
    Hang,
    /// Does not end, whatever it is asked.
    Stubborn,
    /// Ends when the gate is opened.
    Gate(&'static str),
    Answer(Value),
    /// Prints a line and ends.
    Print(String),
    /// Fails with this message.
    Says(String),
}

/// An attempt that was made.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) address: String,
    pub(crate) attempt: u32,
    pub(crate) run: RunId,
    pub(crate) plan: String,
    pub(crate) key: String,
    pub(crate) deadline_in: Duration,
    /// Where it was made, and for whom.
    pub(crate) node: Option<Node>,
    pub(crate) for_node: Option<String>,
    pub(crate) ended: bool,
}

/// The world that the plugins act on. It outlives any runtime.
#[derive(Clone, Default)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
pub(crate) struct State {
    plays: HashMap<String, VecDeque<Play>>,
    open: Vec<&'static str>,
    pub(crate) made: Vec<Made>,
    running: HashMap<String, u32>,
    /// The most attempts at the same time.
    pub(crate) peak: u32,
    /// The most attempts of one action at the same time.
    pub(crate) most_overlap: u32,
    pub(crate) was_done: Option<bool>,
    pub(crate) asked_done: u32,
    /// Who was asked what they would change, in order.
    pub(crate) asked: Vec<String>,
}

/// Does what the world says for the address; good where it says nothing.
struct Act {
    world: World,
    about: About,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ActRequest {
    /// Anything.
    #[serde(default)]
    note: Value,
}

/// Marks an attempt as ended when its future is gone.
struct Running {
    world: World,
    index: usize,
    address: String,
}

// === impl World ===

impl World {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What the attempts of an action do, one after the other; the last goes on for ever.
    pub(crate) fn plays(&self, address: &str, plays: impl IntoIterator<Item = Play>) -> &Self {
        self.lock().plays.insert(address.to_owned(), plays.into_iter().collect());
        self
    }

    pub(crate) fn open(&self, gate: &'static str) {
        self.lock().open.push(gate);
        self.changed.notify_waiters();
    }

    /// The addresses of all attempts, in the order in which they began.
    pub(crate) fn made(&self) -> Vec<String> {
        self.lock().made.iter().map(|made| made.address.clone()).collect()
    }

    pub(crate) fn count(&self, address: &str) -> usize {
        self.lock().made.iter().filter(|made| made.address == address).count()
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if is_so(&self.lock()) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("it never came to be: {what}; made: {:?}", self.made());
        }
    }

    /// Waits until the n-th attempt at an address has begun.
    pub(crate) async fn begun(&self, address: &str, n: usize) {
        let count = |state: &State| state.made.iter().filter(|made| made.address == address).count();
        self.until(address, |state| count(state) >= n).await;
    }

    pub(crate) fn registry(&self) -> Registry {
        let mut registry = windlass_plugins::standard().unwrap();
        let mut add = |about: About, recovery: Recovery| {
            let about = About { recovery, ..about };
            registry.register(Act { world: self.clone(), about }).unwrap();
        };
        add(About::acting("act", "acts"), Recovery::Neither);
        add(About::acting("act.again", "acts, and may act again"), Recovery::Idempotent);
        add(About::acting("act.asked", "acts, and knows whether it did"), Recovery::Verifiable);
        add(About::check("look", "looks"), Recovery::Idempotent);
        registry
    }

    /// A runtime on a store in which this world's plugins are registered.
    pub(crate) async fn runtime(&self, store: Arc<dyn Store>) -> Runtime {
        self.runtime_with(store, Options::default()).await
    }

    /// All scenarios also go through snapshots: of runs as short as these there are none otherwise.
    pub(crate) async fn runtime_with(&self, store: Arc<dyn Store>, options: Options) -> Runtime {
        let options = Options { snapshot_every: Some(2), ..options };
        Runtime::open(store, self.registry(), options).await.unwrap()
    }

    /// A runtime that drives nothing, to look at what a store holds.
    pub(crate) async fn runtime_nothing(&self, store: Arc<dyn Store>) -> Runtime {
        let nothing = windlass_runtime::TakeOver::Only(Vec::new());
        self.runtime_with(store, Options { take_over: nothing, ..Options::default() }).await
    }

    /// A runtime on a store of its own in memory.
    pub(crate) async fn alone(&self) -> (Runtime, Handle) {
        let runtime = self.runtime(Arc::new(MemoryStore::new())).await;
        let handle = runtime.handle();
        (runtime, handle)
    }

    fn begin(&self, call: &Call) -> (Play, Running) {
        let mut state = self.lock();
        let queue = state.plays.entry(call.address.clone()).or_default();
        let play = if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() };
        let running = state.running.entry(call.address.clone()).or_default();
        *running += 1;
        let overlap = *running;
        state.most_overlap = state.most_overlap.max(overlap);
        let all = state.running.values().sum();
        state.peak = state.peak.max(all);
        state.made.push(Made {
            address: call.address.clone(),
            attempt: call.attempt,
            run: call.run,
            plan: call.plan.clone(),
            key: call.key.clone(),
            deadline_in: call.deadline_in,
            node: call.node.as_deref().cloned(),
            for_node: call.for_node.as_ref().map(|node| node.name.clone()),
            ended: false,
        });
        let index = state.made.len() - 1;
        drop(state);
        self.changed.notify_waiters();
        let running = Running { world: self.clone(), index, address: call.address.clone() };
        (play.unwrap_or(Play::Good), running)
    }

    async fn gate(&self, gate: &'static str) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.lock().open.contains(&gate) {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.world.lock();
        state.made[self.index].ended = true;
        *state.running.get_mut(&self.address).unwrap() -= 1;
        drop(state);
        self.world.changed.notify_waiters();
    }
}

impl Plugin for Act {
    type Request = ActRequest;
    type Response = Value;

    fn about(&self) -> About {
        self.about.clone()
    }

    async fn call(&self, call: Call, _: ActRequest) -> Result<Reply<Value>, CallError> {
        let (play, _running) = self.world.begin(&call);
        match play {
            Play::Good => Ok(Reply::changed(Value::Null)),
            Play::Answer(value) => Ok(Reply::changed(value)),
            Play::Fail => Err(CallError::retryable("no", "it did not work")),
            Play::Says(message) => Err(CallError::retryable("no", message)),
            Play::Permanent => Err(CallError::permanent("never", "it will never work")),
            Play::Panic => panic!("it panicked on purpose"),
            Play::Print(line) => {
                call.output.line(Stream::Stdout, line.as_bytes());
                Ok(Reply::changed(Value::Null))
            }
            Play::Hang => {
                call.cancel.requested().await;
                Err(CallError::cancelled())
            }
            Play::Stubborn => std::future::pending().await,
            Play::Gate(gate) => {
                tokio::select! {
                    () = self.world.gate(gate) => Ok(Reply::changed(Value::Null)),
                    _ = call.cancel.requested() => Err(CallError::cancelled()),
                }
            }
        }
    }

    async fn noop(&self, call: Call, request: ActRequest) -> Result<Foresight, CallError> {
        let play = {
            let mut state = self.world.lock();
            state.asked.push(call.address.clone());
            let queue = state.plays.entry(call.address.clone()).or_default();
            if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() }
        };
        self.world.changed.notify_waiters();
        match play {
            Some(Play::Fail) => Err(CallError::retryable("no", "it does not answer")),
            Some(Play::Permanent) => Err(CallError::permanent("never", "it will never work")),
            Some(Play::Hang) => {
                call.cancel.requested().await;
                Err(CallError::cancelled())
            }
            _ if request.note.is_null() => Ok(Foresight::change(Diff::default())),
            _ => Ok(Foresight::change(Diff::default().property("note", Value::Null, request.note))),
        }
    }

    async fn was_done(&self, _: Call, _: ActRequest) -> Option<bool> {
        let mut state = self.world.lock();
        state.asked_done += 1;
        state.was_done
    }
}

// --- plans, people, runs

/// A plan from its text; `name: test` and the two first lines are added.
pub(crate) fn plan(spec: &str) -> Plan {
    let indented = spec.trim_matches('\n');
    let text = format!(
        "apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: test, labels: {{team: web}}}}\nspec:\n{indented}\n"
    );
    let catalog = World::default().registry().catalog();
    match windlass_lang::load("test", &text, &catalog) {
        Ok(mut loaded) => Arc::unwrap_or_clone(loaded.remove(0).plan),
        Err(invalid) => panic!("{invalid}\n{text}"),
    }
}

/// One sequence of these actions, all of one plugin: `chain("act", ["a", "b"])`.
pub(crate) fn chain(plugin: &str, names: &[&str]) -> Plan {
    let actions: Vec<String> = names.iter().map(|name| format!("{{name: {name}, use: {plugin}}}")).collect();
    plan(&format!("  blocks: [{{name: b, sequences: [{{name: s, actions: [{}]}}]}}]", actions.join(", ")))
}

pub(crate) fn request(plan: Plan) -> Request {
    Request::new(plan).user("ann")
}

pub(crate) fn ann() -> Author {
    Author::new("ann")
}

/// Waits for the end of a run, but not for ever.
pub(crate) async fn end(handle: &Handle, run: RunId) -> RunView {
    match tokio::time::timeout(PATIENCE, handle.wait(run)).await {
        Ok(view) => view.unwrap(),
        Err(_) => panic!("the run did not end: {:?}", handle.status(run).await),
    }
}

/// Asks again and again until a run stands so: nobody is told of that.
pub(crate) async fn until_it_is(handle: &Handle, run: RunId, is_so: impl Fn(&Condition) -> bool) -> RunView {
    let asking = async {
        loop {
            let view = handle.status(run).await.unwrap();
            if is_so(&view.condition) {
                return view;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap()
}

/// Submits, starts and waits for the end.
pub(crate) async fn play(handle: &Handle, plan: Plan) -> RunView {
    let run = handle.submit(request(plan).starting()).await.unwrap();
    end(handle, run).await
}

/// The log of a run up to now.
pub(crate) async fn log(handle: &Handle, run: RunId) -> Vec<Event> {
    let last = handle.fold(run).await.unwrap().seq();
    let mut stream = handle.events(run, 1).await.unwrap();
    let mut events = Vec::new();
    while events.len() < usize::try_from(last).unwrap() {
        events.push(Event::clone(&*stream.next().await.unwrap().unwrap()));
    }
    events
}

/// What became of a run and of all that is in it, times apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: RunStatus,
    pub(crate) reason: Option<(windlass_model::outcome::ReasonKind, String)>,
    pub(crate) elements: BTreeMap<String, (Status, Option<Skip>)>,
}

pub(crate) async fn outcome(handle: &Handle, run: RunId) -> Outcome {
    let fold = handle.fold(run).await.unwrap();
    let layout = fold.layout();
    let elements = fold.elements().map(|(element, view)| (layout.address(element), (view.status, view.skip)));
    let reason = fold.run().reason.as_ref();
    Outcome {
        status: fold.status(),
        reason: reason.map(|reason| (reason.kind, layout.address(reason.element))),
        elements: elements.collect(),
    }
}

pub(crate) fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.what.kind()).collect()
}

pub(crate) fn count_of(events: &[Event], is_it: impl Fn(&What) -> bool) -> usize {
    events.iter().filter(|event| is_it(&event.what)).count()
}

// --- stores and clocks

pub(crate) fn fjall(directory: &Path) -> FjallStore {
    FjallStore::open(directory, windlass_store_fjall::Options::default()).unwrap()
}

/// A clock that goes on as the machine's does, and can be moved ahead.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Arc<AtomicU64>);

// === impl Ahead ===

impl Ahead {
    pub(crate) fn clock(&self) -> Clock {
        let (ahead, machine) = (self.0.clone(), Clock::system());
        Clock::new(move || Time(machine.now().0 + ahead.load(Ordering::Relaxed)))
    }

    pub(crate) fn by(&self, span: Duration) {
        self.0.fetch_add(u64::try_from(span.as_micros()).unwrap(), Ordering::Relaxed);
    }
}
