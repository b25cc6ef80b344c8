//! A strip of cells, one for each sequence of a block or, when there are many, one for several of them.

use std::fmt::Write;

use windlass_model::element::ElementId;
use windlass_model::outcome::Status;
use windlass_report::Fold;

use crate::printer::{BAD, BUSY, FAINT, GOOD, Styled};

/// How many sequences of one cell are looked at. More would make a picture of a million targets slow.
const LOOKED_AT: u32 = 64;

/// What a cell shows, from what matters least to what matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Pending,
    Done,
    Partly,
    Active,
    Failed,
}

/// The strip of a block, in so many columns.
pub(crate) fn strip(fold: &Fold, block: u32, width: usize) -> String {
    let total = fold.blocks().get(block as usize).map_or(0, |view| view.total);
    let cells = u32::try_from(width).unwrap_or(u32::MAX).min(total);
    let mut text = String::new();
    let mut at = 0;
    while at < cells {
        let cell = cell(fold, block, bounds(at, cells, total));
        // Neighbours of one kind share their escapes.
        let mut run = 1;
        while at + run < cells && self::cell(fold, block, bounds(at + run, cells, total)) == cell {
            run += 1;
        }
        let (style, sign) = match cell {
            Cell::Pending => (FAINT, "⋅"),
            Cell::Done => (GOOD, "■"),
            Cell::Partly => (GOOD, "▪"),
            Cell::Active => (BUSY, "▸"),
            Cell::Failed => (BAD, "✗"),
        };
        let _ = write!(text, "{}", Styled(style, sign.repeat(run as usize)));
        at += run;
    }
    text
}

/// The sequences of a cell: from, and before.
fn bounds(cell: u32, cells: u32, total: u32) -> (u32, u32) {
    let at = |cell: u32| {
        let at = u64::from(cell) * u64::from(total) / u64::from(cells.max(1));
        u32::try_from(at).unwrap_or(u32::MAX)
    };
    (at(cell), at(cell + 1))
}

fn cell(fold: &Fold, block: u32, (from, to): (u32, u32)) -> Cell {
    let step = (to.saturating_sub(from) / LOOKED_AT).max(1) as usize;
    let (mut worst, mut done, mut seen) = (Cell::Pending, 0, 0);
    for seq in (from..to).step_by(step) {
        seen += 1;
        let cell = match fold.element(ElementId::Sequence { block, seq }).status {
            Status::Pending => Cell::Pending,
            Status::Running => Cell::Active,
            Status::Succeeded | Status::Skipped => Cell::Done,
            Status::Failed | Status::Stopped => Cell::Failed,
        };
        done += u32::from(cell == Cell::Done);
        worst = worst.max(cell);
    }
    if worst == Cell::Done && done < seen { Cell::Partly } else { worst }
}
