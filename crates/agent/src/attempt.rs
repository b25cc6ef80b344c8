//! One attempt: the plugin's work with its panics caught, its lines, and its end.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use windlass_model::event::Severity;
use windlass_model::outcome::Failure;
use windlass_plugin::{
    AtNode, BoxFuture, Call, CallError, CancelSource, Node, Output, OutputSink, Printed, ProgramSink,
    Programs, Stream, Value,
};
use windlass_wire::{CallOrder, Ended, FromAgent, Mode, encode};

use crate::hello::now_ms;
use crate::journal::Entry;
use crate::origin::Questions;
use crate::outbox::Outbox;
use crate::overlap;
use crate::session::Shared;

/// How much of an attempt's lines waits in memory before whoever prints waits. They make one message, which hundreds of nodes may
/// have on their way to one process at once.
const MOST_PENDING: usize = 64 << 10;
/// About how much a line takes beside what it says.
const LINE: usize = 24;
/// How long after its time is over work goes on that nobody tells to end.
const OVERDUE: Duration = Duration::from_secs(60);
/// How long work that was killed has to end by itself before it is dropped.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// The lines of one attempt on their way out.
#[derive(Debug)]
pub(crate) struct Lines {
    id: u64,
    outbox: Arc<Outbox>,
    entry: Option<Entry>,
    state: Mutex<Pending>,
    taken: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct Pending {
    lines: windlass_wire::Lines,
    /// How many lines were taken before these.
    from: u64,
    /// Whether the outbox knows of these.
    is_known: bool,
}

/// Makes an attempt and says how it ended.
pub(crate) async fn attempt(
    shared: Arc<Shared>,
    order: CallOrder,
    source: CancelSource,
    questions: Arc<Questions>,
) {
    let keeps = order.keep && order.mode == Mode::Act;
    let entry = if keeps { shared.begin(&order) } else { None };
    let elsewhere = shared.only.as_ref().is_some_and(|only| order.node.as_ref() != Some(only));
    let refused = match &entry {
        _ if elsewhere => Some(("agent", "this is the agent of another node: what was ordered was not done")),
        None if keeps => Some(shared.unkept(&order)),
        // Not before it is written down that it begins.
        Some(_) if shared.is_void(&order) => {
            Some((CallOrder::VOID, "it was looked for before its order arrived"))
        }
        _ => None,
    };
    let lines = Arc::new(Lines {
        id: order.id,
        outbox: Arc::clone(&shared.outbox),
        entry,
        state: Mutex::default(),
        taken: tokio::sync::Notify::new(),
    });
    if let Some((code, why)) = refused {
        lines.end(Ended::Failed(CallError::permanent(code, why).into()));
        return shared.ended(order.id);
    }
    let (id, within) = (order.id, Duration::from_millis(order.within_ms));
    let ended = {
        let mut work = pin!(ended(&shared, order, &source, questions, &lines));
        let mut unattended = pin!(end_unattended(&shared, &source, within));
        let mut killed = pin!(async {
            source.cancel().reached(Severity::Kill).await;
            tokio::time::sleep(KILL_GRACE).await;
        });
        poll_fn(|cx| {
            let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
            match polled {
                Ok(Poll::Ready(ended)) => return Poll::Ready(ended),
                Ok(Poll::Pending) => {}
                Err(panic) => {
                    let message = format!("the plugin panicked: {}", said(&*panic));
                    return Poll::Ready(Ended::Failed(CallError::retryable(Failure::PANIC, message).into()));
                }
            }
            if killed.as_mut().poll(cx).is_ready() {
                let message = "it was killed and did not end; its work was dropped";
                return Poll::Ready(Ended::Failed(CallError::retryable(Failure::CANCELLED, message).into()));
            }
            let _ = unattended.as_mut().poll(cx);
            Poll::Pending
        })
        .await
    };
    lines.end(ended);
    shared.ended(id);
}

/// Goes on with work of this process, and ends the attempt should that panic: whoever waits for its end would for ever.
pub(crate) async fn guarded(shared: Arc<Shared>, id: u64, work: impl Future<Output = ()>) {
    let mut work = pin!(work);
    let panicked = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(polled) => polled.map(|()| None),
        Err(panic) => Poll::Ready(Some(format!("the agent panicked: {}", said(&*panic)))),
    });
    if let Some(message) = panicked.await {
        let ended = Ended::Failed(CallError::retryable(Failure::PANIC, message).into());
        shared.outbox.send(&FromAgent::Ended { id, ended });
        shared.ended(id);
    }
}

/// Nobody is there any more to say that the time is over.
async fn end_unattended(shared: &Shared, source: &CancelSource, within: Duration) {
    tokio::time::sleep(within).await;
    tokio::select! {
        () = shared.unattended() => {}
        // Whoever is there would have said so by now: the connection only looks alive.
        () = tokio::time::sleep(OVERDUE) => {}
    }
    source.trigger(Severity::Term);
    tokio::time::sleep(KILL_GRACE).await;
    source.trigger(Severity::Kill);
    std::future::pending().await
}

