//! Becoming another user, over SSH, by the real programs: sudo, doas and su.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use windlass_farm::{Farm, Own};
use windlass_fleet::{Agents, Fleet, Gate, Here, Ways, is_here, over};
use windlass_plugin::{BoxFuture, Call, CallError, Node, Registry, Secret, SecretError, SecretProvider};

use crate::sessions::call;
use crate::sshd::{agent_binary, skip};

/// Two users of this machine that log in over a host, and what is configured for them. Gone when it is dropped.
struct Users {
    farm: Farm,
    /// Who logs in.
    user: String,
    rules: Vec<PathBuf>,
    _doas: Option<Doas>,
}

/// The configuration of doas, which has one file for all.
struct Doas {
    before: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Passwords;

const PASSWORD: &str = "an-0pen-sesame";
const DOAS: &str = "/etc/doas.conf";

impl SecretProvider for Passwords {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn place(&self) -> String {
        "a test".to_owned()
    }

    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        let text = if name == "good" { PASSWORD } else { "a-wrong-one" };
        Box::pin(std::future::ready(Ok(Secret::new(text))))
    }
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let status = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

impl Users {
    /// A user who may do with sudo what a rule says; `None` where that cannot be tried.
    fn new(test: &str, name: &str, rule: &str) -> Option<Self> {
        Self::with(test, name, rule, Own::default())
    }

    /// The same over a host that has this for itself.
    fn with(test: &str, name: &str, rule: &str, own: Own) -> Option<Self> {
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
        for program in ["/usr/sbin/sshd", "/usr/bin/sudo", "/usr/bin/doas", "/usr/sbin/useradd"] {
            if !Path::new(program).exists() || !is_root {
                skip(test, &format!("{program} is missing, or who runs this is not root"));
                return None;
            }
        }
        let user = format!("wl-{name}-{}", std::process::id());
        assert!(succeeds("useradd", &["--create-home", "--shell", "/bin/sh", &user]), "{user}");
        let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        use std::io::Write as _;
        writeln!(chpasswd.stdin.take().unwrap(), "{user}:{PASSWORD}").unwrap();
        assert!(chpasswd.wait().unwrap().success());
        let mut farm = Farm::empty().unwrap();
        let added = farm.add_own("web01", "", &own);
        let mut users = Self { farm, user, rules: Vec::new(), _doas: None };
        if let Err(error) = added {
            skip(test, &format!("no such host can be had here: {error}"));
            return None;
        }
        users.farm.write().unwrap();
        users.rule(rule);
        // The home that the host gives to everybody is root's.
        let config = users.farm.hosts[0].path("sshd_config");
        let text = fs::read_to_string(&config).unwrap();
        let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("SetEnv")).collect();
        fs::write(&config, text.join("\n") + "\n").unwrap();
        users.farm.hosts[0].down();
        users.farm.hosts[0].up().unwrap();
        // Keys lie where only root may look, which is fine for sshd; the way to them must be open.
        assert!(succeeds("chmod", &["755", users.farm.path("").to_str().unwrap()]));
        Some(users)
    }

    fn rule(&mut self, rule: &str) {
        if rule.is_empty() {
            return;
        }
        let path = PathBuf::from(format!("/etc/sudoers.d/{}", self.user));
        fs::write(
            &path,
            format!("Defaults:{0} passwd_timeout=1, lecture=never\n{rule}\n", self.user)
                .replace("USER", &self.user),
        )
        .unwrap();
        assert!(succeeds("chmod", &["440", path.to_str().unwrap()]));
        self.rules.push(path);
    }

    fn doas(mut self, rules: &str) -> Self {
        let before = fs::read(DOAS).ok();
        fs::write(DOAS, rules.replace("USER", &self.user)).unwrap();
        assert!(succeeds("chmod", &["400", DOAS]));
        self._doas = Some(Doas { before });
        self
    }

    fn registry(&self) -> Registry {
        let here = Here {
            home: self.farm.path(""),
            user: "nobody".into(),
            ssh_config: Some(self.farm.path("ssh_config")),
            ssh_agent: None,
            secrets: Arc::new(Passwords),
            led_to: Arc::new(windlass_fleet::Nowhere),
        };
        let ways = Ways::new(here, Agents::of(std::env::consts::ARCH, &agent_binary()));
        over(&windlass_plugins::standard().unwrap(), &Fleet::new(ways, Gate::default()), is_here).unwrap()
    }

    /// What a command prints that is run like this.
    async fn try_as(&self, other: serde_json::Value, agent: &str) -> Result<String, CallError> {
        let node =
            json!({"name": "web01", "transport": {"user": self.user, "become": other, "agent": agent}});
        let node: Arc<Node> = Arc::new(serde_json::from_value(node).unwrap());
        let request = Arc::new(json!({"script": "id -un; echo $HOME"}));
        let reply = self.registry().get("shell").unwrap().call(call(&node), request).await?;
        Ok(reply.response["stdout"].as_str().unwrap().to_owned())
    }

