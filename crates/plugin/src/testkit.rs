//! Tries a plugin without a run around it: for the tests of plugins. Feature `testkit`.
//!
//! ```
//! # use windlass_plugin::{About, Call, CallError, Plugin, Reply, testkit::Trial};
//! # struct Echo;
//! # impl Plugin for Echo {
//! #     type Request = String;
//! #     type Response = String;
//! #     fn about(&self) -> About { About::acting("echo", "says it again") }
//! #     async fn call(&self, call: Call, request: String) -> Result<Reply<String>, CallError> {
//! #         call.output.note("echoing");
//! #         Ok(Reply::unchanged(request))
//! #     }
//! # }
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
//! # runtime.block_on(async {
//! let tried = Trial::of(Echo).call("hello".into()).await;
//! assert_eq!(tried.result.unwrap().response, "hello");
//! assert_eq!(tried.lines[0].text(), "echoing");
//! # });
//! ```

mod conformity;

use std::borrow::Cow;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use uuid::Uuid;
use windlass_model::Value;
use windlass_model::event::Severity;
use windlass_model::id::RunId;
use windlass_model::outcome::Failure;
use windlass_model::target::Node;

use crate::at_node::AtNode;
use crate::call::Call;
use crate::cancel::CancelSource;
use crate::dynamic::{DynPlugin, Typed};
use crate::error::CallError;
use crate::foresight::Foresight;
use crate::origin::Origin;
use crate::output::{Output, OutputSink, Stream};
use crate::plugin::Plugin;
use crate::programs::Programs;
use crate::raw::{Raw, RawPlugin};
use crate::reply::Reply;
use crate::simulation::{Simulated, Simulation};

pub use conformity::{conforms, conforms_dyn};

/// A plugin about to be tried, and what its call shall look like.
#[derive(Clone, Debug)]
pub struct Trial {
    plugin: Arc<dyn DynPlugin>,
    attempt: u32,
    node: Option<Arc<Node>>,
    timeout: Duration,
    origin: Origin,
}

/// An attempt that is running.
#[derive(Debug)]
pub struct Underway {
    source: CancelSource,
    lines: Arc<Lines>,
    task: JoinHandle<Result<Reply<Value>, CallError>>,
}

/// An attempt that has ended.
#[derive(Clone, Debug)]
pub struct Tried {
    /// How.
    pub result: Result<Reply<Value>, CallError>,
    /// What it printed.
    pub lines: Vec<Line>,
}

/// A line that was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it came from.
    pub stream: Stream,
    /// The line without its end.
    pub bytes: Vec<u8>,
}

/// Says, when it goes, that no more lines can come: also when the plugin panicked.
struct Closing(Arc<Lines>);

#[derive(Debug, Default)]
struct Lines {
    lines: Mutex<Vec<Line>>,
    /// Whether no more can come.
    closed: AtomicBool,
    more: Notify,
}

// === impl Trial ===

impl Trial {
    /// Tries a plugin.
    pub fn of<P: Plugin>(plugin: P) -> Self {
        Self::of_dyn(Arc::new(Typed::new(plugin)))
    }

    /// Tries a plugin with schemas of its own.
    pub fn of_raw<P: RawPlugin>(plugin: P) -> Self {
        Self::of_dyn(Arc::new(Raw::new(plugin)))
    }

    /// Tries a plugin of which the types are not known.
    pub fn of_dyn(plugin: Arc<dyn DynPlugin>) -> Self {
        Self { plugin, attempt: 1, node: None, timeout: Duration::from_secs(30), origin: Origin::default() }
    }

