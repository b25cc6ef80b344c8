//! The command as a client of a server: the same words and the same output as without one.

use serde_json::{Value, json};

use crate::harness::{Ended, Place};
use crate::server::Served;

/// A server, and a context that leads to it.
fn signed_in(place: &Place) -> Served {
    let mut served = Served::begin(place);
    let token = served.token();
    place.file("token", &format!("{token}\n"));
    let url = format!("http://{}", served.address);
    place
        .run(&["login", &url, "--token", "@token", "--context", "here"])
        .exits(0)
        .shows(&["signed in to", "as admin"]);
    served
}

const OBJECTS: &str = "\
apiVersion: windlass.dev/v1
kind: Plan
metadata: {name: patch, annotations: {description: patches}}
spec:
  params: {word: {type: string, default: hello}}
  blocks:
    - name: b
      targets: {labels: role=web}
      sequence: [{name: say, use: shell, with: {script: 'echo {{ params.word }} from {{ node.name }} {{ vars.place }}'}}]
---
apiVersion: windlass.dev/v1
kind: Node
metadata: {name: web01, labels: {role: web}}
spec: {transport: {use: local}, groups: [web]}
---
apiVersion: windlass.dev/v1
kind: NodeGroup
metadata: {name: web}
spec: {vars: {place: here}}
---
apiVersion: windlass.dev/v1
kind: Namespace
metadata: {name: default}
spec: {description: for all, nodes: {labels: role=web}}
";

fn lines(ended: &Ended) -> Vec<&str> {
    ended.out.lines().collect()
}

#[test]
fn facts_of_the_nodes_of_a_server_are_asked_there_and_chosen_by() {
    let place = Place::new();
    let _served = signed_in(&place);
    place.file("all.yaml", OBJECTS);
    place.run(&["apply", "all.yaml"]).exits(0);
    let with = |words: &[&str]| place.run(&[words, &["--context", "here"]].concat());
    with(&["nodes", "facts"]).exits(1).says(&["web01", "it has reported nothing; --refresh asks it"]);
    with(&["nodes", "facts", "--refresh", "--connect-at-once", "3"])
        .exits(2)
        .says(&["--connect-at-once is for nodes that are asked from here"]);
    with(&["nodes", "facts", "web09"]).exits(2).says(&["WL-0801", "web09"]);
    // A run of the server asks, and is there to be looked at.
    let asked =
        with(&["nodes", "facts", "web01", "--refresh", "--output", "json"]).exits(0).says(&["asks 1 node"]);
    let (rows, run) = (asked.json(), with(&["runs", "list", "--output", "json"]).exits(0).json());
    assert_eq!((&rows[0]["node"], &run[0]["plan"]), (&json!("web01"), &json!("facts")), "{run}");
    let kernel = rows[0]["facts"]["kernel"]["release"].as_str().unwrap();
    // What is young enough is not asked again.
    let again = with(&["nodes", "facts", "--max-age", "1h"]).exits(0);
    assert!(again.out.contains(kernel) && !again.err.contains("asks"), "{} {}", again.out, again.err);
    let by = format!("where:facts.kernel.release == '{kernel}'");
    assert_eq!(with(&["nodes", "select", &by]).exits(0).out, "web01\n");
    with(&["nodes", "select", "where:facts.kernel.release == 'none'"]).exits(2).says(&["chooses no node"]);
    with(&["run", "patch", "--fresh-facts", "1ms", "--why", "to see"]).exits(0).says(&["asks 1 node"]);
    let audit = place.run(&["audit", "--output", "json"]).exits(0).out;
    assert!(audit.contains("\"why\":\"to see\""), "{audit}");
    place.run(&["runs", "retry", "--why", "again"]).exits(2).says(&["--why is for the record of a server"]);
}

