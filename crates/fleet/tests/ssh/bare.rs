//! Nodes on which no agent runs, and nodes that make it hard for one.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use windlass_farm::{Farm, Kind};
use windlass_fleet::{Agents, Fleet, Gate, Ways, is_here, over};
use windlass_plugin::{
    Call, CallError, CancelSource, Node, Output, OutputSink, Registry, Reply, Severity, Stream,
};

use crate::sessions::call;
use crate::sshd::{agent_binary, farm, here};

#[derive(Default)]
struct Lines(Mutex<Vec<(Stream, Vec<u8>)>>);

impl OutputSink for Lines {
    fn line(&self, stream: Stream, bytes: &[u8]) {
        self.0.lock().unwrap().push((stream, bytes.to_vec()));
    }
}

impl Lines {
    fn of(&self, stream: Stream) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        let own = lines.iter().filter(|(of, _)| *of == stream);
        own.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    async fn until(&self, text: &str) {
        while !self.of(Stream::Stdout).iter().any(|line| line == text) {
            tokio::task::yield_now().await;
        }
    }
}

fn node(farm: &Farm, more: Value) -> Arc<Node> {
    let host = &farm.hosts[0];
    let mut transport = json!({"port": host.port, "user": "root", "connectTimeout": "20s"});
    transport.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let node = json!({"name": host.name, "addresses": host.address, "transport": transport});
    Arc::new(serde_json::from_value(node).unwrap())
}

fn registry(farm: &Farm, agents: Agents) -> Registry {
    let fleet = Fleet::new(Ways::new(here(farm), agents), Gate::default());
    over(&windlass_plugins::standard().unwrap(), &fleet, is_here).unwrap()
}

fn agents() -> Agents {
    Agents::of(std::env::consts::ARCH, &agent_binary())
}

async fn do_it(
    registry: &Registry,
    plugin: &str,
    call: Call,
    request: Value,
) -> Result<Reply<Value>, CallError> {
    registry.get(plugin).unwrap().call(call, Arc::new(request)).await
}

fn telling(node: &Arc<Node>, source: &CancelSource) -> (Call, Arc<Lines>) {
    let lines = Arc::new(Lines::default());
    let output = Output::to(Arc::clone(&lines) as Arc<dyn OutputSink>);
    (Call { output, cancel: source.cancel(), ..call(node) }, lines)
}

#[tokio::test]
async fn without_an_agent_programs_run_as_with_one() {
    let Some(farm) = farm("without_an_agent_programs_run_as_with_one", Kind::Plain) else { return };
    let (with, without) = (node(&farm, json!({})), node(&farm, json!({"agent": "never"})));
    for (node, agents) in [(with, agents()), (without, Agents::none())] {
        let registry = registry(&farm, agents);
        let (call, lines) = telling(&node, &CancelSource::new());
        let request = json!({
            "script": "cat; echo \"$A\" \"$1\" >&2; pwd; printf '\\377\\n'; exit 3",
            "args": ["it's an \"argument\""], "env": {"A": "ü €"}, "cwd": "/tmp", "stdin": "in\n", "exitCodes": [3],
        });
        let reply = do_it(&registry, "shell", call, request).await.unwrap().response;
        assert_eq!((&reply["exitCode"], &reply["stdout"]), (&json!(3), &json!("in\n/tmp\n\u{fffd}\n")));
        assert_eq!(reply["stderr"], "ü € it's an \"argument\"\n");
        assert_eq!(lines.of(Stream::Stdout).len(), 3);
        assert!(lines.0.lock().unwrap().contains(&(Stream::Stdout, vec![0xff])));

        let (call, lines) = telling(&node, &CancelSource::new());
        let long =
            json!({"argv": ["sh", "-c", "head -c 65536 /dev/zero | tr '\\0' x; echo; seq 1 3000 >&2"]});
        let reply = do_it(&registry, "command", call, long).await.unwrap().response;
        assert_eq!(reply["stdout"].as_str().unwrap().len(), 65537);
        assert_eq!((lines.of(Stream::Stdout)[0].len(), lines.of(Stream::Stderr).len()), (65536, 3000));

        for (request, code) in [
            (json!({"argv": ["sh", "-c", "kill -9 $$"]}), "signal"),
            (json!({"argv": ["no-such-program"]}), "notFound"),
            (json!({"argv": ["true"], "cwd": "/no/such/place"}), "cwd"),
            (json!({"argv": ["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 7"]}), "exit"),
        ] {
            let error = do_it(&registry, "command", call_of(&node), request.clone()).await.unwrap_err();
            assert_eq!(error.code, code, "{request}: {error}");
        }
        let made = farm.hosts[0].path("made");
        let request = json!({"argv": ["touch", made], "creates": made});
        let first = do_it(&registry, "command", call_of(&node), request.clone()).await.unwrap();
        let again = do_it(&registry, "command", call_of(&node), request).await.unwrap();
        assert_eq!((first.changed, again.changed), (true, false));
        std::fs::remove_file(made).unwrap();

        let (call, lines) = telling(&node, &CancelSource::new());
        let leaves = json!({"script": "sleep 30 & echo $!"});
        do_it(&registry, "shell", call, leaves).await.unwrap();
        let notes = lines.of(Stream::Note);
        assert!(notes.iter().any(|note| note.contains("left something running")), "{notes:?}");
        kill(&lines.of(Stream::Stdout)[0]);
    }
}

