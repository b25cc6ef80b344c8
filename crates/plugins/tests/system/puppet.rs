//! `puppet.agent` and `puppet.apply`: every way that a run ends with a stand-in of the same exit codes and files,
//! and the same once with a real Puppet.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use windlass_plugin::testkit::Trial;
use windlass_plugin::{Severity, Would};
use windlass_plugins::system::puppet::{PuppetAgent, PuppetApply};

use crate::throwaway::skip;
use crate::{diff, done, failed, text, would};

/// Ends with the next of the exit codes that it was told, and writes the files that Puppet would.
const STAND_IN: &str = r#"#!/bin/sh
here=$(dirname "$0")
case $1 in config)
  for name in agent_catalog_run_lockfile agent_disabled_lockfile lastrunfile lastrunreport; do echo "$name = $here/$name"; done
  exit 0 ;;
esac
echo "$*" >> "$here/calls"
[ ! -e "$here/race" ] || { rm "$here/race"; echo "Notice: Run of Puppet configuration client already in progress; skipping"; exit 1; }
code=$(head -n 1 "$here/codes"); sed -i 1d "$here/codes"
changed=0; failed=0
case $code in 2|6) changed=1; echo "Notice: /Stage[main]/Main/File[/x]/ensure: defined content as 'x'" ;; esac
case $code in 4|6) failed=1; echo "Error: /bin/false returned 1" >&2 ;; esac
[ ! -e "$here/warn" ] || echo "Warning: old"
[ ! -e "$here/error" ] || echo "Error: something"
printf -- '---\nversion:\n  config: 42\nresources:\n  total: 7\n  changed: %s\n  failed: %s\n' $changed $failed > "$here/lastrunfile"
printf -- '---\nresource_statuses:\n  A:\n    resource: File[/x]\n    changed: %s\n  B:\n    resource: Exec[/bin/false]\n    failed: %s\n' \
  $([ $changed = 1 ] && echo true || echo false) $([ $failed = 1 ] && echo true || echo false) > "$here/lastrunreport"
exit $code
"#;

struct StandIn(TempDir);

