//! Real flushes of a real process fail with EIO: the store stops, and nothing is lost or done twice.
//!
//! strace lets the system call fail, and counts the calls of each thread apart.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Ended, Place, ended, skip};

const ACTIONS: usize = 12;

/// A store that is there already, so that its making is not what fails, and a plan whose actions each
/// leave a line.
fn prepare(place: &Place) -> (PathBuf, PathBuf) {
    let small = "  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]\n";
    let small = place.plan("small", small);
    place.run(&["run", small.to_str().unwrap()]).exits(0);
    let log = place.path("log");
    let action = |n: usize| {
        let script = format!("echo a{n} >> {}", log.display());
        format!("{{name: a{n}, use: shell, onInterrupt: rerun, with: {{script: '{script}'}}}}")
    };
    let actions: Vec<String> = (0..ACTIONS).map(action).collect();
    let actions = actions.join(", ");
    let spec = format!("  blocks: [{{name: work, sequences: [{{name: s, actions: [{actions}]}}]}}]\n");
    (place.plan("flushes", &spec), log)
}

/// Runs the command while flushes fail: `3+` is each thread's third and all that follow, `3` that one only.
fn run_failing(place: &Place, args: &[&str], when: &str) -> Ended {
    let ours = place.command(args);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e"]);
    command.arg(format!("inject=fdatasync,fsync:error=EIO:when={when}"));
    command.arg(ours.get_program()).args(ours.get_args());
    command.current_dir(ours.get_current_dir().unwrap()).env_clear();
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    ended(command)
}

/// Whether strace is there and may follow processes here; says so if not.
fn can_fail(name: &str) -> bool {
    let tried = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        skip(name, "strace is not there, or may not follow a process");
    }
    can
}

#[track_caller]
fn did_everything_once(log: &Path, context: &str) {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let expected: Vec<String> = (0..ACTIONS).map(|n| format!("a{n}")).collect();
    assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{context}");
}

#[test]
fn a_disk_that_flushes_no_more_ends_the_run_and_recovery_finishes_it() {
    if !can_fail("a_disk_that_flushes_no_more_ends_the_run_and_recovery_finishes_it") {
        return;
    }
    for when in ["3+", "7+"] {
        let place = Place::new();
        let (plan, log) = prepare(&place);
        run_failing(&place, &["run", plan.to_str().unwrap()], when).exits(5).says(&[
            "error",
            "WL-0406",
            "Input/output error",
        ]);
        let done = std::fs::read_to_string(&log).unwrap_or_default().lines().count();
        assert!((1..ACTIONS).contains(&done), "{when}: it stopped after {done}");
        place.run(&["recover"]).exits(0).shows(&["flushes succeeded"]);
        did_everything_once(&log, when);
    }
}

#[test]
fn a_recovery_of_several_runs_ends_the_same_way() {
    if !can_fail("a_recovery_of_several_runs_ends_the_same_way") {
        return;
    }
    let place = Place::new();
    let (plan, log) = prepare(&place);
    for _ in 0..2 {
        run_failing(&place, &["run", plan.to_str().unwrap()], "3+").exits(5);
    }
    run_failing(&place, &["recover"], "4+").exits(5).says(&["error", "WL-0406"]);
    place.run(&["recover"]).exits(0);
    let text = std::fs::read_to_string(log).unwrap();
    for n in 0..ACTIONS {
        let times = text.lines().filter(|line| *line == format!("a{n}")).count();
        assert!(times >= 2, "a{n} is missing in\n{text}");
    }
    // What the other run had in flight when the disk failed is done again, as the plan allows; nothing else.
    assert!(text.lines().count() <= 2 * ACTIONS + 1, "{text}");
}

#[test]
fn one_flush_that_fails_costs_nothing() {
    if !can_fail("one_flush_that_fails_costs_nothing") {
        return;
    }
    let place = Place::new();
    let (plan, log) = prepare(&place);
    run_failing(&place, &["run", plan.to_str().unwrap()], "5").exits(0).says(&["taken over by"]);
    did_everything_once(&log, "one failure");
    place.run(&["recover"]).exits(0).says(&["nothing to recover"]);
}
