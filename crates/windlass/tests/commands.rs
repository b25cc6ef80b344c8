//! Commands as a plan runs them: looked at before and after, and ended with everything that they started.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass::prelude::*;

async fn run(action: Action) -> (RunView, String) {
    let plan = Plan::named("trial").block(Block::of("only", [Sequence::new("main", [action])]));
    let windlass = Windlass::in_memory(windlass::plugins::standard().unwrap()).await.unwrap();
    let run = windlass.submit(Request::new(plan).user("alice").starting()).await.unwrap();
    let ended = windlass.wait(run).await.unwrap();
    let report = windlass.report(run).await.unwrap();
    windlass.shutdown(Duration::from_secs(30)).await.unwrap();
    (ended, report)
}

/// An action with its keys as a plan file has them.
fn action(keys: Value) -> Action {
    serde_json::from_value(keys).unwrap()
}

#[tokio::test]
async fn p4_a_command_whose_checks_pass_is_not_run_and_one_whose_checks_fail_is() {
    let dir = tempfile::tempdir().unwrap();
    let (flag, made) = (dir.path().join("flag"), dir.path().join("made"));
    let looks = |path: &Path| json!({"name": "there", "use": "file.exists", "with": {"path": path}});
    let command = |verify: Value| {
        action(json!({"name": "make", "use": "command", "with": {"argv": ["touch", made]}, "verify": verify}))
    };
    fs::write(&flag, "").unwrap();
    let both = json!([looks(&flag), {"name": "true", "use": "command.check", "with": {"argv": ["true"]}}]);
    let (ended, report) = run(command(both)).await;
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert!(!made.exists(), "{report}");

    let one_fails =
        json!([looks(&flag), {"name": "false", "use": "command.check", "with": {"argv": ["false"]}}]);
    let (ended, report) = run(command(one_fails)).await;
    assert_eq!(ended.status, RunStatus::Succeeded, "{report}");
    assert!(made.exists());
}

#[tokio::test]
async fn p4_a_check_that_still_fails_after_it_makes_it_fail_although_its_exit_code_is_0() {
    let dir = tempfile::tempdir().unwrap();
    let check = json!({"name": "there", "use": "file.exists", "with": {"path": dir.path().join("never")}});
    let (ended, report) = run(action(json!({
        "name": "make", "use": "command", "with": {"argv": ["true"]}, "verify": [check], "verifyAfter": true,
    })))
    .await;
    assert_eq!(ended.status, RunStatus::Failed, "{report}");
    assert!(report.contains("does not exist"), "{report}");
}

#[tokio::test]
async fn p7_a_command_that_takes_too_long_is_failed_and_its_whole_tree_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pids");
    let script = format!(
        "echo $$ >> {0}; sh -c 'echo $$ >> {0}; sh -c \"echo \\$\\$ >> {0}; sleep 600; :\"; :' & wait",
        file.display()
    );
    let mut pids = String::new();
    // A machine that is very busy may not have started all three by then, and gets more time.
    for timeout in ["1s", "4s", "16s"] {
        let with = json!({"script": script});
        let keys = json!({"name": "hang", "use": "shell", "with": with, "timeout": timeout, "retries": 0});
        let (ended, report) = run(action(keys)).await;
        assert_eq!(ended.status, RunStatus::Failed);
        assert!(report.contains("timeout") || report.contains("within"), "{report}");
        pids = fs::read_to_string(&file).unwrap_or_default();
        if pids.lines().count() == 3 {
            break;
        }
        let _ = fs::remove_file(&file);
    }
    assert_eq!(pids.lines().count(), 3, "{pids}");
    let lives = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    };
    let begun = Instant::now();
    while pids.lines().any(lives) {
        assert!(begun.elapsed() < Duration::from_secs(30), "something of it lives: {pids}");
        tokio::task::yield_now().await;
    }
}
