//! Many small runs: one action each, submitted by many callers at once.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use windlass_model::plan::{Action, Block, Plan, Sequence};
use windlass_runtime::Request;

use crate::setting::{Meter, open, play};
use crate::table::{median, row};

const CALLERS: u32 = 256;
const EACH: u32 = 20;
const SLICES: u32 = 5;

pub(crate) async fn measure(directory: &Path) {
    let runtime = open(directory).await;
    let handle = runtime.handle();
    let plan = Arc::new(one_action());
    let (mut rates, mut flushes, mut bytes, mut cpu) = (Vec::new(), 0.0, 0.0, 0.0);
    for slice in 0..=SLICES {
        let meter = Meter::new(&handle);
        let callers = (0..CALLERS).map(|_| {
            let (handle, plan) = (handle.clone(), Arc::clone(&plan));
            tokio::spawn(async move {
                for _ in 0..EACH {
                    play(&handle, Request::new(Arc::clone(&plan)).user("bench")).await;
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        let cost = meter.read(&handle);
        if slice > 0 {
            rates.push(f64::from(CALLERS * EACH) / cost.wall);
            flushes += cost.flushes;
            bytes += cost.bytes;
            cpu += cost.cpu;
        }
    }
    let runs = f64::from(CALLERS * EACH * SLICES);
    let rate = median(&mut rates);
    row(
        "one-action runs, submitted to ended",
        format!("{rate:.0}/s"),
        "5000/s".into(),
        rate >= 5_000.0,
        &format!(
            "{:.3} flushes and {:.0} bytes a run, {:.0} µs of processor",
            flushes / runs,
            bytes / runs,
            cpu / runs * 1e6
        ),
    );
    runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
}

/// Written out, so that the runs do not wait for each other's lock on a node.
fn one_action() -> Plan {
    let mut plan = Plan::named("bench");
    let actions = vec![Action::new("a", "noop", json!({}))];
    let sequences = vec![Sequence { name: "s".into(), actions, ..Sequence::default() }];
    plan.spec.blocks = vec![Block { name: "b".into(), sequences, ..Block::default() }];
    plan
}
