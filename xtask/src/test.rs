//! `cargo xtask test`: every test this machine can run; what it cannot run is named and counted as skipped.
//!
//! ```text
//! tools ──► doctests (cargo test --doc) ──► tests (nextest, else cargo test) ──► skipped: …  ──► N passed, N failed
//! ```
//! The tests come last so that their runner's summary is what one reads at the end. A test that cannot do its work
//! here appends `name: reason` to the file that `WINDLASS_SKIP_LOG` names, prints `SKIPPED: name: reason`, and returns.

mod counts;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::counts::Counts;
use crate::process::{Reported, describe, run as run_process, tee};
use crate::repo::{Repo, is_ci};
use crate::{kept, tools, web};

pub(crate) const HELP: &str = "\
Installs what the tests need where it may (Debian, as root), then runs the doctests and all tests: with cargo-nextest
where it is installed, with plain `cargo test` otherwise. Arguments go to the runner, and then only the runner's tests
run: `cargo xtask test -p windlass-engine w12`. `--doc` runs the doctests only.

A test that cannot run here is listed as `skipped: name: reason`. With CI=true a skip is a failure.";

const SKIP_LOG: &str = "WINDLASS_SKIP_LOG";
/// As `.config/nextest.toml` says; it does not follow `CARGO_TARGET_DIR`.
const NEXTEST_STORE: &str = "target/nextest";

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "--doc") {
        return run_process(&mut repo.cargo(&["test", "--workspace", "--doc"]));
    }
    let log = fresh_skip_log(repo)?;
    let missing = tools::ensure(tools::FOR_TESTS);
    let mut skipped: Vec<String> = missing
        .into_iter()
        .chain(kept::ensure(repo))
        .chain(web::ensure(repo))
        .map(|tool| format!("{}: {}", tool.name, tool.reason))
        .collect();

    let mut counts = Counts::default();
    let mut success = true;
    if args.is_empty() {
        success &= run_doctests(repo, &log, &mut counts)?;
    } else {
        build_agent(repo)?;
    }
    success &= run_tests(repo, args, &log, &mut counts)?;

    skipped.extend(read_skip_log(&log)?);
    for skip in &skipped {
        println!("skipped: {skip}");
    }
    counts.skip(skipped.len());
    if is_ci() && !skipped.is_empty() {
        println!("a skipped test is a failure here, because CI=true: make it possible to run, or remove it");
        success = false;
    }
    println!("{counts}");
    if success { Ok(()) } else { Err(Reported.into()) }
}

fn run_doctests(repo: &Repo, log: &Path, counts: &mut Counts) -> Result<bool> {
    let mut command = repo.cargo(&["test", "--workspace", "--doc", "--quiet", "--no-fail-fast"]);
    command.env(SKIP_LOG, log);
    println!("running `{}`", describe(&command));
    tee(&mut command, |line| counts.add_libtest_line(line))
}

/// Tests place the agent on hosts. Whoever runs all tests builds it with them; of a part of them nobody knows.
///
/// As the tests of the agent build it: so it is what a run of all tests would build, and nothing is built twice.
fn build_agent(repo: &Repo) -> Result<()> {
    println!("building the agent that tests place on hosts");
    run_process(&mut repo.cargo(&["test", "--workspace", "--no-run", "--quiet", "--test", "agent"]))
}

/// No `--workspace`: that is what cargo means without arguments, and `-p` in the arguments must be able to narrow it.
fn run_tests(repo: &Repo, args: &[String], log: &Path, counts: &mut Counts) -> Result<bool> {
    if !has_nextest(repo) {
        let mut command = repo.cargo(&["test", "--no-fail-fast"]);
        // Without arguments the doctests have already run.
        if args.is_empty() {
            command.arg("--tests");
        }
        command.args(args).env(SKIP_LOG, log);
        return tee(&mut command, |line| counts.add_libtest_line(line));
    }
    let profile = if is_ci() { "ci" } else { "default" };
    let mut command = repo.cargo(&["nextest", "run", "--no-tests=warn"]);
    command.args(["--profile", profile]).args(args).env(SKIP_LOG, log);
    let junit = repo.path(NEXTEST_STORE).join(profile).join("junit.xml");
    remove_if_present(&junit)?;
    let success = command.status().context("cannot start cargo-nextest")?.success();
    // Without the file nextest did not get as far as running tests, and has said why.
    if let Ok(xml) = std::fs::read_to_string(&junit) {
        counts.add_junit(&xml);
    }
    Ok(success)
}

fn has_nextest(repo: &Repo) -> bool {
    repo.cargo(&["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
}

fn fresh_skip_log(repo: &Repo) -> Result<PathBuf> {
    let log = repo.target().join("skipped.log");
    remove_if_present(&log)?;
    Ok(log)
}

fn read_skip_log(log: &Path) -> Result<Vec<String>> {
    match std::fs::read_to_string(log) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", log.display())),
    }
}

fn remove_if_present(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_are_read_line_by_line_and_none_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("skipped.log");
        assert_eq!(read_skip_log(&log).unwrap(), Vec::<String>::new());
        std::fs::write(&log, "a: no sshd\nb: no docker\n").unwrap();
        assert_eq!(read_skip_log(&log).unwrap(), ["a: no sshd", "b: no docker"]);
        remove_if_present(&log).unwrap();
        remove_if_present(&log).unwrap();
        assert!(!log.exists());
    }
}
