//! The life of an action, check or undo.
//!
//! ```text
//!  begin ─▶ when? ─▶ verify? ─▶ attempt ─▶ judge ─▶ verifyAfter? ─▶ end
//!                                  ▲         │
//!                                  └ backoff ┘
//! ```
//!
//! What comes after the end is for the thing that the action is part of.

use std::sync::Arc;

use windlass_model::Value;
use windlass_model::chance::draw;
use windlass_model::element::{ElementId, Side, Work};
use windlass_model::eval::{self, EvalErrorKind, RunNodes};
use windlass_model::event::{AttemptEnd, CancelCause, Severity, Verdict, Wait, What};
use windlass_model::fact::PluginKind;
use windlass_model::foresight::Foreseen;
use windlass_model::layout::ActionDef;
use windlass_model::outcome::{Failure, Outcome, Skip};
use windlass_model::payload::Payload;
use windlass_model::span::Span;
use windlass_model::target::Node;

use crate::chance;
use crate::input::{AttemptCall, AttemptResult, Effect};
use crate::run::{Next, Turn};
use crate::scope;
use crate::state::Stage;

/// An attempt's end as it was recorded, whose it was, and how the attempt had been told to end.
type RecordedEnd<'a> = (&'a ActionDef, AttemptEnd, Option<(Severity, CancelCause)>);

/// Where an attempt goes, and whom it is made for where that is somebody else.
type CallNodes = (Option<Arc<Node>>, Option<Arc<Node>>);

/// Why an action is not done: its condition is false, or says nothing.
enum Forgone {
    Skipped,
    Failed(Failure),
}

/// The longest text of a recorded response; more is cut.
const LONGEST_RESPONSE: usize = 256 * 1024;