#[tokio::test]
async fn p25_lines_with_quotes_run_unchanged() {
    let Some(farm) = farm("p25_lines_with_quotes_run_unchanged", Kind::Plain) else { return };
    // Whatever a shell on the way could take for its own.
    let text = "it's \"so\": $HOME `id` $(id) \\ \\n ! !! # ; & | < > * ? [a] {b,c} ~ %s %% \t end  ";
    let script = format!(
        "#!/bin/sh\n# it's a comment with \"one quote\ncat <<'EOF'\n{text}\n\nEOF\n\nsay() {{\n\tprintf '%s|' \"$@\"\n}}\n\
         say \"it's\" 'a \"b\"' \\' \\\" \"two\nlines\" ''\n\
         if [ \"$1\" = \"$A\" ]; then\n  echo 'the \"argument\" is whole'\nfi\n"
    );
    let expected = format!("{text}\n\nit's|a \"b\"|'|\"|two\nlines||the \"argument\" is whole\n");
    for more in [json!({}), json!({"agent": "never"})] {
        let (node, registry) = (node(&farm, more.clone()), registry(&farm, agents()));
        for (plugin, request) in [
            ("shell", json!({"script": script, "args": [text], "env": {"A": text}})),
            ("script", json!({"content": script, "args": [text], "env": {"A": text}})),
            ("command", json!({"argv": ["sh", "-c", script, "sh", text], "env": {"A": text}})),
        ] {
            let reply = do_it(&registry, plugin, call_of(&node), request).await;
            let reply = reply.unwrap_or_else(|error| panic!("{plugin}, {more}: {error}")).response;
            assert_eq!(reply["stdout"], expected, "{plugin}, {more}");
        }
        let literal = json!({"argv": ["printf", "%s", text]});
        let reply = do_it(&registry, "command", call_of(&node), literal).await.unwrap().response;
        assert_eq!(reply["stdout"], text, "{more}");
    }
}

fn call_of(node: &Arc<Node>) -> Call {
    call(node)
}

fn kill(pid: &str) {
    let _ = std::process::Command::new("kill").args(["-9", pid]).status();
}

