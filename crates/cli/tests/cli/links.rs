//! Real networks between us and the hosts: chains of jump hosts, cables that are pulled, machines that go down.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use windlass_farm::{Farm, Host, Kind, Net, Own, Setup, Stay};

use crate::harness::{Ended, Place, Running, ended, running, skip};
use crate::ssh::agent;

/// `ops ── gate ── far ── web`: each reaches only its neighbours, and we are at ops.
struct Wires {
    place: Place,
    farm: Farm,
    ops: Net,
    far: Net,
    web: Net,
}

const GATE: usize = 0;
const FAR: usize = 1;
const WEB: usize = 2;

// === impl Wires ===

impl Wires {
    /// `None` where there can be no networks, which is said.
    fn lay(test: &str, web: Own) -> Option<Self> {
        if !windlass_farm::is_possible() || !Net::is_possible() {
            skip(test, "there is no sshd, or no network can be made");
            return None;
        }
        let net = || Net::new().unwrap();
        let (ops, gate, far, own) = (net(), net(), net(), net());
        ops.join("10.90.1.1/24", &gate, "10.90.1.2/24").unwrap();
        gate.join("10.90.2.1/24", &far, "10.90.2.2/24").unwrap();
        far.join("10.90.3.1/24", &own, "10.90.3.2/24").unwrap();
        let mut farm = Farm::empty().unwrap();
        let places =
            [("gate", [10, 90, 1, 2], &gate), ("far", [10, 90, 2, 2], &far), ("web", [10, 90, 3, 2], &own)];
        for (name, address, net) in places {
            let processes = name == "web" && web.processes;
            farm.add(Setup {
                name: name.into(),
                address: Ipv4Addr::from(address),
                port: 22,
                kind: Kind::Plain,
                config: String::new(),
                stay: Stay::WhileHeld,
                own: Own { net: Some(net.clone()), processes, ..Own::default() },
            })
            .unwrap();
        }
        farm.write().unwrap();
        Some(Self { place: Place::new(), farm, ops, far, web: own })
    }

    fn host(&self, index: usize) -> &Host {
        &self.farm.hosts[index]
    }

    /// A host as a node, with hosts to go through and further settings.
    fn node(&self, index: usize, addresses: &str, through: &[usize], more: &str) -> String {
        let login = format!(
            "user: root, port: 22, credentials: [{{key: {}}}], knownHosts: {}",
            self.farm.path("user_key").display(),
            self.farm.path("known_hosts").display()
        );
        let hop = |index: &usize| {
            let Host { name, address, .. } = self.host(*index);
            format!("{{name: {name}, addresses: {address}, {login}}}")
        };
        let hops: Vec<String> = through.iter().map(hop).collect();
        let name = &self.host(index).name;
        format!(
            "{{name: {name}, addresses: {addresses}, transport: {{{login}, jump: [{}], {more}}}}}",
            hops.join(", ")
        )
    }

    fn plan(&self, name: &str, nodes: &[String], sequence: &str) -> String {
        let spec = format!(
            "  blocks:\n    - name: work\n      targets: {{nodes: [{}]}}\n      concurrency: 100%\n      failures: 0\n      sequence:\n{sequence}",
            nodes.join(", ")
        );
        self.place.plan(name, &spec).display().to_string()
    }

    /// The command, where we are.
    fn command(&self, args: &[&str]) -> Command {
        let own = self.place.command(args);
        let mut command = self.ops.command(own.get_program().as_ref());
        command.args(own.get_args()).current_dir(self.place.path("")).env_clear();
        command
            .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("WINDLASS_AGENT", agent());
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        ended(self.command(args))
    }

    fn begin(&self, args: &[&str]) -> Running {
        running(self.command(args))
    }
}

