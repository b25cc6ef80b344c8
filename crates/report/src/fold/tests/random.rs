//! Logs that make no sense: views of them need not either, but nothing may panic.

use proptest::prelude::*;
use windlass_model::element::{ElementId, Level, Side, Slot, Work};
use windlass_model::event::{AttemptEnd, Author, Command, Event, Phase, Verdict, Wait, What};
use windlass_model::outcome::{Failure, Outcome, Reason, ReasonKind, RunStatus, Skip};
use windlass_model::payload::Payload;
use windlass_model::submission::Digest;
use windlass_model::time::Time;

use crate::fixture::{layout, rolling_patch, web};
use crate::fold::Fold;
use crate::{Clock, HtmlOptions, JsonOptions, TextOptions, event_json, write_html, write_json, write_text};

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Plan), (0..4_u32).prop_map(Level::Block)]
}

fn slot() -> impl Strategy<Value = Slot> {
    proptest::sample::select(Slot::ALL.to_vec())
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![
        (0..4_u32, 0..9_u32, 0..4_u16).prop_map(|(block, seq, action)| Work::Action { block, seq, action }),
        (0..4_u32, 0..9_u32, 0..4_u16).prop_map(|(block, seq, action)| Work::Undo { block, seq, action }),
        (level(), slot(), 0..3_u16).prop_map(|(level, slot, index)| Work::Check { level, slot, index }),
        (0..3_u16, 0..3_u16).prop_map(|(batch, action)| Work::Deferred { batch, action }),
    ]
}

fn element() -> impl Strategy<Value = ElementId> {
    prop_oneof![
        Just(ElementId::Run),
        (0..4_u32).prop_map(ElementId::Block),
        (0..4_u32, 0..9_u32).prop_map(|(block, seq)| ElementId::Sequence { block, seq }),
        (level(), slot()).prop_map(|(level, slot)| ElementId::Slot { level, slot }),
        (0..3_u16).prop_map(ElementId::Batch),
        work().prop_map(ElementId::Work),
        (work(), any::<bool>(), 0..3_u16).prop_map(|(of, after, index)| {
            ElementId::Verify { of, side: if after { Side::After } else { Side::Before }, index }
        }),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::{Failed, Skipped, Stopped, Succeeded};
    proptest::sample::select(vec![
        Succeeded { changed: true },
        Succeeded { changed: false },
        Failed,
        Stopped,
        Skipped(Skip::Bypassed),
        Skipped(Skip::Condition),
        Skipped(Skip::Verified),
        Skipped(Skip::DoneBefore),
    ])
}

fn failure() -> impl Strategy<Value = Failure> {
    (".*", ".*", any::<bool>()).prop_map(|(code, message, permanent)| Failure {
        causes: vec![code.clone()],
        code,
        message,
        permanent,
    })
}

fn author() -> impl Strategy<Value = Author> {
    (".*", ".*").prop_map(|(user, why)| Author { user, why })
}

fn what() -> impl Strategy<Value = What> {
    let end = (proptest::option::of(failure()), any::<bool>()).prop_map(|(failure, changed)| AttemptEnd {
        response: Some(Payload::of(&"<b>".into())),
        changed,
        failure,
    });
    let wait =
        proptest::sample::select(vec![Wait::Entrance, Wait::Exit, Wait::Soak, Wait::Backoff, Wait::Round]);
    let command = proptest::sample::select(vec![
        Command::Pause,
        Command::Resume,
        Command::Stop,
        Command::Cancel,
        Command::Kill,
    ]);
    let few = 0..4_u32;
    prop_oneof![
        Just(What::Submitted { user: "ada".into(), digest: Digest([0; 32]), targets: 1, seed: u64::MAX }),
        (few.clone(), any::<u64>())
            .prop_map(|(quorum, until)| What::ApprovalAwaited { quorum, until: Time(until) }),
        author().prop_map(|by| What::Approved { by }),
        author().prop_map(|by| What::Rejected { by }),
        author().prop_map(|by| What::Started { by }),
        level().prop_map(|level| What::Phase { level, phase: Phase::Work }),
        element().prop_map(What::Began),
        (element(), outcome()).prop_map(|(element, outcome)| What::Ended { element, outcome }),
        (element(), few.clone()).prop_map(|(element, n)| What::RoundBegan { element, n }),
        (element(), few.clone(), any::<bool>()).prop_map(|(element, n, passed)| What::RoundEnded {
            element,
            n,
            passed
        }),
        (few.clone(), few.clone(), any::<u32>(), proptest::collection::vec(0..9_u32, 0..3))
            .prop_map(|(block, n, size, canary)| What::BatchBegan { block, n, size, canary }),
        element().prop_map(|element| What::ActionBegan { element, request: None }),
        (element(), few.clone()).prop_map(|(element, n)| What::AttemptBegan { element, n }),
        (element(), few, end).prop_map(|(element, n, end)| What::AttemptEnded { element, n, end }),
        (element(), outcome(), proptest::option::of(failure())).prop_map(|(element, outcome, failure)| {
            What::ActionEnded { element, outcome, failure, saves: vec![] }
        }),
        (element(), wait, any::<u64>()).prop_map(|(element, wait, until)| What::Waiting {
            element,
            wait,
            until: Time(until)
        }),
        (element(), ".*").prop_map(|(element, lock)| What::LockAwaited {
            element,
            holder: lock.clone(),
            lock
        }),
        (element(), failure()).prop_map(|(element, failure)| What::Asked { element, failure }),
        (element(), author()).prop_map(|(element, by)| What::Resolved {
            element,
            verdict: Verdict::Again,
            by
        }),
        (command, author()).prop_map(|(command, by)| What::Commanded { command, by }),
        (element(), ".*").prop_map(|(element, message)| {
            What::Caused(Reason { kind: ReasonKind::Action, element, message })
        }),
        ".*".prop_map(|by| What::Recovered { by }),
        Just(What::Finished { status: RunStatus::Stopped }),
    ]
}

fn folded(mut fold: Fold, whats: Vec<(u64, What)>) -> Fold {
    let layout = fold.layout().clone();
    for (seq, (at, what)) in (1..).zip(whats) {
        let event = Event { seq, at: Time(at), what };
        assert!(event_json(&event, &layout, Clock::Virtual).is_object());
        fold.apply(&event).unwrap();
    }
    fold
}

proptest! {
    #[test]
    fn any_log_folds_and_is_written(whats in proptest::collection::vec((any::<u64>(), what()), 0..120)) {
        let layout = layout(rolling_patch(), web(5));
        let fold = folded(Fold::new(layout.clone()), whats.clone());
        let packed = folded(Fold::detailed(layout, 0), whats);
        let mut bytes = Vec::new();
        write_json(&fold, &JsonOptions::default(), &mut bytes).unwrap();
        let mut same = Vec::new();
        write_json(&packed, &JsonOptions::default(), &mut same).unwrap();
        prop_assert!(bytes == same);
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(document["elements"].as_array().unwrap().len(), fold.elements().count());
        let mut page = Vec::new();
        write_text(&fold, &TextOptions::default(), &mut page).unwrap();
        write_html(&fold, &HtmlOptions::default(), &mut page).unwrap();
        prop_assert!(String::from_utf8(page).is_ok());
        for block in fold.blocks() {
            prop_assert!(block.active <= block.peak_active && block.not_started <= block.total);
        }
    }
}
