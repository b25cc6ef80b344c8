//! Agents as processes: joined, killed with and without their server, upgraded.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Place, Running, ended as ended_as, running};
use crate::server::Served;
use crate::watching::Watching;

const RUNS: &str = "/api/v1/namespaces/default/runs";
const PATIENCE: Duration = Duration::from_secs(120);

/// Numbers that are the same for the same seed: a failure names its round.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

fn joined(place: &Place, served: &Served, token: &str, node: &str) {
    let asked = json!({"nodes": node});
    let (status, text) = served.ask(token, "POST", "/api/v1/agenttokens", "application/json", Some(&asked));
    assert_eq!(status, 201, "{text}");
    let made: Value = serde_json::from_str(&text).unwrap();
    let url = format!("http://{}", served.address);
    let mut command = place.command(&["agent", "join", &url, "--name", node, "--only", "--data-dir", node]);
    command.env("WINDLASS_JOIN_TOKEN", made["token"].as_str().unwrap());
    let ended = ended_as(command).exits(0);
    assert_eq!(ended.out, format!("joined {} as `{node}`\n", served.address));
}

fn serves(place: &Place, node: &str) -> Running {
    place.start(&["agent", "run", "--data-dir", node])
}

fn state(served: &Served, token: &str, path: &str) -> Value {
    let (status, text) = served.ask(token, "GET", path, "", None);
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// Waits until something that is asked for again and again is there.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "it is not so: {what}");
        // tidy-allow: sleep: another process is asked, which tells nobody by itself
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ended(served: &Served, token: &str, run: &str) -> Value {
    until("the run has ended", || {
        let view = state(served, token, &format!("{RUNS}/{run}"));
        ["succeeded", "failed", "stopped"].contains(&view["status"].as_str().unwrap()).then_some(view)
    })
}

fn submitted(served: &Served, token: &str, spec: &Value) -> String {
    served.applies(token, "/api/v1/namespaces/default/plans/work", spec);
    let (status, text) = served.ask(token, "POST", RUNS, "application/json", Some(&json!({"plan": "work"})));
    assert_eq!(status, 201, "{text}");
    serde_json::from_str::<Value>(&text).unwrap()["run"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_is_made_beside_a_server_that_does_not_run_and_used_once() {
    let place = Place::new();
    let mut served = Served::begin(&place);
    let token = served.token();
    let address = served.address.clone();
    served.process.signal("TERM");
    served.process.end().exits(0);
    let made = place.run(&["server", "agent-token", "web01"]).exits(0).out;
    assert!(made.starts_with("wlj_") && made.trim().len() == 114, "{made}");
    place.run(&["server", "agent-token", "/web/"]).exits(5).says(&["`/web/` cannot be the name of a node"]);
    let join = |url: &str, made: &str| {
        place.run(&[
            "agent",
            "join",
            url,
            "--token",
            made.trim(),
            "--name",
            "web01",
            "--only",
            "--data-dir",
            "web01",
        ])
    };
    let url = format!("https://{address}");
    join(&url, &made).exits(5).says(&[
        "WL-1105",
        &format!("the server at {address} cannot be reached"),
        "see that the server runs",
    ]);
    join("windlass.example.org", &made)
        .exits(2)
        .says(&["`windlass.example.org` is not where a server can be"]);
    join(&url, "nonsense").exits(2).says(&["WL-1101", "it is no join token"]);
    place.run(&["agent", "run", "--data-dir", "web01"]).exits(2).says(&[
        "WL-1105",
        "no agent has joined with web01",
        "windlass agent join",
    ]);
    let served = Served::begin_at(&place, &address);
    join(&url, &made).exits(0).shows(&[&format!("joined {address} as `web01`")]);
    join(&url, &made).exits(1).says(&[
        "WL-1101",
        "the server refuses: the join token was used up at",
        "make a new one",
    ]);
    let agent = serves(&place, "web01");
    until("it is here", || {
        (state(&served, &token, "/api/v1/agents/web01")["state"] == "connected").then_some(())
    });
    place
        .run(&["agent", "run", "--data-dir", "web01"])
        .exits(5)
        .says(&["another process serves as the agent of web01"]);
    agent.signal("TERM");
    agent.end().exits(0).says(&[&format!("serves as `web01` at {address}"), "ending"]);
}

#[test]
fn whoever_is_killed_nothing_is_done_twice_nothing_is_lost_and_nobody_who_watches_misses_anything() {
    let rounds = std::env::var("WINDLASS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let place = Place::new();
    let mut served = Served::begin(&place);
    let token = served.token();
    let nodes = ["n1", "n2", "n3", "n4"];
    for node in nodes {
        joined(&place, &served, &token, node);
    }
    let mut agents: Vec<Running> = nodes.iter().map(|node| serves(&place, node)).collect();
    let mut dice = Dice(7);
    let (mut interrupted, mut done) = (0, 0);
    let plan = "/api/v1/namespaces/default/plans/work";
    served.applies(&token, plan, &json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "noop"}]}]}]}}));
    let watched = format!("{plan}/state");
    let version = state(&served, &token, &watched)["version"].as_u64().unwrap();
    let watching = Watching::begin(&served.address, &token, &watched, version);
    for round in 0..rounds {
        until("all are here", || {
            let all = state(&served, &token, "/api/v1/agents");
            let here = all["items"].as_array().unwrap().iter().filter(|it| it["state"] == "connected");
            (here.count() == nodes.len()).then_some(())
        });
        let name = place.path(&format!("r{round}"));
        let counter = |what: &str| format!("{}-{{{{ node.name }}}}-{what}", name.display());
        let sequence = json!([
            {"name": "first", "use": "shell", "with": {"script": format!("echo x >> {}; sleep 0.2", counter("first"))}},
            {"name": "once", "use": "shell", "timeout": "60s", "with": {"script": format!("echo x >> {}; sleep 0.{}", counter("once"), dice.below(9))}},
            {"name": "again", "use": "shell", "onInterrupt": "rerun", "with": {"script": format!("echo x >> {}", counter("again"))}},
        ]);
        let spec = json!({"spec": {"blocks": [{"name": "b", "targets": {"nodes": nodes}, "concurrency": 4, "failures": "unlimited", "sequence": sequence}]}});
        let run = submitted(&served, &token, &spec);
        for _ in 0..=dice.below(2) {
            // tidy-allow: sleep: the moment of death is what is tried, and nothing waits for it
            std::thread::sleep(Duration::from_millis(dice.below(500)));
            if dice.below(2) == 0 {
                let address = served.address.clone();
                served.process.signal("KILL");
                served.process.end();
                served = Served::begin_at(&place, &address);
            } else {
                let index = usize::try_from(dice.below(4)).unwrap();
                agents[index].signal("KILL");
                std::mem::replace(&mut agents[index], serves(&place, nodes[index])).end();
            }
        }
        let seq = ended(&served, &token, &run)["seq"].as_u64().unwrap();
        until("it was heard to the end", || (watching.of(&run).last() >= Some(&seq)).then_some(()));
        let heard = watching.of(&run);
        assert_eq!(heard, (1..=seq).collect::<Vec<_>>(), "round {round}: each event once, in order");
        let report = state(&served, &token, &format!("{RUNS}/{run}/report"));
        for node in nodes {
            for action in ["first", "once", "again"] {
                let path = format!("{}-{node}-{action}", name.display());
                let lines = std::fs::read_to_string(path).unwrap_or_default().lines().count();
                let address = format!("b/{node}/{action}");
                let elements = report["elements"].as_array().unwrap();
                let element = elements.iter().find(|element| element["address"] == *address);
                let status = element.map_or("pending", |it| it["status"].as_str().unwrap());
                let context = format!("round {round}, {address}: {status}, {lines} lines: {element:?}");
                match (status, action) {
                    ("succeeded", "again") => assert!(lines >= 1, "{context}"),
                    ("succeeded", _) => {
                        done += 1;
                        assert_eq!(lines, 1, "{context}");
                    }
                    ("failed", "again") => {}
                    ("failed", _) => {
                        interrupted += 1;
                        assert!(lines <= 1, "{context}");
                        assert!(format!("{element:?}").contains("interrupted"), "{context}");
                    }
                    _ => assert_eq!(lines, 0, "{context}"),
                }
            }
        }
    }
    let times = watching.end();
    println!(
        "{rounds} rounds: {done} actions done once, {interrupted} reported as interrupted, watched over {times} connections"
    );
    assert!(done > 0);
    for agent in agents {
        agent.signal("KILL");
        agent.end();
    }
    served.process.signal("TERM");
    served.process.end().exits(0);
}

