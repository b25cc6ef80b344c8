//! The modules about the system, and `fetch`, over SSH by a user who may do nothing of what they do, and becomes who may.
//!
//! The host has files, a name and processes of its own: what the modules change there is gone with it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use windlass_farm::{Farm, Own};
use windlass_fleet::{Agents, Fleet, Gate, Ways, is_here, over};
use windlass_plugin::{Call, CallError, Node, Registry, Reply};
use windlass_plugins::FilesHere;

use crate::sessions::call;
use crate::sshd::{agent_binary, here, skip};

/// What the host gets first, by root: a user who may become root without a password, and another one who may nothing.
const READY: &str = r#"
for name in wl-op wl-app; do useradd --create-home --shell /bin/sh "$name"; usermod -p '*' "$name"; done
echo 'wl-op ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/wl-op
chmod 440 /etc/sudoers.d/wl-op
chmod 700 /home/wl-app
"#;

const SERVICE: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides: wl-demo
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
case $1 in
  start) touch /run/wl-demo ;;
  stop) rm -f /run/wl-demo ;;
  status) [ -e /run/wl-demo ] || exit 3 ;;
  *) exit 3 ;;
esac
"#;

/// A repository with a package.
const PACKAGES: &str = r#"
mkdir -p /srv/repo/build/DEBIAN && cd /srv/repo
printf 'Package: wl-demo\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' > build/DEBIAN/control
dpkg-deb -Znone --build build wl-demo_1.0_all.deb > /dev/null
{ cat build/DEBIAN/control
  echo 'Filename: ./wl-demo_1.0_all.deb'
  echo "Size: $(stat -c %s wl-demo_1.0_all.deb)"
  echo "SHA256: $(sha256sum wl-demo_1.0_all.deb | cut -d' ' -f1)"; } > Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*
"#;

const CHECKOUT: &str = r#"
mkdir /home/wl-app/origin && cd /home/wl-app/origin
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main && echo one > file && git add file && git commit -q -m one
chown -R wl-app: /home/wl-app/origin
"#;

/// A host of its own, and who works on it.
struct Ground {
    farm: Farm,
    registry: Registry,
}

