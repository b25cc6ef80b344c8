//! `service` and `service.running` with what really keeps services: scripts in `/etc/init.d`, OpenRC, and systemd, as the
//! first process of a machine and for a user.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::service::{Service, ServiceRunning};

use crate::throwaway::{Groups, cannot, on, on_booted, on_with, sh};
use crate::{diff, done, failed, foreseen_done_and_then_nothing, nothing_to_do, would};

const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides: wl-demo
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
pid=/run/wl-demo.pid
case $1 in
  start) start-stop-daemon --start --quiet --background --make-pidfile --pidfile $pid --exec /bin/sleep -- 1000 ;;
  stop) start-stop-daemon --stop --quiet --oknodo --retry KILL/5 --pidfile $pid; rm -f $pid ;;
  restart) $0 stop; $0 start ;;
  status) start-stop-daemon --status --pidfile $pid || exit 3; echo "wl-demo runs" ;;
  *) exit 3 ;;
esac
"#;

#[test]
fn a_script_in_init_d() {
    on("services::a_script_in_init_d", async || {
        fs::write("/etc/init.d/wl-demo", SCRIPT).unwrap();
        sh("chmod 755 /etc/init.d/wl-demo");
        let (service, running) = (Trial::of(Service), Trial::of(ServiceRunning));
        let check = json!({"name": "wl-demo"});
        assert_eq!(failed(&running, &check).await.code, "check");
        let request = json!({"name": "wl-demo", "state": "running", "enabled": true});
        let reply = foreseen_done_and_then_nothing(&service, &request).await;
        assert_eq!(
            diff(&reply),
            "wl-demo: starts with the machine: no -> yes\nwl-demo: stopped -> running\n"
        );
        assert_eq!(
            (&reply.response["init"], &reply.response["running"], &reply.response["enabled"]),
            (&json!("sysv"), &json!(true), &json!(true))
        );
        assert_eq!(done(&running, &check).await.response["says"], "wl-demo runs");
        let pid = || fs::read_to_string("/run/wl-demo.pid").unwrap();
        let before = pid();
        let reply = done(&service, &json!({"name": "wl-demo", "state": "restarted"})).await;
        assert_eq!(diff(&reply), "wl-demo: running -> restarted\n");
        let restarted = pid();
        assert_ne!(restarted, before);
        // It has no way to reload, and is restarted.
        done(&service, &json!({"name": "wl-demo", "state": "reloaded"})).await;
        assert_ne!(pid(), restarted);
        let reply = foreseen_done_and_then_nothing(
            &service,
            &json!({"name": "wl-demo", "state": "stopped", "enabled": false}),
        )
        .await;
        assert_eq!(
            diff(&reply),
            "wl-demo: starts with the machine: yes -> no\nwl-demo: running -> stopped\n"
        );

        let error = failed(&service, &json!({"name": "wl-none", "state": "running"})).await;
        assert_eq!((error.code.as_str(), error.permanent), ("unknownService", true));
        assert_eq!(
            would(&service, &json!({"name": "wl-none", "state": "running"})).await.would,
            Would::Unknown
        );
        fs::write(
            "/etc/init.d/wl-bad",
            "#!/bin/sh\n[ $1 = start ] || exit 3\necho no such file >&2; exit 1\n",
        )
        .unwrap();
        sh("chmod 755 /etc/init.d/wl-bad");
        let error = failed(&service, &json!({"name": "wl-bad", "state": "running"})).await;
        assert_eq!(error.message, "`/etc/init.d/wl-bad start` ended with exit code 1: no such file");
    });
}

/// A systemd that keeps the services of a user: it needs no machine of its own, only control groups.
struct Systemd {
    manager: Child,
    _groups: Groups,
}

