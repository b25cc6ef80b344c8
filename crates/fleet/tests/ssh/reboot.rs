//! `reboot` and `wait.login` with a node that really goes down: namespaces with a first process of their own,
//! which end with it, and are made anew.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command as Spawn;
use windlass_fleet::{Connect, Connection, Destination, Fleet, Gate, Reached, over};
use windlass_model::id::RunId;
use windlass_plugin::{
    AtNode, BoxFuture, Call, CallError, Cancel, Node, Origin, Output, OutputSink, Reply, Stream, Would,
};

use crate::sshd::agent_binary;

/// The first process: ends when it is told to, and everything else with it.
const INIT: &str = "
mkdir -p /var/lib/windlass && mount --make-rprivate / && mount --bind \"$1\" /var/lib/windlass
trap 'exit 0' TERM
: > \"$2\"
while :; do sleep 1000 & wait; done
";

/// A node.
#[derive(Clone)]
struct Machine(Arc<Inner>);

struct Inner {
    dir: TempDir,
    running: Mutex<Option<Child>>,
    starts: AtomicU32,
    /// Whether it stays down when it goes down.
    held: AtomicBool,
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl OutputSink for Lines {
    fn line(&self, _: Stream, bytes: &[u8]) {
        self.0.lock().unwrap().push(String::from_utf8_lossy(bytes).into_owned());
    }
}

impl Machine {
    /// `None` where namespaces cannot be had.
    fn start(test: &str) -> Option<Self> {
        let can = Command::new("unshare").args(["--mount", "--pid", "--fork", "true"]).status();
        if !can.is_ok_and(|status| status.success()) {
            println!("SKIPPED: {test}: no namespaces can be made");
            if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
                use std::io::Write as _;
                let mut log = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
                writeln!(log, "{test}: no namespaces can be made").unwrap();
            }
            return None;
        }
        // Where it has to be built first, that takes longer than any connection may.
        agent_binary();
        let machine = Self(Arc::new(Inner {
            dir: TempDir::new().unwrap(),
            running: Mutex::default(),
            starts: AtomicU32::new(0),
            held: AtomicBool::new(false),
        }));
        fs::create_dir(machine.0.dir.path().join("state")).unwrap();
        machine.boot();
        Some(machine)
    }