/// What an agent was placed as, for a user without a home.
const OF_NOBODY: &str = "/var/tmp/windlass-65534";

#[test]
fn an_agent_acts_as_another_user_and_what_that_one_does_outlives_both() {
    let place = Place::new();
    let mut served = Served::begin(&place);
    let (token, address) = (served.token(), served.address.clone());
    joined(&place, &served, &token, "web01");
    let mut agent = serves(&place, "web01");
    let others = |other: &Value| {
        let node = json!({"spec": {"transport": {"use": "agent", "become": other}}});
        served.applies(&token, "/api/v1/nodes/web01", &node);
    };
    let asks = |script: &str| {
        json!({"spec": {"blocks": [{"name": "b", "targets": {"nodes": ["web01"]}, "sequence": [
            {"name": "a", "use": "shell", "with": {"script": script}, "timeout": "60s"}]}]}})
    };
    let told = |served: &Served, run: &str| {
        ended(served, &token, run);
        state(served, &token, &format!("{RUNS}/{run}/report")).to_string()
    };
    others(&json!({"user": "nosuch", "method": "su"}));
    let report = told(&served, &submitted(&served, &token, &asks("id -un")));
    if !rustix::process::getuid().is_root() {
        assert!(report.contains("for a password") || report.contains("did not lead to a shell"), "{report}");
        return;
    }
    assert!(report.contains("there is no user `nosuch` to become"), "{report}");
    let was_there = std::path::Path::new(OF_NOBODY).exists();
    others(&json!({"user": "nobody", "method": "su"}));
    let run = submitted(&served, &token, &asks("echo this is $(id -un)"));
    let report = told(&served, &run);
    let (_, logs) = served.ask(&token, "GET", &format!("{RUNS}/{run}/logs"), "", None);
    assert!(logs.contains("this is nobody"), "{logs} {report}");
    // It is at work while the server is killed, and the agent that started it.
    let counter = place.path("counter");
    std::fs::write(&counter, "").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(&counter, open).unwrap();
    for directory in counter.ancestors().skip(1).take_while(|it| *it != std::path::Path::new("/tmp")) {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory, open).unwrap();
    }
    let script =
        format!("echo begun >> {0}; sleep 3; echo done by $(id -un) >> {0}; echo told", counter.display());
    let run = submitted(&served, &token, &asks(&script));
    until("it is at work", || std::fs::read_to_string(&counter).unwrap().contains("begun").then_some(()));
    served.process.signal("KILL");
    served.process.end();
    agent.signal("KILL");
    std::mem::replace(&mut agent, serves(&place, "web01")).end();
    served = Served::begin_at(&place, &address);
    let view = ended(&served, &token, &run);
    assert_eq!(view["status"], "succeeded", "{}", told(&served, &run));
    assert_eq!(std::fs::read_to_string(&counter).unwrap(), "begun\ndone by nobody\n", "once");
    if !was_there {
        std::fs::remove_dir_all(OF_NOBODY).unwrap();
    }
    agent.signal("KILL");
    agent.end();
    served.process.signal("TERM");
    served.process.end().exits(0);
}

