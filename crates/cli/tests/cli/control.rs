//! A second process watches and commands the one that drives a run.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use crate::harness::{Place, Running};
use crate::run::endless;

/// A run in the middle of its first action, and the file that lets it end.
fn under_way(place: &Place) -> (Running, std::path::PathBuf) {
    let gate = place.path("gate");
    let script = place.until("gate");
    let plan = place.plan("endless", &endless(&script));
    let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/wait");
    (run, gate)
}

#[test]
fn the_socket_is_for_its_owner_only_and_goes_with_it() {
    let place = Place::new();
    let (run, gate) = under_way(&place);
    let socket = place.data().join("control.sock");
    let metadata = std::fs::metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(place.data()).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::write(gate, "").unwrap();
    run.end().exits(0);
    assert!(!socket.exists());
}

#[test]
fn a_second_process_watches_and_reads() {
    let place = Place::new();
    let (run, gate) = under_way(&place);
    let list = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!((&list[0]["status"], &list[0]["driven"]), (&"running".into(), &true.into()));
    place.run(&["runs", "show"]).exits(0).shows(&["endless running"]);
    place.run(&["runs", "events"]).exits(0).shows(&["\"kind\":\"attemptBegan\""]);
    let mut watch = place.start(&["runs", "watch", "--output", "events"]);
    watch.wait_for("attemptBegan", "work/s/wait");
    let mut follow = place.start(&["runs", "events", "--follow", "--from", "2"]);
    follow.wait_for("attemptBegan", "work/s/wait");
    std::fs::write(gate, "").unwrap();
    watch.wait_for("finished", "");
    watch.end().exits(0);
    follow.wait_for("finished", "");
    follow.end().exits(0);
    run.end().exits(0);
}