    /// The number of the attempt; 1 unless said.
    #[must_use]
    pub fn attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }

    /// The node that is worked on; none unless said.
    #[must_use]
    pub fn node(self, node: Node) -> Self {
        Self { node: Some(Arc::new(node)), ..self }
    }

    /// How long the attempt is told that it may take; 30 s unless said. Nothing enforces it here.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The files of Windlass's side; those of the test's own directory unless said.
    #[must_use]
    pub fn origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Makes one attempt and waits for its end.
    pub async fn call(&self, request: Value) -> Tried {
        self.start(request).end().await
    }

    /// Makes one attempt and goes on, so that it can be watched and cancelled.
    #[must_use]
    pub fn start(&self, request: Value) -> Underway {
        let (source, lines) = (CancelSource::new(), Arc::new(Lines::default()));
        let call = self.telling(&source, &lines);
        let plugin = Arc::clone(&self.plugin);
        #[expect(clippy::disallowed_methods, reason = "the test kit is the driver here")]
        let task = tokio::spawn({
            let closing = Closing(Arc::clone(&lines));
            async move {
                let _closing = closing;
                plugin.call(call, Arc::new(request)).await
            }
        });
        Underway { source, lines, task }
    }

    /// Asks whether an attempt was done.
    pub async fn was_done(&self, request: Value) -> Option<bool> {
        let call = self.told();
        self.plugin.was_done(call, Arc::new(request)).await
    }

    /// What an attempt would change.
    pub async fn noop(&self, request: Value) -> Result<Foresight, CallError> {
        let call = self.told();
        self.plugin.noop(call, Arc::new(request)).await
    }

    /// Everything that is wrong with a request.
    pub fn validate(&self, request: &Value) -> Result<(), Vec<String>> {
        self.plugin.validate(request)
    }

    /// One simulated attempt.
    pub fn simulate(&self, request: &Value, draw: u64) -> Simulated<Value> {
        let simulation = Simulation {
            address: "trial/action",
            attempt: self.attempt,
            node: self.node.as_ref().map(|node| node.name.as_str()),
            draw,
            timeout: self.timeout,
        };
        self.plugin.simulate(&simulation, request)
    }

    /// What a call would be told, for what is asked without one.
    #[must_use]
    pub fn told(&self) -> Call {
        self.telling(&CancelSource::new(), &Arc::default())
    }

    fn telling(&self, source: &CancelSource, lines: &Arc<Lines>) -> Call {
        let run = RunId(Uuid::from_u128(1));
        let address = "trial/action".to_owned();
        Call {
            run,
            plan: "trial".into(),
            key: format!("{run}/{address}"),
            address,
            attempt: self.attempt,
            node: self.node.clone(),
            deadline_in: self.timeout,
            age: Duration::ZERO,
            cancel: source.cancel(),
            output: Output::to(Arc::clone(lines) as Arc<dyn OutputSink>),
            programs: Programs::default(),
            for_node: None,
            origin: self.origin.clone(),
            bare: None,
            at_node: AtNode::default(),
            sensitive: false,
        }
    }
}

// === impl Underway ===

impl Underway {
    /// Tells it to end.
    pub fn cancel(&self, how: Severity) {
        self.source.trigger(how);
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for the first line that holds a text. `None` when the attempt ended without one.
    pub async fn line_with(&mut self, text: &str) -> Option<Line> {
        let find = |lines: &Lines| lines.all().iter().find(|line| line.text().contains(text)).cloned();
        loop {
            let mut more = pin!(self.lines.more.notified());
            more.as_mut().enable();
            if let Some(line) = find(&self.lines) {
                return Some(line);
            }
            if self.lines.closed.load(Ordering::Acquire) {
                return find(&self.lines);
            }
            more.await;
        }
    }

    /// Waits for its end.
    pub async fn end(self) -> Tried {
        let result = match self.task.await {
            Ok(result) => result,
            Err(error) => Err(CallError::retryable(Failure::PANIC, error.to_string())),
        };
        let lines = self.lines.all().clone();
        Tried { result, lines }
    }
}

// === impl Tried ===

impl Tried {
    /// The lines of one stream as texts.
    #[must_use]
    pub fn texts(&self, stream: Stream) -> Vec<String> {
        self.lines.iter().filter(|line| line.stream == stream).map(|line| line.text().into_owned()).collect()
    }
}

// === impl Line ===

impl Line {
    /// The line as text, with what is no UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

// === impl Closing ===

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.more.notify_waiters();
    }
}

// === impl Lines ===

impl Lines {
    fn all(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutputSink for Lines {
    fn line(&self, stream: Stream, bytes: &[u8]) {
        self.all().push(Line { stream, bytes: bytes.to_vec() });
        self.more.notify_waiters();
    }
}
