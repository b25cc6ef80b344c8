//! What a noop foresaw, in words: places, reasons and diffs, for every form of report.

use windlass_model::element::{ElementId, Work};
use windlass_model::foresight::Would;

use crate::fold::Fold;
use crate::view::{ForeseenAlike, Looked};
use crate::{legible, words};

/// In which order what was foreseen is told.
pub(crate) const ORDER: [Would; 3] = [Would::Change, Would::Unknown, Would::Nothing];
/// How many places are listed under each title.
pub(crate) const LISTED: usize = 100;
/// How many lines of a diff are shown in a text.
pub(crate) const DIFF_LINES: usize = 60;
/// How many targets are named.
const NAMED: usize = 5;
/// How long a name or a line may be.
const LINE: usize = 200;

/// What a line of a diff does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// It is where the others stand, or says so.
    Other,
}

// === impl Sign ===

impl Sign {
    /// Of a line.
    #[must_use]
    pub fn of(line: &str) -> Self {
        match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Self::Other,
            [b'+', ..] => Self::Added,
            [b'-', ..] => Self::Removed,
            _ => Self::Other,
        }
    }
}

/// A heading over what would be so.
pub(crate) fn title(would: Would) -> &'static str {
    match would {
        Would::Change => "Would change",
        Would::Unknown => "Cannot be told",
        Would::Nothing => "Would change nothing",
    }
}

/// Everything that would be so, in the order of the log.
pub(crate) fn of(fold: &Fold, would: Would) -> Vec<&ForeseenAlike> {
    fold.foreseen().iter().filter(|alike| alike.count > 0 && alike.foreseen.would == would).collect()
}

/// `patch/web01/conf`, or `patch/*/conf on 1,000 targets (web01, web02, …)`.
pub(crate) fn place(fold: &Fold, alike: &ForeseenAlike) -> String {
    let layout = fold.layout();
    if alike.count <= 1 {
        return legible::line(&layout.address(alike.first), LINE);
    }
    let Some((block, _)) = alike.first.work().and_then(Work::sequence) else {
        return format!("{} {} times", legible::line(&layout.address(alike.first), LINE), alike.count);
    };
    let sequences = layout.block(block).map(|def| &def.sequences);
    let names = alike.sequences.iter().filter_map(|seq| sequences?.name(*seq));
    let names: Vec<String> = names.take(NAMED).map(|name| legible::line(name, LINE)).collect();
    let more = if (names.len() as u64) < u64::from(alike.count) { ", …" } else { "" };
    format!(
        "{} on {} ({}{more})",
        any(fold, alike.first),
        words::count(u64::from(alike.count), "target"),
        names.join(", ")
    )
}

/// Why it is so.
pub(crate) fn why(alike: &ForeseenAlike) -> Option<&str> {
    alike.foreseen.why.as_deref()
}

/// The first lines of its diff, and how many more there are.
pub(crate) fn diff(alike: &ForeseenAlike, most: usize) -> (Vec<String>, u64) {
    lines(alike.foreseen.diff.as_deref().unwrap_or_default(), most)
}

/// The first lines of a diff, made harmless, and how many more there are.
#[must_use]
pub fn lines(diff: &str, most: usize) -> (Vec<String>, u64) {
    let shown = |line: &str| legible::block(line, LINE).0.replace('\t', "    ");
    let lines: Vec<String> = diff.lines().take(most).map(shown).collect();
    let more = diff.lines().count().saturating_sub(lines.len());
    (lines, more as u64)
}

/// The checks that were really made, where, and what they found.
pub(crate) fn looked(fold: &Fold) -> Vec<(String, String)> {
    let told = |(element, looked): (ElementId, Looked)| {
        let Looked { passed, not_passed, unknown } = looked;
        let all = [(passed, "passed"), (not_passed, "did not pass"), (unknown, "cannot be told")];
        let found = all.into_iter().filter(|(count, _)| *count > 0);
        let found: Vec<String> =
            found.map(|(count, word)| format!("{} {word}", words::grouped(u64::from(count)))).collect();
        let times = passed.saturating_add(not_passed).saturating_add(unknown);
        let place = match (times, element.work().and_then(Work::sequence)) {
            (2.., Some(_)) => any(fold, element),
            _ => legible::line(&fold.layout().address(element), LINE),
        };
        (place, found.join(", "))
    };
    fold.looked().map(told).collect()
}

/// The address of an element, for whichever of the sequences of its block.
pub(crate) fn any(fold: &Fold, element: ElementId) -> String {
    let layout = fold.layout();
    let address = layout.address(element);
    let Some((block, seq)) = element.work().and_then(Work::sequence) else { return address };
    let own = layout.address(ElementId::Sequence { block, seq });
    let rest = address.strip_prefix(&own).unwrap_or_default();
    let any = format!("{}/*{rest}", layout.address(ElementId::Block(block)));
    legible::line(&any, LINE)
}

#[cfg(test)]
mod tests;
