//! Events as lines for people: what is worth saying, and how much it weighs.
//!
//! A block of a few sequences is told sequence by sequence, a large one by how far it has come, so that a
//! thousand targets fit on a page.

use std::cmp::Ordering;

use windlass_model::element::{ElementId, ElementKind, Slot, Work};
use windlass_model::event::{Event, Wait, What};
use windlass_model::foresight::Would;
use windlass_model::layout::Choice;
use windlass_model::outcome::{Failure, Outcome};
use windlass_report::words::{self, count, grouped};
use windlass_report::{Fold, Length, beside_message, legible, noop};

use anstyle::Style;

use crate::printer::{BAD, FAINT, GOOD, STRONG, Styled, WARN};

/// Blocks of more sequences are told in portions.
const FEW: u32 = 30;
/// How many failures of a block are told above a picture.
const TOLD: u32 = 30;
/// In so many portions.
const PORTIONS: u32 = 20;
/// How long a message may be.
const MESSAGE: usize = 300;
/// How many lines of a diff are shown as it becomes known.
const DIFF_LINES: usize = 8;
/// From how many failures of a block on the message has to do.
const MANY: u32 = 10;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The picture says it, too.
    Light,
    /// It must not be missed.
    Heavy,
}

/// One line, perhaps with some below it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) weight: Weight,
    pub(crate) text: String,
}

// === impl Line ===

impl Line {
    /// Above a picture, which counts the failures, the first ones of a block are enough.
    pub(crate) fn unless_too_many(self, fold: &Fold, event: &Event) -> Option<Self> {
        let What::ActionEnded { element, .. } = &event.what else { return Some(self) };
        let block = element.work().and_then(Work::block);
        let failed =
            block.and_then(|block| fold.blocks().get(block as usize)).map_or(0, |block| block.failed);
        match failed.cmp(&TOLD) {
            Ordering::Less => Some(self),
            Ordering::Equal => {
                let text = "and more failures, which are counted below and listed at the end".to_owned();
                Some(Self { text, ..self })
            }
            Ordering::Greater => None,
        }
    }
}

