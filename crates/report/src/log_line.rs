//! Events as lines of a run's log, between the lines that actions print, so that it reads as a story.

use windlass_model::element::{ElementId, ElementKind, Side, Slot, Work};
use windlass_model::event::{Author, Event, Wait, What};
use windlass_model::layout::Layout;
use windlass_model::log_level::LogLevel;
use windlass_model::outcome::{Failure, Outcome, RunStatus};

use crate::clock::Length;
use crate::words;

/// What a log says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The number of the attempt that it is about; zero where it is about none.
    pub attempt: u32,
    /// What is said.
    pub text: String,
}

/// What a log says of an event; nothing of those that say nothing by themselves.
#[must_use]
pub fn log_line(event: &Event, layout: &Layout) -> Option<LogLine> {
    use LogLevel::{Debug, Error, Info, Warn};
    let (level, text) = match &event.what {
        What::Submitted { user, targets, .. } => {
            let on = if *targets > 0 {
                format!(" for {}", words::count(u64::from(*targets), "target"))
            } else {
                String::new()
            };
            (Info, format!("submitted by {user}{on}"))
        }
        What::ApprovalAwaited { quorum, until } => (
            Info,
            format!("waits for the approval of {} until {until}", words::count(u64::from(*quorum), "person")),
        ),
        What::Approved { by } => (Info, format!("approved by {}", author(by))),
        What::Rejected { by } => (Warn, format!("rejected by {}", author(by))),
        What::Started { by } => (Info, format!("started by {}", author(by))),
        What::Phase { phase, .. } => (Debug, words::phase(*phase)?.to_owned()),
        What::Began(element) => match element.kind() {
            ElementKind::Block | ElementKind::Batch => (Info, "began".to_owned()),
            _ => (Debug, "began".to_owned()),
        },
        What::Ended { element, outcome } => (ended_level(*element, *outcome), ended(*outcome)),
        What::RoundBegan { .. } | What::RoundEnded { passed: true, .. } => return None,
        What::RoundEnded { element, n, passed: false } => {
            let level = if is_bypass(*element) { Debug } else { Warn };
            (level, format!("round {n} did not pass"))
        }
        What::BatchBegan { n, size, canary, .. } => {
            let what = if canary.is_empty() { format!("batch {n}") } else { "canary batch".to_owned() };
            (Info, format!("{what} of {} began", words::count(u64::from(*size), "sequence")))
        }
        What::ActionBegan { element, .. } => {
            let uses = layout.action(*element).map_or("", |def| def.action.uses.as_str());
            (Debug, format!("began: {uses}"))
        }
        What::AttemptBegan { n, .. } => return said(Debug, *n, "attempt began".to_owned()),
        What::AttemptEnded { element, n, end } => {
            return match &end.failure {
                None => said(Debug, *n, format!("attempt succeeded{}", unchanged(end.changed))),
                // Of a check that only asks, a no is an answer.
                Some(failure) if asks(*element) => {
                    said(Debug, *n, format!("attempt did not pass: {}", message(failure)))
                }
                Some(failure) => said(Warn, *n, format!("attempt failed: {}", message(failure))),
            };
        }
        What::ActionEnded { element, outcome, failure, .. } => {
            let why = failure.as_ref().map(|failure| format!(": {}", message(failure))).unwrap_or_default();
            let level = match outcome {
                Outcome::Failed if !asks(*element) => Error,
                Outcome::Stopped => Warn,
                Outcome::Succeeded { .. } if element.kind() == ElementKind::Check => Debug,
                // What it would do was said.
                Outcome::Failed | Outcome::Foreseen(_) => Debug,
                Outcome::Succeeded { .. } | Outcome::Skipped(_) => Info,
            };
            (level, format!("{}{why}", ended(*outcome)))
        }
        What::Foreseen { foreseen, .. } => {
            let why = foreseen.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            (Info, format!("{}{why}", words::would(foreseen.would)))
        }
        What::RetryAfter { n, until, .. } => {
            let wait = Length(until.since(event.at));
            return said(Info, *n, format!("the other side asks to be left alone for {wait}"));
        }
        What::Selected { more: true, .. } => return None,
        What::Selected { block, .. } => {
            let total = layout.block(*block).map_or(0, |block| block.sequences.len());
            (Info, format!("chose {}", words::count(u64::from(total), "target")))
        }
        What::Waiting { wait: Wait::Round, .. } => return None,
        What::Waiting { wait: Wait::Backoff, until, .. } => {
            (Info, format!("the next attempt is made in {}", Length(until.since(event.at))))
        }
        What::Waiting { wait, until, .. } => {
            (Info, format!("{} of {}", words::wait(*wait), Length(until.since(event.at))))
        }
        What::LockAwaited { lock, holder, .. } => (Warn, words::awaited(lock, holder)),
        What::Cancelled { n, how, why, .. } => {
            let (how, why) = words::cancel(*how, *why);
            return said(Warn, *n, format!("{how}: {why}"));
        }
        What::Asked { failure, .. } => (Warn, format!("waits for a person: {}", message(failure))),
        What::Resolved { verdict, by, .. } => {
            (Info, format!("settled as {} by {}", words::verdict(*verdict), author(by)))
        }
        What::Commanded { command, by } => (Warn, format!("{} by {}", words::command(*command), author(by))),
        What::Caused(reason) => (Error, format!("{}: {}", words::reason(reason.kind), reason.message)),
        What::Recovered { by } => (Warn, format!("taken over after a crash by {by}")),
        What::Heartbeat => (Debug, "goes on".to_owned()),
        What::Finished { status } => {
            let level = match status {
                RunStatus::Succeeded => Info,
                RunStatus::Failed => Error,
                _ => Warn,
            };
            (level, format!("the run {}", words::run_status(*status)))
        }
    };
    Some(LogLine { level, attempt: 0, text })
}

