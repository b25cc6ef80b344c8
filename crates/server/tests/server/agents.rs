//! Agents that dial in to a server, all in this process.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use windlass_dial::{Daemon, Error, Home, Identity, Joining, join};
use windlass_fleet::{Fleet, Gate, Ways, is_here, over};
use windlass_hub::Hub;
use windlass_server::{Options, Server};

use super::client::{Place, options};

mod joining;
mod rivals;
mod strangers;
mod work;

/// A server that agents dial in to.
pub(crate) struct Camp {
    pub(crate) place: Place,
    pub(crate) hub: Hub,
}

/// An agent that serves.
pub(crate) struct Agent {
    pub(crate) home: tempfile::TempDir,
    said: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<Result<(), Error>>,
}

/// What may be waited for, at the most.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn open(directory: &Path, hub: &Hub, change: impl FnOnce(Options) -> Options) -> Server {
    let fleet = Fleet::new(Ways::of_this_process().dialled(hub.clone()), Gate::default());
    let registry = over(&windlass_plugins::standard().unwrap(), &fleet, is_here).unwrap();
    let options = Options { agents: hub.clone(), ..options(directory) };
    Server::open(change(options), registry).await.unwrap()
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let mut look = tokio::time::interval(Duration::from_millis(10));
    let so = async {
        while !is_so().await {
            look.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, so).await.is_ok(), "it is not so: {what}");
}

// === impl Camp ===

impl Camp {
    pub(crate) async fn new() -> Self {
        Self::like(windlass_hub::Options::default(), |options| options).await
    }

    pub(crate) async fn like(agents: windlass_hub::Options, change: impl FnOnce(Options) -> Options) -> Self {
        let (directory, hub) = (tempfile::tempdir().unwrap(), Hub::new(agents));
        let server = open(directory.path(), &hub, change).await;
        let admin = server.first().unwrap().issued.token.clone();
        Self { place: Place { directory, server, admin }, hub }
    }

    pub(crate) async fn token(&self, body: Value) -> String {
        let made = self.place.does("POST", "/api/v1/agenttokens", body).await;
        made["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn address(&self) -> String {
        self.place.server.address().to_string()
    }

    pub(crate) fn joining(&self, token: &str, node: &str) -> Joining {
        Joining { server: self.address(), token: token.to_owned(), node: Some(node.to_owned()) }
    }

    /// Joins as the agent of a node, and serves when this returns.
    pub(crate) async fn agent(&self, node: &str) -> Agent {
        let token = self.token(json!({"nodes": node})).await;
        let home = tempfile::tempdir().unwrap();
        join(&Home::at(home.path()), &self.joining(&token, node)).await.unwrap();
        let agent = Agent::serve(home);
        self.is(node, "connected").await;
        agent
    }

    /// Waits until an agent stands so.
    pub(crate) async fn is(&self, node: &str, state: &str) {
        until(&format!("{node} is {state}"), || async {
            let agent =
                self.place.ask(&self.place.admin, "GET", &format!("/api/v1/agents/{node}"), None).await;
            agent.body["state"] == state
        })
        .await;
    }

    /// Makes a plan over nodes, runs it, and waits for its end: how it stands.
    pub(crate) async fn runs(&self, nodes: Value, sequence: Value) -> Value {
        let run = self.submit(nodes, sequence).await;
        self.place.ended(&run).await
    }

    pub(crate) async fn submit(&self, nodes: Value, sequence: Value) -> String {
        let blocks =
            json!([{"name": "b", "targets": {"nodes": nodes}, "concurrency": 64, "sequence": sequence}]);
        let plan = json!({"spec": {"blocks": blocks}});
        self.place.does("PATCH", "/api/v1/namespaces/default/plans/work", plan).await;
        let made = self.place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "work"})).await;
        made["run"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn report(&self, run: &str) -> String {
        let path = format!("/api/v1/namespaces/default/runs/{run}/report?format=text");
        self.place.ask(&self.place.admin, "GET", &path, None).await.text
    }

    pub(crate) async fn audit(&self) -> String {
        self.place.sees("/api/v1/audit?limit=100").await.to_string()
    }
}

// === impl Agent ===

impl Agent {
    pub(crate) fn serve(home: tempfile::TempDir) -> Self {
        let options = windlass_dial::Options {
            first_wait: Duration::from_millis(50),
            most_wait: Duration::from_millis(200),
            refused_wait: Duration::from_millis(200),
            ..windlass_dial::Options::default()
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&said);
        let daemon = Daemon::new(Home::at(home.path()), options, "0.0.0", move |line| {
            lines.lock().unwrap().push(line.to_owned());
        });
        Self { home, said, task: tokio::spawn(daemon.run()) }
    }

    pub(crate) fn identity(&self) -> Identity {
        Home::at(self.home.path()).identity().unwrap()
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    pub(crate) async fn says(&self, text: &str) {
        let begun = std::time::Instant::now();
        let mut look = tokio::time::interval(Duration::from_millis(10));
        while !self.said().iter().any(|line| line.contains(text)) {
            assert!(begun.elapsed() < PATIENCE, "it does not say {text}, but {:?}", self.said());
            look.tick().await;
        }
    }

    /// Ends it; its directory stays.
    pub(crate) async fn end(self) -> tempfile::TempDir {
        let Self { home, task, .. } = self;
        task.abort();
        let _ = task.await;
        home
    }
}
