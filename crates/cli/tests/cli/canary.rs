//! Secrets through every transport and into every kind of request, looked for everywhere: files on both sides, what
//! commands print, and the command lines of all processes while it goes on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use windlass_farm::{Farm, Kind};

use crate::harness::{Ended, Place, ended, running, skip};
use crate::ssh::agent;

/// What every canary of this process begins with; nothing else does.
static CANARY: LazyLock<String> = LazyLock::new(|| format!("c4n4ry{}", std::process::id()));
/// Where one comes from, and what it is for.
const SECRETS: [&str; 7] = ["login", "passphrase", "env", "stdin", "script", "content", "header"];

/// A user of this machine, gone with the place.
struct User(String);

impl User {
    /// Who may do everything with sudo, for a password.
    fn new(password: &str) -> Self {
        let name = format!("wl-canary-{}", std::process::id());
        succeeds(Command::new("useradd").args(["--create-home", "--shell", "/bin/sh", &name]));
        let user = Self(name);
        let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        writeln!(chpasswd.stdin.take().unwrap(), "{}:{password}", user.0).unwrap();
        assert!(chpasswd.wait().unwrap().success());
        fs::write(user.rule(), format!("Defaults:{0} lecture=never\n{0} ALL=(ALL) ALL\n", user.0)).unwrap();
        succeeds(Command::new("chmod").arg("440").arg(user.rule()));
        user
    }

    fn rule(&self) -> PathBuf {
        PathBuf::from(format!("/etc/sudoers.d/{}", self.0))
    }

    fn home(&self) -> PathBuf {
        PathBuf::from(format!("/home/{}", self.0))
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.rule());
        let _ = Command::new("pkill").args(["-KILL", "-u", &self.0]).status();
        let _ = Command::new("userdel").args(["--remove", "--force", &self.0]).stderr(Stdio::null()).status();
    }
}

/// Reads all command lines of this machine, again and again.
struct Watcher {
    is_over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<(u32, Vec<String>)>,
}

impl Watcher {
    fn begin() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let is_over = Arc::clone(&is_over);
            move || {
                let (mut looks, mut seen) = (0, Vec::new());
                while !is_over.load(Ordering::Relaxed) {
                    for entry in fs::read_dir("/proc").unwrap().flatten() {
                        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                        let line = String::from_utf8_lossy(&line).replace('\0', " ");
                        if line.contains(&*CANARY) {
                            seen.push(line);
                        }
                    }
                    looks += 1;
                    // tidy-allow: sleep: processes come and go without a sign, and the processors are for them
                    std::thread::sleep(std::time::Duration::from_millis(3));
                }
                (looks, seen)
            }
        });
        Self { is_over, thread }
    }

    fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let (looks, seen) = self.thread.join().unwrap();
        assert!(looks > 10 && seen.is_empty(), "{looks} looks: {seen:?}");
    }
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn canary(of: &str) -> String {
    format!("{}-{of}-Zw3ihundert", *CANARY)
}

/// Answers every request with a failure that repeats what it was sent.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut said, mut bytes) = (Vec::new(), [0; 4096]);
            while !said.windows(4).any(|part| part == b"\r\n\r\n") {
                match stream.read(&mut bytes).unwrap_or(0) {
                    0 => break,
                    count => said.extend_from_slice(&bytes[..count]),
                }
            }
            let _ = write!(
                stream,
                "HTTP/1.1 500 No\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                said.len()
            );
            let _ = stream.write_all(&said);
        }
    });
    format!("http://{address}/")
}

/// Every file below a directory that holds a canary.
fn holders(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            holders(&path, found);
        } else if path.is_file()
            && fs::read(&path)
                .is_ok_and(|bytes| bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()))
        {
            found.push(path.display().to_string());
        }
    }
}

struct Trial {
    place: Place,
    farm: Farm,
    user: User,
}

