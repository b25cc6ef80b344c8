//! What runs now, a row each: what needs a person first, then the oldest, so that what is stuck is seen.

use windlass_model::element::{ElementId, Level, Work};
use windlass_model::event::{Severity, Wait};
use windlass_model::time::Time;
use windlass_report::view::ElementView;
use windlass_report::words::grouped;
use windlass_report::{Length, legible};

use super::Frame;
use crate::printer::{BAD, FAINT, Styled, WARN};
use crate::table::shown_width;

/// How many rows there are at the most.
const MOST: usize = 12;
/// How much of what runs is looked at.
const LOOKED_AT: usize = 10_000;
/// How long an address may be.
const ADDRESS: usize = 48;
/// How long a message may be.
const MESSAGE: usize = 120;
/// Checks that pass within this are not shown: they come by the second.
const BRIEF: std::time::Duration = std::time::Duration::from_secs(1);

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The block that it is drawn below, if it is part of one.
    pub(super) block: Option<u32>,
    element: ElementId,
    /// A person must settle it.
    is_asked: bool,
    since: Time,
}

impl Frame<'_> {
    /// Everything that runs now, in the order of the rows.
    pub(super) fn works(&self) -> Vec<Row> {
        let running = self.fold.running().filter_map(|(element, view)| {
            let work = element.work().filter(|_| !matches!(element, ElementId::Verify { .. }))?;
            let since = match work.sequence() {
                // A row keeps its place until its sequence has ended.
                Some((block, seq)) => self.fold.element(ElementId::Sequence { block, seq }).started_at,
                None => view.attempts.last().map(|attempt| attempt.started_at),
            };
            let since = since.or(view.started_at)?;
            let is_check = matches!(work, Work::Check { .. });
            (!is_check || self.now.since(since) >= BRIEF).then(|| Row {
                block: block(work),
                element,
                is_asked: view.asked().is_some(),
                since,
            })
        });
        let mut rows: Vec<Row> = running.take(LOOKED_AT).collect();
        rows.sort_by_key(|row| (!row.is_asked, row.since, row.element));
        rows
    }

    /// As many of these rows as fit, and how many more there are.
    pub(super) fn rows_of(&self, rows: Vec<Row>, room: usize, indent: &str) -> Vec<String> {
        let room = room.min(MOST);
        let shown = if rows.len() > room { room.saturating_sub(1) } else { rows.len() };
        let more = rows.len() - shown;
        let rows: Vec<(String, String)> = rows.into_iter().take(shown).map(|row| self.row(&row)).collect();
        let width = rows.iter().map(|(address, _)| shown_width(address)).max().unwrap_or(0);
        let mut lines: Vec<String> = rows
            .into_iter()
            .map(|(address, state)| {
                let pad = width.saturating_sub(shown_width(&address));
                format!("{indent}{address}{:pad$}  {state}", "")
            })
            .collect();
        if more > 0 && room > 0 {
            let word = if lines.is_empty() { "at work" } else { "more" };
            lines.push(Styled(FAINT, format_args!("{indent}{} {word}", grouped(more as u64))).to_string());
        }
        lines
    }

    /// What it is called below its block, and how it stands.
    fn row(&self, row: &Row) -> (String, String) {
        let layout = self.fold.layout();
        let address = layout.address(row.element);
        let above = row.block.map(|block| format!("{}/", layout.address(ElementId::Block(block))));
        let below = above.and_then(|above| address.strip_prefix(&above)).unwrap_or(&address);
        (legible::line(below, ADDRESS), self.state(row.element, &self.fold.element(row.element)))
    }

    fn state(&self, element: ElementId, view: &ElementView) -> String {
        if let Some(failure) = view.asked() {
            let message = legible::line(&failure.message, MESSAGE);
            return format!("{}: {message}", Styled(WARN, "waits for a person"));
        }
        let def = self.fold.layout().action(element);
        let of = def.map_or(1, |def| def.retries.saturating_add(1));
        let Some(attempt) = view.attempts.last() else { return Styled(FAINT, "begins").to_string() };
        if let Some(wait) = view.wait().filter(|wait| wait.wait == Wait::Backoff) {
            let message = attempt.failure.as_deref().map_or("no message", |failure| &failure.message);
            return format!(
                "{}, the next in {}: {}",
                Styled(BAD, format_args!("attempt {} of {of} failed", attempt.n)),
                Length(wait.until.since(self.now)),
                legible::line(message, MESSAGE)
            );
        }
        if attempt.ended_at.is_some() {
            return Styled(FAINT, "ends").to_string();
        }
        let took = self.now.since(attempt.started_at);
        let mut state = Length(took).to_string();
        // From half of the timeout on it is worth knowing.
        if let Some(timeout) = def.map(|def| def.timeout).filter(|timeout| took >= *timeout / 2) {
            state.push_str(&format!(" of {}", Length(timeout)));
        }
        if attempt.n > 1 {
            state.push_str(&format!(" · attempt {} of {of}", attempt.n));
        }
        let cancel = view.details().and_then(|details| details.cancels.last());
        match cancel.filter(|cancel| cancel.n == attempt.n).map(|cancel| cancel.how) {
            Some(Severity::Term) => format!("{state} · {}", Styled(WARN, "asked to end")),
            Some(Severity::Kill) => format!("{state} · {}", Styled(WARN, "being killed")),
            None => state,
        }
    }
}

/// The block that a row is drawn below.
fn block(work: Work) -> Option<u32> {
    match work {
        Work::Check { level: Level::Plan, .. } | Work::Deferred { .. } => None,
        work => work.block(),
    }
}
