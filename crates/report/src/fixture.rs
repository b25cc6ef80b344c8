//! Runs for tests: a plan with something of everything, and logs made by hand.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use windlass_model::element::{ElementId, Level, Slot, Work};
use windlass_model::event::{AttemptEnd, Author, Command, Event, Phase, Wait, What};
use windlass_model::fact::Catalog;
use windlass_model::id::{GroupId, RunId};
use windlass_model::layout::Layout;
use windlass_model::outcome::{Failure, Outcome, Reason, ReasonKind, RunStatus};
use windlass_model::payload::Payload;
use windlass_model::plan::Plan;
use windlass_model::submission::{Digest, Submission};
use windlass_model::target::Frozen;
use windlass_model::time::Time;

use crate::fold::Fold;

/// A log that numbers and times its events: one millisecond apart unless told otherwise.
pub(crate) struct Log {
    pub(crate) events: Vec<Event>,
    pub(crate) now: Time,
}

/// 2026-11-20T13:00:00Z.
pub(crate) const START: Time = Time(1_795_179_600_000_000);

impl Log {
    pub(crate) fn new() -> Self {
        Self { events: Vec::new(), now: START }
    }

    pub(crate) fn push(&mut self, what: What) -> &mut Self {
        let seq = self.events.len() as u64 + 1;
        self.events.push(Event { seq, at: self.now, what });
        self.now = Time(self.now.0 + 1_000);
        self
    }

    pub(crate) fn wait(&mut self, millis: u64) -> &mut Self {
        self.now = Time(self.now.0 + millis * 1_000);
        self
    }

    pub(crate) fn phase(&mut self, level: Level, phase: Phase) -> &mut Self {
        self.push(What::Phase { level, phase })
    }

    pub(crate) fn began(&mut self, element: ElementId) -> &mut Self {
        self.push(What::Began(element))
    }

    pub(crate) fn ended(&mut self, element: ElementId, outcome: Outcome) -> &mut Self {
        self.push(What::Ended { element, outcome })
    }

    /// An action with one attempt that goes well.
    pub(crate) fn good(&mut self, work: Work, millis: u64, changed: bool) -> &mut Self {
        let element = ElementId::Work(work);
        let response = Some(Payload::of(&json!({"stdout": "done\n", "code": 0})));
        self.push(What::ActionBegan { element, request: None })
            .push(What::AttemptBegan { element, n: 1 })
            .wait(millis)
            .push(What::AttemptEnded { element, n: 1, end: AttemptEnd { response, changed, failure: None } })
            .push(What::ActionEnded {
                element,
                outcome: Outcome::Succeeded { changed },
                failure: None,
                saves: vec![],
            })
    }

    /// An action with so many attempts, all of which fail.
    pub(crate) fn bad(&mut self, work: Work, attempts: u32, failure: &Failure) -> &mut Self {
        let element = ElementId::Work(work);
        let request = Some(Payload::of(&json!({"script": "patch 1.4"})));
        self.push(What::ActionBegan { element, request });
        for n in 1..=attempts {
            self.push(What::AttemptBegan { element, n }).wait(700).push(What::AttemptEnded {
                element,
                n,
                end: AttemptEnd::failed(failure.clone()),
            });
            if n < attempts {
                let until = Time(self.now.0 + 1_000_000);
                self.push(What::Waiting { element, wait: Wait::Backoff, until }).wait(1_000);
            }
        }
        let (outcome, failure) = (Outcome::Failed, Some(failure.clone()));
        self.push(What::ActionEnded { element, outcome, failure, saves: vec![] })
    }

    /// One round of a check slot with a single check.
    pub(crate) fn round(&mut self, level: Level, slot: Slot, n: u32, passed: bool) -> &mut Self {
        let element = ElementId::Slot { level, slot };
        let check = Work::Check { level, slot, index: 0 };
        self.push(What::RoundBegan { element, n });
        if passed {
            self.good(check, 20, false);
        } else {
            self.bad(check, 1, &Failure::new("status", "answered 503"));
        }
        self.push(What::RoundEnded { element, n, passed })
    }

    pub(crate) fn fold(&self, layout: &Arc<Layout>) -> Fold {
        let mut fold = Fold::new(layout.clone());
        for event in &self.events {
            fold.apply(event).unwrap();
        }
        fold
    }
}

/// Compiles a plan over these targets of its first block.
pub(crate) fn layout(plan: serde_json::Value, targets: impl IntoIterator<Item = String>) -> Arc<Layout> {
    Arc::new(Layout::new(Arc::new(submission(plan, targets)), &Catalog::default()))
}

pub(crate) fn submission(plan: serde_json::Value, targets: impl IntoIterator<Item = String>) -> Submission {
    let plan: Plan = serde_json::from_value(plan).unwrap();
    Submission {
        run: RunId(Uuid::from_u128(0x0193_4a5b_7c8d_7000_8000_0000_0000_0001)),
        group: GroupId(Uuid::from_u128(0x0193_4a5b_7c8d_7000_8000_0000_0000_0002)),
        retry_of: None,
        plan: Arc::new(plan),
        step_set: "default".into(),
        params: windlass_model::Map::new(),
        targets: vec![targets.into_iter().collect::<Frozen>()],
        others: Frozen::default(),
        seed: 7,
        user: "ada".into(),
        at: START,
        done: vec![],
        done_blocks: vec![],
        carried: Default::default(),
        noop: false,
        late: Default::default(),
        secrets_file: None,
    }
}

