//! Runs over SSH: a real sshd, a real agent, real cuts.

use std::path::PathBuf;
use std::process::Command;

use windlass_farm::Farm;

use crate::harness::{Ended, Place, Running, ended, running, skip};

/// A place of its own with hosts beside it.
pub(crate) struct Reach {
    pub(crate) place: Place,
    pub(crate) farm: Farm,
}

/// The agent that belongs to this command. A build of the whole workspace has made it already.
pub(crate) fn agent() -> PathBuf {
    let agent = PathBuf::from(env!("CARGO_BIN_EXE_windlass")).with_file_name("windlass-agent");
    if !agent.exists() {
        let args = ["build", "--quiet", "--package", "windlass-agent"];
        assert!(Command::new(env!("CARGO")).args(args).status().unwrap().success());
    }
    agent
}

// === impl Reach ===

impl Reach {
    /// `None` where there can be no hosts, which is said.
    pub(crate) fn new(test: &str, hosts: u8) -> Option<Self> {
        if !windlass_farm::is_possible() {
            skip(test, "there is no sshd");
            return None;
        }
        let farm = Farm::of(hosts).unwrap();
        Some(Self { place: Place::new(), farm })
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.command(args);
        command.env("WINDLASS_AGENT", agent());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        ended(self.command(args))
    }

    pub(crate) fn start(&self, args: &[&str]) -> Running {
        running(self.command(args))
    }

    /// A plan of one block over all hosts with this sequence.
    pub(crate) fn plan(&self, name: &str, sequence: &str) -> PathBuf {
        self.plan_with(name, "concurrency: 100%", sequence)
    }

    pub(crate) fn plan_with(&self, name: &str, more: &str, sequence: &str) -> PathBuf {
        let nodes = self.farm.nodes();
        let spec = format!(
            "  blocks:\n    - name: work\n      targets: {{nodes: {nodes}}}\n      {more}\n      sequence:\n{sequence}"
        );
        self.place.plan(name, &spec)
    }

    /// What agents keep of runs on a host.
    pub(crate) fn journals(&self, host: usize) -> usize {
        let work = self.farm.hosts[host].path("home/.cache/windlass/work");
        let runs = std::fs::read_dir(work).into_iter().flatten().flatten();
        runs.filter(|run| run.file_name() != "spare").count()
    }
}

#[test]
fn a_plan_works_over_ssh_with_nothing_installed_before() {
    let Some(reach) = Reach::new("a_plan_works_over_ssh_with_nothing_installed_before", 2) else { return };
    let plan = reach.plan(
        "first",
        "        - {name: do, use: shell, with: {script: 'echo $HOME; pwd > $HOME/was-here'}}\n",
    );
    let run = reach.run(&["run", plan.to_str().unwrap()]).exits(0);
    run.shows(&["first succeeded"]);
    let report = reach.place.json(&["runs", "report", "--output", "json"]);
    for host in &reach.farm.hosts {
        assert!(host.path("home/was-here").exists(), "{}", host.log());
        let address = format!("work/{}/do", host.name);
        let element =
            report["elements"].as_array().unwrap().iter().find(|it| it["address"] == address).unwrap();
        assert_eq!(element["status"], "succeeded", "{element}");
    }
    // The run is over, and nothing of it is kept there.
    assert_eq!([reach.journals(0), reach.journals(1)], [0, 0]);
}

