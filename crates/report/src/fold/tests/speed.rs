//! How long a long log takes. Printed, not judged: this machine may be busy.

use std::io;
use std::time::Instant;

use windlass_model::element::{ElementId, Work};
use windlass_model::event::{AttemptEnd, Event, What};
use windlass_model::outcome::Outcome;
use windlass_model::time::Time;

use crate::fixture::{layout, rolling_patch};
use crate::fold::Fold;
use crate::{JsonOptions, write_json};

/// Ten events per target.
const TARGETS: u32 = 20_000;

/// What one target's sequence of two actions leaves in the log.
fn sequence(seq: u32) -> impl Iterator<Item = What> {
    let sequence = ElementId::Sequence { block: 0, seq };
    let actions = (0..2).flat_map(move |action| {
        let element = ElementId::Work(Work::Action { block: 0, seq, action });
        [
            What::ActionBegan { element, request: None },
            What::AttemptBegan { element, n: 1 },
            What::AttemptEnded { element, n: 1, end: AttemptEnd::GOOD },
            What::ActionEnded { element, outcome: Outcome::CHANGED, failure: None, saves: vec![] },
        ]
    });
    let end = What::Ended { element: sequence, outcome: Outcome::CHANGED };
    [What::Began(sequence)].into_iter().chain(actions).chain([end])
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that measures needs a clock")]
fn a_long_log_folds_quickly() {
    let layout = layout(rolling_patch(), (0..TARGETS).map(|n| format!("n{n:07}")));
    let whats = (0..TARGETS).flat_map(sequence);
    let events: Vec<_> = (1..).zip(whats).map(|(seq, what)| Event { seq, at: Time(seq), what }).collect();
    let begin = Instant::now();
    let mut fold = Fold::new(layout);
    for event in &events {
        fold.apply(event).unwrap();
    }
    println!("{} events folded in {:?}", events.len(), begin.elapsed());
    assert_eq!(fold.blocks()[0].succeeded, TARGETS);
    let begin = Instant::now();
    write_json(&fold, &JsonOptions::default(), &mut io::sink()).unwrap();
    println!("{} elements written in {:?}", fold.elements().count(), begin.elapsed());
}