    /// One module after the other, as whom one becomes; each has to change something.
    async fn change_as(&self, other: &serde_json::Value, agent: &str, works: &[(&str, serde_json::Value)]) {
        let node =
            json!({"name": "web01", "transport": {"user": self.user, "become": other, "agent": agent}});
        let node: Arc<Node> = Arc::new(serde_json::from_value(node).unwrap());
        let registry = self.registry();
        for (index, (plugin, request)) in works.iter().enumerate() {
            let call = Call { key: format!("{agent}-{index}"), ..call(&node) };
            let reply = registry.get(plugin).unwrap().call(call, Arc::new(request.clone())).await;
            let reply = reply.unwrap_or_else(|error| panic!("{plugin} ({agent}): {error}"));
            assert!(reply.changed, "{plugin} ({agent})");
        }
    }

    async fn refused(&self, other: serde_json::Value) -> String {
        let error = self.try_as(other, "auto").await.unwrap_err();
        assert_eq!((error.code.as_str(), error.permanent), ("become", true), "{error}");
        assert!(!error.to_string().contains(PASSWORD), "{error}");
        error.message
    }
}

impl Drop for Users {
    fn drop(&mut self) {
        for rule in &self.rules {
            let _ = fs::remove_file(rule);
        }
        // What still runs as the user keeps the account in use.
        let _ = succeeds("pkill", &["-KILL", "-u", &self.user]);
        let _ = succeeds("userdel", &["--remove", "--force", &self.user]);
    }
}

impl Drop for Doas {
    fn drop(&mut self) {
        let _ = match &self.before {
            Some(before) => fs::write(DOAS, before),
            None => fs::remove_file(DOAS),
        };
    }
}

#[tokio::test]
async fn sudo_with_and_without_a_password() {
    let test = "sudo_with_and_without_a_password";
    let Some(users) = Users::new(test, "ask", "USER ALL=(ALL) ALL") else { return };
    let good = json!({"password": "{{ secret('good') }}"});
    for agent in ["auto", "never"] {
        assert_eq!(users.try_as(good.clone(), agent).await.unwrap(), "root\n/root\n", "{agent}");
    }
    let other = json!({"user": "daemon", "password": "{{ secret('good') }}"});
    assert!(users.try_as(other, "never").await.unwrap().starts_with("daemon\n"));
    assert_eq!(
        users.refused(json!({"password": "{{ secret('bad') }}"})).await,
        "`web01`: the password for sudo is wrong"
    );
    assert_eq!(
        users.refused(json!({})).await,
        "`web01`: sudo asks for a password, and none is given; name one as `password` of `become`"
    );
    let nobody = json!({"user": "no-such-user", "password": "{{ secret('good') }}"});
    assert_eq!(users.refused(nobody).await, "`web01`: there is no user `no-such-user` to become");
    assert_eq!(users.refused(json!({"user": "a'b"})).await, "`web01`: `a'b` is no name of a user to become");

    let Some(free) = Users::new(test, "free", "Defaults:USER requiretty\nUSER ALL=(ALL) NOPASSWD: ALL")
    else {
        return;
    };
    // It wants a terminal, and gets one.
    for agent in ["auto", "never"] {
        assert_eq!(free.try_as(json!({}), agent).await.unwrap(), "root\n/root\n", "{agent}");
    }
    let Some(barred) = Users::new(test, "barred", "") else { return };
    let message = barred.refused(good).await;
    assert_eq!(message, "`web01`: sudo does not let who logs in become `root`");
}

#[tokio::test]
async fn su_and_doas_with_a_password() {
    let Some(users) = Users::new("su_and_doas_with_a_password", "su", "") else { return };
    let users = users.doas("permit USER as root\n");
    // su asks for the password of whom one becomes: here that is the same user again.
    let again = |secret: &str| json!({"method": "su", "user": users.user, "password": format!("{{{{ secret('{secret}') }}}}")});
    assert_eq!(users.try_as(again("good"), "never").await.unwrap(), format!("{0}\n/home/{0}\n", users.user));
    assert_eq!(users.refused(again("bad")).await, "`web01`: the password for su is wrong");
    let doas = |secret: &str| json!({"method": "doas", "password": format!("{{{{ secret('{secret}') }}}}")});
    for agent in ["auto", "never"] {
        assert_eq!(users.try_as(doas("good"), agent).await.unwrap(), "root\n/root\n", "{agent}");
    }
    assert_eq!(users.refused(doas("bad")).await, "`web01`: the password for doas is wrong");
    let message = users.refused(json!({"method": "doas"})).await;
    assert_eq!(
        message,
        "`web01`: doas asks for a password, and none is given; name one as `password` of `become`"
    );
}

