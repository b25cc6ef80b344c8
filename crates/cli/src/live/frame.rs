//! The picture of a run that goes on: lines for a terminal of some size. Pure, so that tests can look at it.

use std::time::Duration;

use windlass_model::element::ElementId;
use windlass_model::event::Command;
use windlass_model::outcome::{RunStatus, Status};
use windlass_model::time::Time;
use windlass_report::view::BlockView;
use windlass_report::words::{self, count, grouped};
use windlass_report::{Fold, Length, legible};

use super::heat;
use crate::printer::{BAD, BUSY, FAINT, GOOD, STRONG, Styled, WARN};

/// How many of what runs now are named.
const NAMED: usize = 4;

/// What is to be drawn, and on what.
pub(crate) struct Frame<'a> {
    pub(crate) fold: &'a Fold,
    pub(crate) now: Time,
    pub(crate) width: usize,
    pub(crate) rows: usize,
    pub(crate) is_unicode: bool,
    pub(crate) hint: &'a str,
}

// === impl Frame ===

impl Frame<'_> {
    /// At most as many lines as fit.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut top = vec![self.head()];
        let mut bottom = self.waits();
        bottom.extend(self.now_running());
        if !self.hint.is_empty() {
            bottom.push(Styled(FAINT, self.hint).to_string());
        }
        // One row stays free for the cursor.
        let room = self.rows.saturating_sub(1).saturating_sub(top.len() + bottom.len());
        top.extend(self.blocks(room));
        top.extend(bottom);
        top.truncate(self.rows.saturating_sub(1).max(1));
        top
    }

    fn head(&self) -> String {
        let (fold, run) = (self.fold, self.fold.run());
        let submission = &fold.layout().submission;
        let lasted = run.started_at.map(|start| self.now.since(start)).unwrap_or_default();
        let word = match (run.status, run.ending) {
            (RunStatus::Running, Some(Command::Kill)) => Styled(WARN, "being killed"),
            (RunStatus::Running, Some(Command::Cancel)) => Styled(WARN, "being cancelled"),
            (RunStatus::Running, Some(_)) => Styled(WARN, "stopping"),
            (RunStatus::Paused | RunStatus::AwaitingApproval, _) => {
                Styled(WARN, words::run_status(run.status))
            }
            (status, _) => Styled(BUSY, words::run_status(status)),
        };
        let failed = fold.failing().take(1_000).count() as u64;
        let failed = match failed {
            0 => String::new(),
            failed => format!(" · {}", Styled(BAD, count(failed, "failure"))),
        };
        format!(
            "{} {word} {}{failed} {}",
            Styled(STRONG, legible::line(&submission.plan.metadata.name, 60)),
            Length(lasted),
            Styled(FAINT, format_args!("· run {} · {}", submission.run, count(fold.seq(), "event")))
        )
    }

    fn blocks(&self, room: usize) -> Vec<String> {
        let views: Vec<(u32, &BlockView)> = (0_u32..).zip(self.fold.blocks()).collect();
        let lines: Vec<Vec<String>> = views.iter().map(|(index, view)| self.block(*index, view)).collect();
        if lines.iter().map(Vec::len).sum::<usize>() <= room {
            return lines.into_iter().flatten().collect();
        }
        // Too many for the screen: those that run, and how many come before and after.
        let status = |index: u32| self.fold.element(ElementId::Block(index)).status;
        let first = views.iter().position(|(index, _)| status(*index) == Status::Running);
        let first = first.unwrap_or_else(|| {
            views.iter().position(|(index, _)| status(*index) == Status::Pending).unwrap_or(views.len())
        });
        let after = views.len().saturating_sub(first + 1) as u64;
        let mut shown = Vec::new();
        if first > 0 {
            shown.push(
                Styled(FAINT, format_args!("  {} done before", count(first as u64, "block"))).to_string(),
            );
        }
        shown.extend(lines.into_iter().nth(first).unwrap_or_default());
        if after > 0 {
            shown.push(Styled(FAINT, format_args!("  {} to come", count(after, "block"))).to_string());
        }
        shown.truncate(room.max(1));
        shown
    }

    fn block(&self, index: u32, view: &BlockView) -> Vec<String> {
        let element = ElementId::Block(index);
        let status = self.fold.element(element).status;
        let address = legible::line(&self.fold.layout().address(element), 40);
        let sign = |unicode: &'static str, ascii: &'static str| if self.is_unicode { unicode } else { ascii };
        let (tone, sign) = match status {
            Status::Pending => (FAINT, sign("·", ".")),
            Status::Running => (BUSY, sign("▸", ">")),
            Status::Succeeded | Status::Skipped => (GOOD, sign("✓", "+")),
            Status::Failed | Status::Stopped => (BAD, sign("✗", "x")),
        };
        let done = done(view);
        let mut parts = vec![format!("{}/{}", grouped(u64::from(done)), grouped(u64::from(view.total)))];
        if status == Status::Running {
            parts.extend(self.limits(index, view));
        } else if view.failed > 0 {
            parts.push(Styled(BAD, format_args!("{} failed", grouped(u64::from(view.failed)))).to_string());
        }
        let mut lines =
            vec![format!("{} {} {}", Styled(tone, sign), Styled(STRONG, address), parts.join(" · "))];
        if status == Status::Running && view.total > 1 {
            lines.push(format!(
                "  {}",
                heat::strip(self.fold, index, self.width.saturating_sub(4), self.is_unicode)
            ));
        }
        lines
    }

    /// Batch, concurrency, failures beside what is allowed, rate.
    fn limits(&self, index: u32, view: &BlockView) -> Vec<String> {
        let mut parts = Vec::new();
        let Some(def) = self.fold.layout().block(index) else { return parts };
        let batches = crate::limits::sizes(def).count;
        if batches > 1 && !view.batches.is_empty() {
            parts.push(format!("batch {} of {}", grouped(view.batches.count()), grouped(u64::from(batches))));
        }
        parts.push(format!(
            "{}/{} active",
            grouped(u64::from(view.active)),
            grouped(u64::from(def.concurrency))
        ));
        let tone = if view.failed > 0 { BAD } else { FAINT };
        let failed = match def.failures {
            Some(limit) => format!("{}/{} failed", view.failed, grouped(u64::from(limit))),
            None => format!("{} failed", view.failed),
        };
        parts.push(Styled(tone, failed).to_string());
        let started = self.fold.element(ElementId::Block(index)).started_at;
        if let Some(rate) = started.and_then(|start| rate(done(view), self.now.since(start))) {
            parts.push(rate);
        }
        parts
    }

    /// What the run waits for.
    fn waits(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let left = |until: Time| Length(until.since(self.now));
        for (index, view) in (0_u32..).zip(self.fold.blocks()) {
            if let Some(delay) =
                view.delays.last().filter(|delay| delay.ended_at.is_none() && delay.until > self.now)
            {
                let address = self.fold.layout().address(ElementId::Block(index));
                lines.push(format!(
                    "  {}: {}, {} left",
                    legible::line(&address, 40),
                    words::wait(delay.wait),
                    left(delay.until)
                ));
            }
        }
        let (mut backoffs, mut next) = (0_u64, None::<Time>);
        for (element, view) in self.fold.running() {
            if let Some(wait) = view.wait().filter(|wait| wait.wait == windlass_model::event::Wait::Backoff) {
                backoffs += 1;
                next = Some(next.map_or(wait.until, |next| next.min(wait.until)));
            }
            if let Some(lock) = view.lock().filter(|_| lines.len() < 3) {
                let address = legible::line(&self.fold.layout().address(element), 60);
                let (lock, holder) = (legible::line(&lock.lock, 40), legible::line(&lock.holder, 60));
                lines.push(
                    Styled(WARN, format_args!("  {address} waits for the lock `{lock}` of {holder}"))
                        .to_string(),
                );
            }
        }
        if let Some(next) = next {
            lines.push(format!(
                "  {} for another attempt, the next in {}",
                waiting(backoffs, "action"),
                left(next)
            ));
        }
        let asked = self.fold.asked().count() as u64;
        if asked > 0 && !self.fold.status().is_terminal() {
            lines.push(
                Styled(
                    WARN,
                    format_args!("  {} for a person: windlass runs resolve", waiting(asked, "action")),
                )
                .to_string(),
            );
        }
        match self.fold.status() {
            RunStatus::AwaitingApproval => {
                lines.push(Styled(WARN, "  waits for approval: windlass runs approve").to_string());
            }
            RunStatus::Paused => {
                lines.push(Styled(WARN, "  paused: windlass runs resume goes on").to_string())
            }
            _ => {}
        }
        lines
    }

    /// What runs now, the oldest first.
    fn now_running(&self) -> Option<String> {
        let mut works: Vec<_> = self
            .fold
            .running()
            .filter(|(element, view)| element.work().is_some() && view.wait().is_none())
            .filter_map(|(element, view)| Some((view.attempts.last()?, element)))
            .filter(|(attempt, _)| attempt.ended_at.is_none())
            .map(|(attempt, element)| (attempt.started_at, attempt.n, element))
            .take(10_000)
            .collect();
        works.sort_unstable();
        let total = works.len();
        let mut named: Vec<String> = works
            .into_iter()
            .take(NAMED)
            .map(|(since, n, element)| {
                let address = legible::line(&self.fold.layout().address(element), 48);
                let again = if n > 1 { format!(" (attempt {n})") } else { String::new() };
                format!("{address} {}{again}", Styled(FAINT, Length(self.now.since(since))))
            })
            .collect();
        if total > named.len() {
            named.push(
                Styled(FAINT, format_args!("{} more", grouped((total - named.len()) as u64))).to_string(),
            );
        }
        (!named.is_empty()).then(|| format!("  now: {}", named.join(" · ")))
    }
}

fn done(view: &BlockView) -> u32 {
    view.succeeded.saturating_add(view.failed).saturating_add(view.skipped).saturating_add(view.stopped)
}

/// `3 actions wait`.
fn waiting(n: u64, what: &str) -> String {
    format!("{} {}", count(n, what), if n == 1 { "waits" } else { "wait" })
}

/// `14/s`, `35/min`; nothing before there is something to go by.
fn rate(done: u32, took: Duration) -> Option<String> {
    let seconds = took.as_secs_f64();
    if done < 2 || seconds < 1.0 {
        return None;
    }
    let per_second = f64::from(done) / seconds;
    Some(if per_second >= 2.0 {
        format!("{per_second:.0}/s")
    } else if per_second * 60.0 >= 2.0 {
        format!("{:.0}/min", per_second * 60.0)
    } else {
        format!("{:.0}/h", per_second * 3600.0)
    })
}