impl Systemd {
    fn start() -> Option<Self> {
        // It looks whether the machine was booted with it, and does no more about that.
        fs::create_dir_all("/run/systemd/system").ok()?;
        let groups = Groups::new();
        let log = fs::File::create("/tmp/systemd.log").ok()?;
        let mut command = Command::new("sh");
        // The manager works below the group that it is started in, and so do its services.
        command.args([
            "-c",
            "for group; do echo $$ > $group/cgroup.procs; done; exec /lib/systemd/systemd --user",
            "sh",
        ]);
        command
            .args(&groups.0)
            .env("SYSTEMD_LOG_TARGET", "console")
            .stdout(log.try_clone().ok()?)
            .stderr(log);
        let mut systemd = Self { manager: command.spawn().ok()?, _groups: groups };
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) && systemd.manager.try_wait().ok()?.is_none() {
            let state = Command::new("systemctl").args(["--user", "is-system-running"]).output().ok()?;
            if matches!(String::from_utf8_lossy(&state.stdout).trim(), "running" | "degraded") {
                return Some(systemd);
            }
        }
        println!("{}", fs::read_to_string("/tmp/systemd.log").unwrap_or_default());
        None
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        let _ = self.manager.kill();
        let _ = self.manager.wait();
    }
}

/// Where a systemd finds what it keeps.
struct Units {
    place: &'static str,
    user: bool,
}

// === impl Units ===

impl Units {
    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.place).unwrap();
        // Without the rest of a machine there is nothing that they could wait for.
        let text = format!("[Unit]\nDefaultDependencies=no\n{text}");
        fs::write(format!("{}/{name}.service", self.place), text).unwrap();
    }

    fn request(&self, more: Value) -> Value {
        let mut request = json!({"user": self.user});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    }

    fn show(&self, property: &str) -> String {
        let user = if self.user { "--user" } else { "--system" };
        sh(&format!("systemctl {user} show -p {property} wl-demo.service"))
    }

    /// What a systemd is asked, whichever it is.
    async fn are_kept(&self) {
        self.write("wl-demo", "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\n");
        self.write("wl-bad", "[Service]\nType=exec\nExecStart=/bin/false\nExecStartPost=/bin/sleep 0.3\n");
        self.write("wl-once", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
        let (service, running) = (Trial::of(Service), Trial::of(ServiceRunning));
        let request = self.request(json!({"name": "wl-demo", "state": "running", "enabled": true}));
        let reply = foreseen_done_and_then_nothing(&service, &request).await;
        assert_eq!(
            diff(&reply),
            "wl-demo: starts with the machine: no -> yes\nwl-demo: stopped -> running\n"
        );
        assert_eq!(
            (&reply.response["init"], &reply.response["says"]),
            (&json!("systemd"), &json!("active (running)"))
        );
        let demo = self.request(json!({"name": "wl-demo"}));
        done(&running, &demo).await;
        let before = self.show("MainPID");
        for state in ["restarted", "reloaded"] {
            let request = self.request(json!({"name": "wl-demo", "state": state}));
            assert!(done(&service, &request).await.changed);
        }
        assert_ne!(self.show("MainPID"), before);

        // A unit file that has changed is read again by itself.
        self.write("wl-demo", "[Service]\nExecStart=/bin/sleep 2000\n[Install]\nWantedBy=default.target\n");
        done(&service, &self.request(json!({"name": "wl-demo", "state": "restarted"}))).await;
        assert!(self.show("ExecStart").contains("sleep 2000"));
        let request = self.request(json!({"name": "wl-demo.service", "state": "stopped", "enabled": false}));
        foreseen_done_and_then_nothing(&service, &request).await;
        let error = failed(&running, &demo).await;
        assert_eq!(error.message, "`wl-demo` does not run: inactive (dead)");

        let error = failed(&service, &self.request(json!({"name": "wl-bad", "state": "running"}))).await;
        assert!(matches!(error.code.as_str(), "exit" | "service"), "{error:?}");
        let once = self.request(json!({"name": "wl-once", "state": "running", "enabled": true}));
        assert!(done(&service, &once).await.changed, "work that is done and over is no failure");
        nothing_to_do(&service, &self.request(json!({"name": "wl-once", "enabled": true}))).await;
        let error = failed(&service, &self.request(json!({"name": "wl-none", "state": "running"}))).await;
        assert_eq!(error.code, "unknownService");
    }
}

#[test]
fn services_of_a_user() {
    on("services::services_of_a_user", async || {
        let Some(_systemd) = Systemd::start() else {
            return cannot("systemd cannot keep services of a user here");
        };
        Units { place: "/root/.config/systemd/user", user: true }.are_kept().await;
    });
}