impl Turn<'_> {
    /// Begins an action and brings it as far as it goes at once.
    pub(crate) fn begin_action(&mut self, element: ElementId) {
        let layout = self.layout;
        let Some(def) = layout.action(element) else { return };
        let scope = (def.dynamic || def.action.when.is_some()).then(|| self.scope(element));
        let rendered = match self.condition(def, scope.as_ref()) {
            None => self.render(def, scope.as_ref()),
            Some(forgone) => {
                self.emit(What::ActionBegan { element, request: None });
                return self.forgo(element, forgone);
            }
        };
        let (request, shown) = match rendered {
            Ok(rendered) => rendered,
            Err(failure) => {
                self.emit(What::ActionBegan { element, request: None });
                return self.fail_action(element, failure);
            }
        };
        self.emit(What::ActionBegan { element, request: shown });
        if let Some(action) = self.state.actions.get_mut(&element) {
            action.request.0 = Some(request);
        }
        self.go_on_with(element);
    }

    /// What an action's condition makes of it: nothing when it is to be done.
    fn condition(&self, def: &ActionDef, scope: Option<&eval::Scope>) -> Option<Forgone> {
        let condition = def.action.when.as_ref()?;
        match self.env.eval.condition(condition, scope?) {
            Ok(true) => None,
            Ok(false) => Some(Forgone::Skipped),
            Err(why) => {
                let message = format!("the condition `{condition}` cannot be evaluated: {why}");
                Some(Forgone::Failed(Failure::permanent(code_of(&why), message)))
            }
        }
    }

    /// Ends an action that its condition keeps from being done.
    fn forgo(&mut self, element: ElementId, forgone: Forgone) {
        match forgone {
            Forgone::Skipped => {
                self.end_action(element, Outcome::Skipped(Skip::Condition), None, Vec::new());
            }
            Forgone::Failed(failure) => self.fail_action(element, failure),
        }
    }

    /// Takes an action on from the stage that it is in, as far as it goes without waiting.
    pub(crate) fn go_on_with(&mut self, element: ElementId) {
        let layout = self.layout;
        let Some(def) = layout.action(element) else { return };
        let Some(action) = self.state.actions.get(&element) else { return };
        match &action.stage {
            // A log may end between the beginning of an action and what kept it from being done.
            Stage::Ready if action.request.0.is_none() => {
                let scope = def.action.when.as_ref().map(|_| self.scope(element));
                let unlockable = match element {
                    ElementId::Work(Work::Action { block, seq, .. }) => self.unlockable(block, seq),
                    _ => None,
                };
                match unlockable.map(Forgone::Failed).or_else(|| self.condition(def, scope.as_ref())) {
                    Some(forgone) => self.forgo(element, forgone),
                    None => self.go_on_from_ready(element, def),
                }
            }
            Stage::Ready => self.go_on_from_ready(element, def),
            Stage::Verifying { open: 0, spoiled, after } => {
                let (spoiled, after) = (spoiled.clone(), after.clone());
                match (after, spoiled) {
                    (None, None) => {
                        self.end_action(element, Outcome::Skipped(Skip::Verified), None, Vec::new())
                    }
                    (None, Some(_)) => self.attempt(element),
                    (Some(end), None) => self.succeed(element, def, &end),
                    (Some(_), Some(failure)) => {
                        let message = format!("the work was done and does not show: {}", failure.message);
                        self.fail_action(element, Failure::permanent(Failure::VERIFY, message));
                    }
                }
            }
            Stage::Judging { end, cancelled } => {
                let (end, cancelled) = (end.clone(), *cancelled);
                self.judge(element, def, &end, cancelled);
            }
            Stage::Settled { verdict, by, failure } => {
                let (verdict, by, failure) = (*verdict, by.clone(), failure.clone());
                self.settle(element, verdict, &by, failure);
            }
            Stage::Backoff => {
                let [.., until] = action.timers;
                // A wait goes on, unless nothing will come of it.
                let hopeless = self.state.stopping.is_some() && !self.is_closing_work(element);
                if hopeless || until.is_none_or(|until| until <= self.now) {
                    self.attempt(element);
                }
            }
            Stage::Asked { failure } if self.state.stopping.is_some() => {
                let failure = failure.clone();
                self.end_action(element, Outcome::Failed, Some(failure), Vec::new());
            }
            Stage::Verifying { .. } | Stage::InFlight { .. } | Stage::Asked { .. } => {}
        }
    }

    fn go_on_from_ready(&mut self, element: ElementId, def: &ActionDef) {
        if let Some(why) = self.foregone(element) {
            return self.end_foreseen(element, Foreseen::unknown(why));
        }
        match element {
            ElementId::Work(of) if !def.verify.is_empty() => self.verify(of, Side::Before, def.verify.len()),
            _ => self.attempt(element),
        }
    }

    /// Ends an action, and takes on what it is part of.
    pub(crate) fn end_action(
        &mut self,
        element: ElementId,
        outcome: Outcome,
        failure: Option<Failure>,
        saves: Vec<(String, Payload)>,
    ) {
        // The cause comes first: a log may end behind it, but never between a failure and its cause.
        if let (ElementId::Work(Work::Check { slot, .. }), Some(failure), Outcome::Failed) =
            (element, &failure, outcome)
        {
            self.check_failed(element, slot, failure);
        }
        let ended = What::ActionEnded { element, outcome, failure, saves };
        if let ElementId::Work(Work::Undo { block, seq, .. }) = element {
            return self.end_undo(block, seq, ended);
        }
        self.emit(ended);
        match element {
            ElementId::Work(Work::Action { block, seq, .. }) => {
                self.todo.push_back(Next::Sequence(block, seq))
            }
            ElementId::Work(Work::Check { level, slot, .. }) => {
                self.todo.push_back(Next::Round(level, slot));
            }
            ElementId::Work(Work::Deferred { batch, .. }) => self.todo.push_back(Next::Batch(batch)),
            ElementId::Verify { of, .. } => self.todo.push_back(Next::Action(ElementId::Work(of))),
            _ => {}
        }
    }

    /// Ends an action badly; an undo that fails asks for a person instead.
    pub(crate) fn fail_action(&mut self, element: ElementId, failure: Failure) {
        if let Some(why) = self.excuse(element, &failure) {
            return self.end_foreseen(element, Foreseen::unknown(why));
        }
        let asks = self.state.stopping.is_none() && !self.is_noop();
        if matches!(element, ElementId::Work(Work::Undo { .. })) && asks {
            self.emit(What::Asked { element, failure });
        } else {
            self.end_action(element, Outcome::Failed, Some(failure), Vec::new());
        }
    }

    /// An attempt has ended, the driver says.
    pub(crate) fn attempt_ended(&mut self, element: ElementId, n: u32, result: AttemptResult) {
        let Some((def, end, cancelled)) = self.record_end(element, n, result) else { return };
        self.judge(element, def, &end, cancelled);
    }

    /// The same, and what comes of it is left to whoever takes the run over.
    pub(crate) fn attempt_ended_meanwhile(&mut self, element: ElementId, n: u32, result: AttemptResult) {
        self.record_end(element, n, result);
    }

    /// Tells an attempt in flight to end.
    pub(crate) fn cancel_attempt(&mut self, element: ElementId, how: Severity, why: CancelCause) {
        let Some(action) = self.state.actions.get(&element) else { return };
        let Stage::InFlight { cancelled } = action.stage else { return };
        // What was asked to end by a person and outlives its timeout is ended. A timeout and a
        // deadline are one cause with one grace, however close together they come.
        let told = matches!(cancelled, Some((_, CancelCause::Command)));
        let overdue = why != CancelCause::Command && told;
        let how = if overdue { Severity::Kill } else { how };
        if cancelled.is_some_and(|(before, _)| before >= how) {
            return;
        }
        let n = action.n;
        self.emit(What::Cancelled { element, n, how, why });
        self.out.effects.push(Effect::Cancel { element, n, how });
    }

    /// The call for the newest attempt of an action.
    pub(crate) fn call(&mut self, element: ElementId) -> Result<AttemptCall, Failure> {
        let layout = self.layout;
        let missing = || Failure::permanent(Failure::INTERRUPTED, "the action is no part of the plan");
        let def = layout.action(element).ok_or_else(missing)?;
        let action = self.state.actions.get(&element).ok_or_else(missing)?;
        let n = action.n;
        let [timeout, ..] = action.timers;
        // Whoever was told to end it has no such timer any more, and is not asked to find it again.
        let began = timeout.map_or(self.now, |timeout| timeout.before(def.timeout));
        let request = match &action.request.0 {
            Some(request) => request.clone(),
            None => {
                let scope = def.dynamic.then(|| self.scope(element));
                let (request, _) = self.render(def, scope.as_ref())?;
                if let Some(action) = self.state.actions.get_mut(&element) {
                    action.request.0 = Some(request.clone());
                }
                request
            }
        };
        let (node, for_node) = self.call_nodes(element, def)?;
        Ok(AttemptCall { element, n, request, timeout: def.timeout, began, node, for_node })
    }

    /// Makes the next attempt, if anything may start now.
    pub(crate) fn attempt(&mut self, element: ElementId) {
        if self.state.stopping.is_some() && !self.is_closing_work(element) {
            return self.end_action(element, Outcome::Stopped, None, Vec::new());
        }
        if self.state.paused && !is_loop(element) {
            // Resuming takes it on from here.
            return;
        }
        self.attempt_now(element);
    }

    /// Makes the next attempt, whatever a person said.
    pub(crate) fn attempt_now(&mut self, element: ElementId) {
        if let Some(failure) = self.past_deadline(element) {
            return self.fail_action(element, failure);
        }
        let n = self.state.actions.get(&element).map_or(1, |action| action.n.saturating_add(1));
        self.emit(What::AttemptBegan { element, n });
        match self.call(element) {
            Ok(call) if self.foresees(element) => self.out.effects.push(Effect::Foresee(call)),
            Ok(call) => self.out.effects.push(Effect::Attempt(call)),
            Err(failure) => {
                self.emit(What::AttemptEnded { element, n, end: AttemptEnd::failed(failure.clone()) });
                self.fail_action(element, failure);
            }
        }
    }

    /// Why no attempt may begin any more: the deadline passed while the action was verified, or
    /// while nobody drove the run.
    pub(crate) fn past_deadline(&self, element: ElementId) -> Option<Failure> {
        let [_, _, deadline, _] = self.state.actions.get(&element)?.timers;
        deadline.filter(|deadline| *deadline <= self.now)?;
        let given = Span(self.layout.action(element)?.deadline?);
        let message = format!("the deadline of {given} passed before the next attempt");
        Some(Failure::permanent(Failure::DEADLINE, message))
    }

    /// Whether an element belongs to what runs after a stop.
    pub(crate) fn is_closing_work(&self, element: ElementId) -> bool {
        use windlass_model::element::Slot;
        match element.work() {
            Some(Work::Deferred { .. } | Work::Check { slot: Slot::Deferred, .. }) => true,
            Some(_) | None => false,
        }
    }

    fn judge(
        &mut self,
        element: ElementId,
        def: &ActionDef,
        end: &AttemptEnd,
        cancelled: Option<(Severity, CancelCause)>,
    ) {
        let Some(failure) = &end.failure else {
            let after = matches!(element, ElementId::Work(_)) && !def.after.is_empty();
            return match element {
                ElementId::Work(of) if after => self.verify(of, Side::After, def.after.len()),
                _ => self.succeed(element, def, end),
            };
        };
        match cancelled {
            Some((_, CancelCause::Command)) => {
                return self.end_action(element, Outcome::Stopped, Some(failure.clone()), Vec::new());
            }
            Some((_, CancelCause::Deadline)) => return self.fail_action(element, failure.clone()),
            Some((_, CancelCause::Timeout)) | None if failure.code == Failure::NOT_MADE => {
                return self.attempt(element);
            }
            Some((_, CancelCause::Timeout)) | None if failure.code == Failure::INTERRUPTED => {
                return self.after_interruption(element, failure.clone());
            }
            Some((_, CancelCause::Timeout)) | None => {}
        }
        let Some(action) = self.state.actions.get(&element) else { return };
        let (failures, ended, left_alone_until) = (action.failures, action.ended, action.left_alone_until);
        let [_, _, deadline, _] = action.timers;
        if failure.permanent || failures > def.retries {
            return self.fail_action(element, failure.clone());
        }
        if self.state.stopping.is_some() && !self.is_closing_work(element) {
            return self.end_action(element, Outcome::Stopped, Some(failure.clone()), Vec::new());
        }
        let draw = draw(self.layout.submission.seed, (element, failures));
        // From the end of the attempt on, which a restart may have come behind.
        let backoff = ended + chance::backoff(&def.backoff, failures, draw);
        let until = backoff.max(left_alone_until.unwrap_or(backoff)).max(self.now);
        if deadline.is_some_and(|deadline| until >= deadline) {
            let given = Span(def.deadline.unwrap_or_default());
            let message = format!(
                "the deadline of {given} leaves no time for another attempt after {failures}; the last one: {}",
                failure.message
            );
            return self.fail_action(element, Failure::permanent(Failure::DEADLINE, message));
        }
        self.emit(What::Waiting { element, wait: Wait::Backoff, until });
    }

    fn succeed(&mut self, element: ElementId, def: &ActionDef, end: &AttemptEnd) {
        if self.foresees(element) {
            return self.end_as_foreseen(element, def, end);
        }
        match self.saves(def, end) {
            Ok(saves) => self.end_action(element, Outcome::Succeeded { changed: end.changed }, None, saves),
            Err(failure) => self.fail_action(element, failure),
        }
    }

    /// What of a response is to be saved.
    pub(crate) fn saves(
        &mut self,
        def: &ActionDef,
        end: &AttemptEnd,
    ) -> Result<Vec<(String, Payload)>, Failure> {
        let mut saves = Vec::new();
        let response =
            end.response.as_ref().map_or(Value::Null, |payload| scope::reveal(self.secrets, payload));
        for (name, path) in &def.action.save {
            let Some(value) = eval::pick(&response, path) else {
                let message = format!("`{path}` is to be saved as `{name}` and is not in the response");
                return Err(Failure::permanent(Failure::SAVE, message));
            };
            let saved = if def.action.sensitive {
                self.keep_secret(value);
                self.seal(value)
            } else {
                Payload::of(&self.hidden(value.clone()))
            };
            saves.push((name.clone(), saved));
        }
        Ok(saves)
    }

    fn settle(&mut self, element: ElementId, verdict: Verdict, by: &str, failure: Failure) {
        match verdict {
            Verdict::Done => self.end_action(element, Outcome::CHANGED, None, Vec::new()),
            Verdict::Again => self.attempt(element),
            Verdict::Failed => {
                let message = format!("settled as failed by {by}: {}", failure.message);
                let failure = Failure { message, permanent: true, ..failure };
                self.end_action(element, Outcome::Failed, Some(failure), Vec::new());
            }
        }
    }

    pub(crate) fn verify(&mut self, of: Work, side: Side, count: usize) {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        let checks = (0..count).map(|index| ElementId::Verify { of, side, index });
        // The first `ActionBegan` puts the action into its stage, so all must begin before one ends.
        for element in checks {
            if self.state.actions.contains_key(&ElementId::Work(of)) {
                self.begin_action(element);
            }
        }
    }

    /// The request in clear, and as it is recorded where that is another; without a scope, as it was written.
    fn render(
        &mut self,
        def: &ActionDef,
        scope: Option<&eval::Scope>,
    ) -> Result<(Arc<Value>, Option<Payload>), Failure> {
        let Some(scope) = scope.filter(|_| def.dynamic) else {
            return Ok((def.request.clone(), None));
        };
        let rendered = self.env.eval.render(&def.request, scope).map_err(|why| {
            let message = format!("the request of `{}` cannot be rendered: {why}", def.action.uses);
            Failure::permanent(code_of(&why), message)
        })?;
        // What was made of a secret is one: it is to be found in output and responses, too.
        rendered.derived.iter().for_each(|text| self.keep_text(text));
        let shown =
            (!def.action.sensitive).then(|| self.shown(rendered.shown.as_ref().unwrap_or(&rendered.clear)));
        Ok((Arc::new(rendered.clear), shown))
    }

    /// The node that an attempt goes to, and the target that it is made for where that is another.
    fn call_nodes(&self, element: ElementId, def: &ActionDef) -> Result<CallNodes, Failure> {
        let own = self.node(element);
        let Some(on) = &def.action.on else { return Ok((own, None)) };
        let name = self.render_name("node", on, || self.scope(element))?;
        if own.as_ref().is_some_and(|own| own.name == name) {
            return Ok((own, None));
        }
        match self.layout.node(&name) {
            Some(node) => Ok((Some(node), own)),
            // Without a word on how to reach it, it would be this machine.
            None if self.layout.reaches_out() => {
                let message = format!(
                    "`on` says `{name}`, which is no target of this run and was not found in its inventory: \
                     how to reach it is not known"
                );
                Err(Failure::permanent(Failure::NODE, message))
            }
            None => Ok((Some(Arc::new(Node::named(name))), own)),
        }
    }

    /// The name of something that is shown everywhere.
    pub(crate) fn render_name(
        &self,
        what: &str,
        text: &str,
        scope: impl FnOnce() -> eval::Scope,
    ) -> Result<String, Failure> {
        if !eval::is_template(text) {
            return Ok(text.to_owned());
        }
        let rendered = self.env.eval.render(&Value::from(text), &scope()).map_err(|why| {
            Failure::permanent(code_of(&why), format!("the {what} `{text}` cannot be rendered: {why}"))
        })?;
        if rendered.shown.is_some() {
            let message = format!("the {what} `{text}` is refused: a secret cannot name a {what}");
            return Err(Failure::permanent(Failure::TEMPLATE, message));
        }
        Ok(rendered.clear.as_str().map_or_else(|| rendered.clear.to_string(), str::to_owned))
    }

    /// What an attempt's end looks like in the log.
    fn record(
        &mut self,
        def: &ActionDef,
        response: Option<Value>,
        changed: bool,
        failure: Option<Failure>,
        cancelled: Option<(Severity, CancelCause)>,
    ) -> AttemptEnd {
        let failure = failure.map(|failure| if def.action.sensitive { kept_back(failure) } else { failure });
        let failure = failure.map(|failure| {
            // It was told to end, and nobody knows whether it did. Where it may be done again, that is a timeout like any
            // other: it costs a retry.
            let lost = failure.code == Failure::INTERRUPTED && !self.is_repeatable(def);
            let overdue = |code: &str, message: String| {
                let mut overdue = Failure::new(code, message);
                overdue.causes = vec![failure.message.clone()];
                if lost {
                    overdue.code = Failure::INTERRUPTED.to_owned();
                    overdue.message.push_str(", and nobody knows whether it goes on");
                    overdue.causes.extend(failure.causes.iter().cloned());
                }
                overdue
            };
            match cancelled {
                // What was not made took no time.
                Some((_, CancelCause::Timeout)) if failure.code == Failure::NOT_MADE => failure,
                Some((_, CancelCause::Timeout)) => {
                    let message = format!("took longer than its timeout of {}", Span(def.timeout));
                    Failure { permanent: lost, ..overdue(Failure::TIMEOUT, message) }
                }
                Some((_, CancelCause::Deadline)) => {
                    let given = Span(def.deadline.unwrap_or_default());
                    let message = format!("took longer than the deadline of {given} for all its attempts");
                    Failure { permanent: true, ..overdue(Failure::DEADLINE, message) }
                }
                Some((_, CancelCause::Command)) | None => failure,
            }
        });
        let changed = changed && def.facts.kind == PluginKind::Acting && failure.is_none();
        let response = response.filter(|response| !response.is_null()).map(|response| {
            if def.action.sensitive {
                self.seal(&response)
            } else {
                // Hidden before it is cut: a secret that is cut in two is found no more.
                Payload::of(&bounded(self.hidden(response)))
            }
        });
        AttemptEnd { response, changed, failure }
    }
}

