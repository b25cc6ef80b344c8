//! `command` and `shell` against real processes.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use windlass_plugin::testkit::{Trial, Tried};
use windlass_plugin::{CallError, Severity, Stream, Would};
use windlass_plugins::FilesHere;
use windlass_plugins::command::{Command, CommandCheck};
use windlass_plugins::shell::{Shell, ShellCheck};

async fn shell(script: &str) -> Tried {
    Trial::of(Shell).call(json!({"script": script})).await
}

fn failure(tried: Tried) -> CallError {
    tried.result.unwrap_err()
}

fn response(error: &CallError) -> &Value {
    error.response.as_deref().unwrap()
}

/// Waits until something is so; ten seconds are long enough for anything here.
async fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never was so");
        tokio::task::yield_now().await;
    }
}

/// Whether a process lives; one that is dead and not yet collected does not.
fn lives(pid: i32) -> bool {
    let is_zombie = fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok() && !is_zombie
}

async fn pid_in(path: &Path) -> i32 {
    until(|| fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n'))).await;
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

fn children() -> usize {
    let own = std::process::id().to_string();
    let parent =
        |stat: &str| stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1).map(str::to_owned));
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter(|stat| parent(stat).as_deref() == Some(&own) && stat.contains(") Z ")).count()
}

#[tokio::test]
async fn a_program_gets_its_arguments_as_they_are() {
    let tried = Trial::of(Command).call(json!({"argv": ["printf", "%s|", "a b", "$HOME", "*"]})).await;
    let reply = tried.result.unwrap();
    assert!(reply.changed);
    assert_eq!(reply.response["stdout"], "a b|$HOME|*|");
    assert_eq!(reply.response["exitCode"], 0);
    assert_eq!(reply.response["signal"], Value::Null);
    assert_eq!(reply.response["truncated"], false);
}

#[tokio::test]
async fn surroundings_reach_it() {
    let dir = TempDir::new().unwrap();
    let request = json!({
        "script": "pwd; echo $A ${HOME-unset} $1 $0; cat; env | grep -c WINDLASS_SCRIPT || true",
        "args": ["one"], "cwd": dir.path(), "stdin": "in\n", "env": {"A": "x y", "HOME": null},
    });
    let tried = Trial::of(Shell).call(request).await;
    let here = dir.path().canonicalize().unwrap();
    assert_eq!(
        tried.texts(Stream::Stdout),
        [here.to_str().unwrap(), "x y unset one sh", "in", "0"],
        "and the script itself is not in its environment"
    );
}

#[tokio::test]
async fn a_script_is_not_on_the_command_line() {
    let tried = shell("MARK=hunter22; tr '\\0' ' ' < /proc/$$/cmdline").await;
    let line = tried.result.unwrap().response["stdout"].as_str().unwrap().to_owned();
    assert!(line.contains("eval") && !line.contains("hunter22"), "{line}");
}

#[tokio::test]
async fn p5_an_exit_code_that_is_not_accepted_fails_and_keeps_the_response() {
    let error = failure(shell("echo out; echo first >&2; echo 'it broke' >&2; echo >&2; exit 3").await);
    assert_eq!((error.code.as_str(), error.permanent), ("exit", false));
    assert_eq!(error.message, "exit code 3: it broke");
    assert_eq!(response(&error)["stdout"], "out\n");
    assert_eq!(response(&error)["exitCode"], 3);

    for accepted in [json!(3), json!([0, 3]), json!("all")] {
        let request = json!({"script": "exit 3", "exitCodes": accepted});
        assert!(Trial::of(Shell).call(request).await.result.is_ok());
    }
    let error = failure(Trial::of(Shell).call(json!({"script": "true", "exitCodes": [1]})).await);
    assert_eq!(error.message, "exit code 0");
}

#[tokio::test]
async fn p5_a_signal_is_reported_as_one_even_where_every_code_is_accepted() {
    let request = json!({"script": "kill -SEGV $$", "exitCodes": "all"});
    let error = failure(Trial::of(Shell).call(request).await);
    assert_eq!((error.code.as_str(), error.permanent), ("signal", false));
    assert_eq!(error.message, "ended by signal 11 (SEGV)");
    assert_eq!(response(&error)["exitCode"], Value::Null);
    assert_eq!(response(&error)["signal"], 11);
}