/// What is to be said about an event. The fold has it already.
pub(crate) fn of(fold: &Fold, event: &Event) -> Option<Line> {
    let address =
        || Styled(STRONG, legible::line(&fold.layout().address(event.what.element()), MESSAGE)).to_string();
    let light = |text: String| Some(Line { weight: Weight::Light, text });
    let heavy = |text: String| Some(Line { weight: Weight::Heavy, text });
    match &event.what {
        What::Submitted { user, targets, .. } => {
            let submission = &fold.layout().submission;
            let sequences = fold.blocks().iter().map(|block| u64::from(block.total)).sum();
            light(format!(
                "{} submitted by {}: {}, run {}",
                Styled(STRONG, &submission.plan.metadata.name),
                legible::line(user, MESSAGE),
                if *targets == 0 {
                    count(sequences, "sequence")
                } else {
                    count(u64::from(*targets), "target")
                },
                submission.run
            ))
        }
        What::ApprovalAwaited { quorum, .. } => {
            let people = if *quorum == 1 { "1 person".into() } else { format!("{quorum} people") };
            heavy(format!("{}: {people} must agree before it begins", Styled(WARN, "awaits approval")))
        }
        What::Approved { by } => heavy(format!("approved by {}", author(by))),
        What::Rejected { by } => heavy(format!("{} by {}", Styled(BAD, "rejected"), author(by))),
        What::Started { by } => light(format!("started by {}", author(by))),
        What::Began(element) => match element.kind() {
            ElementKind::Block => {
                let ElementId::Block(block) = element else { return None };
                if fold.layout().block(*block).is_some_and(|def| def.choice == Choice::Open) {
                    return light(format!("{} began: its targets are chosen now", address()));
                }
                let total = fold.blocks().get(*block as usize).map_or(0, |view| view.total);
                light(format!("{} began: {}", address(), count(u64::from(total), "sequence")))
            }
            ElementKind::Batch => light(format!("{} began", address())),
            _ => None,
        },
        What::Ended { element, outcome } => ended(fold, *element, *outcome, event),
        What::RoundEnded { element, n, passed: false } if !is_bypass(*element) => {
            heavy(format!("{}: round {n} {}", address(), Styled(BAD, "did not pass")))
        }
        What::BatchBegan { block, n, size, canary } => {
            let what = if canary.is_empty() { format!("batch {n}") } else { "canary batch".into() };
            let done = fold
                .blocks()
                .get(*block as usize)
                .map_or(0, |view| view.succeeded.saturating_add(view.failed).saturating_add(view.stopped));
            light(format!(
                "{} {what}: {}, {} done so far",
                address(),
                count(u64::from(*size), "sequence"),
                grouped(u64::from(done))
            ))
        }
        What::ActionEnded { element, outcome: Outcome::Failed, failure, .. } if counts(*element) => heavy(
            format!("{} {}: {}", address(), Styled(BAD, "failed"), why(fold, *element, failure.as_ref())),
        ),
        What::ActionEnded { element, outcome: Outcome::Foreseen(would), .. } => {
            foreseen(fold, *element, *would).and_then(light)
        }
        What::Waiting { element, wait, until } => {
            let left = Length(until.since(event.at));
            match wait {
                Wait::Soak | Wait::Entrance | Wait::Exit => {
                    light(format!("{} {} of {left}", address(), words::wait(*wait)))
                }
                Wait::Backoff => {
                    let view = fold.element(*element);
                    let n = view.attempts.len();
                    let of = fold.layout().action(*element).map_or(0, |def| def.retries.saturating_add(1));
                    let failure = view.attempts.last().and_then(|attempt| attempt.failure.as_deref());
                    light(format!(
                        "{} attempt {n} of {of} {}: {}; the next in {left}",
                        address(),
                        Styled(WARN, "failed"),
                        message(failure)
                    ))
                }
                Wait::Round => None,
            }
        }
        What::LockAwaited { lock, holder, .. } => {
            let waits = words::awaited(&legible::line(lock, MESSAGE), &legible::line(holder, MESSAGE));
            heavy(format!("{} {waits}", address()))
        }
        What::Asked { failure, .. } => {
            heavy(format!("{} {}: {}", address(), Styled(WARN, "waits for a person"), message(Some(failure))))
        }
        What::Resolved { verdict, by, .. } => {
            heavy(format!("{} settled as {} by {}", address(), words::verdict(*verdict), author(by)))
        }
        What::Commanded { command, by } => {
            heavy(format!("{} by {}", Styled(WARN, words::command(*command)), author(by)))
        }
        What::Recovered { by } => {
            heavy(format!("{} by {}", Styled(WARN, "taken over"), legible::line(by, MESSAGE)))
        }
        What::Selected { block, more: false, .. } => {
            let total = fold.blocks().get(*block as usize).map_or(0, |view| view.total);
            light(format!("{} chose {}", address(), count(u64::from(total), "target")))
        }
        What::Selected { .. }
        | What::Phase { .. }
        | What::RoundBegan { .. }
        | What::RoundEnded { .. }
        | What::ActionBegan { .. }
        | What::AttemptBegan { .. }
        | What::AttemptEnded { .. }
        | What::ActionEnded { .. }
        | What::Cancelled { .. }
        | What::Caused(_)
        | What::Heartbeat
        | What::Foreseen { .. }
        | What::RetryAfter { .. }
        | What::Finished { .. } => None,
    }
}

fn ended(fold: &Fold, element: ElementId, outcome: Outcome, event: &Event) -> Option<Line> {
    let view = fold.element(element);
    let took =
        view.started_at.map(|start| format!(" in {}", Length(event.at.since(start)))).unwrap_or_default();
    let (tone, word) = match outcome {
        Outcome::Succeeded { .. } => (GOOD, "succeeded"),
        Outcome::Foreseen(would) => (tone(would), words::would(would)),
        Outcome::Failed => (BAD, "failed"),
        Outcome::Skipped(skip) => (FAINT, words::skip(skip)),
        Outcome::Stopped => (WARN, "stopped"),
    };
    let address = Styled(STRONG, legible::line(&fold.layout().address(element), MESSAGE));
    let light = |text| Some(Line { weight: Weight::Light, text });
    match element {
        ElementId::Block(_) | ElementId::Batch(_) => light(format!("{address} {}{took}", Styled(tone, word))),
        ElementId::Sequence { block, .. } => {
            let view = fold.blocks().get(block as usize)?;
            if view.total <= FEW {
                return light(format!("{address} {}{took}", Styled(tone, word)));
            }
            let done = view
                .succeeded
                .saturating_add(view.failed)
                .saturating_add(view.stopped)
                .saturating_add(view.skipped);
            let portion = (view.total / PORTIONS).max(1);
            if !done.is_multiple_of(portion) {
                return None;
            }
            let failed = match view.failed {
                0 => String::new(),
                failed => format!(", {}", Styled(BAD, format_args!("{} failed", grouped(u64::from(failed))))),
            };
            let block = fold.layout().address(ElementId::Block(block));
            light(format!(
                "{} {} of {} done{failed}",
                Styled(STRONG, legible::line(&block, MESSAGE)),
                grouped(u64::from(done)),
                grouped(u64::from(view.total))
            ))
        }
        _ => None,
    }
}

