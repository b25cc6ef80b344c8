//! A run in a few sentences: how it stands, why, how near its limits it came, what to do next.

use std::time::Duration;

use windlass_model::element::ElementId;
use windlass_model::foresight::Would;
use windlass_model::outcome::{ReasonKind, RunStatus};

use crate::clock::{Clock, Length, Stamp};
use crate::fold::Fold;
use crate::view::{BlockView, ElementView, WouldCounts};
use crate::{legible, words};

/// How long a message may be before it is cut, where a line is all there is for it.
const LINE: usize = 400;

/// The first true cause, taken apart.
pub(crate) struct Cause {
    /// The address of what failed, or what else was to blame.
    pub(crate) subject: String,
    /// What it did.
    pub(crate) verb: &'static str,
    /// Its own message.
    pub(crate) message: String,
    /// What lay behind it.
    pub(crate) behind: Vec<String>,
    /// Attempts, code, permanence.
    pub(crate) remark: String,
}

/// A step that makes sense now: a command, and what it does.
pub(crate) struct Step {
    pub(crate) command: String,
    pub(crate) does: &'static str,
}

/// How long the run has lasted, until its latest event if it goes on.
pub(crate) fn lasted(fold: &Fold) -> Option<Duration> {
    let run = fold.run();
    Some(run.ended_at.unwrap_or(fold.at()).since(run.started_at?))
}

/// `failed after 2m 56s`.
pub(crate) fn outcome(fold: &Fold, clock: Clock) -> String {
    let outcome = ended(fold, clock);
    if fold.is_noop() { format!("noop: {outcome}; nothing was changed") } else { outcome }
}

fn ended(fold: &Fold, clock: Clock) -> String {
    let run = fold.run();
    let word = words::run_status(run.status);
    let lasted = lasted(fold).map(Length);
    if let Some(skip) = fold.element(ElementId::Run).skip {
        return format!("{word}: {}, nothing was to be done", words::skip(skip));
    }
    match (run.status, lasted) {
        (RunStatus::Succeeded, Some(lasted)) => match fold.failing().count() as u64 {
            0 => format!("{word} in {lasted}"),
            failures => {
                format!("{word} in {lasted}, with {} within its limits", words::count(failures, "failure"))
            }
        },
        (RunStatus::Failed | RunStatus::Stopped, Some(lasted)) => format!("{word} after {lasted}"),
        (RunStatus::Failed | RunStatus::Stopped, None) => format!("{word} before it began"),
        (RunStatus::AwaitingApproval, _) => {
            let (given, approval) = (run.approvals.len(), run.approval);
            let needed = approval.map_or(0, |approval| approval.quorum);
            let until = approval.map(|approval| format!(" until {}", Stamp(clock, approval.until)));
            format!("{word}: {given} of {needed}{}", until.unwrap_or_default())
        }
        (RunStatus::Running | RunStatus::Paused, Some(lasted)) => match run.ending {
            Some(_) => format!("{word} for {lasted}, and ending as it was told"),
            None if fold.asked().next().is_some() => format!("{word} for {lasted}, and waits for a person"),
            None => format!("{word} for {lasted}"),
        },
        _ => word.to_owned(),
    }
}

/// The first true cause, if there is one.
pub(crate) fn cause(fold: &Fold) -> Option<Cause> {
    let reason = fold.run().reason.as_ref()?;
    let subject = match reason.element {
        ElementId::Run => "the run".to_owned(),
        element => legible::line(&fold.layout().address(element), LINE),
    };
    let failure = fold.cause();
    let attempts = fold.element(reason.element).attempts.len() as u64;
    let mut remarks = Vec::new();
    if let Some(failure) = failure {
        remarks.push(format!("code {}", legible::line(&failure.code, LINE)));
    }
    if attempts > 0 {
        remarks.push(words::count(attempts, "attempt"));
    }
    if failure.is_some_and(|failure| failure.permanent) {
        remarks.push("another attempt would not have helped".into());
    }
    if reason.kind == ReasonKind::Action
        && let Some((index, seq)) = reason.element.work().and_then(|work| work.sequence())
        && let Some(limit) = fold.layout().block(index).and_then(|block| block.failures)
    {
        let canaries = fold.blocks().get(index as usize).map_or(&[][..], |block| &block.canary);
        remarks.push(match limit {
            _ if canaries.contains(&seq) => "it was a canary, of which none may fail".into(),
            0 => "no failure was allowed".into(),
            _ => format!("{} had been allowed", words::count(u64::from(limit), "failure")),
        });
    }
    let behind = failure.map_or(&[][..], |failure| &failure.causes);
    Some(Cause {
        subject,
        verb: words::reason(reason.kind),
        message: legible::line(&reason.message, LINE),
        behind: behind.iter().map(|cause| legible::line(cause, LINE)).collect(),
        remark: remarks.join(", "),
    })
}

