//! What nodes reported of themselves: asked over the usual connections, and kept with its age.
//!
//! ```text
//!   ask ──▶ the plugin `facts` on each node ──▶ Kept: <data directory>/facts/<node>.<place>.json
//!   an inventory that is read ◀── add, where something looks at facts ──┘
//! ```
//!
//! Of the nodes of a server, that keeps what they report; a run of its own asks them.
//!
//! It belongs to no run. Inventories may call different machines by one name: what is kept is of a name at a place, which is
//! where and over what the node is reached. What an inventory says of a node itself lies over what is kept.

pub(crate) mod remote;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use windlass_fleet::Fleet;
use windlass_inventory::Inventory;
use windlass_model::id::RunId;
use windlass_model::target::Node;
use windlass_model::time::Time;
use windlass_model::{Map, Value};
use windlass_plugin::{
    AtNode, Call, CallError, CancelSource, DynPlugin, Origin, Output, Programs, Registry, Severity,
};
use windlass_runtime::Clock;

use crate::args::DataDirArgs;
use crate::data_dir;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::reach;
use crate::session::tokio_runtime;

/// The plugin that is asked.
const PLUGIN: &str = "facts";
/// How long a node may take to answer, connecting included.
const WITHIN: Duration = Duration::from_secs(60);
/// How many nodes are asked at once; how many connections are made at once is the fleet's.
const AT_ONCE: usize = 256;
/// The version of the files.
const VERSION: u32 = 2;

/// The facts of nodes that are kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    directory: PathBuf,
}

/// What a node reported, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    v: u32,
    node: String,
    place: String,
    pub(crate) at: u64,
    pub(crate) facts: Map,
}

/// What became of asking a node.
pub(crate) type Answer = (Arc<Node>, Result<Known, CallError>);

// === impl Kept ===

impl Kept {
    /// Those of the usual data directory, whatever a flag says: facts are of nodes, and not of runs.
    pub(crate) fn usual() -> Result<Self, Failure> {
        let data_dir = DataDirArgs::default().choose()?;
        Ok(Self { directory: data_dir.path().join("facts") })
    }

    fn file(&self, node: &str, place: &str) -> PathBuf {
        self.directory.join(windlass_logs::node_file_name(node)).with_extension(format!("{place}.json"))
    }

    /// What is kept of a node. What cannot be read is not known, and is asked for again.
    pub(crate) fn get(&self, node: &Node) -> Option<Known> {
        let place = place(node);
        let bytes = std::fs::read(self.file(&node.name, &place)).ok()?;
        let known: Known = serde_json::from_slice(&bytes).ok()?;
        // Nodes with very long names may share a file.
        (known.v == VERSION && known.node == node.name && known.place == place).then_some(known)
    }

    /// Keeps what a node reported.
    pub(crate) fn put(&self, known: &Known) -> Result<(), Failure> {
        let path = self.file(&known.node, &known.place);
        let cannot = |error: std::io::Error| Failure::file("write", &path, &error);
        if let Some(above) = self.directory.parent() {
            data_dir::create(above)?;
        }
        std::fs::create_dir_all(&self.directory).map_err(cannot)?;
        let bytes = serde_json::to_vec(known).unwrap_or_default();
        let fresh = path.with_extension(format!("{}.new", std::process::id()));
        std::fs::write(&fresh, bytes).and_then(|()| std::fs::rename(&fresh, &path)).map_err(cannot)
    }

    /// Adds what is kept to an inventory.
    pub(crate) fn add(&self, inventory: &mut Inventory) {
        if self.directory.exists() {
            inventory.add_facts(|node| self.get(node).map(|known| known.facts));
        }
    }
}

// === impl Known ===

impl Known {
    /// Whether it is younger than that. What seems to come from the future was kept by a clock that was wrong, and
    /// nobody knows how old it is.
    pub(crate) fn is_younger_than(&self, most: Duration) -> bool {
        let now = Clock::system().now();
        self.at <= now.0 && now.since(Time(self.at)) < most
    }
}

/// Where and over what a node is reached, in a word. Who logs in, and with what, changes nothing about the machine.
fn place(node: &Node) -> String {
    let transport = node.transport.as_deref();
    let hops = transport.and_then(|way| way.jump.as_deref()).unwrap_or_default();
    let hops: Vec<String> = hops.iter().map(|hop| serde_json::to_string(hop).unwrap_or_default()).collect();
    let (uses, port) = (transport.and_then(|way| way.uses), transport.and_then(|way| way.port));
    let container = transport.and_then(|way| way.container.as_ref());
    let place = serde_json::json!([*node.addresses, uses, port, hops, container]);
    let digest = Sha256::digest(place.to_string().as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text that selects or a plan looks at facts.
pub(crate) fn are_looked_at(text: &str) -> bool {
    text.contains(PLUGIN)
}

/// Asks nodes, and keeps what they report. Answers come in the order of the nodes.
pub(crate) async fn ask(
    nodes: Vec<Arc<Node>>,
    registry: &Registry,
    fleet: &Fleet,
    kept: &Kept,
) -> Result<Vec<Answer>, Failure> {
    let registry = reach::over(registry, fleet)?;
    let Some(plugin) = registry.get(PLUGIN) else { return Ok(Vec::new()) };
    let run = RunId(uuid::Uuid::now_v7());
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut asked = JoinSet::new();
    for (index, node) in nodes.into_iter().enumerate() {
        let (plugin, turns) = (Arc::clone(&plugin), Arc::clone(&turns));
        asked.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let answer = one(&*plugin, run, &node).await;
            (index, (node, answer))
        });
    }
    let mut answers: Vec<(usize, Answer)> = asked.join_all().await;
    fleet.forget(run).await;
    answers.sort_by_key(|(index, _)| *index);
    let answers: Vec<Answer> = answers.into_iter().map(|(_, answer)| answer).collect();
    for known in answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()) {
        kept.put(known)?;
    }
    Ok(answers)
}