impl Ground {
    /// `None` where there can be none, which is said.
    fn new(test: &str) -> Option<Self> {
        for program in [windlass_farm::SSHD, "/usr/bin/sudo", "/usr/bin/unshare"] {
            if !Path::new(program).exists() {
                skip(test, &format!("{program} is missing"));
                return None;
            }
        }
        let mut farm = Farm::empty().unwrap();
        // Who logs in has a home of their own.
        let added = farm.add_own("web01", "SetEnv LC_ALL=C\n", &Own { files: true, ..Own::default() });
        if let Err(error) = added {
            skip(test, &format!("no host can have files of its own here: {error}"));
            return None;
        }
        farm.write().unwrap();
        // Keys lie where only root may look, which is fine for sshd; the way to them must be open.
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(farm.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        let ways = Ways::new(here(&farm), Agents::of(std::env::consts::ARCH, &agent_binary()));
        let fleet = Fleet::new(ways, Gate::default());
        let registry = over(&windlass_plugins::standard().unwrap(), &fleet, is_here).unwrap();
        Some(Self { farm, registry })
    }

    async fn call(&self, transport: Value, plugin: &str, request: &Value) -> Result<Reply<Value>, CallError> {
        let node: Arc<Node> =
            Arc::new(serde_json::from_value(json!({"name": "web01", "transport": transport})).unwrap());
        let call = Call {
            // Every attempt is another one.
            key: format!("{plugin}-{request}-{transport}"),
            origin: FilesHere::origin(self.farm.path("")),
            ..call(&node)
        };
        self.registry.get(plugin).unwrap().call(call, Arc::new(request.clone())).await
    }

    /// What root is told to do.
    async fn sh(&self, script: &str) -> String {
        let request = json!({"script": script});
        let reply = self.call(json!({"user": "root"}), "shell", &request).await.unwrap();
        reply.response["stdout"].as_str().unwrap().to_owned()
    }

    /// What changes something as whom one becomes, and cannot be done by who logs in.
    async fn changes(&self, other: Value, plugin: &str, request: Value) {
        let plain = json!({"user": "wl-op"});
        let refused = self.call(plain, plugin, &request).await;
        assert!(refused.is_err(), "{plugin} as who logs in: {:?}", refused.unwrap());
        let elevated = json!({"user": "wl-op", "become": other});
        let reply = self.call(elevated, plugin, &request).await;
        let reply = reply.unwrap_or_else(|error| panic!("{plugin}: {error:?}"));
        assert!(reply.changed, "{plugin}: {:?}", reply.response);
    }
}

#[tokio::test]
async fn every_module_about_the_system_acts_as_whom_one_becomes() {
    let test = "every_module_about_the_system_acts_as_whom_one_becomes";
    let Some(ground) = Ground::new(test) else { return };
    let (root, app) = (json!({}), json!({"user": "wl-app"}));
    ground.sh(READY).await;

    ground.changes(root.clone(), "group", json!({"name": "wl-crew", "gid": 4601})).await;
    ground.changes(root.clone(), "user", json!({"name": "wl-ada", "uid": 4600, "group": "wl-crew"})).await;
    assert_eq!(
        ground.sh("id -un 4600; id -gn wl-ada; stat -c %U /home/wl-ada").await,
        "wl-ada\nwl-crew\nwl-ada\n"
    );

    ground.changes(root.clone(), "hostname", json!({"name": "wl-web01", "hosts": true})).await;
    assert_eq!(ground.sh("uname -n; cat /etc/hostname").await, "wl-web01\nwl-web01\n");

    let domain = json!({"name": "kernel.domainname", "value": "wl.example"});
    ground.changes(root.clone(), "sysctl", domain).await;
    assert_eq!(ground.sh("cat /proc/sys/kernel/domainname").await, "wl.example\n");

    let mount = json!({"path": "/srv/wl", "source": "wl", "fstype": "tmpfs", "options": "size=1m"});
    ground.changes(root.clone(), "mount", mount).await;
    assert_eq!(ground.sh("findmnt -n -o SOURCE /srv/wl; grep -c /srv/wl /etc/fstab").await, "wl\n1\n");

    let job = json!({"name": "report", "file": "wl-report", "schedule": "@weekly", "command": "report"});
    ground.changes(root.clone(), "cron", job).await;
    assert_eq!(ground.sh("stat -c '%U %a' /etc/cron.d/wl-report").await, "root 644\n");

    ground
        .sh(&format!("cat > /etc/init.d/wl-demo << 'END'\n{SERVICE}END\nchmod 755 /etc/init.d/wl-demo"))
        .await;
    ground.changes(root.clone(), "service", json!({"name": "wl-demo", "state": "running"})).await;
    assert_eq!(ground.sh("stat -c %U /run/wl-demo").await, "root\n");

    ground.sh(PACKAGES).await;
    let source =
        json!({"name": "wl", "apt": {"uris": ["file:/srv/repo"], "suites": ["./"], "trusted": true}});
    ground.changes(root.clone(), "repository", source).await;
    ground.changes(root.clone(), "package", json!({"names": ["wl-demo"], "indexAge": "1h"})).await;
    assert_eq!(ground.sh("dpkg-query -W -f '${Status}' wl-demo").await, "install ok installed");

    // Not only root: what is checked out belongs to whom one became, and nobody else may so much as look at it.
    ground.sh(CHECKOUT).await;
    let checkout = json!({"repository": "file:///home/wl-app/origin", "path": "/home/wl-app/here"});
    ground.changes(app, "git", checkout).await;
    assert_eq!(
        ground.sh("stat -c %U /home/wl-app/here/file; cat /home/wl-app/here/file").await,
        "wl-app\none\n"
    );

    // None of it was done to this machine.
    for path in ["/etc/cron.d/wl-report", "/srv/repo", "/home/wl-ada", "/etc/sudoers.d/wl-op"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
}

#[tokio::test]
async fn puppet_applies_as_whom_one_becomes() {
    let test = "puppet_applies_as_whom_one_becomes";
    if !Path::new("/usr/bin/puppet").exists() {
        return skip(test, "there is no puppet; install it with `apt-get install puppet-agent`");
    }
    let Some(ground) = Ground::new(test) else { return };
    ground.sh(READY).await;
    let code = "file { '/etc/wl-puppet': content => \"by ${facts['identity']['user']}\\n\", mode => '0600' }";
    ground.changes(json!({}), "puppet.apply", json!({"code": code})).await;
    assert_eq!(ground.sh("cat /etc/wl-puppet; stat -c '%U %a' /etc/wl-puppet").await, "by root\nroot 600\n");
    // Not only root.
    let code = "file { '/home/wl-app/by-puppet': content => \"${facts['identity']['user']}\" }";
    ground.changes(json!({"user": "wl-app"}), "puppet.apply", json!({"code": code})).await;
    assert_eq!(
        ground.sh("cat /home/wl-app/by-puppet; stat -c ' %U' /home/wl-app/by-puppet").await,
        "wl-app wl-app\n"
    );
    assert!(!Path::new("/etc/wl-puppet").exists());
}

#[tokio::test]
async fn fetch_brings_what_only_whom_one_becomes_may_read() {
    let test = "fetch_brings_what_only_whom_one_becomes_may_read";
    let Some(ground) = Ground::new(test) else { return };
    ground.sh(READY).await;
    ground.sh("umask 077; echo of-root > /root/kept; head -c 300000 /dev/zero > /home/wl-app/zeros; chown wl-app: /home/wl-app/zeros").await;
    for (other, path, len) in
        [(json!({}), "/root/kept", 8), (json!({"user": "wl-app"}), "/home/wl-app/zeros", 300_000)]
    {
        let request = json!({"path": path, "to": "collected"});
        ground.changes(other, "fetch", request).await;
        let stored = ground.farm.path("collected/web01").join(path.trim_start_matches('/'));
        let found = fs::metadata(&stored).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!((found.len(), found.permissions().mode() & 0o777), (len, 0o600), "{path}");
    }
}