#[test]
fn p41_a_host_behind_two_others_is_probed_from_the_last_of_them() {
    let Some(wires) =
        Wires::lay("p41_a_host_behind_two_others_is_probed_from_the_last_of_them", Own::default())
    else {
        return;
    };
    // One leads nowhere from there, one has nobody, and only the last hop can tell.
    let node = wires.node(WEB, "[10.91.0.1, 10.90.3.77, 10.90.3.2]", &[GATE, FAR], "connectTimeout: 20s");
    let plan = wires.plan(
        "chain",
        &[node],
        "        - {name: do, use: shell, with: {script: 'echo $SSH_CONNECTION > $HOME/from'}}\n",
    );
    wires.run(&["run", &plan]).exits(0).shows(&["chain succeeded"]);
    let from = fs::read_to_string(wires.host(WEB).path("home/from")).unwrap();
    assert!(from.starts_with("10.90.3.1 ") && from.trim_end().ends_with("10.90.3.2 22"), "{from}");

    let nowhere = wires.node(WEB, "[10.91.0.1, 10.91.0.2]", &[GATE, FAR], "connectTimeout: 20s");
    let plan =
        wires.plan("nowhere", &[nowhere], "        - {name: do, use: command, with: {argv: ['true']}}\n");
    wires
        .run(&["run", &plan])
        .exits(1)
        .says(&["`web` cannot be reached from `far` at 10.91.0.1:22", "10.91.0.2:22"]);
    let straight = wires.node(WEB, "10.90.3.2", &[], "connectTimeout: 20s");
    let plan =
        wires.plan("straight", &[straight], "        - {name: do, use: command, with: {argv: ['true']}}\n");
    wires.run(&["run", &plan]).exits(1).says(&["`web` cannot be reached at 10.90.3.2:22"]);
}

#[test]
fn a_cable_that_is_pulled_in_the_middle_delays_only_whom_it_led_to() {
    let Some(wires) =
        Wires::lay("a_cable_that_is_pulled_in_the_middle_delays_only_whom_it_led_to", Own::default())
    else {
        return;
    };
    let settings = "connectTimeout: 2s, keepalive: 300ms";
    let nodes = [
        wires.node(WEB, "10.90.3.2", &[GATE, FAR], settings),
        wires.node(FAR, "10.90.2.2", &[GATE], settings),
    ];
    let gate = wires.place.until("gate");
    let script = format!(
        "echo x >> $HOME/count; echo begun; if [ -e $HOME/waits ]; then while [ ! -e {0} ]; do sleep 0.02; done; seq 1 20000; {gate}; fi; echo ended",
        wires.place.path("pulled").display()
    );
    fs::write(wires.host(WEB).path("home/waits"), "").unwrap();
    let plan = wires.plan(
        "pulled",
        &nodes,
        &format!("        - {{name: do, use: shell, timeout: 10m, with: {{script: '{script}'}}}}\n        - {{name: then, use: shell, with: {{script: 'echo then >> $HOME/count'}}}}\n"),
    );
    let mut run = wires.begin(&["run", &plan, "--output", "events"]);
    run.wait_for("attemptBegan", "work/web/do");
    let count = wires.host(WEB).path("home/count");
    while fs::read_to_string(&count).unwrap_or_default() != "x\n" {
        std::thread::yield_now();
    }
    // Nobody is told: what is sent is lost. The program there goes on, and prints into the void.
    wires.far.plug(&wires.web, false).unwrap();
    wires.place.file("pulled", "");
    run.wait_for("actionEnded", "work/far/then");
    wires.wait_for_log("pulled", "the connection was lost");
    wires.place.file("gate", "");
    wires.far.plug(&wires.web, true).unwrap();
    run.end().exits(0);
    for host in [WEB, FAR] {
        assert_eq!(
            fs::read_to_string(wires.host(host).path("home/count")).unwrap(),
            "x\nthen\n",
            "it ran once"
        );
    }
    let logs = wires.run(&["logs", "--node", "web", "--action", "do"]).exits(0).out;
    let printed: Vec<&str> =
        logs.lines().filter_map(|line| line.split_once(" | ")).map(|(_, text)| text).collect();
    let mut expected = vec!["begun".to_owned()];
    expected.extend((1..=20000).map(|n| n.to_string()));
    expected.push("ended".to_owned());
    assert!(printed == expected, "{} lines of {}", printed.len(), expected.len());
}

