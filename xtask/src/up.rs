//! `cargo xtask up`: from a fresh checkout to a server, a fleet and a first run, in one command.

use std::os::unix::process::CommandExt as _;

use anyhow::{Context, Result};

use crate::process::{describe, run as run_process};
use crate::repo::Repo;
use crate::web;

pub(crate) const HELP: &str = "\
Builds the `windlass` command and starts `windlass up`: a server on 127.0.0.1:8380, six agents that have joined it, sample objects and a
first run, all on this machine and in `.windlass/up`. It says how to sign in and what to try; Ctrl-C ends all of it, and the next time it
goes on with what is there. What stands behind it is handed on: `cargo xtask up --nodes 50 --no-run`; `windlass help up` explains it.";

/// Below the checkout, where no commit finds it.
const DATA_DIR: &str = ".windlass/up";

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    if let Some(missing) = web::ensure(repo) {
        println!("without the console: {}: {}", missing.name, missing.reason);
    }
    println!("building windlass (the first time takes some minutes)");
    run_process(&mut repo.cargo(&["build", "--package", "windlass-cli"]))?;
    let binary = repo.target().join("debug/windlass");
    let mut up = repo.command(&binary.to_string_lossy());
    up.args(["up", "--data-dir", DATA_DIR]).args(args);
    println!("\n$ export PATH={}:$PATH\n$ {}", repo.target().join("debug").display(), describe(&up));
    // It takes the place of this process, so that Ctrl-C and its exit are its own.
    let error = up.exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}