#[test]
fn signs_in_and_says_who_one_is() {
    let place = Place::new();
    place.run(&["get", "nodes"]).exits(2).says(&["WL-1008", "no server is known here", "windlass login URL"]);
    let served = signed_in(&place);
    let url = format!("http://{}", served.address);
    let known = std::fs::metadata(place.path(".config/windlass/contexts.toml")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&known.permissions()) & 0o777, 0o600);
    place.run(&["whoami"]).exits(0).shows(&["admin at http://", "everywhere, may: view, write, submit"]);
    assert_eq!(place.run(&["whoami", "-o", "json"]).exits(0).json()["user"], "admin");
    place.run(&["contexts"]).exits(0).shows(&["*", "here", &url]);
    place
        .run(&["login", &url, "--token", "wl_secret"])
        .exits(2)
        .says(&["does not belong on a command line", "--token @FILE"]);
    place.file("wrong", "wl_aaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    place.run(&["login", &url, "--token", "@wrong"]).exits(2).says(&["WL-1001"]);
    place.run(&["whoami", "--context", "her"]).exits(2).says(&["no context `her`", "did you mean `here`?"]);
    // A token for a program, by variables and without a file.
    let made = place.run(&["tokens", "--new", "ci", "--good-for", "1h", "--only", "web"]).exits(0);
    let mut command = place.command(&["whoami", "-o", "json"]);
    command.env("WINDLASS_SERVER", &url).env("WINDLASS_TOKEN", made.out.trim());
    let me = crate::harness::ended(command).exits(0).json();
    assert_eq!(me["namespaces"], json!(["web"]));
    let tokens = place.run(&["tokens", "-o", "json"]).exits(0).json();
    let id = tokens.as_array().unwrap().iter().find(|token| token["note"] == "ci").unwrap()["id"].clone();
    place.run(&["tokens", "--revoke", id.as_str().unwrap()]).exits(0);
    let mut command = place.command(&["whoami"]);
    command.env("WINDLASS_SERVER", &url).env("WINDLASS_TOKEN", made.out.trim());
    crate::harness::ended(command).exits(2).says(&["WL-1001"]);
    place.run(&["audit"]).exits(0).shows(&["Token admin", "admin"]);
    place.run(&["audit", "--verify"]).exits(0).shows(&["whole:"]);
    drop(served.process);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.run(&["login", &format!("http://{closed}"), "--token", "@token"]).exits(5).says(&[
        "WL-1007",
        "cannot be reached",
        "is the server running",
    ]);
}

#[test]
fn objects_are_applied_shown_compared_edited_and_deleted() {
    let place = Place::new();
    let mut served = signed_in(&place);
    place.file("all.yaml", OBJECTS);
    let dry = place.run(&["apply", "all.yaml", "--dry-run"]);
    assert!(dry.out.contains("nodegroup web created (nothing was written)"), "{}{}", dry.out, dry.err);
    let applied = place.run(&["apply", "all.yaml"]).exits(0);
    assert_eq!(
        lines(&applied),
        [
            "namespace default changed",
            "nodegroup web created",
            "node web01 created",
            "plan default/patch created"
        ]
    );
    let again = place.run(&["apply", "all.yaml"]).exits(0);
    assert!(lines(&again).iter().all(|line| line.ends_with("unchanged")), "{}", again.out);

    place.run(&["get", "no"]).exits(0).shows(&["NAME", "web01", "role=web"]);
    place.run(&["get", "plans"]).exits(0).shows(&["NAMESPACE", "default", "patch", "patches"]);
    let node = place.run(&["get", "node", "web01", "-o", "json"]).exits(0).json();
    assert_eq!(node["spec"]["groups"], json!(["web"]));
    let listed = place.run(&["get", "nodes", "-l", "role=web", "-o", "json"]).exits(0).json();
    assert_eq!(listed, json!([node]));
    assert_eq!(place.run(&["get", "nodes", "-l", "role=db", "-o", "jsonl"]).exits(0).out, "");
    let yaml = place.run(&["get", "plan", "patch", "-o", "yaml"]).exits(0).out;
    place.file("again.yaml", &yaml);
    let same = place.run(&["apply", "again.yaml"]).exits(0);
    assert_eq!(lines(&same), ["plan default/patch unchanged"], "what was shown can be sent back");
    place.run(&["get", "planes"]).exits(2).says(&["WL-0905", "did you mean `plans`?"]);
    place.run(&["get", "node", "web09"]).exits(2).says(&["WL-0901", "web09"]);
    place.run(&["describe", "node", "web01"]).exits(0).shows(&[
        "node web01",
        "role: web",
        "groups:",
        "revisions",
        "admin",
    ]);

    place.file("changed.yaml", &OBJECTS.replace("place: here", "place: there"));
    place.run(&["diff", "all.yaml"]).exits(0);
    place.run(&["diff", "changed.yaml"]).exits(1).shows(&[
        "nodegroup web",
        "/spec/vars/place",
        "- here",
        "+ there",
    ]);
    place.run(&["apply", "changed.yaml"]).exits(0);
    place.run(&["diff", "nodegroup", "web"]).exits(1).shows(&["/vars/place", "- here", "+ there"]);

    // Everything that is wrong with a file is drawn where it stands.
    place.file("wrong.yaml", "apiVersion: windlass.dev/v1\nkind: Node\nmetadata: {name: web02}\nspec:\n  adresses: [10.0.0.2]\n  active: maybe\n");
    let wrong = place.run(&["apply", "wrong.yaml"]).exits(2);
    wrong.says(&["wrong.yaml:5", "adresses", "addresses", "wrong.yaml:6", "active"]);
    place.file("odd.yaml", "apiVersion: windlass.dev/v1\nkind: Nod\nmetadata: {name: x}\n");
    place.run(&["apply", "odd.yaml"]).exits(2).says(&[
        "WL-0905",
        "odd.yaml:2",
        "did you mean `Node`",
        "there are:",
    ]);

    let mut edit = place.command(&["edit", "nodegroup", "web"]);
    edit.env("EDITOR", "sed -i s/there/elsewhere/");
    let edited = crate::harness::ended(edit).exits(0);
    assert_eq!(lines(&edited), ["nodegroup web changed"]);
    let mut edit = place.command(&["edit", "nodegroup", "web"]);
    edit.env("EDITOR", "sed -i s/vars:/wars:/");
    crate::harness::ended(edit).exits(2).says(&["wars", "what you wrote is kept in"]);

    place.run(&["delete", "nodegroup", "web"]).exits(2).says(&["WL-0904", "web01"]);
    place.file("mine.yaml", OBJECTS.split("---\n").take(3).collect::<Vec<_>>().join("---\n").as_str());
    let deleted = place.run(&["delete", "--file", "mine.yaml"]).exits(0);
    assert_eq!(
        lines(&deleted),
        ["plan default/patch deleted", "node web01 deleted", "nodegroup web deleted"]
    );
    served.process.signal("TERM");
    let _ = served.process.line_with("").len();
}

