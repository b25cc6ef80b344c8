//! The fold of what a noop foresaw: alike ones are kept once, however many targets they are of.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::element::{ElementId, Work};
use windlass_model::foresight::{Foreseen, Would};
use windlass_model::layout::{Layout, Sequences};
use windlass_model::outcome::Outcome;

use super::Fold;
use crate::view::{ForeseenAlike, Looked, WouldCounts};

/// How many sequences of alike ones are named.
const NAMED: usize = 200;

/// What a noop foresaw.
#[derive(Debug, Default)]
pub(crate) struct Foresights {
    alike: Vec<ForeseenAlike>,
    /// Where those of a place that foresaw the same stand.
    index: BTreeMap<(ElementId, Arc<Foreseen>), usize>,
    looked: BTreeMap<ElementId, (ElementId, Looked)>,
}

// === impl Foresights ===

impl Foresights {
    pub(super) fn alike(&self) -> &[ForeseenAlike] {
        &self.alike
    }

    pub(super) fn looked(&self) -> impl Iterator<Item = (ElementId, Looked)> {
        self.looked.values().copied()
    }

    /// The same as an earlier one of the place, if there was one; else this one.
    fn kept(&mut self, place: ElementId, element: ElementId, foreseen: &Foreseen) -> Arc<Foreseen> {
        let foreseen = Arc::new(foreseen.clone());
        let alike = &mut self.alike;
        let at = *self.index.entry((place, Arc::clone(&foreseen))).or_insert_with(|| {
            alike.push(ForeseenAlike {
                first: element,
                foreseen: Arc::clone(&foreseen),
                count: 0,
                sequences: Vec::new(),
            });
            alike.len().saturating_sub(1)
        });
        self.alike.get(at).map_or(foreseen, |alike| Arc::clone(&alike.foreseen))
    }

    fn count(&mut self, place: ElementId, element: ElementId, foreseen: &Arc<Foreseen>) {
        let Some(at) = self.index.get(&(place, Arc::clone(foreseen))) else { return };
        let Some(alike) = self.alike.get_mut(*at) else { return };
        if alike.count == 0 {
            alike.first = element;
        }
        alike.count = alike.count.saturating_add(1);
        if let Some((_, seq)) = element.work().and_then(Work::sequence)
            && alike.sequences.len() < NAMED
        {
            alike.sequences.push(seq);
        }
    }

    fn look(&mut self, place: ElementId, element: ElementId, outcome: Outcome) {
        let (_, looked) = self.looked.entry(place).or_insert((element, Looked::default()));
        let count = match outcome {
            Outcome::Succeeded { .. } => &mut looked.passed,
            Outcome::Failed => &mut looked.not_passed,
            Outcome::Foreseen(_) => &mut looked.unknown,
            Outcome::Skipped(_) | Outcome::Stopped => return,
        };
        *count = count.saturating_add(1);
    }
}

impl Fold {
    /// What an element would have done. It counts when the element has ended with it.
    pub(super) fn foreseen_of(&mut self, element: ElementId, foreseen: &Foreseen) {
        let place = place(self.layout.layout(), element);
        let kept = self.foresights.kept(place, element, foreseen);
        self.elements.entry(element).or_default().foreseen = Some(kept);
    }

    /// An action, check or undo of a noop has ended.
    pub(super) fn foresee(&mut self, element: ElementId, outcome: Outcome) {
        let place = place(self.layout.layout(), element);
        let foreseen = self.begun(element).and_then(|view| view.foreseen.clone());
        match (outcome, foreseen) {
            (Outcome::Foreseen(_), Some(foreseen)) if !is_check(element) => {
                self.foresights.count(place, element, &foreseen);
            }
            _ if is_check(element) => self.foresights.look(place, element, outcome),
            _ => {}
        }
    }
}

fn is_check(element: ElementId) -> bool {
    matches!(element, ElementId::Verify { .. } | ElementId::Work(Work::Check { .. }))
}

/// The first of all elements that come from the same text of the plan.
fn place(layout: &Layout, element: ElementId) -> ElementId {
    let is_template =
        |block| layout.block(block).is_some_and(|def| matches!(def.sequences, Sequences::Template { .. }));
    let first = |work: Work| match work {
        Work::Action { block, action, .. } if is_template(block) => Work::Action { block, seq: 0, action },
        Work::Undo { block, action, .. } if is_template(block) => Work::Undo { block, seq: 0, action },
        other => other,
    };
    match element {
        ElementId::Work(work) => first(work).into(),
        ElementId::Verify { of, side, index } => ElementId::Verify { of: first(of), side, index },
        other => other,
    }
}

// === impl WouldCounts ===

impl WouldCounts {
    /// The count of those that would have done this.
    pub(crate) fn of(&mut self, would: Would) -> &mut u32 {
        match would {
            Would::Change => &mut self.change,
            Would::Nothing => &mut self.nothing,
            Would::Unknown => &mut self.unknown,
        }
    }
}
