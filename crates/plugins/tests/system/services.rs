//! `service` and `service.running` with scripts in `/etc/init.d` and with a real systemd, which keeps services of a user.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::json;
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::service::{Service, ServiceRunning};

use crate::throwaway::{cannot, on, sh};
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

/// A real systemd that keeps the services of a user: it needs no machine of its own, only control groups.
struct Systemd {
    manager: Child,
    groups: Vec<PathBuf>,
}

impl Systemd {
    fn start() -> Option<Self> {
        // It looks whether the machine was booted with it, and does no more about that.
        fs::create_dir_all("/run/systemd/system").ok()?;
        let name = format!("windlass-test-{:x}", fs::metadata("/tmp").ok()?.dev());
        let mut groups = Vec::new();
        for hierarchy in ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup"] {
            let group = Path::new(hierarchy).join(&name);
            if Path::new(hierarchy).join("cgroup.procs").exists() && fs::create_dir(&group).is_ok() {
                groups.push(group);
            }
        }
        let log = fs::File::create("/tmp/systemd.log").ok()?;
        let mut command = Command::new("sh");
        // The manager works below the group that it is started in, and so do its services.
        command.args([
            "-c",
            "for group; do echo $$ > $group/cgroup.procs; done; exec /lib/systemd/systemd --user",
            "sh",
        ]);
        command.args(&groups).env("SYSTEMD_LOG_TARGET", "console").stdout(log.try_clone().ok()?).stderr(log);
        let mut systemd = Self { manager: command.spawn().ok()?, groups };
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
        self.groups.iter().for_each(|group| empty(group));
    }
}

fn empty(group: &Path) {
    for inner in fs::read_dir(group).into_iter().flatten().flatten() {
        if inner.file_type().is_ok_and(|kind| kind.is_dir()) {
            empty(&inner.path());
        }
    }
    let begun = Instant::now();
    while fs::remove_dir(group).is_err() && group.exists() && begun.elapsed() < Duration::from_secs(10) {
        for pid in fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().lines() {
            if let Some(pid) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

fn unit(name: &str, text: &str) {
    fs::create_dir_all("/root/.config/systemd/user").unwrap();
    fs::write(format!("/root/.config/systemd/user/{name}.service"), text).unwrap();
}

#[test]
fn services_of_systemd() {
    on("services::services_of_systemd", async || {
        unit("wl-demo", "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\n");
        unit("wl-bad", "[Service]\nType=exec\nExecStart=/bin/false\nExecStartPost=/bin/sleep 0.3\n");
        unit("wl-once", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
        let Some(_systemd) = Systemd::start() else {
            return cannot("systemd cannot keep services of a user here");
        };
        let (service, running) = (Trial::of(Service), Trial::of(ServiceRunning));
        let request = json!({"name": "wl-demo", "state": "running", "enabled": true, "user": true});
        let reply = foreseen_done_and_then_nothing(&service, &request).await;
        assert_eq!(
            diff(&reply),
            "wl-demo: starts with the machine: no -> yes\nwl-demo: stopped -> running\n"
        );
        assert_eq!(
            (&reply.response["init"], &reply.response["says"]),
            (&json!("systemd"), &json!("active (running)"))
        );
        done(&running, &json!({"name": "wl-demo", "user": true})).await;
        let pid = || sh("systemctl --user show -p MainPID wl-demo.service");
        let before = pid();
        for state in ["restarted", "reloaded"] {
            assert!(done(&service, &json!({"name": "wl-demo", "state": state, "user": true})).await.changed);
        }
        assert_ne!(pid(), before);

        // A unit file that has changed is read again by itself.
        unit("wl-demo", "[Service]\nExecStart=/bin/sleep 2000\n[Install]\nWantedBy=default.target\n");
        done(&service, &json!({"name": "wl-demo", "state": "restarted", "user": true})).await;
        assert!(sh("systemctl --user show -p ExecStart wl-demo.service").contains("sleep 2000"));
        foreseen_done_and_then_nothing(
            &service,
            &json!({"name": "wl-demo.service", "state": "stopped", "enabled": false, "user": true}),
        )
        .await;
        let error = failed(&running, &json!({"name": "wl-demo", "user": true})).await;
        assert_eq!(error.message, "`wl-demo` does not run: inactive (dead)");

        let error = failed(&service, &json!({"name": "wl-bad", "state": "running", "user": true})).await;
        assert!(matches!(error.code.as_str(), "exit" | "service"), "{error:?}");
        let once = json!({"name": "wl-once", "state": "running", "enabled": true, "user": true});
        assert!(done(&service, &once).await.changed, "work that is done and over is no failure");
        nothing_to_do(&service, &json!({"name": "wl-once", "enabled": true, "user": true})).await;
        let error = failed(&service, &json!({"name": "wl-none", "state": "running", "user": true})).await;
        assert_eq!(error.code, "unknownService");
    });
}

/// OpenRC says the same in other words; what it prints was written down from version 0.45.
#[test]
fn services_of_openrc_by_what_it_prints() {
    on("services::services_of_openrc_by_what_it_prints", async || {
        fs::create_dir_all("/run/openrc").unwrap();
        fs::write(
            "/usr/local/bin/rc-service",
            "#!/bin/sh\n[ \"$1\" = --exists ] && { [ \"$2\" = wl-demo ]; exit; }\n\
             case $2 in\n\
             status) [ -e /run/wl ] && { echo ' * status: started'; exit 0; }; echo ' * status: stopped'; exit 3;;\n\
             start|restart) echo $2 >> /run/wl.log; touch /run/wl;;\n stop) rm -f /run/wl;;\n\
             reload) echo \" * wl-demo: unknown function \\`reload'\"; exit 1;;\nesac\n",
        )
        .unwrap();
        fs::write(
            "/usr/local/bin/rc-update",
            "#!/bin/sh\ncase $1 in\nadd) touch /run/wl.on;;\n\
             del) [ \"$3\" = default ] && [ $# = 3 ] && rm -f /run/wl.on;;\n\
             show) echo '                cron |      default'; [ ! -e /run/wl.on ] || echo '             wl-demo |      default';;\nesac\n",
        )
        .unwrap();
        sh("chmod 755 /usr/local/bin/rc-service /usr/local/bin/rc-update");
        let service = Trial::of(Service);
        let request = json!({"name": "wl-demo", "state": "running", "enabled": true});
        let reply = foreseen_done_and_then_nothing(&service, &request).await;
        assert_eq!((&reply.response["init"], &reply.response["says"]), (&json!("openrc"), &json!("started")));
        done(&service, &json!({"name": "wl-demo", "state": "reloaded"})).await;
        assert_eq!(sh("cat /run/wl.log"), "start\nrestart\n");
        foreseen_done_and_then_nothing(
            &service,
            &json!({"name": "wl-demo", "state": "stopped", "enabled": false}),
        )
        .await;
        assert_eq!(
            failed(&service, &json!({"name": "wl-none", "state": "running"})).await.code,
            "unknownService"
        );
    });
}
