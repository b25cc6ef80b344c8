//! Nodes of a server are asked for their facts by a run there: one that changes nothing, so that it waits for no lock and no approval.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use windlass_contract::{NewRun, NodeFacts};
use windlass_model::id::RunId;
use windlass_model::plan::API_VERSION;
use windlass_model::time::Time;
use windlass_report::words::count;
use windlass_runtime::Clock;

use super::{AT_ONCE, PLUGIN, WITHIN};
use crate::access::Access;
use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{FAINT, Printer, Styled};

/// Which nodes a run asked, and since when.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) run: RunId,
    /// When each of them had reported before.
    before: BTreeMap<String, Option<Time>>,
}

/// When a node reported.
pub(crate) fn at(node: &NodeFacts) -> Option<Time> {
    node.at.as_ref().and_then(|at| at.parse().ok())
}

// === impl Asked ===

impl Asked {
    /// Whether a node was asked and has reported nothing since.
    pub(crate) fn is_missing(&self, node: &str, at: Time) -> bool {
        self.before.get(node) == Some(&Some(at))
    }
}

/// Asks those nodes that never reported, or longer ago than that, and waits until they have.
pub(crate) async fn refresh(
    server: &Context,
    known: &[NodeFacts],
    max_age: Duration,
    printer: &mut Printer,
) -> Result<Option<Asked>, Failure> {
    let now = Clock::system().now();
    let is_young = |at: &Time| *at <= now && now.since(*at) < max_age;
    let reported = known.iter().map(|node| (node.node.clone(), at(node)));
    let before: BTreeMap<_, _> = reported.filter(|(_, at)| !at.as_ref().is_some_and(is_young)).collect();
    if before.is_empty() {
        return Ok(None);
    }
    let nodes: Vec<&String> = before.keys().collect();
    let plan = json!({
        "apiVersion": API_VERSION,
        "kind": "Plan",
        "metadata": {"name": PLUGIN},
        "spec": {"blocks": [{
            "name": PLUGIN,
            "targets": {"nodes": nodes},
            "concurrency": AT_ONCE,
            "failures": "unlimited",
            "sequence": [{"name": "ask", "use": PLUGIN, "timeout": format!("{}s", WITHIN.as_secs())}],
        }]},
    });
    let wanted = NewRun {
        document: Some(plan),
        noop: true,
        run: Some(windlass_runtime::new_run()),
        ..NewRun::default()
    };
    let run = server.client.submit(&server.namespace, &wanted).await?.run;
    printer.note(Styled(FAINT, format_args!("run {run} asks {}", count(nodes.len() as u64, "node"))));
    let access = Access::server(server.clone())?;
    let mut events = access.events(run, 1, true).await?;
    while let Some(event) = events.next().await {
        event?;
    }
    Ok(Some(Asked { run, before }))
}

/// Asks those nodes of a selection whose facts are older. Who does not answer is warned of.
pub(crate) async fn refresh_all(
    server: &Context,
    selection: &str,
    max_age: Duration,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let known = || server.client.node_facts(&server.namespace, selection);
    let Some(asked) = refresh(server, &known().await?.items, max_age, printer).await? else { return Ok(()) };
    let is_missing = |node: &NodeFacts| at(node).is_none_or(|at| asked.is_missing(&node.node, at));
    for node in known().await?.items.iter().filter(|node| is_missing(node)) {
        printer.warn(format_args!(
            "the facts of `{}` are not known: it did not answer; `{}` says why",
            node.node,
            server.typed().command(format!("runs show {}", asked.run))
        ));
    }
    Ok(())
}