/// What an action would have done, where a block is so small that every one is told.
fn foreseen(fold: &Fold, element: ElementId, would: Would) -> Option<String> {
    let block = element.work().and_then(Work::block).and_then(|block| fold.blocks().get(block as usize));
    let is_check = matches!(element, ElementId::Verify { .. } | ElementId::Work(Work::Check { .. }));
    if block.is_some_and(|block| block.total > FEW) || (is_check && would == Would::Nothing) {
        return None;
    }
    let address = Styled(STRONG, legible::line(&fold.layout().address(element), MESSAGE));
    let mut text = format!("{address} {}", Styled(tone(would), words::would(would)));
    let view = fold.element(element);
    let Some(foreseen) = view.foreseen.as_deref() else { return Some(text) };
    if let Some(why) = &foreseen.why {
        text.push_str(&format!(": {}", legible::line(why, MESSAGE)));
    }
    let (lines, more) = noop::lines(foreseen.diff.as_deref().unwrap_or_default(), DIFF_LINES);
    for line in lines {
        let tone = match noop::Sign::of(&line) {
            noop::Sign::Added => GOOD,
            noop::Sign::Removed => BAD,
            noop::Sign::Other => FAINT,
        };
        text.push_str(&format!("\n           {}", Styled(tone, line)));
    }
    if more > 0 {
        text.push_str(&format!(
            "\n           {}",
            Styled(FAINT, format_args!("… {} more below", count(more, "line")))
        ));
    }
    Some(text)
}

fn tone(would: Would) -> Style {
    match would {
        Would::Change => GOOD,
        Would::Nothing => FAINT,
        Would::Unknown => WARN,
    }
}

/// Whether a failure of this element is one.
fn counts(element: ElementId) -> bool {
    !matches!(element, ElementId::Verify { .. } | ElementId::Work(Work::Check { slot: Slot::Bypass, .. }))
}

fn is_bypass(element: ElementId) -> bool {
    matches!(element, ElementId::Slot { slot: Slot::Bypass, .. })
}

/// The failure's own message, what lay behind it, and the last lines of output.
fn why(fold: &Fold, element: ElementId, failure: Option<&Failure>) -> String {
    let mut text = message(failure);
    let attempts = &fold.element(element).attempts;
    if attempts.len() > 1 {
        text.push_str(&format!(" ({} attempts)", attempts.len()));
    }
    let block = element.work().and_then(Work::block).and_then(|block| fold.blocks().get(block as usize));
    if block.is_some_and(|block| block.failed >= MANY) {
        return text;
    }
    let below = |sign: &str, line: &str| format!("\n           {} {line}", Styled(FAINT, sign));
    for cause in failure.map_or(&[][..], |failure| &failure.causes) {
        text.push_str(&below("because:", &legible::line(cause, MESSAGE)));
    }
    for line in beside_message(attempts.last(), &text) {
        text.push_str(&below("|", &line));
    }
    text
}

fn message(failure: Option<&Failure>) -> String {
    failure.map_or_else(|| "no message".to_owned(), |failure| legible::line(&failure.message, MESSAGE))
}

fn author(by: &windlass_model::event::Author) -> String {
    let user = legible::line(&by.user, MESSAGE);
    if by.why.is_empty() { user } else { format!("{user}: {}", legible::line(&by.why, MESSAGE)) }
}
