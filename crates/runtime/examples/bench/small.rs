//! Many small runs: one action each, submitted by many callers at once; each for itself, and all on one node.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use windlass_model::plan::{Action, Block, Plan, Sequence};
use windlass_model::target::{NodeEntry, Targets};
use windlass_runtime::{Handle, Request};

use crate::disk::Disk;
use crate::setting::{Cost, Meter, open, plan, play, seconds};
use crate::table::{median, row};

const CALLERS: u32 = 256;
const EACH: u32 = 20;
const SLICES: u32 = 5;

pub(crate) async fn measure(directory: &Path) {
    let runtime = open(directory).await;
    let handle = runtime.handle();
    let (rate, cost, cpu) = runs_a_second(&handle, one_action(), EACH).await;
    row(
        "one-action runs, submitted to ended",
        format!("{rate:.0}/s"),
        "5000/s".into(),
        rate >= 5_000.0,
        &format!("{:.3} flushes and {:.0} bytes a run, {cpu:.0} µs of processor", cost.flushes, cost.bytes),
    );
    runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
}

/// All of them want the same node, so each begins only when the one before is durably over.
pub(crate) async fn queue(directory: &Path) {
    let runtime = open(directory).await;
    let handle = runtime.handle();
    let mut disk = Disk::create(directory);
    let before = disk.probe();
    let (rate, cost, cpu) = runs_a_second(&handle, on_a_node(), EACH / 4).await;
    // One flush lies between two runs, whatever else is written in it.
    let limit = 1.0 / seconds(before.0.max(disk.probe().0));
    let goal = 5_000_f64.min(0.5 * limit);
    row(
        "the same, all waiting for one node",
        format!("{rate:.0}/s"),
        format!("{goal:.0}/s"),
        rate >= goal,
        &format!(
            "the disk flushes {limit:.0}/s; {:.3} flushes and {:.0} bytes a run, {cpu:.0} µs of processor",
            cost.flushes, cost.bytes
        ),
    );
    runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
}

/// How many runs of a plan end in a second, and what one costs.
async fn runs_a_second(handle: &Handle, plan: Plan, each: u32) -> (f64, Cost, f64) {
    let plan = Arc::new(plan);
    let (mut rates, mut sum) = (Vec::new(), Cost::default());
    for slice in 0..=SLICES {
        let meter = Meter::new(handle);
        let callers = (0..CALLERS).map(|_| {
            let (handle, plan) = (handle.clone(), Arc::clone(&plan));
            tokio::spawn(async move {
                for _ in 0..each {
                    play(&handle, Request::new(Arc::clone(&plan)).user("bench")).await;
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        let cost = meter.read(handle);
        if slice > 0 {
            rates.push(f64::from(CALLERS * each) / cost.wall);
            sum.flushes += cost.flushes;
            sum.bytes += cost.bytes;
            sum.cpu += cost.cpu;
        }
    }
    let runs = f64::from(CALLERS * each * SLICES);
    let one = Cost { flushes: sum.flushes / runs, bytes: sum.bytes / runs, ..Cost::default() };
    (median(&mut rates), one, sum.cpu / runs * 1e6)
}

fn on_a_node() -> Plan {
    let mut plan = plan("b", 1, "noop", &json!({}), 1);
    let nodes = vec![NodeEntry::Name("n".into())];
    plan.spec.blocks[0].targets = Some(Targets { nodes, ..Targets::default() });
    plan
}

/// Written out, so that the runs do not wait for each other's lock on a node.
fn one_action() -> Plan {
    let mut plan = Plan::named("bench");
    let actions = vec![Action::new("a", "noop", json!({}))];
    let sequences = vec![Sequence { name: "s".into(), actions, ..Sequence::default() }];
    plan.spec.blocks = vec![Block { name: "b".into(), sequences, ..Block::default() }];
    plan
}
