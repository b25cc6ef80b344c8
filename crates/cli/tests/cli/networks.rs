//! Agents and their server in networks of their own: cut off, in one direction or for some.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use windlass_farm::Net;

use crate::agents::until;
use crate::harness::{Ended, Place, Running, ended, running, skip};

/// A server in a network, and whoever asks it there.
struct Served<'a> {
    here: &'a Net,
    place: &'a Place,
    process: Running,
}

fn within(net: &Net, place: &Place, args: &[&str]) -> Command {
    let mut command = net.command(Path::new(env!("CARGO_BIN_EXE_windlass")));
    command.args(args).current_dir(place.path(""));
    command.env("WINDLASS_DATA_DIR", place.data()).env("HOME", place.path(""));
    command
}

// === impl Served ===

impl<'a> Served<'a> {
    fn begin(here: &'a Net, place: &'a Place) -> Self {
        let mut process =
            running(within(here, place, &["server", "--listen", "0.0.0.0:8380", "--without-tls"]));
        process.wait_for_line("listens on http://");
        let line = process.line_with("token of `admin`");
        place.file("token.txt", line.trim().rsplit(' ').next().unwrap());
        let served = Self { here, place, process };
        served
            .admin(&["login", "http://127.0.0.1:8380", "--context", "here", "--token", "@token.txt"])
            .exits(0);
        served
    }

    fn admin(&self, args: &[&str]) -> Ended {
        ended(within(self.here, self.place, args))
    }

    /// An agent in another network, which reaches the server at an address.
    fn agent(&self, net: &Net, node: &str, server: &str) -> Running {
        let made = self.admin(&["agents", "token", node, "--context", "here"]).exits(0).out;
        let url = format!("https://{server}:8380");
        let join = ["agent", "join", &url, "--token", made.trim(), "--name", node, "--data-dir", node];
        let mut agent = running(within(net, self.place, &join));
        agent.wait_for_words(&format!("serves as `{node}`"));
        let status =
            || self.admin(&["get", "nodes", node, "--context", "here", "--output", "json"]).exits(0).out;
        until("it is connected", || status().contains("\"connected\"").then_some(()));
        agent
    }

    /// Waits until the list of agents says something of a node.
    fn says(&self, node: &str, words: &str) {
        let line = || {
            let list = self.admin(&["agents", "list", "--context", "here"]).exits(0).out;
            list.lines().find(|line| line.starts_with(node)).unwrap_or_default().to_owned()
        };
        until(words, || line().contains(words).then_some(()));
    }

    fn end(self) {
        self.process.signal("TERM");
        self.process.end().exits(0);
    }
}

#[test]
fn a_network_that_is_cut_in_one_direction_is_noticed_on_both_sides_and_work_is_found_again() {
    if !Net::is_possible() {
        return skip("a_network_that_is_cut_in_one_direction", "no network can be made");
    }
    let (place, here, there) = (Place::new(), Net::new().unwrap(), Net::new().unwrap());
    here.join("10.91.1.1/24", &there, "10.91.1.2/24").unwrap();
    let served = Served::begin(&here, &place);
    let mut agent = served.agent(&there, "web01", "10.91.1.1");
    let script = format!("echo x >> {}; {}; echo end", place.path("counter").display(), place.until("gate"));
    let plan = place.plan("cut", &format!("  blocks:\n    - name: b\n      targets: {{nodes: [web01]}}\n      sequence: [{{name: a, use: shell, timeout: 10m, with: {{script: '{script}'}}}}]\n"));
    let (plan, begun) = (plan.to_str().unwrap().to_owned(), Instant::now());
    let ran = std::thread::scope(|scope| {
        let run = scope.spawn(|| served.admin(&["run", &plan, "--context", "here"]));
        place.wait_for_line("counter", "x");
        // What the agent sends is lost; what is sent to it arrives.
        there.hole("10.91.1.1", true).unwrap();
        agent.wait_for_words("the connection to the server has ended");
        served.says("web01", "away");
        place.file("gate", "");
        there.hole("10.91.1.1", false).unwrap();
        agent.wait_for_words("serves as `web01`");
        run.join().unwrap()
    });
    ran.exits(0);
    let counter = std::fs::read_to_string(place.path("counter")).unwrap();
    assert_eq!(counter, "x\n", "it was done once, {:?} after it began", begun.elapsed());
    agent.signal("TERM");
    agent.end().exits(0);
    served.end();
}

#[test]
fn whether_a_machine_is_down_or_only_not_to_be_reached_is_told_apart() {
    const NAME: &str = "whether_a_machine_is_down_or_only_not_to_be_reached_is_told_apart";
    if !Net::is_possible() {
        return skip(NAME, "no network can be made");
    }
    let net = || Net::new().unwrap();
    let (place, here, web, lost, peer) = (Place::new(), net(), net(), net(), net());
    for (third, there) in [(1, &web), (2, &lost), (3, &peer)] {
        here.join(&format!("10.92.{third}.1/24"), there, &format!("10.92.{third}.2/24")).unwrap();
    }
    // The peer reaches the one of the others, by a way of their own.
    web.join("10.92.4.1/24", &peer, "10.92.4.2/24").unwrap();
    peer.route("10.92.1.2", "10.92.4.1").unwrap();
    let served = Served::begin(&here, &place);
    let mut first = served.agent(&web, "web01", "10.92.1.1");
    let second = served.agent(&lost, "lost01", "10.92.2.1");
    let third = served.agent(&peer, "peer01", "10.92.3.1");
    first.signal("KILL");
    first.end();
    served.says("web01", "away, agentDown");
    first = running(within(&web, &place, &["agent", "run", "--data-dir", "web01"]));
    served.says("web01", "connected");
    for address in ["10.92.1.2", "10.92.2.2"] {
        here.hole(address, true).unwrap();
    }
    served.says("web01", "away, unreachable");
    served.says("lost01", "away, down");
    let shown =
        served.admin(&["get", "nodes", "web01", "--context", "here", "--output", "json"]).exits(0).out;
    assert!(shown.contains("\"reach\":\"unreachable\""), "{shown}");
    // Whoever waits for it is told.
    let plan = place.plan("on", "  blocks:\n    - name: b\n      targets: {nodes: [web01]}\n      sequence: [{name: a, use: shell, with: {script: 'true'}}]\n");
    let plan = plan.to_str().unwrap();
    served
        .admin(&["run", plan, "--context", "here"])
        .exits(1)
        .shows(&["its machine answers other agents, but not the server"]);
    for address in ["10.92.1.2", "10.92.2.2"] {
        here.hole(address, false).unwrap();
    }
    for node in ["web01", "lost01"] {
        served.says(node, "connected");
    }
    for agent in [first, second, third] {
        agent.signal("TERM");
        agent.end().exits(0);
    }
    served.end();
}