impl Trial {
    fn new(test: &str) -> Option<Self> {
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
        for program in ["/usr/sbin/sshd", "/usr/bin/sudo", "/usr/sbin/useradd"] {
            if !Path::new(program).exists() || !is_root {
                skip(test, &format!("{program} is missing, or who runs this is not root"));
                return None;
            }
        }
        let user = User::new(&canary("login"));
        let mut farm =
            Farm::with([("web".to_owned(), Kind::Plain, "PasswordAuthentication yes\n".to_owned())]).unwrap();
        // The home that the host gives to everybody is root's.
        let host = &mut farm.hosts[0];
        let text = fs::read_to_string(host.path("sshd_config")).unwrap();
        let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("SetEnv")).collect();
        fs::write(host.path("sshd_config"), text.join("\n") + "\n").unwrap();
        host.down();
        host.up().unwrap();
        let place = Place::new();
        let mut declared = "apiVersion: windlass.dev/v1\nkind: Secrets\nsecrets:\n".to_owned();
        for name in SECRETS {
            place.file(&format!("own-{name}"), &canary(name));
            declared.push_str(&format!("  {name}: {{file: own-{name}}}\n"));
        }
        declared.push_str("  wrong: {file: own-wrong}\n");
        place.file("own-wrong", &canary("wrong"));
        place.file("secrets.yaml", &declared);
        // A key that a secret opens.
        let key = farm.path("closed_key");
        succeeds(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", &canary("passphrase"), "-f"])
                .arg(&key),
        );
        let public = fs::read_to_string(farm.path("closed_key.pub")).unwrap();
        let authorized = farm.path("authorized");
        fs::write(&authorized, fs::read_to_string(&authorized).unwrap() + &public).unwrap();
        succeeds(Command::new("chmod").arg("755").arg(farm.path("")));
        Some(Self { place, farm, user })
    }

    /// By password and by an opened key, with an agent and without one, as oneself and as root; and this machine.
    fn nodes(&self) -> String {
        let host = &self.farm.hosts[0];
        let known = self.farm.path("known_hosts").display().to_string();
        let base = format!("port: {}, user: {}, knownHosts: {known}", host.port, self.user.0);
        let key = self.farm.path("closed_key").display().to_string();
        let node = |name: &str, more: &str| {
            format!("{{name: {name}, addresses: {}, transport: {{{base}, {more}}}}}", host.address)
        };
        let password = "credentials: [{password: \"{{ secret('login') }}\"}]";
        let opened = format!("credentials: [{{key: {key}, passphrase: \"{{{{ secret('passphrase') }}}}\"}}]");
        let root = "become: {password: \"{{ secret('login') }}\"}";
        [
            node("login", password),
            node("root", &format!("{password}, {root}")),
            node("bare", &format!("{opened}, {root}, agent: never")),
            "{name: here, transport: {use: local, agent: auto}}".to_owned(),
        ]
        .join(", ")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.command(args);
        command.env("WINDLASS_AGENT", agent());
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        ended(self.command(args))
    }

    /// Where canaries are found, but for the files that they come from.
    fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        for directory in [self.place.path(""), self.farm.path(""), self.user.home()] {
            holders(&directory, &mut found);
        }
        let temporary = fs::read_dir("/tmp").unwrap().chain(fs::read_dir("/var/tmp").unwrap()).flatten();
        for entry in temporary.filter(|entry| entry.file_name().to_string_lossy().starts_with("windlass-")) {
            holders(&entry.path(), &mut found);
        }
        found.retain(|path| !path.contains("/own-"));
        found.sort_unstable();
        found
    }
}

