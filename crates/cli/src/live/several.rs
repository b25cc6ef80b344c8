//! Several runs at once: how they are told apart, and their common picture.
//!
//! ```text
//! 3 runs · 1 succeeded · 1 waits for a person
//! deploy running 8.8s · 479/1,002 done · run 01a1…      each that goes on, with its share of the rows
//!   ▸ patch 478/1,000 · 2/30 failed · 32/60 active
//! restart running 2.1s · 1/4 done · run 01a2…
//!   1 action waits for a person: windlass runs resolve
//!   Ctrl-C stops all of them in good order
//! ```

use std::collections::{BTreeMap, HashMap};

use windlass_model::event::{Event, What};
use windlass_model::id::RunId;
use windlass_model::time::Time;
use windlass_report::words::{self, count};
use windlass_report::{Fold, legible};

use super::frame::{Frame, Seat};
use super::{outcome, time_of_day};
use crate::printer::{FAINT, STRONG, Styled};
use crate::typed::Typed;

/// What each line of several runs begins with; empty where there is only one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels(HashMap<RunId, String>);

/// The picture of several runs that go on.
pub(crate) struct Several<'a> {
    pub(crate) folds: &'a [&'a Fold],
    pub(crate) now: Time,
    pub(crate) width: usize,
    pub(crate) rows: usize,
    pub(crate) seat: Seat,
    pub(crate) typed: &'a Typed,
}

/// How long the name of a plan may be in a label.
const NAME: usize = 30;
/// So much of the end of its id tells a run apart from others of its plan.
const END_OF_ID: usize = 6;

// === impl Labels ===

impl Labels {
    /// The names of the plans; where two have the same, with the end of the run's id.
    pub(crate) fn of<'a>(folds: impl Iterator<Item = &'a Fold>) -> Self {
        let named = |fold: &Fold| {
            let submission = &fold.layout().submission;
            (submission.run, legible::line(&submission.plan.metadata.name, NAME))
        };
        let names: Vec<(RunId, String)> = folds.map(named).collect();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, name) in &names {
            *times.entry(name).or_default() += 1;
        }
        let label = |(run, name): &(RunId, String)| {
            let id = run.to_string();
            let end = id.get(id.len().saturating_sub(END_OF_ID)..).unwrap_or_default();
            let is_shared = times.get(name.as_str()).is_some_and(|times| *times > 1);
            (*run, if is_shared { format!("{name} …{end}") } else { name.clone() })
        };
        Self(names.iter().map(label).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The label of a run.
    fn label(&self, fold: &Fold) -> Option<&str> {
        self.0.get(&fold.layout().submission.run).map(String::as_str)
    }

    /// A line about a run, with its time.
    pub(super) fn line(&self, fold: &Fold, event: &Event, text: &str) -> String {
        let time = Styled(FAINT, time_of_day(event.at));
        match self.label(fold) {
            None => format!("{time} {text}"),
            Some(label) => format!("{time} {} {text}", Styled(STRONG, format_args!("{label}:"))),
        }
    }

    /// How a run ended, where its end is not the end of everything.
    pub(super) fn end(&self, fold: &Fold, event: &Event) -> Option<String> {
        let is_end = matches!(event.what, What::Finished { .. }) && !self.is_empty();
        is_end.then(|| outcome(fold))
    }
}

// === impl Several ===

impl Several<'_> {
    /// At most as many lines as fit.
    pub(crate) fn lines(&self) -> Vec<String> {
        // One row stays free for the cursor, and what stays above the picture is to be seen, too.
        let rows = self.rows.saturating_sub(1 + self.rows / 5).max(1);
        let going: Vec<Frame<'_>> = self
            .folds
            .iter()
            .filter(|fold| !fold.status().is_terminal())
            .map(|fold| self.frame(fold))
            .collect();
        let mut lines = vec![self.head()];
        let hint = going.first().map(|frame| Styled(FAINT, format_args!("  {}", frame.hint())).to_string());
        let room = rows.saturating_sub(lines.len() + usize::from(hint.is_some()));
        let shown = if going.len() <= room { going.len() } else { room.saturating_sub(1) };
        let mut room = room.saturating_sub(usize::from(shown < going.len()));
        for (at, frame) in going.iter().take(shown).enumerate() {
            // What one does not need, those behind it get.
            let brief = frame.brief(room / (shown - at));
            room = room.saturating_sub(brief.len());
            lines.extend(brief);
        }
        if shown < going.len() {
            let more = count((going.len() - shown) as u64, "more run");
            lines.push(Styled(FAINT, format_args!("… {more}")).to_string());
        }
        lines.extend(hint);
        lines.truncate(rows);
        lines
    }

    fn frame<'a>(&'a self, fold: &'a Fold) -> Frame<'a> {
        let Self { now, width, rows, seat, typed, .. } = *self;
        Frame { fold, now, width, rows, seat, typed }
    }

    /// How many there are, and how many stand where.
    fn head(&self) -> String {
        let mut standing: BTreeMap<&str, u64> = BTreeMap::new();
        for fold in self.folds {
            *standing.entry(words::run_status(fold.status())).or_default() += 1;
        }
        let standing: Vec<String> = standing.iter().map(|(word, n)| format!("{n} {word}")).collect();
        let all = count(self.folds.len() as u64, "run");
        format!("{} {}", Styled(STRONG, all), Styled(FAINT, format_args!("· {}", standing.join(" · "))))
    }
}
