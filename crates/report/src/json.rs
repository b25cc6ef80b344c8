//! The JSON document of a run: `--output json`.
//!
//! ```text
//! {run: {…, reason, failures}, limits: [{block, …}], elements: [{address, …, attempts: […]}]}
//! ```
//!
//! It is written element by element, so that six million of them need no memory of their own.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};
use windlass_model::element::{ElementId, ElementKind};
use windlass_model::foresight::Would;
use windlass_model::outcome::{Failure, ReasonKind, Skip, Status};

use crate::clock::{Clock, Stamp};
use crate::fold::Fold;
use crate::view::{ElementView, WouldCounts};

/// How the document is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonOptions {
    /// Which clock the run's times came from.
    pub clock: Clock,
    /// What a rehearsal really took.
    pub wall: Option<Duration>,
}

/// Writes the document, on one line with a line break at its end.
pub fn write_json(fold: &Fold, options: &JsonOptions, out: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Document { fold, options })?;
    out.write_all(b"\n")
}

struct Document<'a> {
    fold: &'a Fold,
    options: &'a JsonOptions,
}

struct RunForm<'a>(&'a Document<'a>);
struct Limits<'a>(&'a Fold);
struct Elements<'a>(&'a Document<'a>);
struct Failures<'a>(&'a Fold);
struct Attempts<'a>(Clock, Cow<'a, ElementView>);

#[derive(serde::Serialize)]
struct ReasonForm<'a> {
    kind: ReasonKind,
    address: String,
    message: &'a str,
}

#[derive(serde::Serialize)]
struct FailureForm<'a> {
    address: String,
    message: &'a str,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitForm {
    block: String,
    peak_active: u32,
    failed: u32,
    not_started: u32,
    total: u32,
    active: u32,
    succeeded: u32,
    skipped: u32,
    stopped: u32,
    /// How many may fail; `null` is unlimited.
    limit: Option<u32>,
    strict: bool,
    concurrency: u32,
    batches: u64,
    /// In a noop: what those that succeeded would have done.
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<WouldCounts>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ElementForm<'a> {
    address: String,
    kind: ElementKind,
    status: Status,
    skipped: Option<Skip>,
    changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<Would>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<Box<str>>,
    started_at: Option<Stamp>,
    ended_at: Option<Stamp>,
    attempts: Attempts<'a>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptForm<'a> {
    n: u32,
    started_at: Stamp,
    ended_at: Option<Stamp>,
    error: Option<ErrorForm<'a>>,
}

#[derive(serde::Serialize)]
struct ErrorForm<'a> {
    code: &'a str,
    message: &'a str,
    permanent: bool,
}

// === impl Serialize ===

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(wall) = self.options.wall {
            map.serialize_entry("wallMs", &millis(wall))?;
        }
        map.serialize_entry("run", &RunForm(self))?;
        map.serialize_entry("limits", &Limits(self.fold))?;
        map.serialize_entry("elements", &Elements(self))?;
        map.end()
    }
}

impl Serialize for RunForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Document { fold, options } = *self.0;
        let (layout, run, clock) = (fold.layout(), fold.run(), options.clock);
        let submission = &layout.submission;
        let reason = run.reason.as_ref().map(|reason| ReasonForm {
            kind: reason.kind,
            address: layout.address(reason.element),
            message: &reason.message,
        });
        // A run that goes on has lasted until its latest event.
        let lasted = run.started_at.map(|start| millis(run.ended_at.unwrap_or(fold.at()).since(start)));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &submission.run)?;
        map.serialize_entry("group", &submission.group)?;
        map.serialize_entry("plan", &submission.plan.metadata.name)?;
        map.serialize_entry("stepSet", &submission.step_set)?;
        map.serialize_entry("user", &submission.user)?;
        if let Some(before) = &submission.retry_of {
            map.serialize_entry("retryOf", before)?;
        }
        if submission.noop {
            map.serialize_entry("noop", &true)?;
        }
        map.serialize_entry("status", &run.status)?;
        map.serialize_entry("skipped", &fold.element(ElementId::Run).skip)?;
        map.serialize_entry("reason", &reason)?;
        map.serialize_entry("submittedAt", &clock.at(run.submitted_at))?;
        map.serialize_entry("startedAt", &clock.at(run.started_at))?;
        map.serialize_entry("endedAt", &clock.at(run.ended_at))?;
        map.serialize_entry("durationMs", &lasted)?;
        if let Some(wall) = options.wall {
            map.serialize_entry("wallMs", &millis(wall))?;
        }
        map.serialize_entry("events", &fold.seq())?;
        map.serialize_entry("failures", &Failures(fold))?;
        map.end()
    }
}

impl Serialize for Failures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let first = self.0.run().reason.as_ref().map(|reason| reason.element);
        let others = self.0.failing().filter(|failing| Some(failing.element) != first);
        serializer.collect_seq(others.map(|failing| FailureForm {
            address: self.0.layout().address(failing.element),
            message: failing.failure.map_or("", |failure| &failure.message),
        }))
    }
}

impl Serialize for Limits<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let layout = self.0.layout();
        let blocks = (0_u32..).zip(self.0.blocks()).zip(&layout.blocks);
        serializer.collect_seq(blocks.map(|((index, view), def)| LimitForm {
            block: layout.address(ElementId::Block(index)),
            peak_active: view.peak_active,
            failed: view.failed,
            not_started: view.not_started,
            total: view.total,
            active: view.active,
            succeeded: view.succeeded,
            skipped: view.skipped,
            stopped: view.stopped,
            limit: def.failures,
            strict: def.strict,
            concurrency: def.concurrency,
            batches: view.batches.count(),
            would: self.0.is_noop().then_some(view.would),
        }))
    }
}

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Document { fold, options } = *self.0;
        serializer.collect_seq(fold.elements().map(|(id, view)| {
            let foreseen = view.foreseen.as_deref();
            ElementForm {
                address: fold.layout().address(id),
                kind: id.kind(),
                status: view.status,
                skipped: view.skip,
                changed: view.changed,
                would: view.would,
                why: foreseen.and_then(|foreseen| foreseen.why.as_deref().map(Box::from)),
                diff: foreseen.and_then(|foreseen| foreseen.diff.as_deref().map(Box::from)),
                started_at: options.clock.at(view.started_at),
                ended_at: options.clock.at(view.ended_at),
                attempts: Attempts(options.clock, view),
            }
        }))
    }
}

impl Serialize for Attempts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.1.attempts.iter().map(|attempt| AttemptForm {
            n: attempt.n,
            started_at: Stamp(self.0, attempt.started_at),
            ended_at: self.0.at(attempt.ended_at),
            error: attempt.failure.as_deref().map(ErrorForm::of),
        }))
    }
}

// === impl ErrorForm ===

impl<'a> ErrorForm<'a> {
    fn of(failure: &'a Failure) -> Self {
        Self { code: &failure.code, message: &failure.message, permanent: failure.permanent }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