#[tokio::test]
async fn what_cannot_be_started_says_why_for_good() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plain = file("plain", "#!/bin/sh\n", 0o644);
    let lost = file("lost", "#!/nowhere/sh\n", 0o755);
    let text = file("text", "just a text\n", 0o755);
    for (request, code, says) in [
        (json!({"argv": ["no-such-program"]}), "notFound", "is not in PATH"),
        (json!({"argv": ["/no/such/program"]}), "notFound", "`/no/such/program` does not exist"),
        (json!({"argv": [lost]}), "notFound", "interpreter that does not exist"),
        (json!({"argv": [plain]}), "notExecutable", "may not be executed"),
        (json!({"argv": ["/tmp"]}), "notExecutable", "may not be executed"),
        (json!({"argv": [text]}), "notExecutable", "does its first line lack `#!`?"),
        (json!({"argv": ["true"], "cwd": "/no/such/dir"}), "cwd", "`/no/such/dir` does not exist"),
        (json!({"argv": ["true", "x".repeat(3 << 20)]}), "tooLong", "too long"),
        (json!({"argv": ["true", "a\0b"]}), "request", "`argv.1`: it holds a NUL character"),
        (json!({"argv": []}), "request", "the program is missing"),
    ] {
        let error = failure(Trial::of(Command).call(request).await);
        assert_eq!((error.code.as_str(), error.permanent), (code, true), "{error}");
        assert!(error.message.contains(says), "{error}");
    }
}

#[tokio::test]
async fn creates_and_removes_make_it_unnecessary() {
    let dir = TempDir::new().unwrap();
    let request = json!({"argv": ["touch", "made"], "cwd": dir.path(), "creates": "made"});
    let first = Trial::of(Command).call(request.clone()).await.result.unwrap();
    assert!(first.changed);
    let again = Trial::of(Command).call(request).await.result.unwrap();
    assert!(!again.changed);
    assert_eq!(again.response["skipped"], "`made` exists");

    let request = json!({"script": "rm made", "cwd": dir.path(), "removes": "made"});
    assert!(Trial::of(Shell).call(request.clone()).await.result.unwrap().changed);
    let again = Trial::of(Shell).call(request).await.result.unwrap();
    assert_eq!(again.response["skipped"], "`made` does not exist");
}

#[tokio::test]
async fn p6_lines_of_both_streams_count_whatever_the_exit_code() {
    let with = async |script: &str, output: Value| {
        Trial::of(Shell).call(json!({"script": script, "output": output})).await.result
    };
    let (both, swapped) =
        ("echo 'Warning: old'; echo 'Error: full' >&2", "echo 'Warning: old' >&2; echo 'Error: full'");
    for script in [both, swapped] {
        let error = with(script, json!({"error": ["^Error:"]})).await.unwrap_err();
        let said = (error.code.as_str(), error.message.as_str());
        assert_eq!(said, ("output", "the output has an error: Error: full"));
        assert_eq!(response(&error)["exitCode"], 0);
        let reply = with(script, json!({"warning": ["^Warning:"]})).await.unwrap();
        assert_eq!(reply.response["warnings"], json!(["Warning: old"]));
        let error = with(script, json!({"warning": ["^Warning:"], "failOnWarning": true})).await.unwrap_err();
        assert_eq!(error.message, "the output has a warning: Warning: old");
    }
}

#[test]
fn p6_a_pattern_that_is_none_is_refused_when_the_plan_is() {
    let says = |output: Value| {
        Trial::of(Shell).validate(&json!({"script": "true", "output": output})).unwrap_err().join("; ")
    };
    assert_eq!(says(json!({"error": ["("]})), "`output.error.0`: unclosed group");
    assert_eq!(says(json!({"error": "^Error:", "warning": 5})).matches("`output.").count(), 2);
}