#[test]
fn a_second_process_pauses_and_resumes() {
    let place = Place::new();
    let (gate, end) = (place.path("gate"), place.path("end"));
    // The last action waits, too, or the run could have ended before it is said to go on.
    let last = format!("use: shell, timeout: 1h, with: {{script: '{}'}}", place.until("end"));
    let plan = endless(&place.until("gate"))
        .replace("{name: never, use: noop}", &format!("{{name: never, {last}}}"));
    let mut run = place.start(&["run", place.plan("endless", &plan).to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/wait");
    place.run(&["runs", "pause", "--why", "looking at graphs"]).exits(0).shows(&["is paused"]);
    let event = run.wait_for("commanded", "");
    assert_eq!(
        (&event["command"], &event["by"], &event["why"]),
        (&"pause".into(), &"ada".into(), &"looking at graphs".into())
    );
    std::fs::write(gate, "").unwrap();
    run.wait_for("actionEnded", "work/s/wait");
    place.run(&["runs", "show"]).exits(0).shows(&["paused"]);
    place.run(&["runs", "resume"]).exits(0).shows(&["goes on"]);
    run.wait_for("actionBegan", "work/s/never");
    std::fs::write(end, "").unwrap();
    run.end().exits(0);
}

#[test]
fn a_second_process_stops_cancels_and_kills() {
    for (command, waits) in [("stop", true), ("cancel", false), ("kill", false)] {
        let place = Place::new();
        let (mut run, gate) = under_way(&place);
        place.run(&["runs", command]).exits(0);
        run.wait_for("commanded", "");
        if waits {
            std::fs::write(gate, "").unwrap();
        }
        run.end().exits(3);
        place.run(&["runs", "show"]).exits(0).shows(&["stopped"]);
    }
}

#[test]
fn a_watcher_that_is_interrupted_leaves_the_run_alone() {
    let place = Place::new();
    let (run, gate) = under_way(&place);
    let mut watch = place.start(&["runs", "watch", "--output", "events"]);
    watch.wait_for("attemptBegan", "work/s/wait");
    watch.signal("INT");
    watch.end().exits(0).says(&["the run goes on"]);
    std::fs::write(gate, "").unwrap();
    run.end().exits(0);
}

#[test]
fn a_watcher_outlives_whoever_drives_the_run() {
    let place = Place::new();
    let (owner, gate) = under_way(&place);
    let mut watch = place.start(&["runs", "watch", "--output", "events"]);
    watch.wait_for("attemptBegan", "work/s/wait");
    owner.signal("KILL");
    owner.end();
    let ended = watch.end().exits(4);
    ended.says(&["no process drives this run", "windlass recover"]);
    std::fs::write(gate, "").unwrap();
}

#[test]
fn a_second_run_is_told_who_has_the_store() {
    let place = Place::new();
    let (run, gate) = under_way(&place);
    let plan = place
        .plan("other", "  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]\n");
    let second = place.run(&["run", plan.to_str().unwrap()]).exits(5);
    second.says(&["WL-0401", "windlass run", "process", "windlass runs watch"]);
    let document = place.run(&["run", plan.to_str().unwrap(), "--output", "json"]).exits(5).json();
    assert_eq!(document["error"]["problems"][0]["code"], "WL-0401");
    std::fs::write(gate, "").unwrap();
    run.end().exits(0);
}

/// One process drives, the other watches, commands, and cannot drive; when the first is gone, the other one may.
#[test]
fn p21_w30_two_processes_on_one_store_and_one_drives() {
    let place = Place::new();
    let (run, gate) = under_way(&place);
    for command in [&["recover"][..], &["runs", "retry"]] {
        place.run(command).exits(5).says(&["WL-0401", "it drives runs here"]);
    }
    let mut watch = place.start(&["runs", "watch", "--output", "events"]);
    watch.wait_for("attemptBegan", "work/s/wait");
    let shown = place.json(&["runs", "show", "--output", "json"]);
    assert_eq!(shown["run"]["status"], "running");
    // The owner dies: what the other one waits for does not come, and it takes the run over.
    run.signal("KILL");
    run.end();
    watch.end();
    std::fs::write(gate, "").unwrap();
    place.run(&["recover", "--output", "events"]).shows(&["\"kind\":\"recovered\""]);
    let list = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_ne!(list[0]["status"], "running");
}

#[test]
fn a_stale_socket_is_passed_over() {
    let place = Place::new();
    let plan = place
        .plan("other", "  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]\n");
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    drop(std::os::unix::net::UnixListener::bind(place.data().join("control.sock")).unwrap());
    place.run(&["runs", "list"]).exits(0).shows(&["other"]);
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
}

#[test]
fn a_data_directory_with_a_long_path_works_all_the_same() {
    let place = Place::new();
    let deep = place.path(&"d".repeat(150));
    let gate = place.path("gate");
    let script = place.until("gate");
    let plan = place.plan("endless", &endless(&script));
    let deep = deep.to_str().unwrap();
    let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events", "--data-dir", deep]);
    run.wait_for("attemptBegan", "work/s/wait");
    place.run(&["runs", "stop", "--data-dir", deep]).exits(0);
    run.wait_for("commanded", "");
    std::fs::write(gate, "").unwrap();
    run.end().exits(3);
}

#[test]
fn strangers_on_the_socket_get_an_answer_and_do_no_harm() {
    use std::io::{Read, Write};
    let place = Place::new();
    let (run, gate) = under_way(&place);
    let say = |bytes: &[u8]| {
        let mut stream = std::os::unix::net::UnixStream::connect(place.data().join("control.sock")).unwrap();
        // It may hang up before it has read all of it.
        let _ = stream.write_all(bytes);
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    };
    assert!(say(b"hello\n").contains("not understood"));
    assert!(say(b"{\"v\":99,\"ask\":{}}\n").contains("version 99"));
    assert!(say(b"{\"v\":1,\"ask\":{\"op\":\"fly\"}}\n").contains("not understood"));
    say(&[b'x'; 200_000]);
    say(b"");
    place.run(&["runs", "list"]).exits(0).shows(&["endless"]);
    std::fs::write(gate, "").unwrap();
    run.end().exits(0);
}
