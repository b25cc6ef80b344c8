//! What a noop foresaw: alike ones together, with their diffs.

use std::io::{self, Write as _};

use windlass_model::foresight::{Foreseen, Would};

use super::page::{Foreign, Page, escape};
use crate::fold::Fold;
use crate::noop::{self, Sign};
use crate::words;

/// How many lines of a diff are shown.
const DIFF_LINES: usize = 400;

/// A section over everything that would be changed, cannot be told, or is as it should be.
pub(super) fn write(page: &mut Page<'_>, fold: &Fold) -> io::Result<()> {
    if !fold.is_noop() {
        return Ok(());
    }
    writeln!(page, "<h2>What a run would do</h2><div class=\"card\">")?;
    writeln!(
        page,
        "<p class=\"small faint\">Nothing was changed. Checks were really made; no lock was taken, and no delay \
         waited for.</p>"
    )?;
    for would in noop::ORDER {
        let all = noop::of(fold, would);
        if all.is_empty() {
            continue;
        }
        writeln!(page, "<h3>{}</h3>", noop::title(would))?;
        for alike in all.iter().take(noop::LISTED) {
            let open = if would == Would::Change { " open" } else { "" };
            let place = noop::place(fold, alike);
            if alike.foreseen.diff.is_none() || !page.has_room() {
                write!(page, "<p class=\"small\"><b>{}</b>", Foreign(&place))?;
                if let Some(why) = noop::why(alike) {
                    write!(page, ": <span class=\"faint\">{}</span>", Foreign(why))?;
                }
                writeln!(page, "</p>")?;
                continue;
            }
            writeln!(page, "<details class=\"fold\"{open}><summary><b>{}</b></summary>", Foreign(&place))?;
            foreseen(page, &alike.foreseen)?;
            writeln!(page, "</details>")?;
        }
        if let Some(more) = all.len().checked_sub(noop::LISTED).filter(|more| *more > 0) {
            writeln!(page, "<p class=\"small faint\">and {} more</p>", words::grouped(more as u64))?;
        }
    }
    let looked = noop::looked(fold);
    if !looked.is_empty() {
        writeln!(page, "<h3>Checks that were really made</h3>")?;
        for (place, found) in looked.iter().take(noop::LISTED) {
            writeln!(
                page,
                "<p class=\"small\"><b>{}</b> <span class=\"faint\">{found}</span></p>",
                Foreign(place)
            )?;
        }
    }
    writeln!(page, "</div>")
}

/// Why, and what would be another.
pub(super) fn foreseen(page: &mut Page<'_>, foreseen: &Foreseen) -> io::Result<()> {
    if let Some(why) = &foreseen.why {
        writeln!(page, "<p class=\"small faint\">{}</p>", Foreign(why))?;
    }
    let Some(diff) = foreseen.diff.as_deref().filter(|_| page.has_room()) else { return Ok(()) };
    let (lines, more) = noop::lines(diff, DIFF_LINES);
    write!(page, "<pre class=\"diff\">")?;
    for line in &lines {
        let tag = match Sign::of(line) {
            Sign::Added => "ins",
            Sign::Removed => "del",
            Sign::Other => "span",
        };
        let mut text = String::new();
        // Writing into memory cannot fail.
        let _ = escape(line, &mut text);
        writeln!(page, "<{tag}>{text}</{tag}>")?;
    }
    if more > 0 {
        writeln!(page, "… {} more", words::count(more, "line"))?;
    }
    writeln!(page, "</pre>")
}
