//! Deploys to a cluster with plugins of its own: one node first, then in batches, watched by a
//! health check; what went wrong is undone, repaired by hand, and retried.
//!
//! The cluster is a map in memory, so that the story can be run anywhere:
//! `cargo run -p windlass --example deploy_cluster`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass::plugin::schemars::JsonSchema;
use windlass::prelude::*;

/// Versions of the service by node, and the node on which version 2 does not start.
#[derive(Clone, Debug, Default)]
struct Cluster(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    versions: BTreeMap<String, u32>,
    broken: Option<String>,
    deployments: u32,
}

/// Puts a version of the service on the node.
struct Deploy(Cluster);

/// Whether every node of the cluster serves one of the versions that are fine.
struct Healthy(Cluster);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeployRequest {
    /// The version to put there.
    version: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct DeployResponse {
    /// The version that was there before.
    before: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HealthyRequest {
    /// How many nodes must serve.
    at_least: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct HealthyResponse {
    /// How many do.
    serving: usize,
}

/// What the story came to.
#[derive(Debug)]
struct Story {
    first: RunStatus,
    cause: String,
    versions_after_undo: Vec<u32>,
    second: RunStatus,
    versions: Vec<u32>,
    deployments: u32,
    report: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let story = play().await?;
    let mut out = std::io::stdout();
    writeln!(out, "first it {} because of {}", story.first.word(), story.cause)?;
    writeln!(out, "what had succeeded was undone: versions {:?}", story.versions_after_undo)?;
    writeln!(out, "after the repair it {}: versions {:?}", story.second.word(), story.versions)?;
    writeln!(out, "{} deployments in all\n\n{}", story.deployments, story.report)?;
    Ok(())
}

async fn play() -> Result<Story, Box<dyn std::error::Error>> {
    let cluster = Cluster::of(["node1", "node2", "node3", "node4", "node5"]);
    cluster.state().broken = Some("node4".into());
    let mut registry = Registry::new();
    registry.register(Deploy(cluster.clone()))?;
    registry.register(Healthy(cluster.clone()))?;
    let directory = tempfile::tempdir()?;
    let windlass = Windlass::open(directory.path(), registry).await?;

    // node4 cannot start version 2: the limit is crossed, and the batch that succeeded is undone.
    let run = windlass.submit(Request::new(plan()).user("alice").starting()).await?;
    let first = windlass.wait(run).await?;
    let cause = first.reason.as_ref().map(|reason| reason.address.clone()).unwrap_or_default();
    let versions_after_undo = cluster.versions();

    // Somebody repairs the node, and the same is done again in the same group.
    cluster.state().broken = None;
    let again = windlass.retry(run, Retry::FromScratch).await?;
    let again = windlass.submit(again.user("bob").starting()).await?;
    let second = windlass.wait(again).await?;

    let report = windlass.report(again).await?;
    let state = (cluster.versions(), cluster.state().deployments);
    windlass.shutdown(Duration::from_secs(5)).await?;
    Ok(Story {
        first: first.status,
        cause,
        versions_after_undo,
        second: second.status,
        versions: state.0,
        deployments: state.1,
        report,
    })
}

/// One node, then two at a time; the cluster must stay healthy, and a failure takes everything back.
fn plan() -> Plan {
    let healthy = Action::new("serving", "cluster.healthy", json!({"at_least": 4}));
    let deploy = Action::new("deploy", "cluster.deploy", json!({"version": 2}))
        .undone_by("cluster.deploy", json!({"version": 1}));
    Plan::named("deploy").block(Block {
        checks: Checks { continuous: vec![healthy], every: Some(Span::millis(20)), ..Checks::default() },
        concurrency: Some(Amount::Count(2)),
        batches: Batches::Sizes(vec![Amount::Count(1), Amount::Count(2)]),
        failures: Some(FailureLimit::NONE),
        on_failure: OnFailure::Undo,
        ..Block::on("roll", ["node[1-5]"], [deploy])
    })
}

// === impl Cluster ===

impl Cluster {
    fn of<const N: usize>(nodes: [&str; N]) -> Self {
        let versions = nodes.into_iter().map(|node| (node.to_owned(), 1)).collect();
        Self(Arc::new(Mutex::new(State { versions, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn versions(&self) -> Vec<u32> {
        self.state().versions.values().copied().collect()
    }
}

// === impl Deploy ===

impl Plugin for Deploy {
    type Request = DeployRequest;
    type Response = DeployResponse;

    fn about(&self) -> About {
        About::acting("cluster.deploy", "puts a version of the service on a node").idempotent()
    }

    async fn call(&self, call: Call, request: DeployRequest) -> Result<Reply<DeployResponse>, CallError> {
        let node = call.node.as_ref().ok_or_else(|| CallError::permanent("noNode", "there is no node"))?;
        let mut state = self.0.state();
        if state.broken.as_ref() == Some(&node.name) && request.version == 2 {
            return Err(CallError::permanent("start", format!("version 2 does not start on {}", node.name)));
        }
        state.deployments += 1;
        let before = state.versions.insert(node.name.clone(), request.version).unwrap_or(0);
        let response = DeployResponse { before };
        Ok(if before == request.version { Reply::unchanged(response) } else { Reply::changed(response) })
    }
}

// === impl Healthy ===

impl Plugin for Healthy {
    type Request = HealthyRequest;
    type Response = HealthyResponse;

    fn about(&self) -> About {
        About::check("cluster.healthy", "whether enough nodes serve")
    }

    async fn call(&self, _: Call, request: HealthyRequest) -> Result<Reply<HealthyResponse>, CallError> {
        let serving = self.0.versions().into_iter().filter(|version| *version > 0).count();
        if serving < request.at_least {
            return Err(CallError::retryable("unhealthy", format!("only {serving} nodes serve")));
        }
        Ok(Reply::unchanged(HealthyResponse { serving }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_story_ends_well() {
        let story = play().await.unwrap();
        assert_eq!(story.first, RunStatus::Failed);
        assert_eq!(story.cause, "roll/node4/deploy");
        assert_eq!(story.versions_after_undo, [1, 1, 1, 1, 1], "what had succeeded was taken back");
        assert_eq!(story.second, RunStatus::Succeeded);
        assert_eq!(story.versions, [2, 2, 2, 2, 2]);
        assert!(story.deployments >= 5 + 3 + 3, "{}", story.deployments);
        assert!(story.report.contains("deploy succeeded"), "{}", story.report);
    }
}
