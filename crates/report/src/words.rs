//! What states, phases and causes are called when people read them.

use windlass_model::event::{CancelCause, Command, Phase, Severity, Verdict, Wait};
use windlass_model::foresight::Would;
use windlass_model::outcome::{ReasonKind, RunStatus, Skip, Status};

/// Where an element stands.
#[must_use]
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "not reached",
        Status::Running => "running",
        Status::Succeeded => "succeeded",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Stopped => "stopped",
    }
}

/// Where a run stands.
#[must_use]
pub fn run_status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Submitted => "submitted",
        RunStatus::AwaitingApproval => "awaiting approval",
        RunStatus::Running => "running",
        RunStatus::Paused => "paused",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::Stopped => "stopped",
    }
}

/// Why an element was unnecessary.
#[must_use]
pub fn skip(skip: Skip) -> &'static str {
    match skip {
        Skip::Bypassed => "bypassed",
        Skip::Condition => "condition is false",
        Skip::Verified => "verified as done",
        Skip::DoneBefore => "done before",
    }
}

/// What something would have done.
#[must_use]
pub fn would(would: Would) -> &'static str {
    match would {
        Would::Change => "would change",
        Would::Nothing => "would change nothing",
        Would::Unknown => "cannot be told",
    }
}

/// `None` for phases that say nothing by themselves.
#[must_use]
pub fn phase(phase: Phase) -> Option<&'static str> {
    Some(match phase {
        Phase::Idle | Phase::EntranceDelay | Phase::ExitDelay | Phase::Done => return None,
        Phase::Bypass => "bypass checks",
        Phase::Gate => "gate: checks before any work",
        Phase::Work => "work",
        Phase::Drain => "waiting for what is in flight",
        Phase::LoopDrain => "continuous checks end",
        Phase::Post => "post checks",
        Phase::Undo => "undoing what succeeded",
        Phase::DeferredBatches => "deferred batches",
        Phase::DeferredChecks => "deferred checks",
    })
}

/// What is waited for.
#[must_use]
pub fn wait(wait: Wait) -> &'static str {
    match wait {
        Wait::Entrance => "entrance delay",
        Wait::Exit => "exit delay",
        Wait::Soak => "soak",
        Wait::Backoff => "backoff",
        Wait::Round => "next round",
    }
}

/// What a command did to a run.
#[must_use]
pub fn command(command: Command) -> &'static str {
    match command {
        Command::Pause => "paused",
        Command::Resume => "resumed",
        Command::Stop => "stopped",
        Command::Cancel => "cancelled",
        Command::Kill => "killed",
    }
}

/// How something was settled.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Failed => "failed",
        Verdict::Again => "to be run again",
    }
}

pub(crate) fn cancel(how: Severity, why: CancelCause) -> (&'static str, &'static str) {
    let how = match how {
        Severity::Term => "asked to end",
        Severity::Kill => "killed",
    };
    let why = match why {
        CancelCause::Timeout => "it took longer than its timeout",
        CancelCause::Deadline => "its deadline passed",
        CancelCause::Command => "a person said so",
    };
    (how, why)
}

/// What a cause of this kind did; stands after the address.
#[must_use]
pub fn reason(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::Action => "failed",
        ReasonKind::PreCheck | ReasonKind::PostCheck | ReasonKind::DeferredCheck => "did not pass",
        ReasonKind::ContinuousCheck => "stopped passing",
        ReasonKind::DeferredBatch => "failed after good work",
        ReasonKind::Stopped => "was stopped",
        ReasonKind::Deadline => "ran out of time",
        ReasonKind::Storage => "could not be recorded",
        ReasonKind::Interrupted => "was interrupted, and how it ended is not known",
        ReasonKind::Selection => "could not choose its targets",
    }
}

/// What something waits for that others have: a lock, or a seat in a budget.
#[must_use]
pub fn awaited(lock: &str, holder: &str) -> String {
    match lock.strip_prefix("budget/") {
        Some(budget) => format!("waits for the budget `{budget}`: {holder}"),
        None => format!("waits for the lock `{lock}` of {holder}"),
    }
}

/// `1 target`, `2 targets`.
#[must_use]
pub fn count(n: u64, one: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(n))
}

/// `1,234,567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let check = |n, text: &str| assert_eq!(grouped(n), text);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_234_567, "1,234,567");
        assert_eq!((count(1, "target"), count(2, "target")), ("1 target".into(), "2 targets".into()));
    }
}
