//! The real agent as a process of its own, spoken to over its pipes: calls, output, cut connections, second processes.

#![cfg(test)]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use windlass_model::event::Severity;
use windlass_model::id::RunId;
use windlass_plugin::Stream;
use windlass_wire::{
    AttachOrder, CallOrder, Decoder, Ended, FromAgent, Hello, Mode, Received, ToAgent, Versions, encode,
    greet,
};

/// An agent, and our end of its pipes.
struct Agent {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    decoder: Decoder,
}

fn run() -> RunId {
    RunId(uuid::Uuid::from_u128(42))
}

fn call(id: u64, plugin: &str, request: &Value) -> CallOrder {
    CallOrder {
        id,
        mode: Mode::Act,
        plugin: plugin.into(),
        request: request.to_string().into_bytes(),
        run: run(),
        plan: "trial".into(),
        address: "patch/web01/do".into(),
        attempt: 1,
        key: format!("key-{id}"),
        node: Some("web01".into()),
        for_node: None,
        within_ms: 60_000,
        keep: true,
    }
}

fn shell(id: u64, script: &str) -> CallOrder {
    call(id, "shell", &json!({"script": script}))
}

fn attach(id: u64, to: u64, from: u64) -> ToAgent {
    ToAgent::Attach(AttachOrder { id, run: run(), key: format!("key-{to}"), attempt: 1, from })
}

fn response(ended: Ended) -> Value {
    ended.reply().unwrap().response
}

impl Agent {
    async fn start(cache: &Path) -> Self {
        Self::start_as(cache, Versions::OURS).await
    }

    async fn start_as(cache: &Path, versions: Versions) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_windlass-agent"))
            .arg("serve")
            .env("XDG_CACHE_HOME", cache)
            // Nowhere else, either.
            .env("HOME", cache)
            .env("TMPDIR", cache)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut agent = Self { child, stdin, stdout, decoder: Decoder::default() };
        let facts = std::collections::BTreeMap::new();
        let hello = Hello { versions, build: "test".into(), pid: 1, clock_ms: 0, facts };
        agent.write(&greet(&ToAgent::Hello(hello)).unwrap()).await;
        let FromAgent::Hello(hello) = agent.next().await.unwrap() else { panic!("no hello") };
        assert_eq!(hello.fact("os"), "linux");
        agent
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    async fn say(&mut self, message: ToAgent) {
        self.write(&encode(&message).unwrap()).await;
    }

    async fn order(&mut self, order: CallOrder) {
        self.say(ToAgent::Call(Box::new(order))).await;
    }

    async fn next(&mut self) -> Option<FromAgent> {
        let mut bytes = vec![0; 64 << 10];
        loop {
            if let Received::Message(message) = self.decoder.message().unwrap() {
                return Some(message);
            }
            match self.stdout.read(&mut bytes).await.unwrap() {
                0 => return None,
                count => self.decoder.push(&bytes[..count]),
            }
        }
    }