/// A program like ours, with another hash.
fn another(place: &Place, name: &str) -> String {
    let path = place.path(name);
    std::fs::copy(env!("CARGO_BIN_EXE_windlass"), &path).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, name.as_bytes()).unwrap();
    path.display().to_string()
}

fn program_of(agent: &Running) -> String {
    std::fs::read_link(format!("/proc/{}/exe", agent.id())).unwrap().display().to_string()
}

#[test]
fn an_agent_takes_the_program_that_its_server_offers_and_none_that_does_not_come_up() {
    let place = Place::new();
    let mut served = Served::begin(&place);
    let token = served.token();
    let address = served.address.clone();
    joined(&place, &served, &token, "web01");
    let old = another(&place, "old");
    let begin_with = |program: &str, more: &[&str]| {
        let own = place.command(&["agent", "run", "--data-dir", "web01"]);
        let mut command = Command::new(program);
        command.args(own.get_args()).args(more).current_dir(place.path("")).env_clear();
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        running(command)
    };
    let begin = |program: &str| begin_with(program, &[]);
    let mut agent = begin(&old);
    assert_eq!(program_of(&agent), old);
    agent.wait_for_words("takes it when nothing is open");
    agent.wait_for_words("goes on as the program");
    agent.wait_for_words("serves as `web01`");
    let taken = program_of(&agent);
    assert!(taken.contains("web01/programs/windlass-"), "{taken}");
    let spec = json!({"spec": {"blocks": [{"name": "b", "targets": {"nodes": ["web01"]}, "sequence": [
        {"name": "a", "use": "command", "with": {"argv": ["true"]}}]}]}});
    let run = submitted(&served, &token, &spec);
    assert_eq!(ended(&served, &token, &run)["status"], "succeeded");
    // Who begins the installed one again gets the one that was taken.
    agent.signal("KILL");
    agent.end();
    let mut agent = begin(&old);
    agent.wait_for_words("serves as `web01`");
    assert_eq!(program_of(&agent), taken);
    agent.signal("KILL");
    agent.end();
    // When somebody installs another, that one counts.
    let newer = another(&place, "newer");
    let keep = begin_with(&newer, &["--keep-program"]);
    until("it is here", || {
        (state(&served, &token, "/api/v1/agents/web01")["state"] == "connected").then_some(())
    });
    assert_eq!(program_of(&keep), newer);
    keep.signal("KILL");
    keep.end();
    // One that does not come up is tried, and never again.
    served.process.signal("KILL");
    served.process.end();
    let broken = place.file("broken", "#!/bin/sh\nexit 1\n");
    let offering = ["server", "--listen", &address, "--agent-program", broken.to_str().unwrap()];
    let mut server = place.start(&offering);
    server.wait_for_line("listens on http://");
    let mut agent = begin(&newer);
    agent.wait_for_words("serves as `web01`");
    agent.wait_for_words("it does not come up");
    assert_eq!(program_of(&agent), newer);
    agent.signal("TERM");
    agent.end().exits(0);
    let mut agent = begin(&newer);
    agent.wait_for_words("it did not come up the last time");
    agent.signal("TERM");
    agent.end().exits(0);
    server.signal("TERM");
    server.end().exits(0);
}