/// Asks those nodes of which nothing is kept, or nothing young enough. Who does not answer is warned of.
pub(crate) fn refresh(
    nodes: Vec<Arc<Node>>,
    max_age: Duration,
    registry: &Registry,
    fleet: &Fleet,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let kept = Kept::usual()?;
    let is_young = |node: &Arc<Node>| kept.get(node).is_some_and(|known| known.is_younger_than(max_age));
    let stale: Vec<Arc<Node>> = nodes.into_iter().filter(|node| !is_young(node)).collect();
    if stale.is_empty() {
        return Ok(());
    }
    let answers = tokio_runtime()?.block_on(ask(stale, registry, fleet, &kept))?;
    for (_, answer) in answers {
        if let Err(error) = answer {
            printer.warn(format_args!("its facts are not known: {error}"));
        }
    }
    Ok(())
}

async fn one(plugin: &dyn DynPlugin, run: RunId, node: &Arc<Node>) -> Result<Known, CallError> {
    let source = CancelSource::new();
    let call = Call {
        run,
        plan: PLUGIN.to_owned(),
        address: format!("{PLUGIN}/{}", node.name),
        attempt: 1,
        key: format!("{run}/{}", node.name),
        node: Some(Arc::clone(node)),
        for_node: None,
        deadline_in: WITHIN,
        cancel: source.cancel(),
        output: Output::default(),
        origin: Origin::default(),
        age: Duration::ZERO,
        programs: Programs::default(),
        at_node: AtNode::default(),
        sensitive: false,
        bare: None,
    };
    let request = Arc::new(Value::Object(Map::new()));
    let mut work = plugin.call(call, request);
    let answer = match tokio::time::timeout(WITHIN, &mut work).await {
        Ok(answer) => answer,
        Err(_) => {
            source.trigger(Severity::Kill);
            let message = format!("`{}` did not answer within {}s", node.name, WITHIN.as_secs());
            Err(CallError::retryable("connection", message))
        }
    };
    let reply = answer?;
    let facts = reply.response.as_object().cloned().unwrap_or_default();
    Ok(Known { v: VERSION, node: node.name.clone(), place: place(node), at: Clock::system().now().0, facts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_seems_to_come_from_the_future_is_asked_for_again() {
        let now = Clock::system().now().0;
        let known =
            |at| Known { v: VERSION, node: "web01".to_owned(), place: String::new(), at, facts: Map::new() };
        let hour = Duration::from_secs(3600);
        assert!(known(now - 1_000_000).is_younger_than(hour));
        assert!(!known(now - 2 * 3_600_000_000).is_younger_than(hour));
        assert!(!known(now + 86_400_000_000).is_younger_than(hour));
    }

    #[test]
    fn what_is_kept_is_of_its_node_alone() {
        let dir = tempfile::TempDir::new().unwrap();
        let kept = Kept { directory: dir.path().join("facts") };
        let long = "n".repeat(300);
        let other = format!("{}x", "n".repeat(299));
        let at = |name: &str, address: &str| Node {
            addresses: vec![address.to_owned()].into(),
            ..Node::named(name)
        };
        for name in ["web01", "web01.example.org", "web01.example.com", "../x", &long] {
            let facts = serde_json::json!({"os": {"name": name}}).as_object().cloned().unwrap();
            let node = at(name, "10.0.0.1");
            let known = Known { v: VERSION, node: name.to_owned(), place: place(&node), at: 7, facts };
            kept.put(&known).unwrap();
            assert_eq!(kept.get(&node), Some(known));
            assert_eq!(kept.get(&at(name, "10.0.0.2")), None, "another machine goes by that name elsewhere");
        }
        for name in ["web01", "web01.example.org", "web01.example.com"] {
            assert_eq!(kept.get(&at(name, "10.0.0.1")).unwrap().node, name, "each has a file of its own");
        }
        assert_eq!(kept.get(&at(&other, "10.0.0.1")), None, "it shares the file of another node");
        let web = at("web01", "10.0.0.1");
        std::fs::write(kept.file("web01", &place(&web)), "{").unwrap();
        assert_eq!(kept.get(&web), None);
    }
}