#[tokio::test]
async fn every_module_acts_as_whom_one_becomes() {
    use std::os::unix::fs::MetadataExt as _;
    let test = "every_module_acts_as_whom_one_becomes";
    let Some(users) = Users::new(test, "mod", "USER ALL=(ALL) NOPASSWD: ALL") else { return };
    let Some(app) = Users::new(test, "app", "") else { return };
    let uid = fs::metadata(format!("/home/{}", app.user)).unwrap().uid();
    // Nobody else may so much as look into it.
    assert!(succeeds("chmod", &["700", &format!("/home/{}", app.user)]));
    let other = json!({"user": app.user});
    for agent in ["auto", "never"] {
        let work = format!("/home/{}/{agent}", app.user);
        let at = |name: &str| format!("{work}/{name}");
        let mut works = vec![
            ("command", json!({"argv": ["mkdir", work]})),
            ("shell", json!({"script": "id -un > by-shell", "cwd": work})),
            ("script", json!({"content": "id -un > by-script", "cwd": work})),
            ("file", json!({"path": at("by-file"), "content": "one\n", "mode": "0640"})),
        ];
        if agent == "auto" {
            works.extend([
                ("directory", json!({"path": at("by-directory"), "mode": "0750"})),
                ("link", json!({"path": at("by-link"), "to": "by-file"})),
                ("line", json!({"path": at("by-line"), "line": "two", "create": true})),
                ("replace", json!({"path": at("by-file"), "regexp": "one", "with": "three"})),
                ("shell", json!({"script": "tar czf by-tar.gz by-file", "cwd": work})),
                ("archive", json!({"path": at("by-tar.gz"), "into": at("by-directory")})),
                ("absent", json!({"path": at("by-line")})),
            ]);
        }
        users.change_as(&other, agent, &works).await;
        for name in ["by-shell", "by-script"] {
            assert_eq!(fs::read_to_string(at(name)).unwrap(), format!("{}\n", app.user));
        }
        let text = if agent == "auto" { "three\n" } else { "one\n" };
        assert_eq!(fs::read_to_string(at("by-file")).unwrap(), text);
        assert_eq!(fs::metadata(at("by-file")).unwrap().mode() & 0o777, 0o640);
        let mut entries: Vec<_> = fs::read_dir(&work).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(entries.len(), if agent == "auto" { 6 } else { 3 }, "{entries:?}");
        if agent == "auto" {
            assert!(fs::exists(at("by-directory/by-file")).unwrap());
            entries.extend(fs::read_dir(at("by-directory")).unwrap().map(|entry| entry.unwrap()));
        }
        for entry in entries {
            assert_eq!(entry.metadata().unwrap().uid(), uid, "{:?} is not of whom one became", entry.path());
        }
    }
}

/// The host of some users, which is started again whenever it goes down. Taken down when it is dropped.
struct Restarting {
    starts: Arc<AtomicU32>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Restarting {
    fn new(users: &mut Users) -> Self {
        let (starts, is_over) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicBool::new(false)));
        let (counted, over, mut host) =
            (Arc::clone(&starts), Arc::clone(&is_over), users.farm.hosts.remove(0));
        let restart = move || {
            while !over.load(Ordering::Relaxed) {
                if host.has_ended() {
                    host.up().unwrap();
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                // tidy-allow: sleep: a machine that goes down tells nobody
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        Self { starts, is_over, thread: Some(std::thread::spawn(restart)) }
    }
}

impl Drop for Restarting {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_is_rebooted_by_whom_one_becomes() {
    let test = "a_machine_is_rebooted_by_whom_one_becomes";
    let own = Own { processes: true, ..Own::default() };
    let Some(mut users) = Users::with(test, "boot", "USER ALL=(ALL) NOPASSWD: ALL", own) else { return };
    let host = Restarting::new(&mut users);
    let reboot = users.registry().get("reboot").unwrap();
    let request =
        json!({"argv": ["kill", "-TERM", "1"], "every": "20ms", "downWithin": "60s", "test": "id -un"});
    let of = |key: &str, transport: serde_json::Value| {
        let node: Arc<Node> =
            Arc::new(serde_json::from_value(json!({"name": "web01", "transport": transport})).unwrap());
        (Call { key: key.into(), ..call(&node) }, Arc::new(request.clone()))
    };
    let (plain, asked) = of("plain", json!({"user": users.user}));
    let error = reboot.call(plain, asked).await.unwrap_err();
    assert!(error.message.starts_with("the machine refuses to reboot (exit code 1): "), "{error}");
    assert_eq!(host.starts.load(Ordering::Relaxed), 1);
    let elevated = json!({"user": users.user, "become": {}});
    for attempt in 0..2 {
        let (elevated, asked) = of("elevated", elevated.clone());
        let reply = reboot.call(elevated, asked).await.unwrap();
        assert!(reply.changed && reply.response["before"] != reply.response["after"], "{attempt}");
        assert_eq!(
            host.starts.load(Ordering::Relaxed),
            2,
            "{attempt}: a second attempt sees that it was done"
        );
    }
}
