//! Actions over connections that are cut at bad moments, to agents that outlive them.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use windlass_agent::{Cache, Session};
use windlass_fleet::{Connect, Connection, Destination, Fleet, Gate, Reached, over};
use windlass_model::event::Severity;
use windlass_model::id::RunId;
use windlass_plugin::{
    AtNode, BoxFuture, Call, CallError, CancelSource, DynPlugin, Node, Origin, Output, OutputSink, Registry,
    Reply, Stream,
};

/// Agents that live in this process, behind connections that can be cut.
#[derive(Clone)]
struct Cuttable {
    cache: PathBuf,
    lines: Arc<Mutex<Vec<JoinHandle<()>>>>,
    refuse: Arc<Mutex<usize>>,
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl OutputSink for Lines {
    fn line(&self, stream: Stream, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let text = if stream == Stream::Note { format!("note: {text}") } else { text.into_owned() };
        self.0.lock().unwrap().push(text);
    }
}

impl Lines {
    fn printed(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|line| !line.starts_with("note: ")).cloned().collect()
    }

    async fn until(&self, count: usize) {
        while self.printed().len() < count {
            tokio::task::yield_now().await;
        }
    }
}

impl Cuttable {
    fn new(cache: &Path) -> Self {
        Self { cache: cache.to_owned(), lines: Arc::default(), refuse: Arc::default() }
    }

    fn cut(&self) {
        self.lines.lock().unwrap().drain(..).for_each(|line| line.abort());
    }

    /// The next connections are refused.
    fn refuse(&self, count: usize) {
        *self.refuse.lock().unwrap() = count;
    }

    fn registry(&self) -> Registry {
        let fleet = Fleet::new(self.clone(), Gate::default());
        over(&windlass_plugins::standard().unwrap(), &fleet, |node| node.name == "here").unwrap()
    }
}

impl Connect for Cuttable {
    fn connect<'a>(&'a self, _: &'a Destination) -> BoxFuture<'a, Result<Reached, CallError>> {
        Box::pin(async move {
            {
                let mut refuse = self.refuse.lock().unwrap();
                if *refuse > 0 {
                    *refuse -= 1;
                    return Err(CallError::retryable("transport", "refused"));
                }
            }
            let (ours, mut near) = tokio::io::duplex(1 << 14);
            let (mut far, theirs) = tokio::io::duplex(1 << 14);
            let line = tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
            self.lines.lock().unwrap().push(line);
            let (reader, writer) = tokio::io::split(theirs);
            let session = Session::new(windlass_plugins::standard().unwrap(), Cache::at(&self.cache));
            tokio::spawn(async move { session.serve(reader, writer).await });
            let (reader, writer) = tokio::io::split(ours);
            let (reader, writer) = (Box::pin(reader), Box::pin(writer));
            Ok(Reached::Agent(Connection { reader, writer, keep: Box::new(()) }))
        })
    }
}

fn call(node: &str, lines: &Arc<Lines>, source: &CancelSource) -> Call {
    Call {
        run: RunId(uuid::Uuid::from_u128(1)),
        plan: "trial".into(),
        address: "patch/web01/do".into(),
        attempt: 1,
        key: "key".into(),
        node: Some(Arc::new(Node { name: node.into(), ..Node::default() })),
        for_node: None,
        deadline_in: Duration::from_secs(20),
        cancel: source.cancel(),
        output: Output::to(Arc::clone(lines) as Arc<dyn OutputSink>),
        origin: Origin::default(),
        bare: None,
        age: Duration::ZERO,
        programs: windlass_plugin::Programs::default(),
        at_node: AtNode::default(),
        sensitive: false,
    }
}

async fn shell(registry: &Registry, call: Call, script: &str) -> Result<Reply<Value>, CallError> {
    plugin(registry, "shell").call(call, Arc::new(json!({"script": script}))).await
}

fn plugin(registry: &Registry, name: &str) -> Arc<dyn DynPlugin> {
    registry.get(name).unwrap()
}

#[tokio::test]
async fn an_action_works_on_its_node_and_one_without_a_node_works_here() {
    let dir = TempDir::new().unwrap();
    let registry = Cuttable::new(dir.path()).registry();
    let lines = Arc::new(Lines::default());
    let call = || call("web01", &lines, &CancelSource::new());
    // The agent puts no process between: what tells them apart is the journal.
    shell(&registry, Call { node: None, ..call() }, "echo here").await.unwrap();
    shell(
        &registry,
        Call { node: Some(Arc::new(Node { name: "here".into(), ..Node::default() })), ..call() },
        "true",
    )
    .await
    .unwrap();
    assert!(!dir.path().join("work").exists());
    let reply = shell(&registry, call(), "echo away").await.unwrap();
    assert_eq!(reply.response["stdout"], "away\n");
    assert_eq!(lines.printed(), ["here", "away"]);
    assert!(dir.path().join("work").exists());
}