/// A plan with something of everything.
pub(crate) fn rolling_patch() -> serde_json::Value {
    json!({
        "apiVersion": "windlass.dev/v1", "kind": "Plan",
        "metadata": {"name": "rolling-patch", "description": "Patch the web tier, one batch after the other."},
        "spec": {
            "checks": {
                "pre": [{"name": "change-open", "use": "http.check"}],
                "continuous": [{"name": "error-rate", "use": "command.check"}],
                "deferred": [{"name": "tidy", "use": "command.check"}],
            },
            "blocks": [
                {
                    "name": "patch", "targets": {"nodes": ["web01"]}, "concurrency": 2, "batches": [1, 2],
                    "soak": "2m", "failures": {"max": 1, "strict": true}, "onFailure": "undo",
                    "checks": {"post": [{"name": "smoke", "use": "http.check"}]},
                    "sequence": [
                        {"name": "drain", "use": "command", "undo": {"use": "command"}},
                        {"name": "patch", "use": "shell", "verify": [{"name": "version", "use": "command.check"}]},
                    ],
                },
                {"name": "verify", "sequences": [
                    {"name": "probe", "actions": [{"name": "get", "use": "http"}]},
                ]},
            ],
            "deferred": [{"name": "tell", "actions": [{"name": "mail", "use": "http"}]}],
        },
    })
}

pub(crate) fn web(count: u32) -> impl Iterator<Item = String> {
    (1..=count).map(|n| format!("web{n:02}"))
}

pub(crate) fn action(block: u32, seq: u32, action: u16) -> Work {
    Work::Action { block, seq, action }
}

pub(crate) fn sequence(seq: u32) -> ElementId {
    ElementId::Sequence { block: 0, seq }
}

/// The beginning that every log has.
pub(crate) fn submitted() -> Log {
    let mut log = Log::new();
    log.push(What::Submitted { user: "ada".into(), digest: Digest([7; 32]), targets: 5, seed: 7 });
    log
}

/// A run of [`rolling_patch`] over five targets that crosses its limit in the second batch.
pub(crate) fn failed_run() -> Log {
    let plan = Level::Plan;
    let block = Level::Block(0);
    let mut log = submitted();
    let until = Time(START.0 + 3_600_000_000);
    log.push(What::ApprovalAwaited { quorum: 1, until })
        .wait(90_000)
        .push(What::Approved { by: Author { user: "grace".into(), why: "CHG-1042".into() } })
        .push(What::Started { by: Author::new("ada") })
        .phase(plan, Phase::Gate);
    for slot in [Slot::Pre, Slot::Continuous] {
        log.began(ElementId::Slot { level: plan, slot }).round(plan, slot, 1, true);
    }
    log.ended(ElementId::Slot { level: plan, slot: Slot::Pre }, Outcome::UNCHANGED)
        .phase(plan, Phase::Work)
        .began(ElementId::Block(0))
        .phase(block, Phase::Work)
        .push(What::BatchBegan { block: 0, n: 1, size: 1, canary: vec![] })
        .began(sequence(0))
        .good(action(0, 0, 0), 1_500, true)
        .good(action(0, 0, 1), 42_000, true)
        .ended(sequence(0), Outcome::CHANGED);
    let until = Time(log.now.0 + 120_000_000);
    log.push(What::Waiting { element: ElementId::Block(0), wait: Wait::Soak, until })
        .wait(60_000)
        .round(plan, Slot::Continuous, 2, true)
        .push(What::Commanded {
            command: Command::Pause,
            by: Author { user: "ada".into(), why: "looking at the graphs".into() },
        })
        .wait(45_000)
        .push(What::Commanded { command: Command::Resume, by: Author::new("ada") })
        .wait(20_000)
        .push(What::BatchBegan { block: 0, n: 2, size: 2, canary: vec![] })
        .began(sequence(1))
        .began(sequence(2))
        .good(action(0, 1, 0), 1_200, true)
        .good(action(0, 2, 0), 300, false);
    let mut failure = Failure::new("exit", "the command ended with status 100");
    failure.causes = vec!["E: Unable to locate package nginx=1.4".into()];
    log.bad(action(0, 1, 1), 3, &failure)
        .ended(sequence(1), Outcome::Failed)
        .push(What::Recovered { by: "host-a/4711".into() })
        .bad(action(0, 2, 1), 1, &Failure::permanent("exit", "no space left on device"))
        .ended(sequence(2), Outcome::Failed)
        .push(What::Caused(Reason {
            kind: ReasonKind::Action,
            element: action(0, 2, 1).into(),
            message: "no space left on device".into(),
        }))
        .phase(block, Phase::Undo)
        .good(Work::Undo { block: 0, seq: 1, action: 0 }, 800, true)
        .ended(ElementId::Block(0), Outcome::Failed)
        .phase(plan, Phase::DeferredBatches)
        .began(ElementId::Batch(0))
        .bad(Work::Deferred { batch: 0, action: 0 }, 1, &Failure::new("refused", "the mail server refused"))
        .ended(ElementId::Batch(0), Outcome::Failed)
        .push(What::Finished { status: RunStatus::Failed });
    log
}