    fn boot(&self) {
        let (at, started) = (self.0.dir.path(), self.0.dir.path().join("started"));
        let _ = fs::remove_file(&started);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", INIT, "sh"]);
        let child = command.arg(at.join("state")).arg(&started).spawn().unwrap();
        let begun = Instant::now();
        while !started.exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not start");
            std::thread::yield_now();
        }
        *self.0.running.lock().unwrap() = Some(child);
        self.0.starts.fetch_add(1, Ordering::SeqCst);
    }

    fn starts(&self) -> u32 {
        self.0.starts.load(Ordering::SeqCst)
    }

    fn hold(&self, held: bool) {
        self.0.held.store(held, Ordering::SeqCst);
    }

    fn is_down(&self) -> bool {
        let mut running = self.0.running.lock().unwrap();
        let is_over = running.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
        if is_over {
            *running = None;
        }
        is_over
    }

    /// The first process, as everybody else knows it. A machine that went down is started again by whoever looks.
    fn first(&self) -> Option<u32> {
        if self.is_down() {
            if self.0.held.load(Ordering::SeqCst) {
                return None;
            }
            self.boot();
        }
        let outer = self.0.running.lock().unwrap().as_ref()?.id();
        let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Connect for Machine {
    fn connect<'a>(&'a self, _: &'a Destination) -> BoxFuture<'a, Result<Reached, CallError>> {
        Box::pin(async move {
            let first = self.first().ok_or_else(|| CallError::retryable("transport", "it is down"))?;
            let mut agent = Spawn::new("nsenter");
            agent.args(["--target", &first.to_string(), "--mount", "--pid"]).arg(agent_binary()).arg("serve");
            agent.env("XDG_CACHE_HOME", self.0.dir.path().join("cache")).process_group(0);
            agent.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut child = agent.spawn().unwrap();
            let (writer, reader) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
            Ok(Reached::Agent(Connection {
                reader: Box::pin(reader),
                writer: Box::pin(writer),
                keep: Box::new(child),
            }))
        })
    }
}

struct Trial {
    machine: Machine,
    lines: Arc<Lines>,
}

impl Trial {
    fn of(test: &str) -> Option<Self> {
        Some(Self { machine: Machine::start(test)?, lines: Arc::default() })
    }

    fn call(&self, key: &str) -> Call {
        Call {
            run: RunId(uuid::Uuid::from_u128(1)),
            plan: "trial".into(),
            address: "patch/web01/reboot".into(),
            attempt: 1,
            key: key.into(),
            node: Some(Arc::new(Node { name: "web01".into(), ..Node::default() })),
            for_node: None,
            deadline_in: Duration::from_secs(120),
            cancel: Cancel::never(),
            output: Output::to(Arc::clone(&self.lines) as Arc<dyn OutputSink>),
            origin: Origin::default(),
            bare: None,
            age: Duration::ZERO,
            programs: windlass_plugin::Programs::default(),
            at_node: AtNode::default(),
            sensitive: false,
        }
    }

    /// A plugin of a Windlass that has just been started: it knows nothing of earlier ones.
    fn plugin(&self, name: &str) -> Arc<dyn windlass_plugin::DynPlugin> {
        let fleet = Fleet::new(self.machine.clone(), Gate::default());
        over(&windlass_plugins::standard().unwrap(), &fleet, |_| false).unwrap().get(name).unwrap()
    }

    async fn reboot(&self, key: &str, request: &Value) -> Result<Reply<Value>, CallError> {
        self.plugin("reboot").call(self.call(key), Arc::new(request.clone())).await
    }

    fn said(&self, text: &str) -> bool {
        self.lines.0.lock().unwrap().iter().any(|line| line.contains(text))
    }
}

fn request(more: Value) -> Value {
    let mut request = json!({"argv": ["kill", "-TERM", "1"], "every": "20ms"});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_goes_down_and_comes_back_once_whatever_is_repeated() {
    let Some(trial) = Trial::of("a_node_goes_down_and_comes_back_once_whatever_is_repeated") else { return };
    let asked = request(json!({"test": "echo it is up"}));
    let plugin = trial.plugin("reboot");
    assert_eq!(plugin.noop(trial.call("a"), Arc::new(asked.clone())).await.unwrap().would, Would::Change);
    assert_eq!(plugin.was_done(trial.call("a"), Arc::new(asked.clone())).await, Some(false));
    let reply = trial.reboot("a", &asked).await.unwrap();
    assert!(reply.changed && reply.response["rebooted"] == true);
    assert_ne!(reply.response["before"], reply.response["after"]);
    assert_eq!(trial.machine.starts(), 2);
    assert!(trial.said("rebooting") && trial.said("it is back after") && trial.said("it is up"));

    // A second attempt of the same action sees that it was done, and so does whoever asks after a crash.
    assert!(trial.reboot("a", &asked).await.unwrap().changed);
    assert!(trial.said("an earlier attempt has rebooted it"));
    assert_eq!(plugin.was_done(trial.call("a"), Arc::new(asked.clone())).await, Some(true));
    assert_eq!(trial.machine.starts(), 2);
    // Another action is another matter.
    assert_eq!(plugin.was_done(trial.call("b"), Arc::new(asked.clone())).await, Some(false));
    trial.reboot("b", &asked).await.unwrap();
    assert_eq!(trial.machine.starts(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_windlass_that_dies_while_it_waits_leaves_enough_behind_to_go_on() {
    let Some(trial) = Trial::of("a_windlass_that_dies_while_it_waits_leaves_enough_behind_to_go_on") else {
        return;
    };
    let asked = request(json!({}));
    trial.machine.hold(true);
    let (plugin, call, first) = (trial.plugin("reboot"), trial.call("a"), Arc::new(asked.clone()));
    let waiting = tokio::spawn(async move { plugin.call(call, first).await });
    while !trial.machine.is_down() {
        tokio::task::yield_now().await;
    }
    // Nothing of it is told to end: it is just not there any more.
    waiting.abort();
    let _ = waiting.await;
    let (plugin, call, again) = (trial.plugin("reboot"), trial.call("a"), Arc::new(asked.clone()));
    let looking = tokio::spawn(async move { plugin.was_done(call, again).await });
    trial.machine.hold(false);
    assert_eq!(looking.await.unwrap(), Some(true));
    assert!(trial.reboot("a", &asked).await.unwrap().changed);
    assert_eq!(trial.machine.starts(), 2, "it was rebooted once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_reboot_says_why() {
    let Some(trial) = Trial::of("what_does_not_reboot_says_why") else { return };
    let error = trial
        .reboot("a", &request(json!({"argv": ["sh", "-c", "echo must be root >&2; exit 1"]})))
        .await
        .unwrap_err();
    assert_eq!(error.message, "the machine refuses to reboot (exit code 1): must be root");
    let error =
        trial.reboot("b", &request(json!({"argv": ["true"], "downWithin": "100ms"}))).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.message.as_str()), ("notDown", "it did not go down within 100ms"));
    let flag = trial.machine.0.dir.path().join("reboot-required");
    let only_if = request(json!({"onlyIf": flag}));
    let reply = trial.reboot("c", &only_if).await.unwrap();
    assert!(!reply.changed && reply.response["skipped"].as_str().unwrap().ends_with("does not exist"));
    assert_eq!(trial.machine.starts(), 1);
    fs::write(&flag, "").unwrap();
    let error = trial
        .reboot("c", &request(json!({"onlyIf": flag, "test": "echo sick; exit 1", "backWithin": "2s"})))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("the test did not pass within 2s: exit code 1: sick"), "{error}");
    trial.machine.hold(true);
    let error = trial.reboot("d", &request(json!({"backWithin": "1s"}))).await.unwrap_err();
    assert_eq!(error.code, "notBack", "{error}");
    assert!(error.to_string().contains("it is down"), "{error}");
    // A retry waits on, and orders nothing.
    let (plugin, call) = (trial.plugin("reboot"), trial.call("d"));
    trial.machine.hold(false);
    assert_eq!(plugin.was_done(call, Arc::new(request(json!({})))).await, Some(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_is_waited_for() {
    let Some(trial) = Trial::of("a_login_is_waited_for") else { return };
    trial.machine.hold(true);
    let first = trial.machine.first().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &first]).status().unwrap().success());
    let asked = Arc::new(json!({"every": "20ms"}));
    let (plugin, call, request) = (trial.plugin("wait.login"), trial.call("a"), Arc::clone(&asked));
    assert_eq!(plugin.noop(trial.call("a"), asked).await.unwrap().would, Would::Unknown);
    let waiting = tokio::spawn(async move { plugin.call(call, request).await });
    while !trial.said("not yet: it is down") {
        tokio::task::yield_now().await;
    }
    trial.machine.hold(false);
    let reply = waiting.await.unwrap().unwrap();
    assert!(!reply.changed && reply.response["looks"].as_u64().unwrap() >= 2);
}
