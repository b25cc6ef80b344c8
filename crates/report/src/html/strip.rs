//! Targets at a glance: a bar of shares, and a strip with one cell per target.

use std::borrow::Cow;
use std::io::{self, Write as _};

use windlass_model::element::ElementId;
use windlass_model::outcome::Status;

use super::page::{Page, Plain, class, state};
use crate::fold::Fold;
use crate::view::ElementView;
use crate::words;

/// Up to so many targets are written with their names.
const NAMED: u32 = 40;
/// Beyond so many targets, several share a cell.
const CELLS: u32 = 2_000;
/// How many cells there are then.
const FOLDED: u32 = 500;

/// The classes in the order in which they stand, with their words.
const LEGEND: [(&str, &str); 7] = [
    ("f", "failed"),
    ("t", "stopped"),
    ("r", "running"),
    ("s", "changed"),
    ("u", "unchanged"),
    ("k", "skipped"),
    ("p", "not started"),
];

/// The shares of all sequences of the run.
pub(super) fn totals(page: &mut Page<'_>, fold: &Fold) -> io::Result<()> {
    let mut counts = [0_u64; 7];
    for index in 0..fold.layout().block_count() {
        let add = count(fold, index);
        counts.iter_mut().zip(add).for_each(|(sum, add)| *sum = sum.saturating_add(add));
    }
    bar(page, &counts)?;
    legend(page, &counts)
}

/// One cell per target of a block, or per group of neighbours.
pub(super) fn of_block(page: &mut Page<'_>, fold: &Fold, index: u32) -> io::Result<()> {
    let total = fold.layout().block(index).map_or(0, |block| block.sequences.len());
    if total == 0 {
        return Ok(());
    }
    let counts = count(fold, index);
    if total > CELLS {
        bar(page, &counts)?;
    }
    let named = if total <= NAMED { " chips" } else { "" };
    write!(page, "<div class=\"strip{named}\">")?;
    if total > CELLS {
        folded(page, fold, index, total)?;
    } else {
        for seq in 0..total {
            let (name, view) = (name(fold, index, seq), view(fold, index, seq));
            let name = Plain(name);
            let label = if total <= NAMED { name.to_string() } else { String::new() };
            write!(page, "<i class=\"{}\" title=\"{name}: {}\">{label}</i>", class(&view), state(&view))?;
        }
    }
    writeln!(page, "</div>")?;
    legend(page, &counts)?;
    if total > CELLS {
        let each = words::grouped(u64::from(total.div_ceil(FOLDED)));
        writeln!(
            page,
            "<p class=\"small faint\">Each cell is {each} neighbours in the colour of the worst.</p>"
        )?;
    }
    Ok(())
}

fn folded(page: &mut Page<'_>, fold: &Fold, index: u32, total: u32) -> io::Result<()> {
    let each = total.div_ceil(FOLDED).max(1);
    for first in (0..total).step_by(each as usize) {
        let last = first.saturating_add(each).min(total).saturating_sub(1);
        let mut counts = [0_u64; 7];
        (first..=last).for_each(|seq| tally(&mut counts, &view(fold, index, seq)));
        let worst = LEGEND.iter().zip(counts).find(|(_, count)| *count > 0).map_or("p", |(entry, _)| entry.0);
        let (from, to) = (name(fold, index, first), name(fold, index, last));
        write!(page, "<i class=\"{worst}\" title=\"{} to {}: ", Plain(from), Plain(to))?;
        let parts = LEGEND.iter().zip(counts).filter(|(_, count)| *count > 0);
        let parts = parts.map(|(entry, count)| format!("{count} {}", entry.1));
        write!(page, "{}\"></i>", parts.collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

fn count(fold: &Fold, index: u32) -> [u64; 7] {
    let total = fold.layout().block(index).map_or(0, |block| block.sequences.len());
    let mut counts = [0; 7];
    (0..total).for_each(|seq| tally(&mut counts, &view(fold, index, seq)));
    counts
}

fn tally(counts: &mut [u64; 7], view: &ElementView) {
    let [failed, stopped, running, changed, unchanged, skipped, pending] = counts;
    let count = match view.status {
        Status::Failed => failed,
        Status::Stopped => stopped,
        Status::Running => running,
        Status::Succeeded if view.changed => changed,
        Status::Succeeded => unchanged,
        Status::Skipped => skipped,
        Status::Pending => pending,
    };
    *count = count.saturating_add(1);
}

fn bar(page: &mut Page<'_>, counts: &[u64; 7]) -> io::Result<()> {
    if counts.iter().all(|count| *count == 0) {
        return Ok(());
    }
    write!(page, "<div class=\"bar\">")?;
    for ((class, word), count) in LEGEND.iter().zip(counts).filter(|(_, count)| **count > 0) {
        let title = format!("{} {word}", words::grouped(*count));
        write!(page, "<i class=\"{class}\" style=\"flex:{count}\" title=\"{title}\"></i>")?;
    }
    writeln!(page, "</div>")
}

fn legend(page: &mut Page<'_>, counts: &[u64; 7]) -> io::Result<()> {
    write!(page, "<ul class=\"legend\">")?;
    for ((class, word), count) in LEGEND.iter().zip(counts).filter(|(_, count)| **count > 0) {
        write!(page, "<li><i class=\"{class}\"></i>{} {word}</li>", words::grouped(*count))?;
    }
    writeln!(page, "</ul>")
}

fn view(fold: &Fold, block: u32, seq: u32) -> Cow<'_, ElementView> {
    fold.element(ElementId::Sequence { block, seq })
}

fn name(fold: &Fold, block: u32, seq: u32) -> &str {
    fold.layout().block(block).and_then(|block| block.sequences.name(seq)).unwrap_or("?")
}
