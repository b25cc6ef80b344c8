//! `windlass up`: a server, agents, objects and a first run, from nothing and again.

use serde_json::json;

use crate::harness::{Place, Running};

fn up(place: &Place, listen: &str, args: &[&str]) -> (Running, String) {
    let mut process = place.start(&[&["up", "--data-dir", "up", "--listen", listen], args].concat());
    let line = process.line_with("agents have dialled in");
    let url = line.split([' ', ',']).find(|word| word.starts_with("http://")).unwrap().to_owned();
    (process, url)
}

#[test]
fn it_comes_up_from_nothing_shows_a_run_and_goes_on_with_what_is_there() {
    let place = Place::new();
    let (mut process, url) = up(&place, "127.0.0.1:0", &["--nodes", "3"]);
    process.wait_for_line("patch succeeded");
    process.wait_for_line("Ctrl-C ends all of it");
    place.run(&["login", &url, "--token", "@up/token", "--context", "up"]).exits(0);
    let nodes = place.json(&["get", "nodes", "-o", "json"]);
    assert_eq!(nodes.as_array().map_or(0, Vec::len), 3, "{nodes}");
    let release = std::fs::read_to_string(place.path("up/nodes/web03/home/release")).unwrap();
    assert_eq!(release, "shop 1.4\n", "the agent of the node wrote it");
    place.run(&["run", "rolling-patch", "--context", "up", "-p", "release=2.0"]).exits(0);
    let identity = std::fs::read(place.path("up/nodes/web03/agent/agent.json")).unwrap();
    process.signal("INT");
    process.end().exits(0).says(&["ending"]);

    let address = url.strip_prefix("http://").unwrap();
    let (mut process, url) = up(&place, address, &["--nodes", "4", "--no-run"]);
    process.wait_for_line("Ctrl-C ends all of it");
    place.run(&["login", &url, "--token", "@up/token", "--context", "up"]).exits(0);
    let runs = place.json(&["runs", "list", "--context", "up", "--output", "json"]);
    assert_eq!(runs.as_array().map_or(0, Vec::len), 2, "{runs}");
    assert_eq!(runs[0]["status"], json!("succeeded"));
    let again = std::fs::read(place.path("up/nodes/web03/agent/agent.json")).unwrap();
    assert_eq!(again, identity, "an agent joins once");
    process.signal("TERM");
    process.end().exits(0);

    // Where it listens elsewhere, they join again.
    let (process, _) = up(&place, "127.0.0.1:0", &["--nodes", "4", "--no-run"]);
    process.signal("INT");
    process.end().exits(0);
}

#[test]
fn an_address_that_is_taken_is_said() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = place.run(&["up", "--data-dir", "up", "--listen", &address]);
    ended.exits(5).says(&["cannot listen on", "--listen"]);
}