#[test]
fn p24_canaries_are_found_where_they_belong_and_nowhere_else() {
    let Some(trial) = Trial::new("p24_canaries_are_found_where_they_belong_and_nowhere_else") else { return };
    let (place, url) = (&trial.place, echo());
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    succeeds(Command::new("chmod").arg("755").arg(place.path("")));
    succeeds(Command::new("chmod").arg("1777").arg(&out));
    let (gate, out) = (place.until("gate"), out.display());
    place.file("brought.sh", "echo \"brought $TOKEN\"\n");
    let spec = format!(
        "  params: {{token: {{type: secret, required: true}}}}
  blocks:
    - name: use
      targets: {{nodes: [{nodes}]}}
      concurrency: 100%
      failures: unlimited
      sequence:
        - name: env
          use: shell
          with: {{script: 'echo \"out $TOKEN\"; echo \"err $TOKEN\" >&2; touch {out}/begun-{{{{ node.name }}}}; {gate}', env: {{TOKEN: \"{{{{ secret('env') }}}}\"}}}}
          onInterrupt: rerun
          timeout: 10m
          save: {{said: stdout}}
        - {{name: stdin, use: command, with: {{argv: [cat], stdin: \"{{{{ secret('stdin') }}}}\"}}}}
        - {{name: script, use: shell, with: {{script: \"x={{{{ secret('script') }}}}; echo $x; sleep 0.2\"}}}}
        - {{name: brought, use: script, with: {{source: brought.sh, env: {{TOKEN: '{{{{ params.token }}}}'}}}}}}
        - {{name: open, use: file, with: {{path: '{out}/open-{{{{ node.name }}}}', content: \"a {{{{ secret('content') }}}}\\n\", mode: '0644'}}}}
        - {{name: changed, use: file, with: {{path: '{out}/open-{{{{ node.name }}}}', content: \"b {{{{ secret('content') }}}} {{{{ store.said }}}}\\n\", mode: '0644', diff: true}}}}
    - name: fail
      targets: {{nodes: [{nodes}]}}
      concurrency: 100%
      failures: unlimited
      sequence:
        - {{name: says, use: shell, with: {{script: 'echo \"failed with $TOKEN\" >&2; exit 3', env: {{TOKEN: \"{{{{ secret('env') }}}}\"}}}}}}
    - name: ask
      failures: unlimited
      sequences:
        - name: bearer
          actions: [{{name: a, use: http, with: {{url: '{url}', bearer: \"{{{{ secret('header') }}}}\"}}}}]
        - name: header
          actions: [{{name: a, use: http, with: {{url: '{url}', headers: {{X-Token: \"{{{{ secret('header') }}}}\"}}}}}}]
        - name: body
          actions: [{{name: a, use: http, with: {{url: '{url}{{{{ params.token }}}}', method: POST, body: {{pin: \"{{{{ secret('content') }}}}\"}}}}}}]
",
        nodes = trial.nodes()
    );
    let plan = place.plan("canaries", &spec).display().to_string();
    let token = format!("token=@{}", place.path("own-env").display());
    let watcher = Watcher::begin();
    let mut shown: Vec<String> = Vec::new();
    let mut take = |ended: Ended| shown.extend([ended.out, ended.err]);
    take(trial.run(&["preview", &plan, "-p", &token]).exits(0));
    let run = running(trial.command(&["run", &plan, "-p", &token]));
    for node in ["login", "root", "bare", "here"] {
        let begun = place.path(&format!("out/begun-{node}"));
        while !begun.exists() {
            // tidy-allow: sleep: a script gives no other sign
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    // What is kept for whoever goes on after our death is sealed.
    run.signal("KILL");
    take(run.end());
    let left: Vec<String> =
        trial.found().into_iter().filter(|path| !path.contains("/windlass/work/")).collect();
    assert_eq!(left, Vec::<String>::new(), "what a Windlass that was killed leaves behind");
    place.file("gate", "");
    take(trial.run(&["recover", "--secrets", "secrets.yaml"]).exits(0));
    take(trial.run(&["run", &plan, "-p", &token, "--noop"]));
    for args in [
        &["logs", "--level", "debug"][..],
        &["logs", "--output", "json", "--level", "debug"],
        &["runs", "show"],
        &["runs", "list", "--output", "json"],
        &["runs", "report"],
        &["runs", "report", "--output", "html"],
        &["runs", "report", "--output", "json"],
        &["runs", "events"],
    ] {
        for run in place.json(&["runs", "list", "--output", "json"]).as_array().unwrap() {
            let id = run["id"].as_str().unwrap();
            let args: Vec<&str> = match args[..2] {
                ["runs", "list"] => args.to_vec(),
                ["logs", _] => [&args[..1], &[id], &args[1..]].concat(),
                _ => [&args[..2], &[id], &args[2..]].concat(),
            };
            take(trial.run(&args).exits(0));
        }
    }
    watcher.end();
    for text in &shown {
        let line = text.lines().find(|line| line.contains(&*CANARY));
        assert_eq!(line, None);
    }
    // They did arrive, everywhere, and what was printed was seen.
    let all = shown.join("\n");
    for words in [
        "out \u{ab}secret:",
        "err \u{ab}secret:",
        "brought \u{ab}secret:",
        "failed with \u{ab}secret:",
        "+b \u{ab}secret:",
    ] {
        assert!(all.contains(words), "`{words}` is nowhere");
    }
    let mut expected: Vec<String> = ["login", "root", "bare", "here"]
        .map(|node| format!("{}/open-{node}", place.path("out").display()))
        .to_vec();
    expected.sort_unstable();
    assert_eq!(trial.found(), expected);
}

#[test]
fn p24_what_is_refused_names_no_secret() {
    let Some(trial) = Trial::new("p24_what_is_refused_names_no_secret") else { return };
    let watcher = Watcher::begin();
    let nodes = trial.nodes();
    let key = "passphrase: \"{{ secret('wrong') }}\"";
    for nodes in [
        nodes.replace("[{password: \"{{ secret('login') }}\"}]", "[{password: \"{{ secret('wrong') }}\"}]"),
        nodes.replace(
            "become: {password: \"{{ secret('login') }}\"}",
            "become: {password: \"{{ secret('wrong') }}\"}",
        ),
        nodes.replace("passphrase: \"{{ secret('passphrase') }}\"", key),
    ] {
        let spec = format!(
            "  blocks: [{{name: b, targets: {{nodes: [{nodes}]}}, concurrency: 100%, failures: unlimited, sequence: [{{name: a, use: shell, with: {{script: 'true'}}}}]}}]\n"
        );
        let plan = trial.place.plan("refused", &spec).display().to_string();
        let run = trial.run(&["run", &plan]).exits(0);
        let report = trial.run(&["runs", "report", "--output", "json"]).exits(0);
        for text in [run.out, run.err, report.out] {
            assert!(!text.contains(&*CANARY), "{text}");
        }
    }
    watcher.end();
    assert_eq!(trial.found(), Vec::<String>::new());
}
