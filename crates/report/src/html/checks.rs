//! Check slots and deferred batches: what they are, how they went, round by round.

use std::io::{self, Write as _};

use windlass_model::element::{ElementId, Level, Slot, Work};

use super::page::{Foreign, Page, class, state};
use super::{details, has_begun};
use crate::clock::{Clock, Stamp};
use crate::fold::Fold;
use crate::words;

/// How many checks or actions of one container are shown.
const SHOWN: u16 = 100;

/// The plan's own checks and its deferred batches.
pub(super) fn of_plan(page: &mut Page<'_>, fold: &Fold, clock: Clock) -> io::Result<()> {
    let layout = fold.layout();
    let has_checks = Slot::ALL.into_iter().any(|slot| !layout.checks.slot(slot).is_empty());
    if has_checks {
        writeln!(page, "<h2>Checks of the plan</h2><div class=\"card\">")?;
        of_level(page, fold, clock, Level::Plan)?;
        writeln!(page, "</div>")?;
    }
    if layout.batches.is_empty() {
        return Ok(());
    }
    writeln!(page, "<h2>Deferred batches</h2><div class=\"card\">")?;
    for (batch, def) in (0_u16..SHOWN).zip(&layout.batches) {
        let element = ElementId::Batch(batch);
        container(page, fold, element, &def.name, "")?;
        let count = u16::try_from(def.actions.len()).unwrap_or(u16::MAX).min(SHOWN);
        let actions = (0..count).map(|action| Work::Deferred { batch, action });
        works(page, fold, clock, actions)?;
        writeln!(page, "</div></details>")?;
    }
    writeln!(page, "</div>")
}

/// The slots of one level that have checks.
pub(super) fn of_level(page: &mut Page<'_>, fold: &Fold, clock: Clock, level: Level) -> io::Result<()> {
    let Some(checks) = fold.layout().checks(level) else { return Ok(()) };
    let slots = || Slot::ALL.into_iter().filter(|slot| !checks.slot(*slot).is_empty());
    if matches!(level, Level::Block(_)) && slots().next().is_some() {
        writeln!(page, "<h3>Checks</h3>")?;
    }
    for slot in slots() {
        let element = ElementId::Slot { level, slot };
        let rounds = rounds(fold, clock, element);
        container(page, fold, element, slot.key(), &rounds)?;
        let count = u16::try_from(checks.slot(slot).len()).unwrap_or(u16::MAX).min(SHOWN);
        let checks = (0..count).map(|index| Work::Check { level, slot, index });
        works(page, fold, clock, checks)?;
        writeln!(page, "</div></details>")?;
    }
    Ok(())
}

fn container(page: &mut Page<'_>, fold: &Fold, element: ElementId, name: &str, say: &str) -> io::Result<()> {
    let view = fold.element(element);
    let class = class(&view);
    write!(page, "<details class=\"row t-{class}\"><summary><span class=\"name\">{}</span>", Foreign(name))?;
    let word = match view.skip {
        Some(_) => state(&view),
        None => words::status(view.status).to_owned(),
    };
    write!(page, "<span class=\"tag\">{word}</span><span></span>")?;
    writeln!(page, "<span class=\"faint small\">{say}</span></summary><div class=\"in\">")
}

fn works(
    page: &mut Page<'_>,
    fold: &Fold,
    clock: Clock,
    works: impl Iterator<Item = Work>,
) -> io::Result<()> {
    let mut any = false;
    for element in works.map(ElementId::Work).filter(|element| has_begun(fold, *element)) {
        details::action(page, fold, clock, element, &fold.element(element))?;
        any = true;
    }
    if any { Ok(()) } else { writeln!(page, "<p class=\"small faint\">Nothing of it was begun.</p>") }
}

fn rounds(fold: &Fold, clock: Clock, element: ElementId) -> String {
    let view = fold.element(element);
    let Some(details) = view.details() else { return String::new() };
    let count = details.rounds.count();
    match details.last_failed {
        _ if count == 0 => String::new(),
        None => format!("{}, all passed", words::count(count, "round")),
        Some(round) => {
            let at = Stamp(clock, round.ended_at.unwrap_or(round.began_at));
            format!("{}, round {} failed at {at}", words::count(count, "round"), round.n)
        }
    }
}
