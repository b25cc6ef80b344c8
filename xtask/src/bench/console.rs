//! `cargo xtask bench console`: what the console costs whoever looks, in a real browser. What is measured stands in `web/bench`.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::run as run_process;
use crate::repo::Repo;
use crate::{tools, web};

pub(super) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    if let Some(missing) = web::ensure(repo).into_iter().chain(tools::ensure(tools::FOR_LOOKING)).next() {
        bail!("{} is missing: {}", missing.name, missing.reason);
    }
    // The console is taken in when this is compiled.
    run_process(&mut repo.cargo(&["build", "--release", "--quiet", "-p", "windlass-cli"]))?;
    let mut command = Command::new("node");
    command.arg("bench/console.mjs").args(args).current_dir(repo.path("web"));
    run_process(command.env("WINDLASS_BIN", repo.target().join("release/windlass")))
}