impl StandIn {
    /// Ends with these exit codes, one after the other.
    fn of(codes: &[u8]) -> Self {
        let dir = TempDir::new().unwrap();
        let program = dir.path().join("puppet");
        fs::write(&program, STAND_IN).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let codes: String = codes.iter().map(|code| format!("{code}\n")).collect();
        fs::write(dir.path().join("codes"), codes).unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    fn request(&self, more: Value) -> Value {
        let mut request = json!({"program": self.path("puppet")});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    }
}

fn agent() -> Trial {
    Trial::of(PuppetAgent)
}

#[tokio::test]
async fn p40_an_exit_code_of_2_is_a_change_and_4_and_6_are_failures() {
    let puppet = StandIn::of(&[0, 2, 4, 6, 1]);
    let request = puppet.request(json!({}));
    let reply = done(&agent(), &request).await;
    assert_eq!(
        (reply.changed, &reply.response["exitCode"], &reply.response["diff"]),
        (false, &json!(0), &Value::Null)
    );
    let reply = done(&agent(), &request).await;
    assert_eq!(
        (reply.changed, &reply.response["changed"], &reply.response["configVersion"]),
        (true, &json!(["File[/x]"]), &json!("42"))
    );
    assert_eq!(
        reply.response["resources"],
        json!({"total": 7, "changed": 1, "failed": 0, "outOfSync": 0, "skipped": 0, "restarted": 0})
    );
    assert_eq!(diff(&reply), "/Stage[main]/Main/File[/x]/ensure: defined content as 'x'\n");
    for (code, says) in [
        (4, "exit code 4: resources failed: Exec[/bin/false]"),
        (6, "exit code 6: resources failed, others were changed: Exec[/bin/false]"),
    ] {
        let error = failed(&agent(), &request).await;
        assert_eq!((error.code.as_str(), error.message.as_str(), error.permanent), ("exit", says, false));
        assert_eq!(error.causes, ["Error: /bin/false returned 1"]);
        assert_eq!(error.response.unwrap()["exitCode"], code);
    }
    assert_eq!(failed(&agent(), &request).await.message, "exit code 1: it could not run");
    assert_eq!(puppet.calls()[0], "agent --test --color=false");
}

#[tokio::test]
async fn p40_expecting_2_fails_a_run_without_changes() {
    let puppet = StandIn::of(&[0, 2]);
    let request = puppet.request(json!({"exitCodes": [2], "tags": ["web", "db"], "environment": "test", "settings": {"certname": "x"}}));
    let error = failed(&agent(), &request).await;
    assert_eq!(error.message, "exit code 0: it changed nothing, which is not accepted here");
    assert!(done(&agent(), &request).await.changed);
    assert_eq!(puppet.calls()[0], "agent --test --environment test --color=false --certname x --tags web,db");
}

#[tokio::test]
async fn p40_reruns_are_bounded() {
    let runs = async |codes: &[u8], more: Value| {
        let puppet = StandIn::of(codes);
        let tried = agent().call(puppet.request(more)).await;
        (puppet.calls().len(), tried)
    };
    let (count, tried) = runs(&[2, 2, 0, 2], json!({"rerunOnChange": true, "mostReruns": 5})).await;
    let reply = tried.result.unwrap();
    assert_eq!(
        (count, reply.changed, &reply.response["runs"]),
        (3, true, &json!(3)),
        "it ends when nothing changes any more"
    );

    let (count, tried) = runs(&[2, 2, 2, 2], json!({"rerunOnChange": true, "mostReruns": 2})).await;
    assert!(text(&tried).contains("it changed something; running it again (2 of 2)"));
    let reply = tried.result.unwrap();
    assert_eq!(
        (count, &reply.response["warnings"]),
        (3, &json!(["it still changed something in run 3; no further run is allowed"]))
    );

    let (count, tried) = runs(&[4, 6, 2, 0], json!({"rerunOnError": true, "mostReruns": 3})).await;
    assert_eq!((count, tried.result.unwrap().changed), (3, true));
    let (count, tried) = runs(&[4, 4, 4, 0], json!({"rerunOnError": true})).await;
    assert_eq!((count, tried.result.unwrap_err().code.as_str()), (2, "exit"));
    let (count, tried) = runs(&[2, 0], json!({})).await;
    assert_eq!((count, tried.result.unwrap().changed), (1, true), "no rerun unless asked for");
}

#[tokio::test]
async fn p40_an_agent_that_runs_is_waited_for() {
    let puppet = StandIn::of(&[2, 0]);
    // What holds the lock must be an agent, or the lock is an old one.
    let mut holder = std::process::Command::new("sh");
    holder.args(["-c", "read line", "puppet"]).stdin(std::process::Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    puppet.put("agent_catalog_run_lockfile", &holder.id().to_string());
    let error = failed(&agent(), &puppet.request(json!({"lockWait": "0s"}))).await;
    assert_eq!((error.code.as_str(), error.permanent), ("locked", false), "{error}");
    let mut underway = agent().start(puppet.request(json!({"lockWait": "5m"})));
    underway.line_with("an agent of Puppet runs already").await.unwrap();
    assert!(puppet.calls().is_empty());
    let cancelled = agent().start(puppet.request(json!({})));
    cancelled.cancel(Severity::Term);
    assert_eq!(cancelled.end().await.result.unwrap_err().code, "cancelled");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(underway.end().await.result.unwrap().changed);

    // The lock of the dead agent is still there, and somebody else is faster this time.
    puppet.put("race", "");
    let tried = agent().call(puppet.request(json!({}))).await;
    assert!(text(&tried).contains("another agent was faster"));
    assert!(!tried.result.unwrap().changed);
}

#[tokio::test]
async fn lines_count_and_a_disabled_agent_says_why() {
    let puppet = StandIn::of(&[0, 0, 0]);
    puppet.put("warn", "");
    assert_eq!(
        done(&agent(), &puppet.request(json!({}))).await.response["warnings"],
        json!(["Warning: old"])
    );
    let error = failed(
        &agent(),
        &puppet.request(json!({"output": {"warning": ["^Warning:"], "failOnWarning": true}})),
    )
    .await;
    assert_eq!(error.message, "the output has a warning: Warning: old");
    puppet.put("error", "");
    assert_eq!(
        failed(&agent(), &puppet.request(json!({}))).await.message,
        "the output has an error: Error: something"
    );
    puppet.put("agent_disabled_lockfile", r#"{"disabled_message": "ada works on it"}"#);
    let error = failed(&agent(), &puppet.request(json!({}))).await;
    assert_eq!(error.code, "disabled");
    assert!(error.message.contains("ada works on it") && puppet.calls().len() == 3);
    let says = |request| agent().validate(&request).unwrap_err().join("; ");
    assert!(
        says(json!({"output": {"error": ["("]}, "mostReruns": 0, "settings": {"a b": "c"}}))
            .contains("mostReruns")
    );
}

#[tokio::test]
async fn p40_a_real_puppet_foresees_and_does() {
    if std::process::Command::new("puppet").arg("--version").output().is_err() {
        return skip(
            "p40_a_real_puppet_foresees_and_does",
            "there is no puppet; install it with `apt-get install puppet-agent`",
        );
    }
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let settings = json!({"confdir": at("conf"), "vardir": at("var"), "publicdir": at("pub"), "rundir": at("run"), "logdir": at("log")});
    let code = format!("file {{ '{}': content => \"hello\\n\" }}\nexec {{ '/bin/false': }}\n", at("made"));
    let mut request = json!({"code": code, "settings": settings, "env": {"FACTER_role": "web"}});
    let apply = Trial::of(PuppetApply);
    let foresight = would(&apply, &request).await;
    assert_eq!(foresight.would, Would::Change);
    let foreseen = foresight.diff.unwrap().to_string();
    assert!(foreseen.contains("made]/ensure: current_value 'absent', should be 'file' (noop)"), "{foreseen}");
    assert!(!dir.path().join("made").exists());

    request["output"] = json!({});
    let error = failed(&apply, &request).await;
    assert_eq!(error.message, "exit code 6: resources failed, others were changed: Exec[/bin/false]");
    let response = error.response.unwrap();
    assert_eq!(response["changed"], json!([format!("File[{}]", at("made"))]));
    assert_eq!((&response["resources"]["changed"], &response["resources"]["failed"]), (&json!(1), &json!(1)));
    assert_eq!(fs::read_to_string(dir.path().join("made")).unwrap(), "hello\n");
}