#[test]
fn a_cable_that_stays_pulled_is_an_interruption_within_the_timeout_of_the_action() {
    let Some(wires) = Wires::lay(
        "a_cable_that_stays_pulled_is_an_interruption_within_the_timeout_of_the_action",
        Own::default(),
    ) else {
        return;
    };
    let until = wires.place.until("never");
    // Once the silence is noticed before the time is over, and once nobody notices it.
    for keepalive in ["200ms", "60s"] {
        let more = format!("connectTimeout: 3s, keepalive: {keepalive}");
        let (node, count) = (wires.node(WEB, "10.90.3.2", &[GATE, FAR], &more), format!("count-{keepalive}"));
        let script = format!("echo x >> $HOME/{count}; {until}");
        let plan = wires.plan(
            "stays",
            &[node],
            &format!(
                "        - {{name: do, use: shell, timeout: 4s, retries: 3, with: {{script: '{script}'}}}}\n"
            ),
        );
        let mut run = wires.begin(&["run", &plan, "--output", "events"]);
        run.wait_for("attemptBegan", "work/web/do");
        let count = wires.host(WEB).path("home").join(count);
        while !count.exists() {
            std::thread::yield_now();
        }
        wires.far.plug(&wires.web, false).unwrap();
        run.end().exits(1);
        wires.far.plug(&wires.web, true).unwrap();
        // Nobody knows whether it goes on over there, so it is not begun again.
        let told = wires.run(&["runs", "report"]).exits(0).out;
        let words = "work/web/do was interrupted, and how it ended is not known";
        assert!(told.contains(words), "`{words}` is not in:\n{told}");
        // Which of them is noticed first is a matter of milliseconds.
        let why = [
            "took longer than its timeout of 4s, and nobody knows whether it goes on",
            "the connection to `web` was lost",
        ];
        assert!(why.iter().any(|why| told.contains(why)), "none of {why:?} is in:\n{told}");
        assert_eq!(fs::read_to_string(&count).unwrap(), "x\n");
    }
}

#[test]
fn a_host_is_seen_going_down_and_coming_back_also_when_we_die_meanwhile() {
    let own = Own { processes: true, ..Own::default() };
    let Some(mut wires) =
        Wires::lay("a_host_is_seen_going_down_and_coming_back_also_when_we_die_meanwhile", own)
    else {
        return;
    };
    let node = wires.node(WEB, "10.90.3.2", &[GATE, FAR], "connectTimeout: 2s");
    let plan = wires.plan(
        "reboots",
        &[node],
        "        - {name: before, use: shell, with: {script: 'echo before >> $HOME/count'}}
        - {name: reboot, use: reboot, with: {argv: [kill, -TERM, '1'], every: 100ms, each: 5s, test: 'test -e $HOME/count'}}
        - {name: after, use: shell, with: {script: 'echo after >> $HOME/count'}}\n",
    );
    let mut run = wires.begin(&["run", &plan, "--output", "events"]);
    run.wait_for("attemptBegan", "work/web/reboot");
    let web = &mut wires.farm.hosts[WEB];
    while !web.has_ended() {
        std::thread::yield_now();
    }
    wires.wait_for_log("reboots", "it is down, as it seems");
    wires.farm.hosts[WEB].up().unwrap();
    run.end().exits(0);
    let log = wires.run(&["logs", "--level", "debug"]).exits(0).out;
    for words in ["it is down, as it seems", "it is back after"] {
        assert!(log.contains(words), "{log}");
    }

    // The same, and Windlass dies while the host is down.
    let mut run = wires.begin(&["run", &plan, "--output", "events"]);
    run.wait_for("attemptBegan", "work/web/reboot");
    let web = &mut wires.farm.hosts[WEB];
    while !web.has_ended() {
        std::thread::yield_now();
    }
    run.signal("KILL");
    run.end();
    let recovery = wires.begin(&["recover"]);
    wires.farm.hosts[WEB].up().unwrap();
    recovery.end().exits(0).shows(&["reboots succeeded"]);
    assert!(!wires.farm.hosts[WEB].has_ended(), "it was rebooted once more");
    let count = fs::read_to_string(wires.host(WEB).path("home/count")).unwrap();
    assert_eq!(count, "before\nafter\nbefore\nafter\n");
}

impl Wires {
    /// Waits until the log of a plan's run says something.
    fn wait_for_log(&self, plan: &str, words: &str) {
        let log = || {
            let logs = self.place.data().join("logs").join(plan);
            let run = fs::read_dir(logs).ok()?.flatten().next()?.path();
            fs::read_to_string(run.join("all.log")).ok()
        };
        while !log().is_some_and(|text| text.contains(words)) {
            // tidy-allow: sleep: a file that another process writes gives no sign
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