#[tokio::test]
async fn a_script_is_brought_along_run_and_gone() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("hello.sh"), "#!/bin/sh -u\necho \"$0 $1 $X\"; cat\n").unwrap();
    let trial = Trial::of(windlass_plugins::script::Script).origin(FilesHere::origin(dir.path()));
    let request = json!({"source": "hello.sh", "args": ["a b"], "env": {"X": "x"}, "stdin": "in", "creates": dir.path().join("made")});
    let would = trial.noop(request.clone()).await.unwrap();
    assert_eq!(would.why.as_deref(), Some("it would run the script `hello.sh`"));
    let reply = trial.call(request.clone()).await.result.unwrap();
    let said = reply.response["stdout"].as_str().unwrap();
    let (path, rest) = said.split_once(' ').unwrap();
    assert_eq!(rest, "a b x\nin");
    assert!(reply.changed && !Path::new(path).exists(), "{path}");
    fs::write(dir.path().join("made"), "").unwrap();
    assert!(!trial.call(request).await.result.unwrap().changed);
    let error = failure(trial.call(json!({"source": "none.sh"})).await);
    assert_eq!((error.code.as_str(), error.permanent), ("origin", true));

    let inline = json!({"content": "#!/usr/bin/env -S awk -f\nBEGIN { print \"gr\u{fc}n\", ARGV[1] }", "args": ["a b"]});
    let would = trial.noop(inline.clone()).await.unwrap();
    assert_eq!(would.why.as_deref(), Some("it would run a script of 2 lines"));
    assert_eq!(trial.call(inline).await.result.unwrap().response["stdout"], "gr\u{fc}n a b\n");
    let says = |request| trial.validate(&request).unwrap_err().join("; ");
    assert_eq!(says(json!({})), "one of `source` and `content` is needed");
    assert_eq!(says(json!({"source": "a", "content": "b"})), "`source` and `content` exclude each other");
}

#[tokio::test]
async fn checks_pass_and_never_change() {
    let reply = Trial::of(CommandCheck).call(json!({"argv": ["true"]})).await.result.unwrap();
    assert!(!reply.changed);
    assert_eq!(failure(Trial::of(ShellCheck).call(json!({"script": "false"})).await).message, "exit code 1");
}

#[tokio::test]
async fn output_is_binary_safe_and_lines_are_whole() {
    let tried = shell(
        "printf 'a\\377b\\nno end'; head -c 65536 /dev/zero | tr '\\0' x >&2; head -c 65537 /dev/zero >&2",
    )
    .await;
    let lines: Vec<&[u8]> =
        tried.lines.iter().filter(|line| line.stream == Stream::Stdout).map(|line| &line.bytes[..]).collect();
    assert_eq!(lines, [&b"a\xffb"[..], b"no end"]);
    let stderr: Vec<usize> = tried
        .lines
        .iter()
        .filter(|line| line.stream == Stream::Stderr)
        .map(|line| line.bytes.len())
        .collect();
    assert_eq!(stderr, [65536, 65536, 1], "longer lines come in pieces of 64 KiB");
    let reply = tried.result.unwrap();
    assert_eq!(reply.response["stdout"], "a\u{fffd}b\nno end");
}

#[tokio::test]
async fn ten_megabytes_are_passed_on_whole_and_kept_in_part() {
    let tried = shell("echo first; yes 0123456789abcde | head -c 10485760; echo last").await;
    let count = tried.lines.iter().filter(|line| line.stream == Stream::Stdout).count();
    assert_eq!(count, 2 + 10_485_760 / 16);
    let reply = tried.result.unwrap();
    let text = reply.response["stdout"].as_str().unwrap();
    assert_eq!(reply.response["truncated"], true);
    assert!(text.len() < 256 * 1024, "a run would cut it again");
    assert!(text.starts_with("first\n") && text.ends_with("last\n"));
    assert!(text.contains(" bytes dropped]"));
}

#[tokio::test]
async fn closing_its_output_early_or_not_reading_its_input_is_fine() {
    let reply = shell("exec >&- 2>&-; test 1 = 1").await.result.unwrap();
    assert_eq!(reply.response["exitCode"], 0);
    let request = json!({"argv": ["true"], "stdin": "x".repeat(1 << 20)});
    assert!(Trial::of(Command).call(request).await.result.is_ok());
}

