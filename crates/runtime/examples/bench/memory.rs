//! Memory: a process that does nothing, and one with a million targets that wait.

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use windlass_model::target::{NodeEntry, Targets};
use windlass_runtime::Request;

use crate::setting::{memory, open, plan};
use crate::table::row;

pub(crate) async fn measure(directory: &Path) {
    let runtime = open(directory).await;
    let handle = runtime.handle();
    let (idle, _) = memory();
    row("memory of an idle process", format!("{idle:.1} MB"), "30 MB".into(), idle <= 30.0, "");
    let mut plan = plan("work", 5, "sleep", &json!({"duration": "1h"}), 100);
    let nodes = vec![NodeEntry::Name("n[0000001-1000000]".into())];
    plan.spec.blocks[0].targets = Some(Targets { nodes, ..Targets::default() });
    let began = Instant::now();
    let run = handle.submit(Request::new(plan).starting()).await.unwrap();
    let mut events = handle.events(run, 1).await.unwrap();
    while events.next().await.unwrap().unwrap().what.kind() != "attemptBegan" {}
    let started = began.elapsed().as_secs_f64();
    let (now, most) = memory();
    row(
        "from submit to work, 1,000,000 targets",
        format!("{started:.2} s"),
        "2 s".into(),
        started <= 2.0,
        "written as a pattern",
    );
    row(
        "memory, 1,000,000 targets x 5 actions",
        format!("{now:.0} MB"),
        "200 MB".into(),
        now <= 200.0,
        &format!("at the most, while submitting, {most:.0} MB"),
    );
    drop(events);
    runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
}
