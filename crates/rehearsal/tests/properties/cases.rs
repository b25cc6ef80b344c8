//! Random plays: plans, faults, people and crashes.

use proptest::prelude::*;
use serde_json::{Value, json};
use windlass_model::event::{Command, Verdict};
use windlass_model::fact::Recovery;
use windlass_model::outcome::Failure;
use windlass_model::time::Time;
use windlass_rehearsal::Told;

use crate::stage::{Scene, scene};

/// A random play.
#[derive(Clone)]
pub(crate) struct Case {
    spec: Value,
    faults: Vec<String>,
    told: Vec<(u64, Told)>,
    crashes: Vec<u64>,
    seed: u64,
    recovery: Recovery,
}

// === impl Case ===

impl Case {
    /// The play, made so that it ends.
    pub(crate) fn scene(&self) -> Scene {
        let scene = scene(self.spec.clone()).seed(self.seed).recovery(self.recovery);
        // Whoever asks twice gets another answer, now and then none.
        let scene = scene.selects(|nodes, nth| match nth {
            6.. if nodes.len() == 4 => Err(Failure::permanent(Failure::SELECTION, "no inventory")),
            nth => Ok(nodes.iter().skip(nth as usize % nodes.len().max(1)).cloned().collect()),
        });
        let mut scene = scene.crash_at(self.crashes.clone());
        for fault in &self.faults {
            scene = scene.fault(fault);
        }
        for (at, what) in &self.told {
            scene = scene.told(Time(at * 1_000_000), what.clone());
        }
        // An undo that keeps failing asks a person again and again; they give up in the end.
        for at in (400..4_000).step_by(50) {
            scene = scene.told(Time(at * 1_000_000), Told::Resolve(Verdict::Failed));
        }
        scene
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { spec, faults, told, crashes, seed, recovery } = self;
        write!(f, "{spec} faults {faults:?} told {told:?} crashes {crashes:?} seed {seed} {recovery:?}")
    }
}

/// A check that gives up soon, so that plays stay short.
fn check(name: &str) -> Value {
    json!({"name": name, "use": "look", "timeout": "8s"})
}

fn slots(level: &'static str) -> impl Strategy<Value = Value> {
    let slot = |odds: u32| {
        prop::collection::vec(Just(()), 0..=2).prop_map(move |checks| {
            let count = if odds == 0 { 0 } else { checks.len() };
            (0..count).map(|n| check(&format!("{level}{n}"))).collect::<Vec<_>>()
        })
    };
    (slot(0), slot(1), slot(1), slot(1), slot(1), 3..30_u64, prop::bool::weighted(0.1)).prop_map(
        |(_, pre, continuous, post, deferred, every, bypass)| {
            let bypass = if bypass { vec![check("skip")] } else { Vec::new() };
            json!({
                "bypass": bypass, "pre": pre, "continuous": continuous, "post": post,
                "deferred": deferred, "every": format!("{every}s"),
            })
        },
    )
}

fn action(n: usize) -> impl Strategy<Value = Value> {
    let when = prop::option::weighted(
        0.15,
        prop_oneof![8 => Just("false"), 8 => Just("true"), 1 => Just("nothing")],
    );
    (0..3_u32, 5..40_u64, prop::option::of(20..90_u64), any::<(bool, bool, bool)>(), 0..3_usize, when)
        .prop_map(move |(retries, timeout, deadline, (undo, verify, after), on, when)| {
            let mut action = json!({
                "name": format!("a{n}"), "use": "work", "retries": retries,
                "timeout": format!("{timeout}s"), "backoff": "seconds",
                "onInterrupt": (["fail", "rerun", "ask"][on]),
            });
            if let Some(deadline) = deadline {
                action["deadline"] = json!(format!("{deadline}s"));
            }
            if let Some(when) = when {
                action["when"] = json!(when);
            }
            if undo {
                action["undo"] = json!({"use": "work", "retries": 1});
            }
            if verify {
                action["verify"] = json!([check("v0"), check("v1")]);
                if after {
                    action["verifyAfter"] = json!(true);
                }
            }
            action
        })
}