/// `failed in 2m 55s`, `running for 5s`, `skipped: bypassed`.
pub(crate) fn standing(fold: &Fold, view: &ElementView) -> String {
    let word = match view.skip {
        Some(skip) => format!("{}: {}", words::status(view.status), words::skip(skip)),
        None => words::status(view.status).to_owned(),
    };
    match (view.started_at, view.ended_at) {
        (Some(start), Some(end)) => format!("{word} in {}", Length(end.since(start))),
        (Some(start), None) => format!("{word} for {}", Length(fold.at().since(start))),
        (None, _) => word,
    }
}

/// `1 succeeded · 2 failed · 2 not started of 5`.
pub(crate) fn counts(block: &BlockView) -> String {
    let mut parts = Vec::new();
    let mut all = [
        (block.succeeded, "succeeded"),
        (block.failed, "failed"),
        (block.active, "active"),
        (block.stopped, "stopped"),
        (block.skipped, "skipped"),
        (block.not_started, "not started"),
    ];
    let WouldCounts { change, nothing, unknown } = block.would;
    if let Some(succeeded) = all.first_mut().filter(|_| block.would != WouldCounts::default()) {
        // What only looked did not succeed at anything.
        succeeded.0 = succeeded.0.saturating_sub(change).saturating_sub(nothing).saturating_sub(unknown);
        let foreseen = [
            (change, words::would(Would::Change)),
            (nothing, words::would(Would::Nothing)),
            (unknown, words::would(Would::Unknown)),
        ];
        for (count, word) in foreseen.into_iter().filter(|(count, _)| *count > 0) {
            parts.push(format!("{} {word}", words::grouped(u64::from(count))));
        }
    }
    for (count, word) in all.into_iter().filter(|(count, _)| *count > 0) {
        parts.push(format!("{} {word}", words::grouped(u64::from(count))));
    }
    if parts.is_empty() {
        return "no sequences".to_owned();
    }
    format!("{} of {}", parts.join(" · "), words::grouped(u64::from(block.total)))
}

/// `2 failed, at most 1 allowed (strict) · peak 2 active of 2`.
pub(crate) fn limits(fold: &Fold, index: u32) -> String {
    let (Some(def), Some(view)) = (fold.layout().block(index), fold.blocks().get(index as usize)) else {
        return String::new();
    };
    let strict = if def.strict { " (strict)" } else { "" };
    let most = match def.failures {
        Some(most) => format!("at most {}", words::grouped(u64::from(most))),
        None => "any number".into(),
    };
    let grouped = |n: u32| words::grouped(u64::from(n));
    let (failed, peak, concurrency) =
        (grouped(view.failed), grouped(view.peak_active), grouped(def.concurrency));
    format!("{failed} failed, {most} allowed{strict} · peak {peak} active of {concurrency}")
}

/// What to do next.
pub(crate) fn next(fold: &Fold) -> Vec<Step> {
    let id = fold.layout().submission.run;
    let step = |verb: &str, does| Step { command: format!("windlass runs {verb} {id}"), does };
    let mut steps = Vec::new();
    if fold.asked().next().is_some() && !fold.status().is_terminal() {
        let step = step("resolve", "settle what waits for a person; also --done and --failed");
        steps.push(Step { command: format!("{} --again ADDRESS", step.command), ..step });
    }
    match fold.status() {
        RunStatus::AwaitingApproval => steps.push(step("approve", "agree that it begins")),
        RunStatus::Paused => steps.push(step("resume", "go on")),
        RunStatus::Submitted | RunStatus::Running => {
            steps.push(step("watch", "follow it"));
            steps.push(step("stop", "let what is in flight end, and start nothing more"));
        }
        RunStatus::Failed | RunStatus::Stopped => {
            steps.push(step("retry", "a new run of what did not succeed"));
            steps.push(step("events", "everything that happened, in order"));
        }
        RunStatus::Succeeded => {}
    }
    steps
}