#[tokio::test]
async fn connections_of_a_run_that_is_over_are_closed_when_nothing_else_is_in_a_hurry() {
    let dir = TempDir::new().unwrap();
    let connect = Cuttable::new(dir.path());
    let fleet = Fleet::new(connect.clone(), Gate::default());
    let registry = over(&windlass_plugins::standard().unwrap(), &fleet, |_| false).unwrap();
    let call = call("web01", &Arc::default(), &CancelSource::new());
    let run = call.run;
    shell(&registry, call, "true").await.unwrap();
    let unneeded = fleet.forget(run).await;
    // It was told, and made room for the next run.
    assert!(!dir.path().join("work").join(run.to_string()).exists());
    let line = connect.lines.lock().unwrap().pop().unwrap();
    assert!(!line.is_finished());
    drop(unneeded);
    tokio::time::timeout(Duration::from_secs(20), line).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_in_the_middle_loses_and_doubles_nothing() {
    let dir = TempDir::new().unwrap();
    let connect = Cuttable::new(dir.path());
    let (registry, lines) = (connect.registry(), Arc::new(Lines::default()));
    let count = dir.path().join("count");
    let script = format!(
        "echo x >> {0}; for i in $(seq 1 3000); do echo line $i; done; sleep 0.3; \
         for i in $(seq 3001 6000); do echo line $i; done",
        count.display()
    );
    let work = tokio::spawn({
        let call = call("web01", &lines, &CancelSource::new());
        async move { shell(&registry, call, &script).await }
    });
    for seen in [1, 1500, 3000, 4500] {
        lines.until(seen).await;
        connect.refuse(2);
        connect.cut();
    }
    let reply = work.await.unwrap().unwrap();
    let expected: Vec<String> = (1..=6000).map(|i| format!("line {i}")).collect();
    assert_eq!(lines.printed(), expected);
    assert_eq!(reply.response["stdout"].as_str().unwrap().lines().count(), 6000);
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n", "it ran once");
}

#[tokio::test]
async fn work_is_found_again_by_another_process_with_all_it_printed() {
    let dir = TempDir::new().unwrap();
    let connect = Cuttable::new(dir.path());
    let (first, go) = (Arc::new(Lines::default()), dir.path().join("go"));
    let script = format!("echo begun; while [ ! -e {} ]; do sleep 0.01; done; echo ended", go.display());
    let work = tokio::spawn({
        let (registry, call) = (connect.registry(), call("web01", &first, &CancelSource::new()));
        let script = script.clone();
        async move { shell(&registry, call, &script).await }
    });
    first.until(1).await;
    // As if the process had died: nobody says goodbye.
    connect.cut();
    work.abort();
    let _ = work.await;
    std::fs::write(go, "").unwrap();

    let lines = Arc::new(Lines::default());
    let call = call("web01", &lines, &CancelSource::new());
    let request = Arc::new(json!({"script": script}));
    let reply = plugin(&connect.registry(), "shell")
        .reattach(call.clone(), Arc::clone(&request))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(reply.response["stdout"], "begun\nended\n");
    assert_eq!(lines.printed(), ["begun", "ended"]);
    // What is not found there was not begun, unless the node may have forgotten it.
    let other = Call { key: "another".into(), ..call };
    let search = async |age: Duration| {
        let call = Call { age, ..other.clone() };
        plugin(&connect.registry(), "shell").reattach(call, Arc::clone(&request)).await
    };
    let unmade = search(Duration::from_secs(1)).await.unwrap().unwrap_err();
    assert_eq!((unmade.code.as_str(), unmade.permanent), ("notMade", false));
    assert!(search(Duration::from_secs(25 * 3600)).await.is_none());
    let up = std::fs::read_to_string("/proc/uptime").unwrap();
    let up: f64 = up.split(' ').next().unwrap().parse().unwrap();
    assert!(search(Duration::from_secs_f64(up + 60.0)).await.is_none());
}

#[tokio::test]
async fn a_cancel_reaches_the_work_and_also_a_connection_that_does_not_come() {
    let dir = TempDir::new().unwrap();
    let connect = Cuttable::new(dir.path());
    let (registry, lines, source) = (connect.registry(), Arc::new(Lines::default()), CancelSource::new());
    let work = shell(&registry, call("web01", &lines, &source), "echo begun; sleep 600");
    let cancel = async {
        lines.until(1).await;
        source.trigger(Severity::Term);
    };
    let (result, ()) = tokio::join!(work, cancel);
    assert_eq!(result.unwrap_err().code, "cancelled");

    connect.refuse(usize::MAX);
    connect.cut();
    let refused =
        shell(&connect.registry(), call("web01", &lines, &CancelSource::new()), "true").await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.permanent), ("transport", false));
}

#[tokio::test]
async fn a_connection_that_stays_away_is_an_interruption_and_no_failure_to_be_repeated() {
    let dir = TempDir::new().unwrap();
    let connect = Cuttable::new(dir.path());
    let (registry, lines) = (connect.registry(), Arc::new(Lines::default()));
    let call =
        Call { deadline_in: Duration::from_millis(700), ..call("web01", &lines, &CancelSource::new()) };
    let cut = async {
        lines.until(1).await;
        connect.refuse(usize::MAX);
        connect.cut();
    };
    let (result, ()) = tokio::join!(shell(&registry, call, "echo begun; sleep 2"), cut);
    let error = result.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("interrupted", true), "{error}");
    assert!(error.message.starts_with("the connection to `web01` was lost: "), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_cannot_keep_is_not_done_twice_when_its_connection_is_cut() {
    let dir = TempDir::new().unwrap();
    let connect = Cuttable::new(Path::new("/proc/nowhere"));
    let (registry, lines) = (connect.registry(), Arc::new(Lines::default()));
    let count = dir.path().join("count");
    let script = format!("echo x >> {}; echo begun; sleep 0.5", count.display());
    let work = tokio::spawn({
        let call = call("web01", &lines, &CancelSource::new());
        async move { shell(&registry, call, &script).await }
    });
    lines.until(1).await;
    connect.cut();
    let error = work.await.unwrap().unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("interrupted", true), "{error}");
    assert!(lines.0.lock().unwrap().iter().any(|line| line.contains("could not be found again")));
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n", "it ran once");
}