fn block(n: usize) -> impl Strategy<Value = Value> {
    let actions = (1..4_usize).prop_flat_map(|count| (0..count).map(action).collect::<Vec<_>>());
    let limits = (
        1..6_u32,
        prop_oneof![
            Just(json!("unlimited")),
            (0..4_u32).prop_map(|n| json!(n)),
            (0..4_u32).prop_map(|n| json!({"max": n, "strict": true})),
            Just(json!("30%"))
        ],
        prop_oneof![
            Just(json!(null)),
            Just(json!("auto")),
            prop::collection::vec(1..4_u32, 1..3).prop_map(|sizes| json!(sizes))
        ],
        prop::option::weighted(0.2, 1..3_u32),
        prop_oneof![Just("stop"), Just("halt"), Just("undo")],
    );
    let waits = (0..10_u64, 0..10_u64, 0..10_u64);
    let lock = prop::option::weighted(
        0.3,
        prop_oneof![3 => Just("none"), 3 => Just("one"), 3 => Just("{{ node.name }}"), 1 => Just("{{ nothing }}")],
    );
    let keys = (prop::option::weighted(0.3, 1..3_u32), lock, prop::bool::weighted(0.3));
    (0..9_u32, actions, limits, waits, slots("c"), keys).prop_map(
        move |(
            targets,
            actions,
            (concurrency, failures, batches, canary, on_failure),
            waits,
            checks,
            (per, lock, late),
        )| {
            let nodes: Vec<Value> = (0..targets)
                .map(|t| json!({"name": format!("t{t}"), "labels": {"rack": format!("r{}", t % 3)}}))
                .collect();
            let mut block = json!({
                "name": format!("b{n}"), "targets": {"nodes": nodes, "allowEmpty": true}, "sequence": actions,
                "concurrency": concurrency, "failures": failures, "batches": batches, "onFailure": on_failure,
                "entranceDelay": format!("{}s", waits.0), "exitDelay": format!("{}s", waits.1),
                "soak": format!("{}s", waits.2), "checks": checks,
            });
            if let Some(canary) = canary {
                block["canary"] = json!(canary);
            }
            if let Some(lock) = lock {
                block["sequence"] = json!({"lock": lock, "actions": block["sequence"].take()});
            }
            if let Some(per) = per {
                block["maxPer"] = json!({"rack": per});
            }
            if late {
                block["resolve"] = json!("late");
            }
            block
        },
    )
}

fn told() -> impl Strategy<Value = (u64, Told)> {
    let what = prop_oneof![
        3 => Just(Told::Command(Command::Pause)),
        3 => Just(Told::Command(Command::Resume)),
        2 => Just(Told::Command(Command::Stop)),
        1 => Just(Told::Command(Command::Cancel)),
        1 => Just(Told::Command(Command::Kill)),
    ];
    (0..90_u64, what)
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let blocks = (1..4_usize).prop_flat_map(|count| (0..count).map(block).collect::<Vec<_>>());
    let deferred = prop::collection::vec(
        (prop_oneof![Just("success"), Just("failure"), Just("always")], any::<bool>()),
        0..3,
    );
    let fault = (
        prop_oneof![
            Just("*"),
            Just("b0/*"),
            Just("*/a0"),
            Just("*checks.*"),
            Just("*!undo"),
            Just("*!verify*"),
            Just("*/t1/*"),
            Just("deferred/*")
        ],
        prop_oneof![Just(""), Just("@1"), Just("%10"), Just("%40"), Just("+10s..30s")],
        prop_oneof![Just("fail"), Just("permanent"), Just("hang"), Just("stubborn"), Just("slow:12s")],
    );
    let faults =
        prop::collection::vec(fault.prop_map(|(at, which, kind)| format!("{at}{which}={kind}")), 0..4);
    let crashes = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(1..400_u64, 1..6)];
    let recovery = prop_oneof![
        Just(Recovery::Idempotent),
        Just(Recovery::Neither),
        Just(Recovery::Verifiable),
        Just(Recovery::Reattachable)
    ];
    (
        blocks,
        deferred,
        slots("p"),
        faults,
        prop::collection::vec(told(), 0..3),
        crashes,
        any::<u64>(),
        recovery,
    )
        .prop_map(|(blocks, deferred, checks, faults, mut told, crashes, seed, recovery)| {
            let deferred: Vec<Value> = deferred
                .into_iter()
                .enumerate()
                .map(|(n, (when, fail))| {
                    json!({"name": format!("d{n}"), "when": when, "failPlan": fail, "actions": [
                        {"name": "x", "use": "work"}, {"name": "y", "use": "work"},
                    ]})
                })
                .collect();
            // Whatever waits for a person is settled late, and a paused run is resumed, so that every play ends.
            for (at, what) in [
                (200, Told::Command(Command::Resume)),
                (210, Told::Resolve(Verdict::Again)),
                (250, Told::Resolve(Verdict::Done)),
                (300, Told::Resolve(Verdict::Failed)),
                (350, Told::Resolve(Verdict::Failed)),
            ] {
                told.push((at, what));
            }
            let spec = json!({"blocks": blocks, "deferred": deferred, "checks": checks});
            Case { spec, faults, told, crashes, seed, recovery }
        })
}
