//! One block: how it ended, its limits, its story, a strip of its targets, and their details.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use windlass_model::element::{ElementId, Level};
use windlass_model::outcome::Status;

use super::page::{Foreign, Page, Plain, class};
use super::{checks, details, has_begun, moments, strip};
use crate::clock::Clock;
use crate::fold::Fold;
use crate::view::ElementView;
use crate::{story, summary, words};

/// Where in the file the details of an element's target stand.
pub(super) fn anchor(element: ElementId) -> Option<String> {
    let (block, seq) = match element {
        ElementId::Sequence { block, seq } => (block, seq),
        _ => element.work()?.sequence()?,
    };
    Some(format!("t{block}-{seq}"))
}

pub(super) fn write(
    page: &mut Page<'_>,
    fold: &Fold,
    clock: Clock,
    index: u32,
    budget: &mut usize,
) -> io::Result<()> {
    let element = ElementId::Block(index);
    let view = fold.element(element);
    let address = fold.layout().address(element);
    let (class, standing) = (class(&view), summary::standing(fold, &view));
    writeln!(page, "<h2>{} <span class=\"tag t-{class}\">{standing}</span></h2>", Foreign(&address))?;
    if !page.has_room() {
        return writeln!(page, "<p class=\"faint\">Left out: this report has reached its size.</p>");
    }
    writeln!(page, "<div class=\"card\">")?;
    if let Some(block) = fold.blocks().get(index as usize) {
        writeln!(page, "<p>{}</p>", Plain(&summary::counts(block)))?;
    }
    writeln!(page, "<p class=\"small faint\">{}</p>", Plain(&summary::limits(fold, index)))?;
    strip::of_block(page, fold, index)?;
    if has_begun(fold, element) {
        writeln!(page, "<h3>Its course</h3>")?;
        moments(page, &story::of_block(fold, index), clock)?;
        checks::of_level(page, fold, clock, Level::Block(index))?;
        targets(page, fold, clock, index, budget)?;
    }
    writeln!(page, "</div>")
}

/// The details of those targets that matter most: what failed or goes on, what changed, the rest.
fn targets(page: &mut Page<'_>, fold: &Fold, clock: Clock, index: u32, budget: &mut usize) -> io::Result<()> {
    let (chosen, begun) = choose(fold, index, *budget);
    if begun == 0 {
        return Ok(());
    }
    writeln!(page, "<h3>Sequences</h3>")?;
    let cause = fold.run().reason.as_ref().and_then(|reason| anchor(reason.element));
    let mut shown = 0_usize;
    for (_, seq) in &chosen {
        if !page.has_room() {
            break;
        }
        let anchor = anchor(ElementId::Sequence { block: index, seq: *seq });
        let open = if anchor == cause { " open" } else { "" };
        details::sequence(page, fold, clock, (index, *seq), open)?;
        shown = shown.saturating_add(1);
    }
    *budget = budget.saturating_sub(shown);
    let left_out = begun.saturating_sub(shown) as u64;
    if left_out > 0 {
        let left_out = words::count(left_out, "more sequence");
        let hint = "<code>windlass runs show --output json</code>";
        writeln!(
            page,
            "<p class=\"small faint\">{left_out} left out to keep this file small; see {hint}</p>"
        )?;
    }
    Ok(())
}

/// The chosen ones by rank and position, and how many have begun in all.
fn choose(fold: &Fold, index: u32, most: usize) -> (Vec<(u8, u32)>, usize) {
    let total = fold.layout().block(index).map_or(0, |block| block.sequences.len());
    let mut ranks: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
    let mut begun = 0_usize;
    for seq in 0..total {
        let Some(view) = fold.begun(ElementId::Sequence { block: index, seq }) else { continue };
        begun = begun.saturating_add(1);
        let rank = ranks.entry(rank(&view)).or_default();
        if rank.len() < most {
            rank.push(seq);
        }
    }
    let all = ranks.into_iter().flat_map(|(rank, seqs)| seqs.into_iter().map(move |seq| (rank, seq)));
    (all.take(most).collect(), begun)
}

fn rank(view: &ElementView) -> u8 {
    match view.status {
        Status::Failed => 0,
        Status::Running | Status::Stopped => 1,
        Status::Succeeded if view.changed => 2,
        _ => 3,
    }
}