#[test]
fn our_side_is_killed_and_the_work_goes_on_once_with_all_it_prints() {
    let Some(reach) = Reach::new("our_side_is_killed_and_the_work_goes_on_once_with_all_it_prints", 1) else {
        return;
    };
    let gate = reach.place.until("gate");
    let script = format!(
        "echo x >> $HOME/count; for i in $(seq 1 2000); do echo before $i; done; {gate}; for i in $(seq 1 2000); do echo after $i; done"
    );
    let plan = reach.plan(
        "long",
        &format!("        - {{name: do, use: shell, timeout: 10m, with: {{script: '{script}'}}}}\n        - {{name: then, use: shell, with: {{script: 'echo then >> $HOME/count'}}}}\n"),
    );
    let mut run = reach.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/web01/do");
    let log = || {
        let logs = reach.place.data().join("logs/long");
        let run = std::fs::read_dir(logs).ok()?.flatten().next()?.path();
        std::fs::read_to_string(run.join("all.log")).ok()
    };
    while !log().is_some_and(|text| text.contains("before 1000")) {
        std::thread::yield_now();
    }
    run.signal("KILL");
    run.end();
    // Once more, so that what was found again is found again.
    let again = reach.start(&["recover"]);
    while !log().is_some_and(|text| text.contains("before 2000")) {
        std::thread::yield_now();
    }
    again.signal("KILL");
    again.end();
    reach.place.file("gate", "");
    reach.run(&["recover"]).exits(0).shows(&["long succeeded"]);
    let count = std::fs::read_to_string(reach.farm.hosts[0].path("home/count")).unwrap();
    assert_eq!(count, "x\nthen\n", "it ran once");
    let printed = ["before", "after"].map(|side| (1..=2000).map(move |i| format!("{side} {i}")));
    let printed: Vec<String> = printed.into_iter().flatten().collect();
    let run =
        std::fs::read_dir(reach.place.data().join("logs/long")).unwrap().flatten().next().unwrap().path();
    for file in ["all.log", "nodes/web01.log"] {
        let text = std::fs::read_to_string(run.join(file)).unwrap();
        let lines = text.lines().filter(|line| line.contains(" out work/web01/do#1 "));
        let mut lines: Vec<&str> = lines.map(|line| line.split_once(" | ").unwrap().1).collect();
        // What the kill tore is written whole behind it.
        let torn = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with(lines[at]));
        let torn: Vec<usize> = (0..lines.len()).filter(|at| torn(*at)).collect();
        for at in torn.into_iter().rev() {
            lines.remove(at);
        }
        assert!(lines == printed, "{file} has {} lines, or not in order", lines.len());
    }
    let report = reach.place.json(&["runs", "report", "--output", "json"]);
    let elements = report["elements"].as_array().unwrap();
    let done = elements.iter().find(|it| it["address"] == "work/web01/do").unwrap();
    assert_eq!(done["attempts"].as_array().map_or(1, Vec::len), 1, "{done}");
    // Agents of the connections that were killed remove what they hold when they go.
    while reach.journals(0) > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn what_ended_well_while_nobody_was_there_counts_though_its_time_has_passed() {
    let name = "what_ended_well_while_nobody_was_there_counts_though_its_time_has_passed";
    let Some(reach) = Reach::new(name, 1) else { return };
    let gate = reach.place.until("gate");
    let script = format!("echo x >> $HOME/count; {gate}; touch $HOME/ended");
    let action = format!("        - {{name: do, use: shell, timeout: 8s, with: {{script: '{script}'}}}}\n");
    let plan = reach.plan("away", &action);
    let host = &reach.farm.hosts[0];
    let run = reach.start(&["run", plan.to_str().unwrap()]);
    while !host.path("home/count").exists() {
        std::thread::yield_now();
    }
    run.signal("KILL");
    run.end();
    let killed = std::time::Instant::now();
    reach.place.file("gate", "");
    while !host.path("home/ended").exists() || killed.elapsed() < std::time::Duration::from_secs(8) {
        // tidy-allow: sleep: a time has to pass
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    reach.run(&["recover"]).exits(0).shows(&["away succeeded"]);
    assert_eq!(std::fs::read_to_string(host.path("home/count")).unwrap(), "x\n");
}

#[test]
fn what_a_killed_agent_left_running_has_ended_before_it_is_run_again() {
    let name = "what_a_killed_agent_left_running_has_ended_before_it_is_run_again";
    let Some(reach) = Reach::new(name, 1) else { return };
    // The parent of the script is the agent. It dies, the script goes on for a while.
    let script = "cd $HOME; mkdir busy || touch overlap; echo begun >> count; \
                  test -e died || { touch died; kill -9 $PPID; sleep 2; }; rmdir busy; echo ended >> count";
    let plan = reach.plan(
        "again",
        &format!("        - {{name: do, use: shell, onInterrupt: rerun, with: {{script: '{script}'}}}}\n"),
    );
    reach.run(&["run", plan.to_str().unwrap()]).exits(0).shows(&["again succeeded"]);
    let host = &reach.farm.hosts[0];
    assert!(!host.path("home/overlap").exists(), "it ran twice at once");
    let count = std::fs::read_to_string(host.path("home/count")).unwrap();
    assert_eq!(count, "begun\nended\nbegun\nended\n");
    let report = reach.place.json(&["runs", "report", "--output", "json"]);
    let elements = report["elements"].as_array().unwrap();
    let done = elements.iter().find(|it| it["address"] == "work/web01/do").unwrap();
    assert_eq!(done["attempts"].as_array().map_or(0, Vec::len), 2, "{done}");
}

#[test]
fn what_logs_in_may_be_a_secret_by_name() {
    let Some(reach) = Reach::new("what_logs_in_may_be_a_secret_by_name", 1) else { return };
    let host = &reach.farm.hosts[0];
    let key = reach.farm.path("user_key").display().to_string();
    let known = reach.farm.path("known_hosts").display().to_string();
    let spec = format!(
        "  blocks:
    - name: work
      targets:
        nodes: [{{name: web01, addresses: {}, transport: {{port: {}, user: root, knownHosts: {known}, credentials: [{{key: \"{{{{ secret('web-login') }}}}\"}}]}}}}]
      sequence: [{{name: do, use: command, with: {{argv: [\"true\"]}}}}]
",
        host.address, host.port
    );
    let plan = reach.place.plan("login", &spec);
    let plan = plan.to_str().unwrap();
    reach.run(&["run", plan]).exits(1).says(&["web-login", "WINDLASS_SECRET_WEB_LOGIN"]);
    let mut command = reach.command(&["run", plan]);
    command.env("WINDLASS_SECRET_WEB_LOGIN", std::fs::read_to_string(&key).unwrap());
    ended(command).exits(0);
    let declares =
        format!("apiVersion: windlass.dev/v1\nkind: Secrets\nsecrets: {{web-login: {{file: {key}}}}}\n");
    reach.place.file("secrets.yaml", &declares);
    reach.run(&["run", plan]).exits(0);
}

#[test]
fn who_goes_on_or_tries_again_logs_in_with_the_secrets_of_the_run() {
    let Some(reach) = Reach::new("who_goes_on_or_tries_again_logs_in_with_the_secrets_of_the_run", 1) else {
        return;
    };
    let host = &reach.farm.hosts[0];
    let (key, known) = (reach.farm.path("user_key"), reach.farm.path("known_hosts"));
    let until = reach.place.until("gate");
    let spec = format!(
        "  blocks:
    - name: work
      targets:
        nodes: [{{name: web01, addresses: {}, transport: {{port: {}, user: root, knownHosts: {}, credentials: [{{key: \"{{{{ secret('web-login') }}}}\"}}]}}}}]
      sequence:
        - {{name: do, use: shell, with: {{script: 'touch $HOME/begun; {until}'}}}}
",
        host.address,
        host.port,
        known.display()
    );
    let plan = reach.place.plan("login", &spec);
    let declares = format!(
        "apiVersion: windlass.dev/v1\nkind: Secrets\nsecrets: {{web-login: {{file: {}}}}}\n",
        key.display()
    );
    let killed = || {
        reach.place.file("elsewhere.yaml", &declares);
        let _ = std::fs::remove_file(reach.place.path("gate"));
        let _ = std::fs::remove_file(host.path("home/begun"));
        let run = reach.start(&["run", plan.to_str().unwrap(), "--secrets", "elsewhere.yaml"]);
        while !host.path("home/begun").exists() {
            // tidy-allow: sleep: a script gives no other sign
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        run.signal("KILL");
        run.end();
        reach.place.file("gate", "");
    };
    killed();
    // From wherever: what was written down is no path from where the run was begun.
    let mut recover = reach.command(&["recover"]);
    recover.current_dir("/");
    ended(recover).exits(0).shows(&["login succeeded"]);

    killed();
    std::fs::remove_file(reach.place.path("elsewhere.yaml")).unwrap();
    let gone = ["warning: ", "where secrets come from cannot be used", "elsewhere.yaml", "--secrets FILE"];
    reach.run(&["recover"]).exits(1).says(&gone);
    reach.run(&["runs", "retry"]).exits(1).says(&gone);
    reach.place.file("another.yaml", &declares);
    reach.run(&["runs", "retry", "--secrets", "another.yaml"]).exits(0);

    killed();
    reach.run(&["recover", "--secrets", "/dev/null"]).exits(2);
    reach.run(&["recover"]).exits(0);
}

#[test]
fn a_recovery_of_several_runs_logs_in_with_what_the_secrets_file_of_each_says() {
    let Some(reach) =
        Reach::new("a_recovery_of_several_runs_logs_in_with_what_the_secrets_file_of_each_says", 2)
    else {
        return;
    };
    let (key, known) = (reach.farm.path("user_key"), reach.farm.path("known_hosts"));
    let until = reach.place.until("gate");
    let declares =
        |secrets: &str| format!("apiVersion: windlass.dev/v1\nkind: Secrets\nsecrets: {{{secrets}}}\n");
    // A run on each host, with a file of its own, that is cut short.
    let killed = |names: [&str; 2], more: &str| {
        let _ = std::fs::remove_file(reach.place.path("gate"));
        for ((host, name), file) in reach.farm.hosts.iter().zip(names).zip(["one.yaml", "two.yaml"]) {
            let more = if file == "two.yaml" { more } else { "" };
            reach.place.file(file, &declares(&format!("{name}: {{file: {}}}{more}", key.display())));
            let spec = format!(
                "  blocks:
    - name: work
      targets:
        nodes: [{{name: {node}, addresses: {}, transport: {{port: {}, user: root, knownHosts: {}, credentials: [{{key: \"{{{{ secret('{name}') }}}}\"}}]}}}}]
      sequence:
        - {{name: do, use: shell, with: {{script: 'touch $HOME/begun; {until}'}}}}
",
                host.address,
                host.port,
                known.display(),
                node = host.name,
            );
            let plan = reach.place.plan(&format!("login-{name}"), &spec);
            let _ = std::fs::remove_file(host.path("home/begun"));
            let run = reach.start(&["run", plan.to_str().unwrap(), "--secrets", file]);
            while !host.path("home/begun").exists() {
                // tidy-allow: sleep: a script gives no other sign
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            run.signal("KILL");
            run.end();
        }
        reach.place.file("gate", "");
    };
    killed(["first", "second"], "");
    reach.run(&["recover"]).exits(0).shows(&["login-first succeeded", "login-second succeeded"]);

    // What two files say of one name has to be the same.
    killed(["first", "second"], &format!(", first: {{file: {}}}", key.display()));
    reach.run(&["recover"]).exits(0);
    let stranger = reach.farm.path("stranger_key");
    killed(["first", "second"], &format!(", first: {{file: {}}}", stranger.display()));
    reach.run(&["recover"]).exits(1).shows(&["login-first failed", "login-second succeeded"]);
    let mut runs: Vec<_> = std::fs::read_dir(reach.place.data().join("logs/login-first")).unwrap().collect();
    runs.sort_by_key(|run| run.as_ref().unwrap().file_name());
    let log = runs.pop().unwrap().unwrap().path().join("all.log");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.contains("it cannot be looked for there: ") && log.contains("they do not say the same"),
        "{log}"
    );
}