#[tokio::test]
async fn what_forks_away_does_not_hold_it_up_and_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("pid");
    let begun = Instant::now();
    let tried = shell(&format!("sleep 600 & echo $! > {}; echo started", file.display())).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(
        tried.texts(Stream::Note),
        ["it left something running that keeps its output open; going on without"]
    );
    assert_eq!(tried.result.unwrap().response["stdout"], "started\n");
    let pid = pid_in(&file).await;
    assert!(lives(pid));
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn term_reaches_the_whole_group() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("pid");
    let script = format!("sh -c 'echo $$ > {}; exec sleep 600' & echo ready; wait", file.display());
    let mut underway = Trial::of(Shell).start(json!({"script": script}));
    underway.line_with("ready").await.unwrap();
    let grandchild = pid_in(&file).await;
    underway.cancel(Severity::Term);
    let error = failure(underway.end().await);
    assert_eq!((error.code.as_str(), error.message.as_str()), ("cancelled", "ended with TERM"));
    assert_eq!(response(&error)["stdout"], "ready\n");
    until(|| !lives(grandchild)).await;
}

#[tokio::test]
async fn kill_ends_what_ignores_term_grandchildren_too() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("pid");
    let script = format!(
        "trap 'echo not now' TERM; sh -c 'trap \"\" TERM; echo $$ > {}; while :; do sleep 600; done' & \
         echo ready; while :; do wait; done",
        file.display()
    );
    let mut underway = Trial::of(Shell).start(json!({"script": script}));
    underway.line_with("ready").await.unwrap();
    let grandchild = pid_in(&file).await;
    underway.cancel(Severity::Term);
    underway.line_with("not now").await.unwrap();
    assert!(!underway.is_over(), "it is not over while it lives");
    underway.cancel(Severity::Kill);
    let error = failure(underway.end().await);
    assert_eq!((error.code.as_str(), error.message.as_str()), ("cancelled", "ended with KILL"));
    assert_eq!(response(&error)["signal"], 9);
    until(|| !lives(grandchild)).await;
}

#[tokio::test]
async fn it_is_not_over_while_a_grandchild_that_ignores_term_lives() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("pid");
    // The main process goes at TERM; what it started stays, without our pipes.
    let script = format!(
        "sh -c 'trap \"\" TERM; echo $$ > {}; exec sleep 600' >/dev/null 2>&1 & echo ready; wait",
        file.display()
    );
    let mut underway = Trial::of(Shell).start(json!({"script": script}));
    underway.line_with("ready").await.unwrap();
    let grandchild = pid_in(&file).await;
    let main = {
        let stat = fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap();
        stat.rsplit(") ").next().unwrap().split(' ').nth(1).unwrap().parse().unwrap()
    };
    underway.cancel(Severity::Term);
    until(|| !lives(main)).await;
    assert!(lives(grandchild) && !underway.is_over());
    underway.cancel(Severity::Kill);
    assert_eq!(failure(underway.end().await).message, "ended with KILL");
    until(|| !lives(grandchild)).await;
}

#[tokio::test]
async fn cancelled_before_it_began_starts_nothing() {
    let underway = Trial::of(Shell).start(json!({"script": "echo started"}));
    underway.cancel(Severity::Term);
    let tried = underway.end().await;
    assert!(tried.lines.is_empty());
    assert_eq!(failure(tried).code, "cancelled");
}

#[tokio::test]
async fn nothing_dead_is_left_uncollected() {
    for _ in 0..5 {
        shell("true").await.result.unwrap();
        shell("sleep 1 & kill -9 $$").await.result.unwrap_err();
    }
    until(|| children() == 0).await;
}

#[tokio::test]
async fn looking_only_runs_nothing_and_says_what_it_would_run() {
    let dir = tempfile::tempdir().unwrap();
    let request = json!({"argv": ["touch", "made"], "cwd": dir.path(), "creates": "made"});
    let would = Trial::of(Command).noop(request.clone()).await.unwrap();
    assert_eq!((would.would, would.why.unwrap().as_str()), (Would::Unknown, "it would run `touch made`"));
    assert!(!dir.path().join("made").exists());
    std::fs::write(dir.path().join("made"), "").unwrap();
    let would = Trial::of(Command).noop(request).await.unwrap();
    assert_eq!((would.would, would.why.unwrap().as_str()), (Would::Nothing, "`made` exists"));
}