#[test]
fn a_run_on_a_server_looks_and_ends_as_one_here() {
    let place = Place::new();
    let served = signed_in(&place);
    place.file("all.yaml", OBJECTS);
    place.run(&["apply", "all.yaml"]).exits(0);
    let on = ["--context", "here"];
    let with = |words: &[&str]| place.run(&[words, &on[..]].concat());

    let ran = with(&["run", "patch", "-p", "word=good day", "--output", "json"]).exits(0).json();
    assert_eq!(
        (&ran["run"]["status"], &ran["limits"][0]["failed"]),
        (&json!("succeeded"), &json!(0)),
        "{ran}"
    );
    let id = ran["run"]["id"].as_str().unwrap();
    assert_eq!(with(&["runs", "list", "--output", "json"]).exits(0).json()[0]["id"], id);
    with(&["runs", "show"]).exits(0).shows(&["patch", "succeeded"]);
    assert_eq!(with(&["runs", "report", &id[..13], "--output", "json"]).exits(0).json()["run"]["id"], id);
    let logs = with(&["logs"]).exits(0);
    assert!(logs.out.contains("good day from web01 here"), "{}", logs.out);
    assert_eq!(with(&["logs", "--tail", "1", "--node", "web01"]).exits(0).out.lines().count(), 1);
    with(&["logs", "--node", "web09"]).exits(2).says(&["web09", "web01"]);
    // Whoever is beside it is shown the same, word for word.
    for words in
        [vec!["runs", "show", id], vec!["runs", "events", id], vec!["runs", "list"], vec!["logs", id]]
    {
        let (remote, here) = (with(&words).exits(0).out, place.run(&words).exits(0).out);
        assert_eq!(remote.replace(" --context here", ""), here, "{words:?}");
    }

    let file =
        place.plan("fails", "  blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: fail}]}]}]");
    let failed = with(&["run", file.to_str().unwrap(), "--output", "json"]).exits(1).json();
    assert_eq!(failed["run"]["reason"]["address"], "b/s/a");
    with(&["runs", "retry", "--output", "json"]).exits(1);
    let bad =
        place.plan("bad", "  blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: nope}]}]}]");
    with(&["run", bad.to_str().unwrap()]).exits(2).says(&["nope", "bad.yaml:"]);
    with(&["run", "nobody"]).exits(2).says(&["WL-0901", "nobody"]);
    with(&["run", "patch", "-i", "x.yaml"]).exits(2).says(&["--inventory is for runs on this machine"]);
    with(&["run", "patch", "-p", "wrod=1"]).exits(2).says(&["wrod"]);

    let gate = place.until("gate");
    let held = place.plan(
        "held",
        &format!("  blocks: [{{name: b, sequences: [{{name: s, actions: [{{name: a, use: shell, with: {{script: '{gate}'}}}}, {{name: z, use: noop}}]}}]}}]"),
    );
    let mut running =
        place.start(&["run", held.to_str().unwrap(), "--context", "here", "--output", "events"]);
    running.wait_for("attemptBegan", "b/s/a");
    with(&["runs", "pause"]).exits(0).shows(&["is paused", "windlass runs resume --context here"]);
    with(&["runs", "resume"]).exits(0).shows(&["goes on"]);
    place.run(&["freeze", "now", "--reason", "an incident"]).exits(0).shows(&["is in force"]);
    with(&["run", "patch"]).exits(2).says(&["WL-1003", "an incident"]);
    place.file("gate", "");
    running.end().exits(3);
    place.run(&["freeze", "now", "--lift"]).exits(0);
    with(&["run", "patch"]).exits(0);

    let asks = place.plan(
        "asks",
        "  approval: {quorum: 1, allowAuthor: true, expires: 1h}\n  blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: noop}]}]}]",
    );
    let waits = with(&["run", asks.to_str().unwrap()]).exits(4);
    waits.says(&["waits for approval", "windlass runs approve", "--context here"]);
    with(&["approve"]).exits(0).shows(&["approved run"]);
    with(&["runs", "watch", "--output", "json"]).exits(0);
    with(&["run", asks.to_str().unwrap(), "--approve"]).exits(0);
    drop(served);
}

