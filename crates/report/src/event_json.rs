//! Events as JSON: one flat object each, the lines of `--output events`.
//!
//! `{seq, at, kind, address, …}`, where `address` is of the element that the event is about (empty
//! for the run) and the rest depends on the kind. Keys mean the same as in the document of a run.

use serde::Serialize;
use serde_json::{Map, Value, json};
use windlass_model::element::ElementId;
use windlass_model::event::{Author, Event, What};
use windlass_model::layout::Layout;
use windlass_model::outcome::{Failure, Outcome};
use windlass_model::payload::Payload;

use crate::clock::{Clock, Stamp};

/// An event as a flat JSON object.
#[must_use]
pub fn event_json(event: &Event, layout: &Layout, clock: Clock) -> Value {
    let mut line = Line(Map::new());
    line.put("seq", event.seq);
    line.put("at", Stamp(clock, event.at));
    line.put("kind", event.what.kind());
    line.put("address", layout.address(event.what.element()));
    line.what(&event.what, layout, clock);
    Value::Object(line.0)
}

struct Line(Map<String, Value>);

// === impl Line ===

impl Line {
    fn put(&mut self, key: &str, value: impl Serialize) {
        // Nothing that stands in an event can fail to serialize; if it could, `null` would say so.
        self.0.insert(key.to_owned(), serde_json::to_value(value).unwrap_or_default());
    }

    fn what(&mut self, what: &What, layout: &Layout, clock: Clock) {
        match what {
            What::Submitted { user, digest, targets, seed } => {
                self.put("user", user);
                self.put("digest", digest.to_string());
                self.put("targets", targets);
                self.put("seed", seed);
            }
            What::ApprovalAwaited { quorum, until } => {
                self.put("quorum", quorum);
                self.put("until", Stamp(clock, *until));
            }
            What::Approved { by } | What::Rejected { by } | What::Started { by } => self.author(by),
            What::Phase { phase, .. } => self.put("phase", phase),
            What::Began(_) | What::Heartbeat => {}
            What::Ended { outcome, .. } => self.outcome(*outcome),
            What::RoundBegan { n, .. } | What::AttemptBegan { n, .. } => self.put("n", n),
            What::RoundEnded { n, passed, .. } => {
                self.put("n", n);
                self.put("passed", passed);
            }
            What::BatchBegan { block, n, size, canary } => {
                self.put("n", n);
                self.put("size", size);
                if !canary.is_empty() {
                    let address =
                        |seq: &u32| layout.address(ElementId::Sequence { block: *block, seq: *seq });
                    self.put("canary", canary.iter().map(address).collect::<Vec<_>>());
                }
            }
            What::ActionBegan { request, .. } => self.payload("request", request.as_ref()),
            What::AttemptEnded { n, end, .. } => {
                self.put("n", n);
                self.put("changed", end.changed);
                self.payload("response", end.response.as_ref());
                self.error(end.failure.as_ref());
            }
            What::ActionEnded { outcome, failure, saves, .. } => {
                self.outcome(*outcome);
                self.error(failure.as_ref());
                if !saves.is_empty() {
                    let saves = saves.iter().map(|(name, value)| (name.clone(), value.value()));
                    self.put("saves", saves.collect::<Map<_, _>>());
                }
            }
            What::Waiting { wait, until, .. } => {
                self.put("wait", wait);
                self.put("until", Stamp(clock, *until));
            }
            What::LockAwaited { lock, holder, .. } => {
                self.put("lock", lock);
                self.put("holder", holder);
            }
            What::Cancelled { n, how, why, .. } => {
                self.put("n", n);
                self.put("how", how);
                self.put("why", why);
            }
            What::Asked { failure, .. } => self.error(Some(failure)),
            What::Resolved { verdict, by, .. } => {
                self.put("verdict", verdict);
                self.author(by);
            }
            What::Commanded { command, by } => {
                self.put("command", command);
                self.author(by);
            }
            What::Caused(reason) => {
                self.put("reason", reason.kind);
                self.put("message", &reason.message);
            }
            What::Recovered { by } => self.put("by", by),
            What::Finished { status } => self.put("status", status),
            What::Foreseen { foreseen, .. } => {
                self.put("would", foreseen.would);
                if let Some(why) = &foreseen.why {
                    self.put("why", why);
                }
                if let Some(diff) = &foreseen.diff {
                    self.put("diff", diff);
                }
            }
            What::Selected { n, targets, part, more, .. } => {
                self.put("n", n);
                self.put("targets", targets);
                self.put("more", more);
                let chosen = part.value();
                let nodes = chosen.pointer("/targets/nodes").or_else(|| chosen.get("targets"));
                self.put(
                    "nodes",
                    nodes.and_then(Value::as_array).into_iter().flatten().map(name).collect::<Vec<_>>(),
                );
            }
            What::RetryAfter { n, until, .. } => {
                self.put("n", n);
                self.put("until", Stamp(clock, *until));
            }
        }
    }

    fn author(&mut self, by: &Author) {
        self.put("by", &by.user);
        if !by.why.is_empty() {
            self.put("why", &by.why);
        }
    }

    fn outcome(&mut self, outcome: Outcome) {
        self.put("status", outcome.status());
        match outcome {
            Outcome::Succeeded { changed } => self.put("changed", changed),
            Outcome::Skipped(skip) => self.put("skipped", skip),
            Outcome::Foreseen(would) => self.put("would", would),
            Outcome::Failed | Outcome::Stopped => {}
        }
    }

    fn payload(&mut self, key: &str, payload: Option<&Payload>) {
        if let Some(payload) = payload {
            self.put(key, payload.value());
        }
    }

    fn error(&mut self, failure: Option<&Failure>) {
        let Some(failure) = failure else { return };
        let mut error =
            json!({"code": failure.code, "message": failure.message, "permanent": failure.permanent});
        if !failure.causes.is_empty()
            && let Some(error) = error.as_object_mut()
        {
            error.insert("causes".to_owned(), failure.causes.clone().into());
        }
        self.put("error", error);
    }
}

/// The name of a node as it stands in frozen targets: a text, an object, or an object behind a number.
fn name(node: &Value) -> Value {
    let of = |node: &Value| node.get("name").cloned();
    match node {
        Value::String(_) => node.clone(),
        Value::Array(pair) => pair.last().and_then(of).unwrap_or_default(),
        node => of(node).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
