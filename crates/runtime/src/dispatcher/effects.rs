//! Effects that are released: attempts begun, found again, asked about, told to end.
//!
//! An attempt normally is a task of its own. A plugin that has answered at once a number of times
//! in a row is called where we are instead, which spares a task and two wake-ups: the first call
//! that does not answer at once goes on as a task, and so do those that follow.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;
use windlass_engine::{AttemptCall, AttemptResult, Effect, Input, SelectCall};
use windlass_model::element::ElementId;
use windlass_model::id::RunId;
use windlass_model::outcome::Failure;
use windlass_plugin::{AtNode, Call, CancelSource, Output, Programs, Registry};

use super::{Dispatcher, SharedPlugin};
use crate::attempt::{self, Dropped, End, Ended, Pace, Work};
use crate::only_looks::OnlyLooks;
use crate::select::{self, Source, Wanted};

/// An attempt in flight as a task.
#[derive(Debug)]
pub(crate) struct Attempt {
    n: u32,
    cancel: CancelSource,
    task: AbortHandle,
}

/// The plugins, and how soon they answer.
#[derive(Debug)]
pub(crate) struct Plugins(HashMap<String, Known>);

#[derive(Debug)]
struct Known {
    plugin: SharedPlugin,
    /// How many answers in a row came at once.
    quick: u32,
}

/// How the work of an attempt begins.
type Begin = fn(SharedPlugin, Call, Arc<windlass_model::Value>) -> Work;

/// What a plugin is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    /// To make an attempt, or to say something about one.
    Work,
    /// To find one again.
    Search,
}

/// After how many quick answers in a row a plugin is called where we are.
const TRUSTED: u32 = 16;

// === impl Attempt ===

impl Attempt {
    pub(super) fn abort(&self) {
        self.task.abort();
    }
}

// === impl Plugins ===

impl Plugins {
    pub(super) fn of(registry: &Registry) -> Self {
        let plugins = registry.iter().map(|plugin| {
            let known = Known { plugin: Arc::clone(plugin), quick: 0 };
            (plugin.about().name.clone(), known)
        });
        Self(plugins.collect())
    }

    fn paced(&mut self, name: &str, pace: Pace) {
        if let Some(known) = self.0.get_mut(name) {
            known.quick = match pace {
                Pace::Quick => known.quick.saturating_add(1),
                Pace::Slow => 0,
            };
        }
    }
}