#[test]
fn who_follows_a_run_does_not_notice_that_the_server_was_killed() {
    let place = Place::new();
    let mut served = signed_in(&place);
    let address = served.address.clone();
    let gate = place.until("gate");
    let held = place.plan(
        "held",
        &format!("  blocks: [{{name: b, sequences: [{{name: s, actions: [{{name: a, use: shell, onInterrupt: rerun, with: {{script: 'echo a >> done.log; {gate}'}}}}, {{name: z, use: noop}}]}}]}}]"),
    );
    let mut running =
        place.start(&["run", held.to_str().unwrap(), "--context", "here", "--output", "events"]);
    running.wait_for("attemptBegan", "b/s/a");
    place.wait_for_line("done.log", "a");
    served.process.signal("KILL");
    served.process.end();
    place.file("gate", "");
    served = Served::begin_at(&place, &address);
    let ended = running.end().exits(0);
    let events: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.last().unwrap()["kind"], "finished");
    let seqs: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(
        seqs.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "none is missing, none comes twice: {seqs:?}"
    );
    served.process.signal("TERM");
    served.process.end().exits(0);
}

#[test]
fn nodes_and_previews_are_those_of_the_server() {
    let place = Place::new();
    let _served = signed_in(&place);
    place.file("all.yaml", OBJECTS);
    place.run(&["apply", "all.yaml"]).exits(0);
    place.run(&["nodes", "list", "--context", "here"]).exits(0).shows(&["web01", "role=web"]);
    place.run(&["nodes", "select", "label:role=web", "--context", "here"]).exits(0).shows(&["web01"]);
    let vars = place.run(&["nodes", "vars", "web01", "--blame", "--context", "here"]).exits(0);
    vars.shows(&["place", "here", "web"]);
    place.run(&["nodes", "show", "web01", "--context", "here"]).exits(0).shows(&["lock", "free"]);
    place
        .run(&["nodes", "show", "web09", "--context", "here"])
        .exits(2)
        .says(&["no node `web09`", "did you mean `web01`?"]);
    let (plan, _) = OBJECTS.split_once("---\n").unwrap();
    place.file("patch.yaml", &plan.replace(", annotations: {description: patches}", ""));
    place.run(&["preview", "patch.yaml", "--context", "here"]).exits(0).shows(&["web01"]);
    place.run(&["rehearse", "patch.yaml", "--context", "here"]).exits(0);
    place.run(&["preview", "patch.yaml"]).exits(2);
    place.file("hosts.yaml", "");
    place
        .run(&["nodes", "list", "--context", "here", "-i", "hosts.yaml"])
        .exits(2)
        .says(&["--inventory and --context are given", "leave one of them out"]);
}