impl<'a> Turn<'a> {
    /// Records how an attempt ended, if it was in flight.
    fn record_end(&mut self, element: ElementId, n: u32, result: AttemptResult) -> Option<RecordedEnd<'a>> {
        let layout = self.layout;
        let def = layout.action(element)?;
        let action = self.state.actions.get(&element).filter(|action| action.n == n)?;
        let Stage::InFlight { cancelled } = action.stage else { return None };
        if let Some(foreseen) = result.foreseen.filter(|_| result.failure.is_none()) {
            let foreseen = self.foreseen_of(def, foreseen);
            self.emit(What::Foreseen { element, foreseen });
        }
        let again = result.failure.as_ref().is_some_and(|failure| !failure.permanent);
        if let Some(wait) = result.retry_after.filter(|_| again) {
            let until = self.now + wait;
            self.emit(What::RetryAfter { element, n, until });
        }
        let end = self.record(def, result.response, result.changed, result.failure, cancelled);
        self.emit(What::AttemptEnded { element, n, end: end.clone() });
        Some((def, end, cancelled))
    }
}

/// What sort of failure a rendering that failed is.
fn code_of(why: &eval::EvalError) -> &'static str {
    match why.kind {
        EvalErrorKind::Wrong => Failure::TEMPLATE,
        EvalErrorKind::Unknown => Failure::UNKNOWN,
    }
}

/// Whether an element is a continuous check: these go on while a run is paused.
pub(crate) fn is_loop(element: ElementId) -> bool {
    use windlass_model::element::Slot;
    matches!(element.work(), Some(Work::Check { slot: Slot::Continuous, .. }))
}

/// A failure of a sensitive action: what its plugin says may quote request and response.
fn kept_back(failure: Failure) -> Failure {
    let message = "what it says is kept back, because the action is sensitive".to_owned();
    Failure { message, causes: Vec::new(), ..failure }
}

/// A response of bounded size: long texts keep their beginning and end.
fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST_RESPONSE => {
            let half = LONGEST_RESPONSE / 2;
            let head = text.floor_char_boundary(half);
            let tail = text.ceil_char_boundary(text.len() - half);
            let (begin, end) = (text.get(..head).unwrap_or_default(), text.get(tail..).unwrap_or_default());
            Value::String(format!("{begin}\n… {} bytes left out …\n{end}", tail - head))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(bounded).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, bounded(value))).collect())
        }
        other => other,
    }
}