impl Dispatcher {
    /// Carries out what a run decided, now that the decision is durable.
    pub(super) fn carry_out(&mut self, run: RunId, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Attempt(call) => self.attempt(run, call, attempt::calling),
                Effect::Foresee(call) => self.attempt(run, call, attempt::foreseeing),
                Effect::Reattach(call) => {
                    let (element, n) = (call.element, call.n);
                    match self.call(run, call, Errand::Search) {
                        Some((plugin, call, request, cancel)) => {
                            let work = attempt::reattaching(plugin, call, request);
                            self.spawn(run, element, n, work, cancel, Kind::Reattach);
                        }
                        None => self.inbox.push_back((run, Input::Lost { element, n })),
                    }
                }
                Effect::Inquire(call) => self.inquire(run, call),
                Effect::Select(call) => self.select(run, *call),
                Effect::Cancel { element, n, how } => {
                    if let Some(attempt) = self.attempts.get(&(run, element))
                        && attempt.n == n
                    {
                        attempt.cancel.trigger(how);
                    }
                }
            }
        }
    }

    /// An attempt that was a task has ended.
    pub(super) fn attempt_ended(&mut self, end: End) {
        let key = (end.run, end.element);
        if self.attempts.get(&key).is_some_and(|attempt| attempt.n == end.n) {
            self.attempts.remove(&key);
        }
        if let Ended::Attempt { pace, .. } = end.ended
            && let Some(layout) = self.runs.get(&end.run).map(|live| Arc::clone(live.run.layout()))
            && let Some(def) = layout.action(end.element)
        {
            self.plugins.paced(&def.action.uses, pace);
        }
        let run = end.run;
        let is_choice = matches!(end.ended, Ended::Selected(..));
        let input = end.into_input();
        // A run that is parked asks for its targets again when it goes on.
        if is_choice && !self.runs.contains_key(&run) {
            return;
        }
        if self.runs.contains_key(&run) {
            self.inbox.push_back((run, input));
        } else {
            self.ended_while_parked(run, input);
        }
    }

    fn attempt(&mut self, run: RunId, call: AttemptCall, begin: Begin) {
        let (element, n) = (call.element, call.n);
        let Some(layout) = self.runs.get(&run).map(|live| Arc::clone(live.run.layout())) else { return };
        let name = layout.action(element).map_or("", |def| def.action.uses.as_str());
        let Some((plugin, call, request, cancel)) = self.call(run, call, Errand::Work) else {
            let failure = Failure::permanent("unknownPlugin", format!("there is no plugin `{name}`"));
            let input = Input::Ended { element, n, result: AttemptResult::failed(failure) };
            return self.inbox.push_back((run, input));
        };
        let mut work = begin(plugin, call, request);
        if self.plugins.0.get(name).is_some_and(|known| known.quick >= TRUSTED) {
            let (polled, pace) = {
                let _host = self.host.enter();
                attempt::glance(&mut work)
            };
            self.plugins.paced(name, pace);
            if let Poll::Ready(Some(answered)) = polled {
                let input = Input::Ended { element, n, result: attempt::result(answered) };
                return self.inbox.push_back((run, input));
            }
        }
        self.spawn(run, element, n, work, cancel, Kind::Attempt);
    }

    fn spawn(
        &mut self,
        run: RunId,
        element: ElementId,
        n: u32,
        work: Work,
        cancel: CancelSource,
        kind: Kind,
    ) {
        let (ends, grace, told) = (self.ends_in.clone(), self.options.kill_grace, cancel.cancel());
        let outlives = self
            .runs
            .get(&run)
            .and_then(|live| live.run.layout().action(element))
            .is_some_and(|def| def.facts.outlives);
        let dropped = if outlives { Dropped::MayGoOn } else { Dropped::Ends };
        let counters = Arc::clone(&self.counters);
        let task = self.host.spawn(async move {
            let begun = Instant::now();
            let (answered, pace) = attempt::attend(work, told, grace, dropped).await;
            let result = answered.map(attempt::result);
            counters.attempts.note(begun.elapsed());
            let ended = match kind {
                Kind::Attempt => Ended::Attempt { result: result.unwrap_or_default(), pace },
                Kind::Reattach => Ended::Reattached(result),
            };
            // When nobody listens any more, the process is ending, and the next one asks.
            let _ = ends.send(End { run, element, n, ended }).await;
        });
        let task = task.abort_handle();
        self.attempts.insert((run, element), Attempt { n, cancel, task });
    }

    fn inquire(&mut self, run: RunId, call: AttemptCall) {
        let (element, n, within) = (call.element, call.n, call.timeout);
        let Some((plugin, call, request, cancel)) = self.call(run, call, Errand::Work) else {
            return self.inbox.push_back((run, Input::Known { element, n, done: None }));
        };
        let ends = self.ends_in.clone();
        let task = self.host.spawn(async move {
            let done = attempt::inquire(plugin, call, request, within).await;
            let _ = ends.send(End { run, element, n, ended: Ended::Known(done) }).await;
        });
        let task = task.abort_handle();
        self.attempts.insert((run, element), Attempt { n, cancel, task });
    }

    fn select(&mut self, run: RunId, call: SelectCall) {
        let Some(live) = self.runs.get(&run) else { return };
        let (layout, block) = (live.run.layout(), call.block);
        let element = ElementId::Block(block);
        let source = match (&self.options.inventories, &live.nodes) {
            (Some(inventories), given) => Source::Asked(Arc::clone(inventories), given.clone()),
            (None, Some(nodes)) => Source::Given(Arc::clone(nodes)),
            (None, None) => Source::Nowhere,
        };
        let output = live.output(&layout.address(element), 1, None);
        let wanted = Wanted { submission: Arc::clone(&layout.submission), block, output };
        let (ends, eval) = (self.ends_in.clone(), Arc::clone(&self.reader.eval));
        self.host.spawn(async move {
            let result = select::choose(source, wanted, call, eval).await;
            let _ = ends.send(End { run, element, n: 0, ended: Ended::Selected(block, result) }).await;
        });
    }

    /// What a plugin is told about an attempt.
    fn call(
        &self,
        run: RunId,
        call: AttemptCall,
        errand: Errand,
    ) -> Option<(SharedPlugin, Call, Arc<windlass_model::Value>, CancelSource)> {
        let live = self.runs.get(&run)?;
        let layout = live.run.layout();
        let def = layout.action(call.element)?;
        let plugin = &self.plugins.0.get(&def.action.uses)?.plugin;
        let address = layout.address(call.element);
        let cancel = CancelSource::new();
        // What is done elsewhere on behalf of a node belongs to that node's log.
        let own = windlass_report::node_of(call.element, layout);
        let node = own.or(call.node.as_ref().map(|node| node.name.as_str()));
        let mut output = match errand {
            Errand::Work => live.output(&address, call.n, node),
            Errand::Search => live.output_again(&address, call.n, node, call.began),
        };
        if def.action.sensitive {
            output.note("what it prints is kept back, because the action is sensitive");
            output = Output::default();
        }
        let told = Call {
            run,
            plan: live.plan.clone(),
            attempt: call.n,
            key: [live.id_text.as_str(), &address].join("/"),
            output,
            address,
            node: call.node,
            deadline_in: call.timeout,
            age: match errand {
                Errand::Work => Duration::ZERO,
                Errand::Search => self.options.clock.now().since(call.began),
            },
            cancel: cancel.cancel(),
            for_node: call.for_node,
            programs: Programs::default(),
            origin: self.options.origin.clone().unwrap_or_default(),
            bare: None,
            at_node: AtNode::default(),
            sensitive: def.action.sensitive,
        };
        let plugin = match layout.submission.noop {
            true => OnlyLooks::over(plugin),
            false => Arc::clone(plugin),
        };
        Some((plugin, told, call.request, cancel))
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Attempt,
    Reattach,
}