#[test]
fn a_command_and_a_file_go_to_nodes_of_the_server() {
    let place = Place::new();
    let _served = signed_in(&place);
    place.file("all.yaml", OBJECTS);
    place.run(&["apply", "all.yaml"]).exits(0);
    let on = |rest: &[&str]| place.run(&[&["exec", "label:role=web", "--context", "here"], rest].concat());
    let ended = on(&["--shell", "--", "echo out; echo err >&2; echo '{{ braces }}'"]).exits(0);
    assert_eq!(ended.out, "web01 | out\nweb01 | {{ braces }}\n");
    ended.says(&["web01 ! err", "succeeded on 1 of 1 node"]);
    on(&["--", "false"]).exits(1).says(&["web01 failed", "failed, succeeded on 0 of 1 node"]);
    let events = on(&["--output", "json", "--", "true"]).exits(0).json();
    assert_eq!(events["run"]["status"], "succeeded", "{events}");
    on(&["--secrets", "x", "--", "true"]).exits(2).says(&["--secrets is for runs on this machine"]);
    place.file("motd", "be careful {{ here }}\n");
    let to = place.path("copied");
    let copy = |source: &str| {
        place.run(&["copy", "label:role=web", source, to.to_str().unwrap(), "--context", "here"])
    };
    copy("motd").exits(0);
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "be careful {{ here }}\n");
    copy(".").exits(2).says(&["SOURCE is a directory", "one text file at a time"]);
    place.file("large", &"x".repeat(300 << 10));
    copy("large").exits(2).says(&["larger than the 256 KiB"]);
}

#[test]
fn agents_and_their_tokens_are_listed_made_and_ended() {
    let place = Place::new();
    let served = signed_in(&place);
    let made = place.run(&["agents", "token", "web*", "--uses", "2", "--good-for", "2h"]).exits(0);
    let token = made.out.trim().to_owned();
    made.says(&["shown this once", "windlass agent join http://"]);
    let listed = place.run(&["agents", "tokens", "-o", "json"]).exits(0).json();
    assert_eq!((&listed[0]["nodes"], &listed[0]["uses"]), (&json!("web*"), &json!(2)));
    let url = format!("http://{}", served.address);
    let mut command =
        place.command(&["agent", "join", &url, "--name", "web01", "--only", "--data-dir", "web01"]);
    command.env("WINDLASS_JOIN_TOKEN", token);
    crate::harness::ended(command).exits(0);
    place.run(&["agents", "tokens"]).exits(0).shows(&["1 of 2", "admin"]);
    place.run(&["agents", "list"]).exits(0).shows(&["NODE", "web01", "away"]);
    place.run(&["agents", "revoke", "web01"]).exits(0).shows(&["the agent of web01 is revoked"]);
    let agents = place.run(&["agents", "list", "-o", "jsonl"]).exits(0).json();
    assert_eq!((&agents["node"], &agents["state"]), (&json!("web01"), &json!("revoked")));
    place.run(&["agents", "revoke", "web02"]).exits(2).says(&["WL-0901", "web02"]);
    let id = listed[0]["id"].as_str().unwrap();
    place.run(&["agents", "tokens", "--end", id]).exits(0).shows(&["is ended"]);
    assert_eq!(place.run(&["agents", "tokens", "-o", "json"]).exits(0).json(), json!([]));
}

#[test]
fn a_password_is_given_on_standard_input_and_taken_away() {
    let place = Place::new();
    let served = signed_in(&place);
    let gives = |password: &str, rest: &[&str]| {
        place.file("password", password);
        let mut command = place.command(&[&["passwd"], rest].concat());
        crate::harness::ended_reading(command.stdin(std::fs::File::open(place.path("password")).unwrap()))
    };
    gives("too short\n", &[]).exits(2).says(&["12 characters at the least"]);
    gives("\n", &[]).exits(2).says(&["the new password was not given"]);
    gives("correct horse battery\n", &[]).exits(0).shows(&["admin has a new password"]);
    let signs_in = |password: &str| {
        let how = json!({"user": "admin", "password": password});
        served.ask("", "POST", "/api/v1/sessions", "application/json", Some(&how)).0
    };
    assert_eq!((signs_in("correct horse battery"), signs_in("correct horse")), (201, 401));
    gives("another horse battery\n", &[]).exits(2).says(&["WL-1001"]);
    gives("correct horse battery\nanother horse battery\n", &["--current"]).exits(0);
    assert_eq!(signs_in("another horse battery"), 201);
    gives("another horse battery\n", &["nobody"]).exits(2).says(&["WL-0901"]);
    gives("", &["--remove"]).exits(0).shows(&["no password any more"]);
    assert_eq!(signs_in("another horse battery"), 401);
}
