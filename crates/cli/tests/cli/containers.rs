//! Containers of a real Docker: with an agent, found again after our death, and with nothing that could be worked with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Ended, Place, Running, ended, running, skip};
use crate::ssh::agent;

/// A Docker of its own, gone with all its containers when it is dropped.
struct Docker {
    place: Place,
    daemon: Child,
}

const COMMANDS: [&str; 22] = [
    "sh",
    "cat",
    "echo",
    "sleep",
    "uname",
    "head",
    "wc",
    "mv",
    "rm",
    "mkdir",
    "chmod",
    "id",
    "true",
    "test",
    "touch",
    "seq",
    "ls",
    "kill",
    "hostname",
    "env",
    "sha256sum",
    "pwd",
];

// === impl Docker ===

impl Docker {
    /// `None` where there can be none, which is said.
    fn start(test: &str) -> Option<Self> {
        for program in ["dockerd", "docker", "busybox"] {
            if !Command::new("sh")
                .args(["-c", &format!("command -v {program}")])
                .output()
                .unwrap()
                .status
                .success()
            {
                skip(test, &format!("there is no {program}"));
                return None;
            }
        }
        let place = Place::new();
        let log = fs::File::create(place.path("dockerd.log")).unwrap();
        let own = |name: &str| place.path(name).display().to_string();
        let daemon = Command::new("dockerd")
            .args(["--data-root", &own("images"), "--exec-root", &own("exec"), "--pidfile", &own("pid")])
            .args(["--host", &format!("unix://{}", own("d.sock")), "--iptables=false", "--bridge=none"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut docker = Self { place, daemon };
        let begun = Instant::now();
        while !docker.docker(&["version"]).output().unwrap().status.success() {
            if docker.daemon.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(60) {
                let log = fs::read_to_string(docker.place.path("dockerd.log")).unwrap_or_default();
                skip(test, &format!("dockerd does not start: {}", log.lines().last().unwrap_or_default()));
                return None;
            }
            // tidy-allow: sleep: it gives no other sign than that it answers
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(docker)
    }

    fn docker(&self, args: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", self.host()).args(args);
        command
    }

    fn host(&self) -> String {
        format!("unix://{}", self.place.path("d.sock").display())
    }

    /// Runs a command of Docker that succeeds.
    fn does(&self, args: &[&str]) -> String {
        let ended = ended(self.docker(args)).exits(0);
        ended.out.trim().to_owned()
    }

    /// Makes an image of a directory.
    fn import(&self, root: &Path, name: &str) {
        let mut tar =
            Command::new("tar").arg("-C").arg(root).args(["-c", "."]).stdout(Stdio::piped()).spawn().unwrap();
        let imported =
            self.docker(&["import", "-", name]).stdin(tar.stdout.take().unwrap()).output().unwrap();
        assert!(tar.wait().unwrap().success() && imported.status.success(), "{imported:?}");
    }

    /// Makes an image of a few commands and what the agent needs to start, and starts a container of it.
    fn with_commands(&self, name: &str, more: &[&str]) {
        let root = self.place.path("root");
        if !root.exists() {
            for dir in ["bin", "tmp", "etc", "root"] {
                fs::create_dir_all(root.join(dir)).unwrap();
            }
            fs::copy(busybox(), root.join("bin/busybox")).unwrap();
            for command in COMMANDS {
                std::os::unix::fs::symlink("busybox", root.join("bin").join(command)).unwrap();
            }
            fs::write(root.join("etc/os-release"), "ID=tiny\nVERSION_ID=7\nNAME=Tiny\n").unwrap();
            fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
            for library in libraries(&agent()) {
                let to = root.join(library.strip_prefix("/").unwrap());
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(&library, to).unwrap();
            }
            self.import(&root, "commands");
        }
        let run = ["run", "--detach", "--network", "none", "--hostname", name, "--name", name];
        self.does(&[&run[..], more, &["commands", "sleep", "1000"]].concat());
    }

    fn inside(&self, container: &str, script: &str) -> String {
        self.does(&["exec", container, "sh", "-c", script])
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.command(args);
        command.env("WINDLASS_AGENT", agent()).env("DOCKER_HOST", self.host());
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        ended(self.command(args))
    }

    fn begin(&self, args: &[&str]) -> Running {
        running(self.command(args))
    }

    /// A plan of one sequence in some containers.
    fn plan(&self, name: &str, containers: &[&str], sequence: &str) -> String {
        let nodes: Vec<String> = containers
            .iter()
            .map(|name| format!("{{name: {name}, transport: {{use: container, connectTimeout: 20s}}}}"))
            .collect();
        let spec = format!(
            "  blocks:\n    - name: work\n      targets: {{nodes: [{}]}}\n      concurrency: 100%\n      failures: {}\n      sequence:\n{sequence}",
            nodes.join(", "),
            if containers.len() > 1 { "unlimited" } else { "0" }
        );
        self.place.plan(name, &spec).display().to_string()
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        let containers =
            self.docker(&["ps", "--all", "--quiet"]).output().map(|output| output.stdout).unwrap_or_default();
        let containers = String::from_utf8_lossy(&containers);
        let all: Vec<&str> = containers.split_whitespace().collect();
        let _ = self.docker(&[&["rm", "--force"][..], &all].concat()).output();
        let _ = Command::new("kill").arg(self.daemon.id().to_string()).status();
        let _ = self.daemon.wait();
    }
}

fn busybox() -> PathBuf {
    let found = Command::new("sh").args(["-c", "command -v busybox"]).output().unwrap().stdout;
    PathBuf::from(String::from_utf8(found).unwrap().trim())
}

/// What a program is linked to, and what loads it.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = Command::new("ldd").arg(program).output().unwrap().stdout;
    let listed = String::from_utf8(listed).unwrap();
    let words = listed.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(PathBuf::from).filter(|path| path.exists()).collect()
}

#[test]
fn an_agent_works_in_a_container_and_outlives_us_there() {
    let Some(docker) = Docker::start("an_agent_works_in_a_container_and_outlives_us_there") else { return };
    docker.with_commands("tiny", &[]);
    let plan = docker.plan(
        "inside",
        &["tiny"],
        "        - {name: who, use: command, with: {argv: [hostname]}, save: {who: stdout}}
        - {name: put, use: file, with: {path: /etc/app.conf, content: \"of {{ store.who | trim }}\\n\", mode: '0640'}}
        - {name: fresh, use: facts, save: {os: os.name}}
        - {name: tell, use: shell, with: {script: 'echo {{ store.os }} > /root/os'}}\n",
    );
    docker.run(&["run", &plan]).exits(0).shows(&["inside succeeded"]);
    assert_eq!(docker.inside("tiny", "cat /etc/app.conf /root/os"), "of tiny\ntiny");
    assert!(docker.inside("tiny", "ls /root/.cache/windlass").contains("agent-"));
    assert_eq!(
        docker.inside("tiny", "ls /root/.cache/windlass/work; cat /root/.cache/windlass/work/spare/*"),
        "spare",
        "nothing is kept of a run that is over but empty files for the next one"
    );

    let plan = docker.plan(
        "long",
        &["tiny"],
        "        - {name: do, use: shell, timeout: 10m, with: {script: 'echo x >> /root/count; seq 1 500; while [ ! -e /tmp/gate ]; do sleep 0.05; done; seq 501 1000'}}\n",
    );
    let mut run = docker.begin(&["run", &plan, "--output", "events"]);
    run.wait_for("attemptBegan", "work/tiny/do");
    while docker.inside("tiny", "cat /root/count 2>/dev/null || true") != "x" {}
    run.signal("KILL");
    run.end();
    docker.inside("tiny", "touch /tmp/gate");
    docker.run(&["recover"]).exits(0).shows(&["long succeeded"]);
    assert_eq!(docker.inside("tiny", "cat /root/count"), "x", "it ran once");
    let logs = docker.run(&["logs", "--action", "do"]).exits(0).out;
    let printed: Vec<&str> =
        logs.lines().filter_map(|line| line.split_once("| ")).map(|(_, text)| text).collect();
    let expected: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
    // Whoever goes on does not know what was seen of it before, and tells all of it.
    assert!(printed.ends_with(&expected.iter().map(String::as_str).collect::<Vec<_>>()), "{logs}");
}

#[test]
fn a_container_that_cannot_be_worked_in_says_why_and_what_to_do() {
    let Some(docker) = Docker::start("a_container_that_cannot_be_worked_in_says_why_and_what_to_do") else {
        return;
    };
    docker.with_commands("good", &[]);
    docker.with_commands("stopped", &[]);
    docker.does(&["stop", "--time", "0", "stopped"]);
    docker.with_commands("paused", &[]);
    docker.does(&["pause", "paused"]);
    // Nothing can be written but what may not be executed.
    docker.with_commands("sealed", &["--read-only"]);
    let bare = docker.place.path("bare");
    fs::create_dir_all(bare.join("bin")).unwrap();
    fs::copy(busybox(), bare.join("bin/sleep")).unwrap();
    docker.import(&bare, "bare");
    docker.does(&[
        "run",
        "--detach",
        "--network",
        "none",
        "--name",
        "shell-less",
        "bare",
        "/bin/sleep",
        "1000",
    ]);

    let all = ["good", "stopped", "paused", "shell-less", "missing", "sealed"];
    let plan = docker.plan("odd", &all, "        - {name: do, use: shell, with: {script: 'echo works; exit 0'}}\n        - {name: put, use: directory, with: {path: /root/made}}\n");
    let run = docker.run(&["run", &plan]).exits(0);
    let report = docker.place.json(&["runs", "report", "--output", "json"]);
    let end = |address: &str| {
        let elements = report["elements"].as_array().unwrap();
        let element =
            elements.iter().find(|element| element["address"] == format!("work/{address}")).unwrap();
        (element["status"].as_str().unwrap().to_owned(), element.to_string())
    };
    assert_eq!(end("good/put").0, "succeeded", "{}", run.err);
    for (address, words) in [
        ("stopped/do", "the container `stopped` does not run; start it by `docker start stopped`"),
        ("paused/do", "the container `paused` is paused; go on with it by `docker unpause paused`"),
        (
            "shell-less/do",
            "the container `shell-less` has no `/bin/sh`, and without a shell nothing can be done in it",
        ),
        ("missing/do", "there is no container `missing`; `docker ps --all` lists those that there are"),
    ] {
        let (status, text) = end(address);
        assert!(status == "failed" && text.contains(words), "{address} {status}: {text}");
    }
    // Where no agent fits in, the shell works, and the rest says what stands in the way.
    assert_eq!(end("sealed/do").0, "succeeded");
    let (status, text) = end("sealed/put");
    assert!(status == "failed" && text.contains("the agent cannot be placed"), "{text}");
    assert!(
        text.contains("/dev/shm/windlass-0 may be executed")
            && text.contains("/tmp/windlass-0 cannot be written"),
        "{text}"
    );

    let plan = docker.plan("away", &["good"], "        - {name: do, use: shell, with: {script: 'true'}}\n");
    let mut command = docker.command(&["run", &plan]);
    command.env("DOCKER_HOST", format!("unix://{}", docker.place.path("nowhere.sock").display()));
    ended(command)
        .exits(1)
        .says(&["the daemon of `docker` does not answer; start it, or say where it is in $DOCKER_HOST"]);
}