    /// The lines from here to the end of an attempt, and that end.
    async fn end_of(&mut self, wanted: u64) -> (Vec<(Stream, String)>, FromAgent) {
        let (mut lines, mut expected) = (Vec::new(), None);
        loop {
            match self.next().await.expect("the agent went away") {
                FromAgent::Output { id, from, lines: more } if id == wanted => {
                    assert_eq!(*expected.get_or_insert(from), from, "lines are missing or doubled");
                    expected = Some(from + more.len() as u64);
                    lines.extend(
                        more.iter()
                            .map(|line| (line.stream, String::from_utf8_lossy(line.bytes).into_owned())),
                    );
                }
                end @ (FromAgent::Ended { .. } | FromAgent::Gone { .. }) => return (lines, end),
                FromAgent::Output { .. } | FromAgent::Said(_) | FromAgent::Pong(_) => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    async fn ended(&mut self, wanted: u64) -> Ended {
        match self.end_of(wanted).await.1 {
            FromAgent::Ended { id, ended } if id == wanted => ended,
            other => panic!("unexpected: {other:?}"),
        }
    }

    /// Cuts the connection; the process may live on.
    fn cut(mut self) -> Child {
        self.stdin = None;
        self.child
    }
}

/// Waits until a file is there.
async fn until_there(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} never came", path.display());
        // tidy-allow: sleep: another process makes the file, and tells nobody
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn texts(lines: &[(Stream, String)]) -> Vec<&str> {
    lines.iter().map(|(_, text)| text.as_str()).collect()
}

#[tokio::test]
async fn makes_an_attempt_and_sends_its_lines_and_its_end() {
    let dir = TempDir::new().unwrap();
    let mut agent = Agent::start(dir.path()).await;
    agent.order(shell(7, "echo one; echo two >&2; printf '\\377\\n'; exit 0")).await;
    let (mut lines, end) = agent.end_of(7).await;
    lines.sort_by_key(|(stream, _)| *stream as u8);
    assert_eq!(texts(&lines), ["one", "\u{fffd}", "two"]);
    let FromAgent::Ended { ended, .. } = end else { panic!("{end:?}") };
    assert_eq!(response(ended)["exitCode"], 0);
    agent.say(ToAgent::Bye).await;
    assert!(agent.next().await.is_none());
    assert!(agent.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn does_many_things_at_once_and_cancels_one() {
    let dir = TempDir::new().unwrap();
    let mut agent = Agent::start(dir.path()).await;
    agent.order(shell(1, "sleep 600")).await;
    agent.order(shell(2, "echo done")).await;
    assert_eq!(response(agent.ended(2).await)["stdout"], "done\n");
    agent.say(ToAgent::Cancel { id: 1, how: Severity::Term }).await;
    let error = agent.ended(1).await.reply().unwrap_err();
    assert_eq!(error.code, "cancelled");
}

#[tokio::test]
async fn an_unknown_plugin_and_a_bad_request_are_failed_attempts() {
    let dir = TempDir::new().unwrap();
    let mut agent = Agent::start(dir.path()).await;
    agent.order(call(1, "no.such", &json!({}))).await;
    assert!(agent.ended(1).await.reply().unwrap_err().message.contains("no plugin `no.such`"));
    agent.order(call(2, "command", &json!({"argv": 3}))).await;
    let error = agent.ended(2).await.reply().unwrap_err();
    assert!(error.permanent, "{error}");
}

#[tokio::test]
async fn looks_only_when_asked_to_look() {
    let dir = TempDir::new().unwrap();
    let mut agent = Agent::start(dir.path()).await;
    let flag = dir.path().join("flag");
    let order = shell(1, &format!("touch {}", flag.display()));
    agent.order(CallOrder { mode: Mode::Noop, ..order }).await;
    let foresight = agent.ended(1).await.foresight().unwrap();
    assert!(foresight.why.unwrap().starts_with("it would run the script"));
    assert!(!flag.exists());
}

#[tokio::test]
async fn a_long_command_survives_its_connection_and_is_found_again_with_all_it_printed() {
    let dir = TempDir::new().unwrap();
    let (count, go) = (dir.path().join("count"), dir.path().join("go"));
    let mut agent = Agent::start(dir.path()).await;
    let script = format!(
        "echo x >> {0}; for i in $(seq 1 500); do echo line $i; done; touch {0}.begun; \
         while [ ! -e {1} ]; do sleep 0.02; done; echo last; exit 0",
        count.display(),
        go.display()
    );
    agent.order(shell(1, &script)).await;
    until_there(&dir.path().join("count.begun")).await;
    let mut first = agent.cut();

    // While it runs, another connection finds it and follows it, from line 100 on.
    let mut second = Agent::start(dir.path()).await;
    second.say(attach(9, 1, 100)).await;
    std::fs::write(&go, "").unwrap();
    let (lines, end) = second.end_of(9).await;
    assert_eq!(lines.len(), 401);
    assert_eq!((lines[0].1.as_str(), lines[400].1.as_str()), ("line 101", "last"));
    let FromAgent::Ended { ended, .. } = end else { panic!("{end:?}") };
    assert_eq!(response(ended)["exitCode"], 0);
    assert!(first.wait().await.unwrap().success(), "the first agent ends with its work");

    // After its end, too, as often as anybody likes.
    let mut third = Agent::start(dir.path()).await;
    third.say(attach(3, 1, 0)).await;
    assert_eq!(third.end_of(3).await.0.len(), 501);
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n", "it ran once");

    // Until the run is forgotten.
    third.say(ToAgent::Forget(run())).await;
    third.say(attach(4, 1, 0)).await;
    assert_eq!(third.end_of(4).await.1, FromAgent::Gone { id: 4, begun: false });
}

#[tokio::test]
async fn what_another_agent_still_holds_of_a_run_that_is_over_goes_with_that_agent() {
    let dir = TempDir::new().unwrap();
    let mut first = Agent::start(dir.path()).await;
    first.order(shell(1, "true")).await;
    assert_eq!(response(first.ended(1).await)["exitCode"], 0);
    let mut second = Agent::start(dir.path()).await;
    second.say(attach(9, 1, 0)).await;
    second.ended(9).await;
    second.say(ToAgent::Forget(run())).await;
    second.say(ToAgent::Bye).await;
    assert!(second.child.wait().await.unwrap().success());
    let kept = || std::fs::read_dir(dir.path().join("windlass/work")).unwrap().count();
    assert_eq!(kept(), 1, "it is the first one's");
    first.say(ToAgent::Bye).await;
    assert!(first.child.wait().await.unwrap().success());
    assert_eq!(kept(), 0);
}

#[tokio::test]
async fn work_of_an_agent_that_was_killed_is_not_taken_for_done() {
    let dir = TempDir::new().unwrap();
    let mut agent = Agent::start(dir.path()).await;
    let flag = dir.path().join("flag");
    agent.order(shell(1, &format!("touch {}; sleep 2", flag.display()))).await;
    until_there(&flag).await;
    agent.child.kill().await.unwrap();
    let mut second = Agent::start(dir.path()).await;
    second.say(attach(2, 1, 0)).await;
    assert_eq!(second.end_of(2).await.1, FromAgent::Gone { id: 2, begun: true });
    second.say(attach(3, 77, 0)).await;
    assert_eq!(second.end_of(3).await.1, FromAgent::Gone { id: 3, begun: false });
}

/// A script that says in `dir` whether it ever ran beside itself; it goes on until there is a file `go`.
fn lonely(dir: &Path) -> String {
    format!(
        "cd {}; mkdir busy || touch overlap; echo x >> begun; touch begun.once; \
         while [ ! -e go ]; do sleep 0.02; done; rmdir busy; echo x >> done",
        dir.display()
    )
}

#[tokio::test]
async fn what_a_killed_agent_left_running_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mut first = Agent::start(dir.path()).await;
    first.order(shell(1, &lonely(dir.path()))).await;
    until_there(&at("begun.once")).await;
    first.child.kill().await.unwrap();

    // Whoever looks for it hears nothing while it runs.
    let mut second = Agent::start(dir.path()).await;
    second.say(attach(2, 1, 0)).await;
    // Another attempt of the same action, for whatever reason, begins behind it.
    let mut third = Agent::start(dir.path()).await;
    third.order(CallOrder { id: 3, attempt: 2, ..shell(1, &lonely(dir.path())) }).await;
    let FromAgent::Output { lines, .. } = third.next().await.unwrap() else { panic!("it began") };
    assert_eq!(
        String::from_utf8_lossy(lines.iter().next().unwrap().bytes),
        "an earlier attempt of this still runs here; waiting for its end"
    );
    second.say(ToAgent::Ping(7)).await;
    assert_eq!(second.next().await.unwrap(), FromAgent::Pong(7));
    assert!(!at("done").exists());

    std::fs::write(at("go"), "").unwrap();
    assert_eq!(second.end_of(2).await.1, FromAgent::Gone { id: 2, begun: true });
    assert!(at("done").exists(), "it was said to be gone before it was");
    assert_eq!(response(third.ended(3).await)["exitCode"], 0);
    assert!(!at("overlap").exists(), "it ran twice at once");
    assert_eq!(std::fs::read_to_string(at("done")).unwrap(), "x\nx\n");
}

#[tokio::test]
async fn what_a_killed_agent_left_in_the_background_holds_nobody_up_and_lives_on() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mut first = Agent::start(dir.path()).await;
    // In the group of the script, as whatever a shell without job control leaves in the background.
    let script = format!(
        "cd {}; sleep 600 >/dev/null 2>&1 & echo $! > pid; touch begun; while [ ! -e go ]; do sleep 0.02; done",
        dir.path().display()
    );
    first.order(shell(1, &script)).await;
    until_there(&at("begun")).await;
    first.child.kill().await.unwrap();
    let mut second = Agent::start(dir.path()).await;
    second.say(attach(2, 1, 0)).await;
    second.say(ToAgent::Ping(7)).await;
    assert_eq!(second.next().await.unwrap(), FromAgent::Pong(7), "its script still runs");
    std::fs::write(at("go"), "").unwrap();
    assert_eq!(second.end_of(2).await.1, FromAgent::Gone { id: 2, begun: true });
    // Nor is the next attempt held up.
    second.order(CallOrder { id: 3, attempt: 2, ..shell(1, "true") }).await;
    assert_eq!(response(second.ended(3).await)["exitCode"], 0);
    let pid: i32 = std::fs::read_to_string(at("pid")).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it was left alone");
}

#[tokio::test]
async fn what_a_killed_agent_left_running_can_be_ended() {
    let dir = TempDir::new().unwrap();
    let flag = dir.path().join("flag");
    for how in [Severity::Term, Severity::Kill] {
        let mut first = Agent::start(dir.path()).await;
        let (trap, id) = if how == Severity::Kill { ("trap '' TERM; ", 1) } else { ("", 2) };
        let script = format!(
            "{trap}sh -c '{trap}echo $$ > {0}.part; mv {0}.part {0}; sleep 600; sleep 600' & wait",
            flag.display()
        );
        first.order(shell(id, &script)).await;
        until_there(&flag).await;
        let below = std::fs::read_to_string(&flag).unwrap();
        std::fs::remove_file(&flag).unwrap();
        first.child.kill().await.unwrap();
        let mut second = Agent::start(dir.path()).await;
        second.say(attach(9, id, 0)).await;
        second.say(ToAgent::Cancel { id: 9, how: Severity::Term }).await;
        second.say(ToAgent::Cancel { id: 9, how }).await;
        assert_eq!(second.ended(9).await.reply().unwrap_err().code, "cancelled");
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", below.trim())).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "what it started lives on: {stat}");
    }
}

#[tokio::test]
async fn work_that_was_found_again_can_be_cancelled() {
    let dir = TempDir::new().unwrap();
    let mut agent = Agent::start(dir.path()).await;
    let flag = dir.path().join("flag");
    agent.order(shell(1, &format!("touch {}; sleep 600", flag.display()))).await;
    until_there(&flag).await;
    // The first connection is not cut: it is only dead, as after a lost network.
    let mut second = Agent::start(dir.path()).await;
    second.say(attach(2, 1, 0)).await;
    second.say(ToAgent::Cancel { id: 2, how: Severity::Kill }).await;
    assert_eq!(second.ended(2).await.reply().unwrap_err().code, "cancelled");
}

#[tokio::test]
async fn what_nobody_reads_does_not_fill_the_memory_and_is_all_there_in_the_end() {
    let dir = TempDir::new().unwrap();
    let mut agent = Agent::start(dir.path()).await;
    let flag = dir.path().join("flag");
    agent
        .order(shell(
            1,
            &format!("yes 'a line of output that is long enough' | head -n 400000; touch {}", flag.display()),
        ))
        .await;
    // Nobody reads for a while: the program waits, and so does not get to its end.
    // tidy-allow: sleep: that nothing happens gives no sign
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!flag.exists());
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.child.id().unwrap())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 40_000, "{peak} kB");
    let (lines, _) = agent.end_of(1).await;
    assert_eq!(lines.len(), 400_000);
    assert!(flag.exists());
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_ends_its_work_first() {
    let dir = TempDir::new().unwrap();
    let mut agent = Agent::start(dir.path()).await;
    let flag = dir.path().join("flag");
    agent.order(shell(1, &format!("touch {}; sleep 600", flag.display()))).await;
    until_there(&flag).await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(agent.child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(agent.ended(1).await.reply().unwrap_err().code, "cancelled");
    assert!(agent.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn other_versions_and_garbage_are_refused_with_a_reason() {
    let dir = TempDir::new().unwrap();
    let agent = Agent::start_as(dir.path(), Versions { oldest: 90, newest: 91 }).await;
    let output = agent.child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "windlass-agent: Windlass speaks the versions 90 to 91, this agent does not\n");

    let mut agent = Agent::start(dir.path()).await;
    agent.write(&[2, 0, 0, 0, 250, 0]).await;
    let output = agent.child.wait_with_output().await.unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("unknown kind 250"));
}

#[tokio::test]
async fn what_cannot_be_kept_is_begun_only_by_who_knows_that() {
    let mut agent = Agent::start(Path::new("/proc/nowhere")).await;
    agent.order(shell(1, "echo fine")).await;
    assert_eq!(agent.ended(1).await.reply().unwrap_err().code, CallOrder::UNKEPT);
    agent.order(CallOrder { keep: false, ..shell(1, "echo fine") }).await;
    assert_eq!(response(agent.ended(1).await)["stdout"], "fine\n");
    // Nobody can say here that it never begins.
    agent.say(attach(2, 77, 0)).await;
    assert_eq!(agent.end_of(2).await.1, FromAgent::Gone { id: 2, begun: true });
}

#[tokio::test]
async fn what_was_kept_for_too_long_is_not_taken_for_not_begun() {
    let dir = TempDir::new().unwrap();
    let mut first = Agent::start(dir.path()).await;
    first.order(shell(1, "echo fine")).await;
    assert_eq!(response(first.ended(1).await)["exitCode"], 0);
    first.say(ToAgent::Bye).await;
    assert!(first.next().await.is_none());
    let kept = dir.path().join("windlass/work").join(run().to_string());
    let long_ago = std::time::SystemTime::now() - CallOrder::KEPT - Duration::from_secs(60);
    let age = |path: &Path| std::fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
    // What is written to later is not old, however old the directory is.
    age(&kept);
    let pass = async || {
        let mut agent = Agent::start(dir.path()).await;
        agent.say(ToAgent::Bye).await;
        assert!(agent.next().await.is_none());
    };
    pass().await;
    assert!(kept.exists());
    std::fs::read_dir(&kept).unwrap().for_each(|entry| age(&entry.unwrap().path()));
    pass().await;
    assert!(!kept.exists());
    let mut last = Agent::start(dir.path()).await;
    last.say(attach(2, 1, 0)).await;
    assert_eq!(last.end_of(2).await.1, FromAgent::Gone { id: 2, begun: true });
}

#[tokio::test]
async fn where_not_even_a_mark_can_be_left_nothing_is_begun() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("windlass")).unwrap();
    std::fs::write(dir.path().join("windlass/work"), "").unwrap();
    let flag = dir.path().join("flag");
    let mut agent = Agent::start(dir.path()).await;
    agent.order(shell(1, &format!("touch {}", flag.display()))).await;
    let error = agent.ended(1).await.reply().unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("agent.full", true), "{error}");
    assert!(!flag.exists());
}

#[tokio::test]
async fn an_order_that_arrives_after_it_was_looked_for_is_void() {
    let dir = TempDir::new().unwrap();
    let count = dir.path().join("count");
    let order = || shell(1, &format!("echo x >> {}", count.display()));
    // The first connection looks dead, and its order is still on its way.
    let mut first = Agent::start(dir.path()).await;
    let mut second = Agent::start(dir.path()).await;
    second.say(attach(9, 1, 0)).await;
    assert_eq!(second.end_of(9).await.1, FromAgent::Gone { id: 9, begun: false });
    second.order(CallOrder { id: 3, ..order() }).await;
    assert_eq!(response(second.ended(3).await)["exitCode"], 0);
    first.order(order()).await;
    assert_eq!(first.ended(1).await.reply().unwrap_err().code, CallOrder::VOID);
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n", "it ran once");
    // What is found is what was done, whoever looks, and whatever else stands in journals.
    let mut third = Agent::start(dir.path()).await;
    third.say(attach(4, 1, 0)).await;
    assert_eq!(response(third.ended(4).await)["exitCode"], 0);
    third.order(CallOrder { key: "key-2".into(), ..order() }).await;
    assert_eq!(response(third.ended(1).await)["exitCode"], 0);
}