fn said(level: LogLevel, attempt: u32, text: String) -> Option<LogLine> {
    Some(LogLine { level, attempt, text })
}

/// The node to whose log an element's lines belong.
#[must_use]
pub fn node_of(element: ElementId, layout: &Layout) -> Option<&str> {
    let (block, seq) = match element {
        ElementId::Sequence { block, seq } => (block, seq),
        other => other.work().and_then(Work::sequence)?,
    };
    layout.block(block)?.sequences.target(seq)
}

/// Whether a failure of this element is an answer rather than a failure.
fn asks(element: ElementId) -> bool {
    matches!(
        element,
        ElementId::Verify { side: Side::Before, .. }
            | ElementId::Work(Work::Check { slot: Slot::Bypass, .. })
    )
}

fn is_bypass(element: ElementId) -> bool {
    matches!(element, ElementId::Slot { slot: Slot::Bypass, .. })
}

fn ended_level(element: ElementId, outcome: Outcome) -> LogLevel {
    match outcome {
        Outcome::Failed if is_bypass(element) => LogLevel::Debug,
        Outcome::Failed => LogLevel::Error,
        Outcome::Stopped => LogLevel::Warn,
        _ if matches!(element, ElementId::Slot { .. }) => LogLevel::Debug,
        _ => LogLevel::Info,
    }
}

fn ended(outcome: Outcome) -> String {
    match outcome {
        Outcome::Succeeded { changed } => format!("succeeded{}", unchanged(changed)),
        Outcome::Foreseen(would) => words::would(would).to_owned(),
        Outcome::Failed => "failed".to_owned(),
        Outcome::Stopped => "stopped".to_owned(),
        Outcome::Skipped(skip) => format!("skipped: {}", words::skip(skip)),
    }
}

fn unchanged(changed: bool) -> &'static str {
    if changed { "" } else { ", nothing changed" }
}

fn message(failure: &Failure) -> String {
    let mut text = failure.message.clone();
    for cause in &failure.causes {
        text.push_str(": ");
        text.push_str(cause);
    }
    text
}

fn author(by: &Author) -> String {
    if by.why.is_empty() { by.user.clone() } else { format!("{}: {}", by.user, by.why) }
}
