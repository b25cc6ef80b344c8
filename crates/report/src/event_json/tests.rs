//! One line of each kind of event.

use serde_json::{Value, json};
use windlass_model::element::{ElementId, Level, Slot};
use windlass_model::event::{
    AttemptEnd, Author, CancelCause, Command, Event, Phase, Severity, Verdict, Wait, What,
};
use windlass_model::outcome::{Failure, Outcome, Reason, ReasonKind, RunStatus, Skip};
use windlass_model::payload::Payload;
use windlass_model::submission::Digest;
use windlass_model::time::Time;

use super::event_json;
use crate::Clock;
use crate::fixture::{START, action, layout, rolling_patch, sequence, web};

fn one_of_each() -> Vec<What> {
    let by = || Author { user: "grace".into(), why: "CHG-1042".into() };
    let slot = ElementId::Slot { level: Level::Plan, slot: Slot::Continuous };
    let element = ElementId::Work(action(0, 1, 1));
    let until = Time(START.0 + 60_000_000);
    let mut failure = Failure::permanent("exit", "status 100");
    failure.causes = vec!["no such package".into()];
    let response = Some(Payload::of(&json!({"code": 100})));
    let request = Some(Payload::of(&json!({"script": "patch 1.4"})));
    let saves = vec![("kernel".to_owned(), Payload::of(&json!("6.12")))];
    vec![
        What::Submitted { user: "ada".into(), digest: Digest([7; 32]), targets: 5, seed: 7 },
        What::ApprovalAwaited { quorum: 2, until },
        What::Approved { by: by() },
        What::Rejected { by: by() },
        What::Started { by: Author::new("ada") },
        What::Phase { level: Level::Block(0), phase: Phase::Gate },
        What::Began(ElementId::Block(0)),
        What::Ended { element: ElementId::Block(1), outcome: Outcome::Skipped(Skip::Bypassed) },
        What::RoundBegan { element: slot, n: 3 },
        What::RoundEnded { element: slot, n: 3, passed: true },
        What::BatchBegan { block: 0, n: 1, size: 2, canary: vec![1, 3] },
        What::ActionBegan { element, request },
        What::AttemptBegan { element, n: 1 },
        What::AttemptEnded {
            element,
            n: 1,
            end: AttemptEnd { response, changed: true, failure: Some(failure.clone()) },
        },
        What::ActionEnded { element, outcome: Outcome::CHANGED, failure: None, saves },
        What::Waiting { element, wait: Wait::Backoff, until },
        What::LockAwaited { element: sequence(1), lock: "web02".into(), holder: "another run".into() },
        What::Cancelled { element, n: 1, how: Severity::Term, why: CancelCause::Timeout },
        What::Asked { element, failure },
        What::Resolved { element, verdict: Verdict::Again, by: by() },
        What::Commanded { command: Command::Cancel, by: by() },
        What::Caused(Reason { kind: ReasonKind::Action, element, message: "status 100".into() }),
        What::Recovered { by: "host-a/4711".into() },
        What::Heartbeat,
        What::Finished { status: RunStatus::Failed },
    ]
}

fn lines(clock: Clock) -> Vec<Value> {
    let layout = layout(rolling_patch(), web(5));
    let at = match clock {
        Clock::Wall => START,
        Clock::Virtual => Time(1_500_000),
    };
    let events = (1..).zip(one_of_each());
    events.map(|(seq, what)| event_json(&Event { seq, at, what }, &layout, clock)).collect()
}

#[test]
fn each_kind_is_one_flat_line() {
    let lines: Vec<String> = lines(Clock::Wall).iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_rehearsal_counts_from_zero() {
    assert!(lines(Clock::Virtual).iter().all(|line| line["at"] == 1500));
}