#[test]
fn services_of_a_machine_that_systemd_booted() {
    on_booted("services::services_of_a_machine_that_systemd_booted", async || {
        assert_eq!(sh("cat /proc/1/comm"), "systemd\n");
        let units = Units { place: "/etc/systemd/system", user: false };
        units.are_kept().await;
        let service = Trial::of(Service);

        // What it said last is told with the failure.
        units.write("wl-loud", "[Service]\nType=exec\nExecStart=/bin/sh -c 'echo no such disk; exit 3'\nExecStartPost=/bin/sleep 0.3\n");
        let error = failed(&service, &json!({"name": "wl-loud", "state": "running"})).await;
        assert!(format!("{error:?}").contains("no such disk"), "{error:?}");

        // One that is masked is not started, and one that died is.
        sh("rm /etc/systemd/system/wl-loud.service; systemctl mask --quiet wl-loud.service");
        let masked = json!({"name": "wl-loud", "state": "running"});
        assert!(format!("{:?}", failed(&service, &masked).await).contains("masked"));
        done(&service, &json!({"name": "wl-demo", "state": "running"})).await;
        sh("systemctl kill --signal=KILL wl-demo; while systemctl is-active --quiet wl-demo; do :; done");
        let reply =
            foreseen_done_and_then_nothing(&service, &json!({"name": "wl-demo", "state": "running"})).await;
        assert_eq!(diff(&reply), "wl-demo: stopped -> running\n");
    });
}

#[test]
fn services_of_openrc() {
    on_with("openrc", "services::services_of_openrc", async || {
        // Those of this machine's own init system are not its business.
        sh("rm -f /etc/runlevels/*/*; openrc sysinit > /dev/null 2>&1; openrc default > /dev/null 2>&1");
        let script = |name: &str, text: &str| {
            let path = format!("/etc/init.d/{name}");
            fs::write(&path, format!("#!/sbin/openrc-run\n{text}")).unwrap();
            sh(&format!("chmod 755 {path}"));
        };
        let daemon =
            "command=/bin/sleep\ncommand_args=1000\ncommand_background=yes\npidfile=/run/wl-demo.pid\n";
        script("wl-demo", daemon);
        let (service, running) = (Trial::of(Service), Trial::of(ServiceRunning));
        let check = json!({"name": "wl-demo"});
        assert_eq!(failed(&running, &check).await.code, "check");
        let request = json!({"name": "wl-demo", "state": "running", "enabled": true});
        let reply = foreseen_done_and_then_nothing(&service, &request).await;
        assert_eq!(
            diff(&reply),
            "wl-demo: starts with the machine: no -> yes\nwl-demo: stopped -> running\n"
        );
        assert_eq!((&reply.response["init"], &reply.response["says"]), (&json!("openrc"), &json!("started")));
        done(&running, &check).await;
        assert!(sh("rc-update show default").contains("wl-demo"));
        let pid = || fs::read_to_string("/run/wl-demo.pid").unwrap();
        let before = pid();
        done(&service, &json!({"name": "wl-demo", "state": "restarted"})).await;
        let restarted = pid();
        assert_ne!(restarted, before);
        // It has no way to reload, and is restarted.
        done(&service, &json!({"name": "wl-demo", "state": "reloaded"})).await;
        assert_ne!(pid(), restarted);
        // It is taken out of every runlevel.
        sh("rc-update add wl-demo boot");
        let request = json!({"name": "wl-demo", "state": "stopped", "enabled": false});
        foreseen_done_and_then_nothing(&service, &request).await;
        assert!(!sh("rc-update show").contains("wl-demo"));

        script("wl-bad", "command=/no/such/program\n");
        let error = failed(&service, &json!({"name": "wl-bad", "state": "running"})).await;
        assert_eq!(error.code, "exit", "{error:?}");
        // One that died counts as started there until somebody says that it is not.
        script(
            "wl-dead",
            &format!(
                "{daemon}status() {{ [ -e /run/wl-fine ] && return 0; echo ' * status: crashed'; return 32; }}\nstart() {{ touch /run/wl-fine; }}\n"
            ),
        );
        sh("rc-service wl-dead start; rm /run/wl-fine");
        let reply = done(&service, &json!({"name": "wl-dead", "state": "running"})).await;
        assert!(reply.changed && std::path::Path::new("/run/wl-fine").exists());
        let none = json!({"name": "wl-none", "state": "running"});
        assert_eq!(failed(&service, &none).await.code, "unknownService");
    });
}