fn is_alive(pid: &str) -> bool {
    // One that has ended and is not yet collected counts as gone.
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn p7_a_cancel_reaches_grandchildren_with_and_without_an_agent() {
    let Some(farm) = farm("p7_a_cancel_reaches_grandchildren_with_and_without_an_agent", Kind::Plain) else {
        return;
    };
    for more in [json!({}), json!({"agent": "never"})] {
        let (node, registry) = (node(&farm, more), registry(&farm, agents()));
        for (trap, how) in
            [("", vec![Severity::Term]), ("trap '' TERM; ", vec![Severity::Term, Severity::Kill])]
        {
            let source = CancelSource::new();
            let (call, lines) = telling(&node, &source);
            let script = format!(
                "{trap}sh -c '{trap}sleep 600 & echo $!; wait' & echo $!; wait; echo ready; sleep 600"
            );
            let script = script.replace("wait; echo ready", "echo ready; wait");
            let work = do_it(&registry, "shell", call, json!({"script": script}));
            let cancel = async {
                lines.until("ready").await;
                while lines.of(Stream::Stdout).len() < 3 {
                    tokio::task::yield_now().await;
                }
                for how in how {
                    source.trigger(how);
                    // tidy-allow: sleep: who ignores a signal gives no sign
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            };
            let (ended, ()) = tokio::join!(work, cancel);
            assert_eq!(ended.unwrap_err().code, "cancelled");
            for pid in lines.of(Stream::Stdout).iter().filter(|line| *line != "ready") {
                assert!(!is_alive(pid), "{pid} lives on");
            }
        }
    }
}

#[tokio::test]
async fn where_no_agent_can_run_the_rest_works_and_says_what_does_not() {
    let Some(farm) = farm("where_no_agent_can_run_the_rest_works_and_says_what_does_not", Kind::Plain) else {
        return;
    };
    let node = node(&farm, json!({}));
    let broken = farm.path("broken-agent");
    std::fs::write(&broken, "#!/no/such/interpreter\n").unwrap();
    for (agents, why) in [
        (
            Agents::of("mips", &agent_binary()),
            format!("there is no agent for `Linux {}`", std::env::consts::ARCH),
        ),
        (Agents::none(), format!("there is no agent for `Linux {}`", std::env::consts::ARCH)),
        (Agents::of(std::env::consts::ARCH, &broken), "the agent was placed and does not run: ".to_owned()),
    ] {
        let registry = registry(&farm, agents);
        let reply = do_it(&registry, "shell", call(&node), json!({"script": "echo works"})).await.unwrap();
        assert_eq!(reply.response["stdout"], "works\n");
        let error = do_it(&registry, "file.exists", call(&node), json!({"path": "/"})).await.unwrap_err();
        let begins = format!("`file.exists` needs an agent on `web01`, and there is none: {why}");
        assert!(error.message.starts_with(&begins), "{error}");
    }
}

#[tokio::test]
async fn odd_hosts_are_worked_on_or_say_what_is_wrong() {
    let Some(home) = farm("odd_hosts_are_worked_on_or_say_what_is_wrong", Kind::ReadOnlyHome) else { return };
    let registry = |farm: &Farm| registry(farm, agents());
    let reply =
        do_it(&registry(&home), "file.exists", call(&node(&home, json!({}))), json!({"path": "/"})).await;
    assert!(reply.is_ok(), "the agent lies elsewhere: {reply:?}");

    let bad = farm("", Kind::BadShell).unwrap();
    let error = do_it(&registry(&bad), "shell", call(&node(&bad, json!({}))), json!({"script": "true"}))
        .await
        .unwrap_err();
    assert_eq!(error.code, "shell");
    assert!(error.message.contains("This account is not available. (exit code 1)"), "{error}");

    let wrong = farm("", Kind::WrongKey).unwrap();
    let error = do_it(&registry(&wrong), "shell", call(&node(&wrong, json!({}))), json!({"script": "true"}))
        .await
        .unwrap_err();
    assert!(error.code == "hostKey" && error.message.contains("has changed"), "{error}");

    let slow = farm("", Kind::Slow).unwrap();
    let reply =
        do_it(&registry(&slow), "shell", call(&node(&slow, json!({}))), json!({"script": "echo late"}))
            .await
            .unwrap();
    assert_eq!(reply.response["stdout"], "late\n");

    let hung = farm("", Kind::Hung).unwrap();
    let node = node(&hung, json!({"connectTimeout": "300ms"}));
    let error = do_it(&registry(&hung), "shell", call(&node), json!({"script": "true"})).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("handshake", false), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing_half() {
    let test = "a_full_disk_is_told_and_leaves_nothing_half";
    let Some(farm) = farm(test, Kind::Plain) else { return };
    // Too small for an agent, and nothing else of this host can be written to.
    let disk = farm.hosts[0].path("home/.cache");
    std::fs::create_dir_all(&disk).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(&disk)
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        crate::sshd::skip(test, "nothing can be mounted here");
        return;
    }
    let node = node(&farm, json!({}));
    let reply =
        do_it(&registry(&farm, agents()), "shell", call(&node), json!({"script": "echo works"})).await;
    let left: Vec<_> =
        std::fs::read_dir(disk.join("windlass")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    let _ = std::process::Command::new("umount").arg(&disk).status();
    assert_eq!(reply.unwrap().response["stdout"], "works\n");
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("agent-")), "{left:?}");
}