async fn ended(
    shared: &Arc<Shared>,
    order: CallOrder,
    source: &CancelSource,
    questions: Arc<Questions>,
    lines: &Arc<Lines>,
) -> Ended {
    let output = Output::to(Arc::new(Sink(Arc::clone(lines))));
    if let Err(error) = overlap::alone(shared, &order, &source.cancel(), &output).await {
        return Ended::Failed(error.into());
    }
    let CallOrder {
        mode,
        plugin: name,
        request,
        run,
        plan,
        address,
        attempt,
        key,
        node,
        for_node,
        within_ms,
        ..
    } = order;
    let Some(plugin) = shared.plugins.get(&name) else {
        let message = format!("the agent has no plugin `{name}`; it may be of another version");
        return Ended::Failed(CallError::permanent("agent", message).into());
    };
    let request: Arc<Value> = match serde_json::from_slice(&request) {
        Ok(request) => Arc::new(request),
        Err(error) => {
            return Ended::Failed(
                CallError::permanent("agent", "the request is no JSON").because(&error).into(),
            );
        }
    };
    let named = |name: Option<String>| name.map(|name| Arc::new(Node { name, ..Node::default() }));
    let call = Call {
        run,
        plan,
        address,
        attempt,
        key,
        node: named(node),
        for_node: named(for_node),
        deadline_in: Duration::from_millis(within_ms),
        age: Duration::ZERO,
        cancel: source.cancel(),
        output,
        programs: Programs::to(Arc::new(Written(Arc::clone(lines)))),
        origin: questions.origin(),
        bare: None,
        at_node: AtNode::default(),
        sensitive: false,
    };
    match mode {
        Mode::Act => Ended::of(plugin.call(call, request).await),
        Mode::Noop => Ended::foreseen(plugin.noop(call, request).await),
        Mode::WasDone => Ended::Known(plugin.was_done(call, request).await),
    }
}

// === impl Lines ===

impl Lines {
    fn state(&self) -> MutexGuard<'_, Pending> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what waits: into the journal, and as a frame to send.
    pub(crate) fn take(&self) -> Vec<u8> {
        let (lines, from) = {
            let mut state = self.state();
            let from = state.from;
            state.from = from.saturating_add(state.lines.len() as u64);
            state.is_known = false;
            (std::mem::take(&mut state.lines), from)
        };
        self.taken.notify_waiters();
        if lines.is_empty() {
            return Vec::new();
        }
        let lines = match &self.entry {
            Some(entry) => entry.printed(from, lines),
            None => lines,
        };
        // Lines are far smaller than a frame may be.
        encode(&FromAgent::Output { id: self.id, from, lines }).unwrap_or_default()
    }

    fn end(&self, ended: Ended) {
        let last = self.take();
        if !last.is_empty() {
            self.outbox.send_bytes(last);
        }
        if let Some(entry) = &self.entry {
            entry.ended(&ended);
        }
        self.outbox.send(&FromAgent::Ended { id: self.id, ended });
    }
}

// === impl Pending ===

impl Pending {
    fn is_room(&self) -> bool {
        self.lines.bytes().saturating_add(self.lines.len().saturating_mul(LINE)) < MOST_PENDING
    }
}

// === impl Sink ===

/// What the plugin prints into.
struct Sink(Arc<Lines>);

impl OutputSink for Sink {
    fn line(&self, stream: Stream, bytes: &[u8]) {
        self.printed(&Printed::new(stream, bytes));
    }

    fn printed(&self, line: &Printed<'_>) {
        self.printed_together(std::slice::from_ref(line));
    }

    fn printed_together(&self, lines: &[Printed<'_>]) {
        let (mut state, at_ms) = (self.0.state(), now_ms());
        lines.iter().for_each(|line| state.lines.push(line, at_ms));
        if !std::mem::replace(&mut state.is_known, true) {
            drop(state);
            self.0.outbox.has_lines(Arc::clone(&self.0));
        }
    }

    fn room(&self) -> Option<BoxFuture<'_, ()>> {
        if self.0.state().is_room() {
            return None;
        }
        Some(Box::pin(async move {
            loop {
                let taken = self.0.taken.notified();
                if self.0.state().is_room() {
                    break;
                }
                taken.await;
            }
            self.0.outbox.room().await;
        }))
    }
}

// === impl Written ===

/// The programs that the plugin runs, written down.
struct Written(Arc<Lines>);

impl ProgramSink for Written {
    fn begun(&self, group: u32) {
        self.0.entry.iter().for_each(|entry| entry.began_program(group));
    }

    fn ended(&self, group: u32) {
        self.0.entry.iter().for_each(|entry| entry.ended_program(group));
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
