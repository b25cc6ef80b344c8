//! Bad ends on real hosts: an agent that is killed, a full disk, another processor, a wrong clock, programs that go
//! their own way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::skip;
use crate::ssh::{Reach, agent};

/// The processes of a host's agent.
fn agents_of(reach: &Reach, host: usize) -> Vec<String> {
    let cache = reach.farm.hosts[host].path("home/.cache/windlass");
    let is_agent = |pid: &String| {
        fs::read_link(Path::new("/proc").join(pid).join("exe")).is_ok_and(|exe| exe.starts_with(&cache))
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(is_agent).collect()
}

fn kill(pid: &str) {
    assert!(Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
}

fn element(report: &Value, address: &str) -> Value {
    let elements = report["elements"].as_array().unwrap();
    elements.iter().find(|element| element["address"] == address).unwrap().clone()
}

fn until_there(path: &Path) {
    while !path.exists() {
        // tidy-allow: sleep: a script gives no other sign
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// A small disk in a place, gone when it is dropped.
struct Disk(PathBuf);

impl Disk {
    fn of(test: &str, size: u64, at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&at)
            .status();
        if !mount.is_ok_and(|status| status.success()) {
            skip(test, "nothing can be mounted here");
            return None;
        }
        Some(Self(at))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = fs::File::create(self.0.join("filling")).unwrap();
        for size in [64 << 10, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn an_agent_that_is_killed_is_an_interruption_on_its_host_alone() {
    let Some(reach) = Reach::new("an_agent_that_is_killed_is_an_interruption_on_its_host_alone", 2) else {
        return;
    };
    let gate = reach.place.until("gate");
    let script = format!("echo $$ > $HOME/pid; echo x >> $HOME/count; touch $HOME/begun; {gate}; echo ended");
    let plan = reach.plan_with(
        "dies",
        "concurrency: 100%\n      failures: unlimited",
        &format!("        - {{name: do, use: shell, timeout: 10m, retries: 3, with: {{script: '{script}'}}}}\n        - {{name: then, use: shell, with: {{script: 'echo then >> $HOME/count'}}}}\n"),
    );
    let mut run = reach.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/web02/do");
    let homes = [0, 1].map(|host| reach.farm.hosts[host].path("home"));
    homes.iter().for_each(|home| until_there(&home.join("begun")));
    let agents = agents_of(&reach, 0);
    assert_eq!(agents.len(), 1);
    kill(&agents[0]);
    // What it ran goes on, and nobody says anything of it before it has ended.
    reach.place.file("gate", "");
    let ended = run.wait_for("actionEnded", "work/web01/do");
    assert!(ended.to_string().contains("interrupted"), "{ended}");
    run.end().exits(0);
    let report = reach.place.json(&["runs", "report", "--output", "json"]);
    let lost = element(&report, "work/web01/do");
    let why = "the agent on `web01` died while it was at it; nobody knows whether it was done";
    assert!(lost["status"] == "failed" && lost.to_string().contains(why), "{lost}");
    assert_eq!(element(&report, "work/web02/then")["status"], "succeeded");
    let counts = homes.map(|home| fs::read_to_string(home.join("count")).unwrap());
    assert_eq!(counts, ["x\n", "x\nthen\n"]);
}

#[test]
fn a_full_disk_stops_files_whole_and_programs_not_at_all() {
    let test = "a_full_disk_stops_files_whole_and_programs_not_at_all";
    let Some(reach) = Reach::new(test, 2) else { return };
    // The agent lies there already; what it keeps, and what is copied, finds no room.
    let plan = reach.plan("warm", "        - {name: do, use: command, with: {argv: ['true']}}\n");
    let size = fs::metadata(agent()).unwrap().len() + (1 << 20);
    let Some(cache) = Disk::of(test, size, reach.farm.hosts[0].path("home/.cache")) else { return };
    let Some(data) = Disk::of(test, 1 << 20, reach.farm.hosts[0].path("home/data")) else { return };
    reach.run(&["run", plan.to_str().unwrap()]).exits(0);
    fs::write(data.0.join("app.conf"), "old\n").unwrap();
    cache.fill();
    data.fill();
    fs::create_dir(reach.farm.hosts[1].path("home/data")).unwrap();
    reach.place.file("big", &"y".repeat(600 << 10));

    let plan = reach.plan_with(
        "full",
        "concurrency: 100%\n      failures: unlimited",
        "        - {name: say, use: shell, with: {script: 'seq 1 5000; echo $HOME'}, save: {home: stdout}}
        - {name: put, use: file, with: {path: '{{ store.home | trim | split(\"\\n\") | last }}/data/app.conf', source: big, mode: '0644'}}\n",
    );
    reach.run(&["run", plan.to_str().unwrap()]).exits(0);
    let report = reach.place.json(&["runs", "report", "--output", "json"]);
    assert_eq!(element(&report, "work/web01/say")["status"], "succeeded");
    assert_eq!(element(&report, "work/web02/put")["status"], "succeeded");
    let put = element(&report, "work/web01/put");
    let why = format!(
        "cannot write to `{}`: no space is left on its file system",
        data.0.join("app.conf").display()
    );
    assert!(put["status"] == "failed" && put.to_string().contains(&why), "{put}");
    let log = reach.run(&["logs", "--node", "web01", "--level", "debug"]).exits(0).out;
    assert!(log.contains("| 5000") && log.contains("could not be found again"), "{log}");
    // The old content is whole, and nothing of the new one is left behind.
    assert_eq!(fs::read_to_string(data.0.join("app.conf")).unwrap(), "old\n");
    let mut left: Vec<String> = fs::read_dir(&data.0)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["app.conf", "filling"]);

    let to = data.0.join("copied").display().to_string();
    let inventory =
        format!("apiVersion: windlass.dev/v1\nkind: Inventory\nspec: {{nodes: {}}}\n", reach.farm.nodes());
    let inventory = reach.place.file("hosts.yaml", &inventory).display().to_string();
    let ended = reach.run(&["copy", "web01", "big", &to, "--inventory", &inventory]);
    ended.exits(1).says(&["no space is left on its file system"]);
}

#[test]
fn an_agent_for_another_processor_gives_way_to_the_plain_shell() {
    let Some(reach) = Reach::new("an_agent_for_another_processor_gives_way_to_the_plain_shell", 1) else {
        return;
    };
    // The kernel reads in the eighteenth byte for what processor a program is.
    let mut bytes = fs::read(agent()).unwrap();
    bytes[18] = if bytes[18] == 0xb7 { 0x3e } else { 0xb7 };
    let strange = reach.place.path("windlass-agent");
    fs::write(&strange, bytes).unwrap();
    let plan = reach.plan(
        "strange",
        "        - {name: do, use: shell, with: {script: 'echo works'}}\n        - {name: look, use: directory, with: {path: /tmp}}\n",
    );
    let mut command = reach.command(&["run", plan.to_str().unwrap()]);
    command.env("WINDLASS_AGENT", &strange);
    let ended = crate::harness::ended(command).exits(1);
    ended.says(&["`directory` needs an agent on `web01`, and there is none: the agent ", " and is one for "]);
    let report = reach.place.json(&["runs", "report", "--output", "json"]);
    assert_eq!(element(&report, "work/web01/do")["status"], "succeeded");
}

#[test]
fn a_wrong_clock_over_there_changes_nothing_here() {
    let test = "a_wrong_clock_over_there_changes_nothing_here";
    let Some(mut reach) = Reach::new(test, 2) else { return };
    let libraries = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut libraries = libraries.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    let Some(library) = libraries.find(|library| library.exists()) else {
        skip(test, "libfaketime is missing");
        return;
    };
    let library = library.display();
    for (host, shift) in [(0, "-400d"), (1, "+400d")] {
        let host = &mut reach.farm.hosts[host];
        let config = host.path("sshd_config");
        let text = fs::read_to_string(&config).unwrap();
        let set = format!("SetEnv LD_PRELOAD={library} FAKETIME={shift} DONT_FAKE_MONOTONIC=1 ");
        fs::write(&config, text.replace("SetEnv ", &set)).unwrap();
        host.down();
        host.up().unwrap();
    }
    let gate = reach.place.until("gate");
    let plan = reach.plan(
        "skewed",
        &format!("        - {{name: do, use: shell, timeout: 10m, with: {{script: 'date +%s > $HOME/clock; echo begun; {gate}; echo ended'}}}}\n        - {{name: facts, use: facts}}\n        - {{name: put, use: shell, with: {{script: 'true'}}}}\n"),
    );
    let begun = std::time::SystemTime::now();
    let mut run = reach.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/web01/do");
    run.wait_for("attemptBegan", "work/web02/do");
    let clocks = [0, 1].map(|host| reach.farm.hosts[host].path("home/clock"));
    clocks.iter().for_each(|clock| until_there(clock));
    // It is found again, however old or new what is kept of it seems to be.
    run.signal("KILL");
    run.end();
    reach.place.file("gate", "");
    reach.run(&["recover"]).exits(0).shows(&["skewed succeeded"]);
    let now = begun.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (clock, is_late) in clocks.iter().zip([true, false]) {
        let there: u64 = fs::read_to_string(clock).unwrap().trim().parse().unwrap();
        assert!(
            there.abs_diff(now) > 300 * 86_400 && (there < now) == is_late,
            "the clock was not wrong: {there}"
        );
    }
    // What it printed is stamped with our time, and stands in order.
    let log = reach.run(&["logs", "--output", "json", "--level", "debug"]).exits(0).out;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ages = |line: &Value| line["at"].as_str().unwrap_or_default().to_owned();
    let (first, last) = (ages(&lines[0]), ages(lines.last().unwrap()));
    for line in &lines {
        let at = ages(line);
        assert!(at[..10] >= first[..10] && at[..10] <= last[..10], "{at} in {line}");
    }
    assert!(lines.iter().any(|line| line["text"] == "ended"), "{log}");
}

#[test]
fn what_programs_do_of_their_own_accord_is_borne() {
    let Some(reach) = Reach::new("what_programs_do_of_their_own_accord_is_borne", 2) else { return };
    let long = 65_536;
    let plan = reach.plan_with(
        "odd",
        "concurrency: 100%\n      failures: unlimited",
        &format!(
            "        - {{name: daemon, use: shell, with: {{script: 'setsid sh -c \"echo \\$\\$ > $HOME/daemon; exec sleep 600\" </dev/null >/dev/null 2>&1 & while [ ! -s $HOME/daemon ]; do sleep 0.01; done; echo left'}}}}
        - {{name: long, use: shell, with: {{script: 'head -c {long} /dev/zero | tr \"\\0\" x; echo; printf \"\\377\\376 is no text\\n\"'}}}}
        - {{name: closes, use: shell, with: {{script: 'exec >&- 2>&-; sleep 0.3; exit 7', exitCodes: [7]}}}}
        - {{name: ignores, use: shell, timeout: 1s, with: {{script: 'trap \"\" TERM; echo $$ > $HOME/stubborn; while :; do sleep 0.1; done'}}}}\n"
        ),
    );
    let ended = reach.run(&["run", plan.to_str().unwrap()]);
    let ended = ended.exits(0);
    let report = reach.place.json(&["runs", "report", "--output", "json"]);
    for host in ["web01", "web02"] {
        for action in ["daemon", "long", "closes"] {
            let element = element(&report, &format!("work/{host}/{action}"));
            assert_eq!(element["status"], "succeeded", "{element}\n{}", ended.err);
        }
        let ignores = element(&report, &format!("work/{host}/ignores"));
        assert!(ignores["status"] == "failed" && ignores.to_string().contains("timeout"), "{ignores}");
    }
    let log = reach.run(&["logs", "--action", "long", "--node", "web01"]).exits(0).out;
    assert!(
        log.contains(&"x".repeat(long)) && log.contains("\u{fffd}\u{fffd} is no text"),
        "{} bytes",
        log.len()
    );
    for host in &reach.farm.hosts {
        let number = |name: &str| fs::read_to_string(host.path("home").join(name)).unwrap().trim().to_owned();
        let is_there = |pid: &str| Path::new("/proc").join(pid).exists();
        // Who moved away is left alone; who would not go is gone.
        assert!(is_there(&number("daemon")));
        kill(&number("daemon"));
        assert!(!is_there(&number("stubborn")));
    }
}
