//! The picture of a run that goes on: lines for a terminal of some size. Pure, so that tests can look at it.
//!
//! ```text
//! ▸ big running 8.8s · 479/1,002 done · 2 failures · run 01a1…        the run
//!   ✓ prepare 1/1 in 106ms                                            its blocks
//!   ▸ patch 478/1,000 · 2/30 failed · 32/60 active · about 9s left
//!     ✗■■■■■▸▸▸⋅⋅⋅⋅⋅⋅⋅⋅⋅⋅                                             all sequences of the one that goes on
//!     web0479/restart  293ms                                          what runs in it, the oldest first
//!     … 31 more
//!   ⋅ settle 0/1
//!   Ctrl-C stops in good order                                        what can be done about it
//! ```
//!
//! Rows of work get whatever room the rest leaves.

mod blocks;
mod waits;
mod works;

use windlass_model::event::Command;
use windlass_model::outcome::RunStatus;
use windlass_model::time::Time;
use windlass_report::words::{self, count, grouped};
use windlass_report::{Fold, Length, legible};

use super::fit::Pieces;
use crate::printer::{BAD, BUSY, FAINT, STRONG, Styled, WARN};
use crate::typed::Typed;

/// What is to be drawn, and on what.
pub(crate) struct Frame<'a> {
    pub(crate) fold: &'a Fold,
    pub(crate) now: Time,
    pub(crate) width: usize,
    pub(crate) rows: usize,
    pub(crate) seat: Seat,
    pub(crate) typed: &'a Typed,
}

/// Where whoever looks at the picture sits, and so what their Ctrl-C does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// At the process that drives the run.
    Driver,
    /// At one that only watches.
    Watcher,
}

// === impl Frame ===

impl Frame<'_> {
    /// At most as many lines as fit.
    pub(crate) fn lines(&self) -> Vec<String> {
        // One row stays free for the cursor.
        let rows = self.rows.saturating_sub(1).max(1);
        // What stays above the picture is to be seen, too.
        let above = self.rows / 5;
        let mut lines = vec![self.head()];
        let mut foot = self.waits();
        foot.push(Styled(FAINT, format_args!("  {}", self.seat.hint(self.fold))).to_string());
        foot.truncate(rows.saturating_sub(2));
        let room = rows.saturating_sub(lines.len() + foot.len() + above).max(1);
        lines.extend(self.body(room));
        lines.extend(foot);
        lines.truncate(rows);
        lines
    }

    /// The same without what can be done, as one of several pictures in so many rows.
    pub(crate) fn brief(&self, rows: usize) -> Vec<String> {
        let mut lines = vec![self.head()];
        let mut waits = self.waits();
        waits.truncate(rows.saturating_sub(1));
        let room = rows.saturating_sub(lines.len() + waits.len());
        if room > 0 {
            lines.extend(self.body(room).into_iter().take(room));
        }
        lines.extend(waits);
        lines
    }

    pub(crate) fn hint(&self) -> &'static str {
        self.seat.hint(self.fold)
    }

    fn head(&self) -> String {
        let (fold, run) = (self.fold, self.fold.run());
        let submission = &fold.layout().submission;
        let word = match (run.status, run.ending) {
            (RunStatus::Running, Some(Command::Kill)) => Styled(WARN, "being killed"),
            (RunStatus::Running, Some(Command::Cancel)) => Styled(WARN, "being cancelled"),
            (RunStatus::Running, Some(_)) => Styled(WARN, "stopping"),
            (RunStatus::Paused | RunStatus::AwaitingApproval, _) => {
                Styled(WARN, words::run_status(run.status))
            }
            (status, _) => Styled(BUSY, words::run_status(status)),
        };
        let name = Styled(STRONG, legible::line(&submission.plan.metadata.name, 60));
        let lasted = run.started_at.map(|start| format!(" {}", Length(self.now.since(start))));
        let mut pieces = Pieces::new(format!("{name} {word}{}", lasted.unwrap_or_default()));
        let (done, total) = fold.blocks().iter().fold((0_u64, 0_u64), |(done, total), block| {
            (done + u64::from(blocks::done(block)), total + u64::from(block.total))
        });
        pieces.add(2, format_args!("{}/{} done", grouped(done), grouped(total)));
        match fold.failing().take(1_000).count() as u64 {
            0 => {}
            1_000.. => pieces.add(1, Styled(BAD, "1,000 failures or more")),
            failed => pieces.add(1, Styled(BAD, count(failed, "failure"))),
        }
        pieces.add(3, Styled(FAINT, format_args!("run {}", submission.run)));
        pieces.add(4, Styled(FAINT, count(fold.seq(), "event")));
        pieces.fit(self.width.saturating_sub(1))
    }
}

// === impl Seat ===

impl Seat {
    /// What Ctrl-C does now.
    fn hint(self, fold: &Fold) -> &'static str {
        match (self, fold.run().ending) {
            (Self::Watcher, _) => "Ctrl-C ends the watching, not the run",
            (Self::Driver, None | Some(Command::Pause | Command::Resume)) => "Ctrl-C stops in good order",
            (Self::Driver, Some(Command::Stop)) => "Ctrl-C again cancels what is in flight",
            (Self::Driver, Some(Command::Cancel)) => "Ctrl-C again kills what is in flight",
            (Self::Driver, Some(Command::Kill)) => "what must run at the end still runs",
        }
    }
}
